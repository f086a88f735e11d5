/* SPDX-License-Identifier: ISC */
#include "ledger/alert_text.h"

#include "base/json.h"
#include "ledger/catalog.h"

enum {
	LINES_MAX = 50, /* findings of each sort in a text; a webhook's body has all */
};

/* What was given, each as it stands in the JSON. */
struct content {
	struct json_value timestamp, test, status, page, changes, findings, heading;
	struct buf page_text;
};

struct finding {
	struct json_value kind, level, subject, message, since, link, change;
};

static void scan(struct str json, const struct json_want *want, struct json_value *found,
		 size_t count)
{
	if (json_scan(json, want, found, count, NULL))
		for (size_t i = 0; i < count; i++)
			found[i] = (struct json_value){ 0 };
}

/* Nothing when it is no string. */
static void add_plain(struct json_value value, struct buf *out)
{
	if (json_text(value, out))
		return;
}

static void read_content(struct content *content, struct str json)
{
	static const struct json_want want[] = {
		{ .outer = "timestamp" }, { .outer = "test" },	  { .outer = "status" },
		{ .outer = "page" },	  { .outer = "changes" }, { .outer = "findings" },
		{ .outer = "heading" },
	};
	struct json_value found[sizeof(want) / sizeof(want[0])] = { 0 };

	scan(json, want, found, sizeof(want) / sizeof(want[0]));
	*content = (struct content){ .timestamp = found[0],
				     .test = found[1],
				     .status = found[2],
				     .page = found[3],
				     .changes = found[4],
				     .findings = found[5],
				     .heading = found[6] };
	add_plain(content->page, &content->page_text);
}

/* The next of a list; false: there is no more. */
static bool next_finding(struct str *list, struct finding *finding)
{
	static const struct json_want want[] = {
		{ .outer = "kind" },	{ .outer = "level" }, { .outer = "subject" },
		{ .outer = "message" }, { .outer = "since" }, { .outer = "link" },
		{ .outer = "change" },
	};
	struct json_value found[sizeof(want) / sizeof(want[0])] = { 0 }, item;

	if (!json_next(list, &item))
		return false;
	scan(item.raw, want, found, sizeof(want) / sizeof(want[0]));
	*finding = (struct finding){ .kind = found[0],
				     .level = found[1],
				     .subject = found[2],
				     .message = found[3],
				     .since = found[4],
				     .link = found[5],
				     .change = found[6] };
	return true;
}

static bool is_word(struct json_value value, const char *word)
{
	struct buf text = { 0 };
	bool same = json_text(value, &text) == ERR_NONE && str_is(buf_str(&text), word);

	buf_done(&text);
	return same;
}

static void add_todo(struct str message, struct buf *out)
{
	static const struct json_want want = { .outer = "code" };
	struct json_value code = { 0 };
	struct buf todo = { 0 };

	scan(message, &want, &code, 1);
	if (json_text(code, &todo) == ERR_NONE) {
		buf_add_text(&todo, ".todo");
		catalog_write(buf_str(&todo), message, out);
	}
	buf_done(&todo);
}

static void add_link(const struct content *content, const struct finding *finding, struct buf *out)
{
	buf_add_str(out, buf_str(&content->page_text));
	add_plain(finding->link, out);
}

/* ---- the subject */

/* What is over is news only where nothing else is. */
static void add_heading(const struct content *content, struct buf *out)
{
	struct str list = content->changes.raw;
	struct finding finding, first = { 0 };
	bool is_trouble = false, is_worse = false;
	int news = 0, over = 0;

	while (next_finding(&list, &finding)) {
		bool is_over = is_word(finding.change, "over");

		if ((news == 0 && !is_over) || news + over == 0)
			first = finding;
		news += !is_over;
		over += is_over;
		is_trouble = is_trouble || (!is_over && is_word(finding.level, "trouble"));
		is_worse = is_worse || is_word(finding.change, "worse");
	}
	if (!news && is_word(content->status, "well")) {
		buf_add_text(out, "all is well again");
		return;
	}
	buf_add_text(out, !news ? "over: " : is_trouble || is_worse ? "trouble: " : "warning: ");
	catalog_write_json(first.message.raw, out);
	if ((news ? news : over) > 1)
		buf_addf(out, " (and %d more)", (news ? news : over) - 1);
}

static void write_subject(const struct content *content, struct buf *out)
{
	buf_add_text(out, "hookledger: ");
	if (content->heading.kind == JSON_OBJECT)
		catalog_write_json(content->heading.raw, out);
	else if (str_is(content->test.raw, "true"))
		buf_add_text(out, "this is a test");
	else
		add_heading(content, out);
}

/* ---- the text */

static void add_news(const struct content *content, struct buf *out)
{
	struct str list = content->changes.raw;
	struct finding finding;
	int count = 0;

	while (count < LINES_MAX && next_finding(&list, &finding)) {
		if (is_word(finding.change, "over"))
			continue;
		count++;
		buf_add_text(out, is_word(finding.level, "trouble") ? "TROUBLE: " : "WARNING: ");
		catalog_write_json(finding.message.raw, out);
		buf_add_text(out, "\n  ");
		add_todo(finding.message.raw, out);
		/* a link that leads to no view says nothing */
		if (content->page_text.len && finding.link.raw.len > 2) {
			buf_add_text(out, "\n  ");
			add_link(content, &finding, out);
		}
		buf_add_text(out, "\n\n");
	}
}

static void add_over(const struct content *content, struct buf *out)
{
	struct str list = content->changes.raw;
	struct finding finding;
	int count = 0;

	while (count < LINES_MAX && next_finding(&list, &finding)) {
		if (!is_word(finding.change, "over"))
			continue;
		count++;
		buf_add_text(out, "OVER: ");
		catalog_write_json(finding.message.raw, out);
		buf_add_text(out, "\n\n");
	}
}

static void add_all(const struct content *content, struct buf *out)
{
	struct str list = content->findings.raw;
	struct finding finding;
	bool is_test = str_is(content->test.raw, "true");
	int count;

	for (count = 0; count < LINES_MAX && next_finding(&list, &finding); count++) {
		if (count == 0)
			buf_add_text(out, is_test ? "Now:\n" : "All that is not well now:\n");
		buf_add_text(out, "- ");
		catalog_write_json(finding.message.raw, out);
		buf_add_char(out, '\n');
	}
	if (count == 0)
		buf_add_text(out, "All is well now.\n");
}

static void write_text(const struct content *content, struct buf *out)
{
	if (str_is(content->test.raw, "true"))
		buf_add_text(out, "This is a test: somebody asked hookledger to send it. When "
				  "something is wrong, a message like this one comes.\n\n");
	add_news(content, out);
	add_over(content, out);
	if (content->heading.kind == JSON_OBJECT)
		buf_add_text(out, "hookledger will say when it is over.\n");
	else
		add_all(content, out);
	if (content->page_text.len)
		buf_addf(out, "\n%s\n", buf_text(&content->page_text));
}

/* ---- the body of a webhook */

static void put_raw(struct buf *out, const char *key, struct json_value value)
{
	json_key(out, key);
	buf_add_str(out, value.kind == JSON_ABSENT ? str_of("null") : value.raw);
}

static void put_findings(const struct content *content, const char *key, struct str list,
			 struct buf *out)
{
	struct finding finding;
	struct buf text = { 0 };

	json_key(out, key);
	buf_add_char(out, '[');
	for (int count = 0; next_finding(&list, &finding); count++) {
		buf_add_text(out, count ? ",{" : "{");
		if (finding.change.kind != JSON_ABSENT)
			put_raw(out, "change", finding.change);
		put_raw(out, "kind", finding.kind);
		put_raw(out, "level", finding.level);
		put_raw(out, "subject", finding.subject);
		buf_clear(&text);
		catalog_write_json(finding.message.raw, &text);
		json_put_text(out, "words", buf_str(&text));
		buf_clear(&text);
		add_todo(finding.message.raw, &text);
		json_put_text(out, "todo", buf_str(&text));
		put_raw(out, "since", finding.since);
		buf_clear(&text);
		add_link(content, &finding, &text);
		json_put_text(out, "link", (struct str){ buf_text(&text), text.len });
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	buf_done(&text);
}

static void write_body(const struct content *content, struct str subject, struct buf *out)
{
	buf_add_char(out, '{');
	json_put_text(out, "type", str_of("hookledger.findings"));
	put_raw(out, "timestamp", content->timestamp);
	put_raw(out, "test", content->test);
	put_raw(out, "status", content->status);
	json_put_text(out, "subject", subject);
	put_findings(content, "changes", content->changes.raw, out);
	put_findings(content, "findings", content->findings.raw, out);
	buf_add_char(out, '}');
}

void alert_text_write(struct alert_text *text, struct str json)
{
	struct content content;

	alert_text_done(text);
	read_content(&content, json);
	add_plain(content.status, &text->status);
	write_subject(&content, &text->subject);
	write_text(&content, &text->text);
	write_body(&content, buf_str(&text->subject), &text->body);
	buf_done(&content.page_text);
}

void alert_text_done(struct alert_text *text)
{
	buf_done(&text->subject);
	buf_done(&text->text);
	buf_done(&text->status);
	buf_done(&text->body);
}
