/* SPDX-License-Identifier: ISC */
#include "ledger/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum {
	NAME_MAX_LEN = 64,
	TEXT_MAX = 1000, /* bytes of a parameter; what Toggl says is cut to 300 characters in SQL */
	ITEMS_MAX = 50,
	NESTED_MAX = 5, /* sentences within sentences; our SQL needs three */
};

/* What a template is written with. */
struct writer {
	struct str params;
	struct buf *out;
	int depth;
};

static void write_sentence(struct str code, struct str params, struct buf *out, int depth);

static int by_code(const void *key, const void *row)
{
	return str_compare(*(const struct str *)key,
			   str_of(((const struct catalog_row *)row)->code));
}

const char *catalog_find(struct str code)
{
	const struct catalog_row *row = bsearch(&code, catalog_rows, catalog_count,
						sizeof(catalog_rows[0]), by_code);

	return row ? row->template : NULL;
}

/* ---- values */

/* C0 and DEL, C1 (which old terminals obey), and what turns the direction of a text. */
static size_t control_length(const unsigned char *at, size_t left)
{
	if (at[0] < ' ' || at[0] == 0x7f)
		return 1;
	if (left >= 2 && at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
		return 2;
	if (left < 3 || at[0] != 0xe2)
		return 0;
	/* U+200E, U+200F, U+2028 to U+202E; U+2066 to U+2069 */
	if (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
		return 3;
	return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9 ? 3 : 0;
}

static void write_safe(struct str text, struct buf *out)
{
	struct buf valid = { 0 };
	bool is_cut = text.len > TEXT_MAX;

	if (is_cut) {
		text.len = TEXT_MAX;
		while (text.len && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	utf8_add(&valid, text);
	for (size_t i = 0; i < valid.len;) {
		size_t len = control_length((const unsigned char *)valid.at + i, valid.len - i);

		buf_add_char(out, len ? ' ' : valid.at[i]);
		i += len ? len : 1;
	}
	if (is_cut)
		buf_add_text(out, "…");
	buf_done(&valid);
}

static bool ends_in(struct str name, const char *end)
{
	size_t len = strlen(end);

	return name.len >= len && memcmp(name.at + name.len - len, end, len) == 0;
}

/* "14:00:00 UTC", with the day in front when it is not today. */
static bool write_time(struct str text, struct buf *out)
{
	struct buf exact = { 0 }, now = { 0 };
	int64_t us;

	if (!clock_read(text, &us))
		return false;
	clock_write(&exact, us);
	clock_write(&now, clock_now_us());
	if (memcmp(exact.at, now.at, 10) != 0)
		buf_addf(out, "%.10s ", exact.at);
	buf_addf(out, "%.8s UTC", exact.at + 11);
	buf_done(&exact);
	buf_done(&now);
	return true;
}

/* In the unit that suits it: 40 seconds, 4 minutes, 5 hours, 3 days. */
static void write_duration(int64_t ms, struct buf *out)
{
	static const struct {
		int64_t below_s, unit_s;
		const char *name;
	} units[] = { { 90, 1, "second" },
		      { 5400, 60, "minute" },
		      { 172800, 3600, "hour" },
		      { INT64_MAX, 86400, "day" } };
	int64_t seconds = ms < 0 ? 0 : ms / 1000 + (ms % 1000 >= 500), count;
	size_t i = 0;

	while (seconds >= units[i].below_s)
		i++;
	count = seconds / units[i].unit_s +
		(seconds % units[i].unit_s * 2 >= units[i].unit_s && units[i].unit_s > 1);
	buf_addf(out, "%lld %s%s", (long long)count, units[i].name, count == 1 ? "" : "s");
}

static void write_size(int64_t bytes, struct buf *out)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_addf(out, "%lld byte%s", (long long)bytes, bytes == 1 ? "" : "s");
		return;
	}
	while (size >= 1024 && unit < 4) {
		size /= 1024;
		unit++;
	}
	buf_addf(out, "%.1f %s", size, units[unit]);
}

static void write_string(struct str name, struct json_value value, struct buf *out)
{
	struct buf text = { 0 };

	if (json_text(value, &text))
		buf_add_text(&text, "?");
	if (!((ends_in(name, "_at") || ends_in(name, "until")) && write_time(buf_str(&text), out)))
		write_safe(buf_str(&text), out);
	buf_done(&text);
}

static void write_number(struct str name, struct json_value value, struct buf *out)
{
	int64_t number;

	if (!json_int(value, &number))
		write_safe(value.raw, out);
	else if (ends_in(name, "_seconds"))
		write_duration(number > INT64_MAX / 1000 ? INT64_MAX : number * 1000, out);
	else if (ends_in(name, "_ms"))
		write_duration(number, out);
	else if (ends_in(name, "_bytes"))
		write_size(number, out);
	else
		write_safe(value.raw, out);
}

/* The code of an object, appended to *code. */
static bool read_code(struct str object, struct buf *code)
{
	static const struct json_want want = { .outer = "code" };
	struct json_value found = { 0 };

	return json_scan(object, &want, &found, 1, NULL) == ERR_NONE &&
	       json_text(found, code) == ERR_NONE;
}

static void write_object(struct str object, struct buf *out, int depth)
{
	struct buf code = { 0 };

	if (depth < NESTED_MAX && read_code(object, &code))
		write_sentence(buf_str(&code), object, out, depth + 1);
	else
		write_safe(object, out);
	buf_done(&code);
}

static void write_value(struct str name, struct json_value value, struct buf *out, int depth);

static void write_list(struct str name, struct str list, struct buf *out, int depth)
{
	struct json_value item;

	for (int i = 0; json_next(&list, &item); i++) {
		if (i == ITEMS_MAX) {
			buf_add_text(out, ", …");
			return;
		}
		if (i > 0)
			buf_add_text(out, item.kind == JSON_OBJECT ? "; " : ", ");
		write_value(name, item, out, depth);
	}
}

static void write_value(struct str name, struct json_value value, struct buf *out, int depth)
{
	switch (value.kind) {
	case JSON_ABSENT:
	case JSON_NULL:
		buf_add_char(out, '?');
		break;
	case JSON_STRING:
		write_string(name, value, out);
		break;
	case JSON_NUMBER:
		write_number(name, value, out);
		break;
	case JSON_OBJECT:
		write_object(value.raw, out, depth);
		break;
	case JSON_ARRAY:
		if (depth < NESTED_MAX) {
			write_list(name, value.raw, out, depth + 1);
			break;
		}
		write_safe(value.raw, out);
		break;
	case JSON_BOOL:
		write_safe(value.raw, out);
		break;
	}
}

/* ---- templates */

static struct json_value param(const struct writer *w, struct str name)
{
	char key[NAME_MAX_LEN] = "";
	struct json_want want = { .outer = key };
	struct json_value found = { 0 };

	if (name.len < sizeof(key) && w->params.len) {
		memcpy(key, name.at, name.len);
		if (json_scan(w->params, &want, &found, 1, NULL))
			found.kind = JSON_ABSENT;
	}
	return found;
}

/* Up to the brace that closes the one in front of `text`. */
static struct str inside(struct str text)
{
	size_t open = 1;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\'' && i + 1 < text.len && strchr("{}", text.at[i + 1])) {
			const char *end = memchr(text.at + i + 1, '\'', text.len - i - 1);

			i = end ? (size_t)(end - text.at) : text.len - 1;
			continue;
		}
		open += text.at[i] == '{';
		open -= text.at[i] == '}';
		if (open == 0)
			return (struct str){ .at = text.at, .len = i };
	}
	return text;
}

static struct str trim(struct str text)
{
	while (text.len && strchr(" \t\n", text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && strchr(" \t\n", text.at[text.len - 1]))
		text.len--;
	return text;
}

static void write_template(const struct writer *w, struct str text, struct str number);

/* The branch of this name; false: there is none. */
static bool find_branch(struct str branches, struct str name, struct str *found)
{
	for (;;) {
		struct str key = trim(str_cut(&branches, '{'));

		if (!branches.len)
			return false;
		*found = inside(branches);
		if (str_equal(key, name))
			return true;
		if (found->len == branches.len)
			return false;
		branches.at += found->len + 1;
		branches.len -= found->len + 1;
	}
}

/* What # stands for. */
static struct str digits(struct json_value value)
{
	if (value.kind == JSON_ABSENT || value.kind == JSON_NULL)
		return str_of("?");
	if (value.kind == JSON_STRING)
		return (struct str){ .at = value.raw.at + 1, .len = value.raw.len - 2 };
	return value.raw;
}

static bool find_plural(struct str branches, struct json_value value, struct str *found)
{
	char exact[32];
	int64_t number = 0;

	if (json_int(value, &number)) {
		snprintf(exact, sizeof(exact), "=%lld", (long long)number);
		if (find_branch(branches, str_of(exact), found))
			return true;
		if (number == 1 && find_branch(branches, str_of("one"), found))
			return true;
	}
	return find_branch(branches, str_of("other"), found);
}

static bool find_select(struct str branches, struct json_value value, struct str *found)
{
	struct buf text = { 0 };
	bool is_there = value.kind != JSON_ABSENT && value.kind != JSON_NULL, has;

	if (!is_there)
		buf_add_text(&text, "none");
	else if (json_text(value, &text))
		buf_add_str(&text, value.raw);
	has = find_branch(branches, buf_str(&text), found) ||
	      find_branch(branches, str_of("other"), found);
	buf_done(&text);
	return has;
}

/* What stands between two braces. */
static void write_placeholder(const struct writer *w, struct str text)
{
	struct str name = trim(str_cut(&text, ',')), kind = trim(str_cut(&text, ',')), branch;
	struct json_value value = param(w, name);

	if (!kind.len)
		write_value(name, value, w->out, w->depth);
	else if (str_is(kind, "plural") && find_plural(text, value, &branch))
		write_template(w, branch, digits(value));
	else if (str_is(kind, "select") && find_select(text, value, &branch))
		write_template(w, branch, (struct str){ 0 });
}

/* `number`: what # stands for; at == NULL: for itself. */
static void write_template(const struct writer *w, struct str text, struct str number)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i], next = i + 1 < text.len ? text.at[i + 1] : '\0';

		if (c == '\'' && (next == '{' || next == '}')) {
			for (i++; i < text.len && text.at[i] != '\''; i++)
				buf_add_char(w->out, text.at[i]);
		} else if (c == '{') {
			struct str rest = { .at = text.at + i + 1, .len = text.len - i - 1 },
				   inner = inside(rest);

			write_placeholder(w, inner);
			i += inner.len + 1;
		} else if (c == '#' && number.at) {
			write_safe(number, w->out);
		} else {
			buf_add_char(w->out, c);
		}
	}
}

static void write_sentence(struct str code, struct str params, struct buf *out, int depth)
{
	struct writer w = { .params = params, .out = out, .depth = depth };
	const char *template = catalog_find(code);

	if (template) {
		write_template(&w, str_of(template), (struct str){ 0 });
		return;
	}
	write_safe(code, out);
	if (params.len) {
		buf_add_char(out, ' ');
		write_safe(params, out);
	}
}

void catalog_write(struct str code, struct str params, struct buf *out)
{
	write_sentence(code, params, out, 0);
}

void catalog_write_template(const char *template, struct str params, struct buf *out)
{
	struct writer w = { .params = params, .out = out };

	write_template(&w, str_of(template), (struct str){ 0 });
}

void catalog_begin(struct buf *json, const char *code)
{
	buf_add_char(json, '{');
	json_put_text(json, "code", str_of(code));
}

/* Text of a string that stands alone; what is none stays as it is. */
static void write_alone(struct str json, struct buf *out)
{
	struct json_value item;
	struct buf list = { 0 };
	struct str rest;

	buf_add_char(&list, '[');
	buf_add_str(&list, json);
	rest = buf_str(&list);
	if (json_next(&rest, &item) && item.kind == JSON_STRING && !rest.len)
		write_value(str_of(""), item, out, 0);
	else
		write_safe(json, out);
	buf_done(&list);
}

void catalog_write_json(struct str json, struct buf *out)
{
	struct json_value item;
	struct buf code = { 0 };

	if (str_starts(json, "[")) {
		for (int i = 0; json_next(&json, &item); i++) {
			if (i > 0)
				buf_add_char(out, '\n');
			write_value(str_of(""), item, out, 0);
		}
	} else if (read_code(json, &code)) {
		write_sentence(buf_str(&code), json, out, 0);
	} else {
		write_alone(json, out);
	}
	buf_done(&code);
}
