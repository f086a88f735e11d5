/* SPDX-License-Identifier: ISC */
/* A scanner of our own beside json-c, because it runs once for every callback. json-c takes 11
   us and 130 allocations for a callback of 1 kB, accepts more than PostgreSQL does (single
   quotes, NaN) and clamps large integers. This one takes 2 us and allocates nothing. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	KEY_MAX = 64, /* a key with escapes is compared only up to this length */
	WANTS_MAX = 32,
};

struct scan {
	const unsigned char *at, *end;
	const struct json_want *want;
	struct json_value *found;
	size_t count;
	/* lengths of the wanted names: nearly every other key has a different length */
	size_t outer_len[WANTS_MAX], inner_len[WANTS_MAX];
	bool has_escape; /* of the string that was scanned last */
};

/* Bytes that may stand in a string as they are: printable ASCII without quote and backslash. All
   other bytes are checked one by one. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same for eight bytes at once; measured 1.9 times as fast on callbacks, which are mostly
   text. Each part of the sum is a zero-byte test; a set high bit means a byte below 0x20, a
   quote, a backslash or a byte above ASCII. */
static bool are_plain(const unsigned char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t bytes, quote, slash;

	memcpy(&bytes, at, sizeof(bytes));
	quote = bytes ^ ones * '"';
	slash = bytes ^ ones * '\\';
	return ((bytes | (bytes - ones * 0x20) | (quote - ones) | (slash - ones)) & highs) == 0;
}

/* Length of the valid UTF-8 sequence at `at`, 0 when there is none. */
static size_t utf8_length(const unsigned char *at, const unsigned char *end)
{
	size_t left = (size_t)(end - at);
	unsigned char c = at[0], low = 0x80, high = 0xbf;
	size_t len;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		len = 2;
	else if (c >= 0xe0 && c <= 0xef)
		len = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		len = 4;
	else
		return 0;
	if (left < len)
		return 0;
	/* the range of the second byte excludes overlong forms, surrogates and > U+10FFFF */
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return len;
}

bool utf8_is_valid(struct str text)
{
	const unsigned char *at = (const unsigned char *)text.at, *end = at + text.len;

	while (at < end) {
		size_t len = utf8_length(at, end);

		if (len == 0)
			return false;
		at += len;
	}
	return true;
}

void utf8_add(struct buf *out, struct str text)
{
	const unsigned char *at = (const unsigned char *)text.at, *end = at + text.len;

	while (at < end) {
		size_t len = utf8_length(at, end);

		if (len)
			buf_add(out, at, len);
		else
			buf_add_text(out, "\xef\xbf\xbd");
		at += len ? len : 1;
	}
}

void utf8_add_line(struct buf *out, struct str text)
{
	size_t start = out->len;

	utf8_add(out, text);
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)out->at[i] < ' ' || out->at[i] == 0x7f)
			out->at[i] = ' ';
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool is_digit(const struct scan *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static int hex_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool scan_escape(struct scan *s)
{
	s->at++;
	if (s->at == s->end)
		return false;
	if (*s->at != 'u') {
		if (!strchr("\"\\/bfnrt", *s->at) || *s->at == '\0')
			return false;
		s->at++;
		return true;
	}
	s->at++;
	for (int i = 0; i < 4; i++, s->at++)
		if (s->at == s->end || hex_of(*s->at) < 0)
			return false;
	return true;
}

static bool scan_string(struct scan *s)
{
	s->at++;
	s->has_escape = false;
	for (;;) {
		while (s->end - s->at >= 8 && are_plain(s->at))
			s->at += 8;
		while (s->at < s->end && is_plain(*s->at))
			s->at++;
		if (s->at == s->end || *s->at < 0x20)
			return false;
		if (*s->at == '"') {
			s->at++;
			return true;
		}
		if (*s->at == '\\') {
			s->has_escape = true;
			if (!scan_escape(s))
				return false;
		} else {
			size_t len = utf8_length(s->at, s->end);

			if (len == 0)
				return false;
			s->at += len;
		}
	}
}

static bool scan_number(struct scan *s)
{
	if (*s->at == '-')
		s->at++;
	if (!is_digit(s))
		return false;
	if (*s->at == '0')
		s->at++;
	else
		while (is_digit(s))
			s->at++;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!is_digit(s))
			return false;
		while (is_digit(s))
			s->at++;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!is_digit(s))
			return false;
		while (is_digit(s))
			s->at++;
	}
	return true;
}

static bool scan_word(struct scan *s, const char *bytes)
{
	size_t len = strlen(bytes);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, bytes, len) != 0)
		return false;
	s->at += len;
	return true;
}

static bool key_is(const struct scan *s, struct str raw, const char *wanted, size_t len)
{
	struct json_value key = { .kind = JSON_STRING, .raw = raw };
	struct buf plain = { 0 };
	bool same;

	if (!s->has_escape)
		return raw.len == len + 2 && memcmp(raw.at + 1, wanted, len) == 0;
	if (raw.len > KEY_MAX * 6 + 2)
		return false;
	same = json_text(key, &plain) == ERR_NONE && str_is(buf_str(&plain), wanted);
	buf_done(&plain);
	return same;
}

static bool scan_value(struct scan *s, const char *outer, int depth, enum json_kind *kind);

/* Which of the wanted values the member `key` is. At depth 1 `outer` is NULL, and *inside
   gets the name that members inside it belong to. */
static struct json_value *wanted(struct scan *s, struct str key, const char *outer, int depth,
				 const char **inside)
{
	struct json_value *target = NULL;

	for (size_t i = 0; i < s->count; i++) {
		const struct json_want *want = &s->want[i];

		if (depth == 1) {
			if (!key_is(s, key, want->outer, s->outer_len[i]))
				continue;
			*inside = want->outer;
			/* a second member of the same name replaces the first one and everything
			   found in it */
			s->found[i] = (struct json_value){ 0 };
			if (!want->inner)
				target = &s->found[i];
		} else if (want->inner && key_is(s, key, want->inner, s->inner_len[i]) &&
			   strcmp(outer, want->outer) == 0) {
			target = &s->found[i];
		}
	}
	return target;
}

static bool scan_member(struct scan *s, const char *outer, int depth)
{
	const unsigned char *from = s->at;
	struct json_value *target = NULL;
	const char *inside = NULL;
	enum json_kind kind;

	if (s->at == s->end || *s->at != '"' || !scan_string(s))
		return false;
	if (depth == 1 || outer)
		target = wanted(s, (struct str){ (const char *)from, (size_t)(s->at - from) },
				outer, depth, &inside);
	skip_space(s);
	if (s->at == s->end || *s->at != ':')
		return false;
	s->at++;
	skip_space(s);
	from = s->at;
	if (!scan_value(s, depth == 1 ? inside : NULL, depth, &kind))
		return false;
	if (target)
		*target = (struct json_value){
			.kind = kind,
			.raw = { (const char *)from, (size_t)(s->at - from) },
		};
	return true;
}

static bool scan_container(struct scan *s, const char *outer, int depth, bool is_object)
{
	unsigned char close = is_object ? '}' : ']';
	enum json_kind kind;

	s->at++;
	skip_space(s);
	if (s->at < s->end && *s->at == close) {
		s->at++;
		return true;
	}
	for (;;) {
		bool fine = is_object ? scan_member(s, outer, depth)
				      : scan_value(s, NULL, depth, &kind);

		if (!fine)
			return false;
		skip_space(s);
		if (s->at == s->end)
			return false;
		if (*s->at == close) {
			s->at++;
			return true;
		}
		if (*s->at != ',')
			return false;
		s->at++;
		skip_space(s);
	}
}

static bool scan_value(struct scan *s, const char *outer, int depth, enum json_kind *kind)
{
	if (s->at == s->end)
		return false;
	switch (*s->at) {
	case '{':
		*kind = JSON_OBJECT;
		return depth < JSON_DEPTH_MAX && scan_container(s, outer, depth + 1, true);
	case '[':
		*kind = JSON_ARRAY;
		return depth < JSON_DEPTH_MAX && scan_container(s, NULL, depth + 1, false);
	case '"':
		*kind = JSON_STRING;
		return scan_string(s);
	case 't':
		*kind = JSON_BOOL;
		return scan_word(s, "true");
	case 'f':
		*kind = JSON_BOOL;
		return scan_word(s, "false");
	case 'n':
		*kind = JSON_NULL;
		return scan_word(s, "null");
	default:
		*kind = JSON_NUMBER;
		return scan_number(s);
	}
}

enum err json_scan(struct str text, const struct json_want *want, struct json_value *found,
		   size_t count, size_t *where)
{
	const unsigned char *from = (const unsigned char *)(text.at ? text.at : "");
	struct scan s = {
		.at = from, .end = from + text.len, .want = want, .found = found, .count = count
	};
	enum json_kind kind;
	bool fine;

	if (count > WANTS_MAX)
		abort();
	for (size_t i = 0; i < count; i++) {
		found[i] = (struct json_value){ 0 };
		s.outer_len[i] = strlen(want[i].outer);
		s.inner_len[i] = want[i].inner ? strlen(want[i].inner) : 0;
	}
	skip_space(&s);
	fine = s.at < s.end && *s.at == '{' && scan_value(&s, NULL, 0, &kind);
	if (fine)
		skip_space(&s);
	if (fine && s.at == s.end)
		return ERR_NONE;
	if (where)
		*where = (size_t)(s.at - from);
	return ERR_INPUT;
}

bool json_next(struct str *rest, struct json_value *item)
{
	const unsigned char *from = (const unsigned char *)(rest->at ? rest->at : "");
	struct scan s = { .at = from, .end = from + rest->len };

	skip_space(&s);
	if (s.at == s.end || (*s.at != '[' && *s.at != ','))
		return false;
	s.at++;
	skip_space(&s);
	from = s.at;
	if (!scan_value(&s, NULL, 1, &item->kind))
		return false;
	item->raw = (struct str){ .at = (const char *)from, .len = (size_t)(s.at - from) };
	*rest = (struct str){ .at = (const char *)s.at, .len = (size_t)(s.end - s.at) };
	return true;
}

bool json_int(struct json_value value, int64_t *number)
{
	struct str digits = value.raw;

	if (value.kind == JSON_STRING && digits.len >= 2) {
		digits.at++;
		digits.len -= 2;
	} else if (value.kind != JSON_NUMBER) {
		return false;
	}
	return str_int(digits, number);
}

static unsigned four_digits(const char *at)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (unsigned)hex_of((unsigned char)at[i]);
	return value;
}

static void add_utf8(struct buf *out, unsigned code)
{
	char bytes[4];
	size_t len;

	if (code < 0x80) {
		bytes[0] = (char)code;
		len = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		len = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		len = 3;
	} else {
		bytes[0] = (char)(0xf0 | code >> 18);
		len = 4;
	}
	for (size_t i = 1; i < len; i++)
		bytes[i] = (char)(0x80 | (code >> (6 * (len - 1 - i)) & 0x3f));
	buf_add(out, bytes, len);
}

/* One escape; `at` points to the backslash. Returns its length, 0 when it is no character that a
   text may contain. The scanner has checked the digits. */
static size_t add_escape(struct buf *out, const char *at, const char *end)
{
	static const char plain[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	unsigned code, low;

	if (at[1] != 'u') {
		buf_add_char(out, means[strchr(plain, at[1]) - plain]);
		return 2;
	}
	code = four_digits(at + 2);
	if (code == 0 || (code >= 0xdc00 && code <= 0xdfff))
		return 0;
	if (code < 0xd800 || code > 0xdbff) {
		add_utf8(out, code);
		return 6;
	}
	if (end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return 0;
	low = four_digits(at + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	add_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
	return 12;
}

enum err json_text(struct json_value value, struct buf *out)
{
	size_t before = out->len;
	const char *at, *end;

	if (value.kind != JSON_STRING)
		return ERR_INPUT;
	at = value.raw.at + 1;
	end = value.raw.at + value.raw.len - 1;
	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));
		size_t len;

		buf_add(out, at, (size_t)((escape ? escape : end) - at));
		if (!escape)
			break;
		len = add_escape(out, escape, end);
		if (len == 0) {
			/* on an error nothing is appended */
			out->len = before;
			if (out->at)
				out->at[before] = '\0';
			return ERR_INPUT;
		}
		at = escape + len;
	}
	return ERR_NONE;
}

enum err json_bytes(struct json_value value, struct buf *out)
{
	struct str hex = value.raw;
	struct buf bytes = { 0 };
	enum err err = ERR_NONE;

	if (value.kind != JSON_STRING)
		return ERR_INPUT;
	for (hex.at++; !err && hex.len > 2; hex.at += 2, hex.len -= 2) {
		unsigned char byte;

		if (hex.len > 3 && hex_read((struct str){ hex.at, 2 }, &byte, 1))
			buf_add(&bytes, &byte, 1);
		else
			err = ERR_INPUT;
	}
	/* on an error nothing is appended */
	if (!err)
		buf_add_str(out, buf_str(&bytes));
	buf_done(&bytes);
	return err;
}

struct json_value json_find(struct str object, const char *name)
{
	struct json_want want = { .outer = name };
	struct json_value value = { 0 };

	if (!object.at || json_scan(object, &want, &value, 1, NULL))
		return (struct json_value){ 0 };
	return value;
}

void json_quote(struct buf *out, struct str text)
{
	const unsigned char *at = (const unsigned char *)text.at, *end = at + text.len;

	buf_add_char(out, '"');
	while (at < end) {
		const unsigned char *from = at;
		size_t len;

		while (at < end && is_plain(*at))
			at++;
		buf_add(out, from, (size_t)(at - from));
		if (at == end)
			break;
		if (*at == '"' || *at == '\\') {
			buf_add(out, (char[]){ '\\', (char)*at++ }, 2);
		} else if (*at == '\n') {
			buf_add_text(out, "\\n");
			at++;
		} else if (*at < 0x20) {
			buf_addf(out, "\\u%04x", *at++);
		} else if ((len = utf8_length(at, end)) > 0) {
			buf_add(out, at, len);
			at += len;
		} else {
			buf_add_text(out, "\xef\xbf\xbd");
			at++;
		}
	}
	buf_add_char(out, '"');
}

/* A comma before the next member or item, unless it is the first. */
static void separate(struct buf *out)
{
	char before = out->len ? out->at[out->len - 1] : '{';

	if (before != '{' && before != '[' && before != ':')
		buf_add_char(out, ',');
}

void json_key(struct buf *out, const char *key)
{
	separate(out);
	json_quote(out, str_of(key));
	buf_add_char(out, ':');
}

void json_put_text(struct buf *out, const char *key, struct str value)
{
	json_key(out, key);
	if (value.at)
		json_quote(out, value);
	else
		buf_add_text(out, "null");
}

void json_put_int(struct buf *out, const char *key, int64_t value)
{
	json_key(out, key);
	buf_addf(out, "%lld", (long long)value);
}

void json_put_id(struct buf *out, const char *key, int64_t value)
{
	json_key(out, key);
	buf_addf(out, "\"%lld\"", (long long)value);
}

void json_put_bool(struct buf *out, const char *key, bool value)
{
	json_key(out, key);
	buf_add_text(out, value ? "true" : "false");
}

void json_put_bytes(struct buf *out, const char *key, struct str value)
{
	json_key(out, key);
	if (!value.at) {
		buf_add_text(out, "null");
		return;
	}
	buf_add_char(out, '"');
	buf_add_hex(out, value.at, value.len);
	buf_add_char(out, '"');
}

void json_put_json(struct buf *out, const char *key, struct str value)
{
	json_key(out, key);
	buf_add_str(out, value);
}

void json_put_members(struct buf *out, struct str object)
{
	struct str rest = str_trim(object);

	if (rest.len < 2 || rest.at[0] != '{')
		abort();
	rest = str_trim((struct str){ rest.at + 1, rest.len - 2 });
	if (!rest.len)
		return;
	separate(out);
	buf_add_str(out, rest);
}

void json_item(struct buf *out, struct str value)
{
	separate(out);
	json_quote(out, value);
}

static void begin(struct buf *out, const char *key, char brace)
{
	if (key)
		json_key(out, key);
	else if (out->len)
		separate(out);
	buf_add_char(out, brace);
}

void json_begin(struct buf *out, const char *key)
{
	begin(out, key, '{');
}

void json_end(struct buf *out)
{
	buf_add_char(out, '}');
}

void json_begin_list(struct buf *out, const char *key)
{
	begin(out, key, '[');
}

void json_end_list(struct buf *out)
{
	buf_add_char(out, ']');
}
