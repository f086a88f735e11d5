/* SPDX-License-Identifier: ISC */
#include "ledger/chat.h"

#include <string.h>

#include "base/json.h"

enum {
	/* ntfy turns more than 4,096 bytes into an attachment; Google Chat accepts 4,096
	   characters, Slack advises 4,000, Mattermost's default is 16,383 */
	TEXT_MAX = 3900,
	DISCORD_MAX = 1900, /* of 2,000 characters */
	NTFY_URGENT = 5,
	NTFY_HIGH = 4,
	NTFY_DEFAULT = 3,
};

/* An invisible character that breaks a mention in two. */
static const char ZERO_WIDTH_SPACE[] = "\xe2\x80\x8b";

struct service {
	const char *kind;
	void (*write)(const struct service *service, struct str target,
		      const struct chat_message *message, struct buf *body);
	void (*escape)(struct buf *out, struct str text);
	size_t text_max;
};

/* ---- text */

static struct str skip(struct str text, size_t bytes)
{
	return (struct str){ .at = text.at + bytes, .len = text.len - bytes };
}

/* Never cuts a character of UTF-8. */
static struct str cut(struct str text, size_t max)
{
	size_t len = max;

	if (text.len <= max)
		return text;
	while (len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
		len--;
	return (struct str){ .at = text.at, .len = len };
}

/* Slack: three characters are markup, also inside links and mentions. */
static void escape_slack(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '&')
			buf_add_text(out, "&amp;");
		else if (text.at[i] == '<')
			buf_add_text(out, "&lt;");
		else if (text.at[i] == '>')
			buf_add_text(out, "&gt;");
		else
			buf_add_char(out, text.at[i]);
	}
}

/* Google Chat has no escapes: an invisible character breaks mentions and links. */
static void escape_google(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		buf_add_char(out, text.at[i]);
		if (text.at[i] == '<')
			buf_add_text(out, ZERO_WIDTH_SPACE);
	}
}

/* A link must stay usable; it ends at the next blank. */
static size_t link_length(struct str text)
{
	size_t len = 0;

	if (!str_starts(text, "https://") && !str_starts(text, "http://"))
		return 0;
	while (len < text.len && !strchr(" \t\r\n<>`\"", text.at[len]))
		len++;
	return len;
}

static void escape_markdown(struct buf *out, struct str text)
{
	while (text.len) {
		size_t link = link_length(text);

		if (link) {
			buf_add_str(out, cut(text, link));
			text = skip(text, link);
			continue;
		}
		if (text.at[0] && strchr("\\`*_~[]<>|#", text.at[0]))
			buf_add_char(out, '\\');
		buf_add_char(out, text.at[0]);
		/* @here, @all and others */
		if (text.at[0] == '@')
			buf_add_text(out, ZERO_WIDTH_SPACE);
		text = skip(text, 1);
	}
}

static void escape_nothing(struct buf *out, struct str text)
{
	buf_add_str(out, text);
}

/* Cuts before it escapes, so that no escape is cut. */
static void add_text(const struct service *service, const struct chat_message *message,
		     struct buf *out)
{
	struct str text = cut(message->text, service->text_max);

	service->escape(out, text);
	if (text.len < message->text.len)
		buf_add_text(out, "\n… (cut; the admin page has all of it)");
}

static void add_subject_and_text(const struct service *service, const struct chat_message *message,
				 struct buf *out)
{
	service->escape(out, message->subject);
	buf_add_text(out, "\n\n");
	add_text(service, message, out);
}

/* ---- services */

static void write_text(const struct service *service, struct str target,
		       const struct chat_message *message, struct buf *body)
{
	struct buf text = { 0 };

	(void)target;
	add_subject_and_text(service, message, &text);
	buf_add_char(body, '{');
	json_put_text(body, "text", buf_str(&text));
	buf_add_char(body, '}');
	buf_done(&text);
}

static void write_discord(const struct service *service, struct str target,
			  const struct chat_message *message, struct buf *body)
{
	struct buf text = { 0 };

	(void)target;
	add_subject_and_text(service, message, &text);
	buf_add_char(body, '{');
	json_put_text(body, "content", cut(buf_str(&text), DISCORD_MAX));
	json_key(body, "allowed_mentions");
	buf_add_text(body, "{\"parse\":[]}}");
	buf_done(&text);
}

static void add_block(struct buf *body, struct str text, bool is_heading)
{
	buf_add_char(body, '{');
	json_put_text(body, "type", str_of("TextBlock"));
	json_put_text(body, "text", text);
	json_put_bool(body, "wrap", true);
	if (is_heading)
		json_put_text(body, "weight", str_of("Bolder"));
	buf_add_char(body, '}');
}

/* An adaptive card. Its text blocks ignore line ends, so each line is a block. */
static void write_teams(const struct service *service, struct str target,
			const struct chat_message *message, struct buf *body)
{
	struct buf subject = { 0 }, lines = { 0 };
	struct str rest;

	(void)target;
	service->escape(&subject, message->subject);
	add_text(service, message, &lines);
	rest = buf_str(&lines);
	buf_add_text(body, "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/"
			   "vnd.microsoft.card.adaptive\","
			   "\"contentUrl\":null,\"content\":{\"$schema\":\"http://adaptivecards.io/"
			   "schemas/adaptive-card.json\","
			   "\"type\":\"AdaptiveCard\",\"version\":\"1.2\",\"body\":[");
	add_block(body, buf_str(&subject), true);
	while (rest.len) {
		struct str line = str_trim(str_cut(&rest, '\n'));

		if (line.len) {
			buf_add_char(body, ',');
			add_block(body, line, false);
		}
	}
	buf_add_text(body, "]}}]}");
	buf_done(&subject);
	buf_done(&lines);
}

/* The topic in an ntfy URL: the last part of its path, before any query. */
static struct str ntfy_topic(struct str target)
{
	const char *query = memchr(target.at, '?', target.len);
	struct str path = { .at = target.at,
			    .len = query ? (size_t)(query - target.at) : target.len };
	size_t start;

	while (path.len && path.at[path.len - 1] == '/')
		path.len--;
	for (start = path.len; start && path.at[start - 1] != '/';)
		start--;
	return skip(path, start);
}

static void write_ntfy(const struct service *service, struct str target,
		       const struct chat_message *message, struct buf *body)
{
	bool is_trouble = str_is(message->status, "trouble"),
	     is_warning = str_is(message->status, "warning");
	struct buf text = { 0 };

	add_text(service, message, &text);
	buf_add_char(body, '{');
	json_put_text(body, "topic", ntfy_topic(target));
	json_put_text(body, "title", message->subject);
	json_put_text(body, "message", buf_str(&text));
	json_put_int(body, "priority",
		     is_trouble	  ? NTFY_URGENT
		     : is_warning ? NTFY_HIGH
				  : NTFY_DEFAULT);
	json_key(body, "tags");
	buf_add_text(body, is_trouble	? "[\"rotating_light\"]"
			   : is_warning ? "[\"warning\"]"
					: "[\"white_check_mark\"]");
	if (message->page.len)
		json_put_text(body, "click", message->page);
	buf_add_char(body, '}');
	buf_done(&text);
}

static const struct service services[] = {
	{ "slack", write_text, escape_slack, TEXT_MAX },
	{ "mattermost", write_text, escape_markdown, TEXT_MAX },
	{ "googlechat", write_text, escape_google, TEXT_MAX - 400 }, /* without the subject */
	{ "discord", write_discord, escape_markdown,
	  DISCORD_MAX / 2 }, /* each character may be escaped */
	{ "teams", write_teams, escape_markdown, TEXT_MAX },
	{ "ntfy", write_ntfy, escape_nothing, TEXT_MAX },
};

static const struct service *by_kind(struct str kind)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_is(kind, services[i].kind))
			return &services[i];
	return NULL;
}

bool chat_is_kind(struct str kind)
{
	return by_kind(kind);
}

void chat_write(struct str kind, struct str target, const struct chat_message *message,
		struct buf *body)
{
	const struct service *service = by_kind(kind);

	if (service)
		service->write(service, target, message, body);
}

void chat_url(struct str kind, struct str target, struct buf *url)
{
	struct str topic;

	if (!str_is(kind, "ntfy")) {
		buf_add_str(url, target);
		return;
	}
	topic = ntfy_topic(target);
	buf_add_str(url, cut(target, (size_t)(topic.at - target.at)));
	target = skip(target, (size_t)(topic.at - target.at) + topic.len);
	while (target.len && target.at[0] == '/')
		target = skip(target, 1);
	buf_add_str(url, target);
}

/* The older connectors of Teams answer 200 also when they refused the card. */
bool chat_is_refused(struct str kind, struct str answer)
{
	return str_is(kind, "teams") && str_starts(answer, "Webhook message delivery failed");
}
