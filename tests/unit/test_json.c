/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/json.h"

static enum err scan(struct str text)
{
	/* a copy of exactly this size, so that a sanitizer finds a read beyond it */
	char *copy = mem_new(text.len);
	struct json_value none;
	enum err err;

	if (text.len)
		memcpy(copy, text.at, text.len);
	err = json_scan((struct str){ copy, text.len }, NULL, &none, 0, NULL);
	free(copy);
	return err;
}

/* The same value in four places of a document. */
static void check_value(struct str value, enum err wanted)
{
	static const char *const places[][2] = {
		{ "{\"a\":", "}" },
		{ "{\"a\":[1,", "]}" },
		{ " {\"a\" : { \"b\" :\t", "\r\n} , \"c\":null} \n" },
		{ "{\"a\":[[{\"x\":", ",\"y\":0}]]}" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct buf text = { 0 };

		buf_add_text(&text, places[i][0]);
		buf_add_str(&text, value);
		buf_add_text(&text, places[i][1]);
		if (scan(buf_str(&text)) != wanted)
			fail_msg("%s was %s", buf_text(&text), wanted ? "accepted" : "refused");
		buf_done(&text);
	}
}

static void values_that_are_json(void **state)
{
	const struct str values[] = {
		LIT("0"),
		LIT("-0"),
		LIT("1"),
		LIT("-1"),
		LIT("123456789012345678901234567890"),
		LIT("0.0"),
		LIT("-0.5"),
		LIT("1.25e3"),
		LIT("1E9"),
		LIT("1e+9"),
		LIT("1e-9"),
		LIT("0e0"),
		LIT("1e200000"),
		LIT("-0.0e-0"),
		LIT("10.01E+00"),
		LIT("true"),
		LIT("false"),
		LIT("null"),
		LIT("[]"),
		LIT("{}"),
		LIT("[ ]"),
		LIT("{ }"),
		LIT("[[]]"),
		LIT("[{}]"),
		LIT("[1,2]"),
		LIT("{\"\":\"\"}"),
		LIT("{\"a\":1,\"a\":2}"),
		LIT("[null,true,\"\",{},[]]"),
		LIT("\"\""),
		LIT("\"a\""),
		LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		LIT("\"\\u0000\""),
		LIT("\"\\u00e9\\uD83D\\ude00\""),
		LIT("\"\\ud800\""),
		LIT("\"\\udc00\\ud800\""),
		LIT("\"\\uFFFF\""),
		LIT("\"/\""),
		LIT("\"'\""),
		LIT("\"\x7f\""),
		LIT("\"\xc3\xa9\""),
		LIT("\"\xe2\x82\xac\""),
		LIT("\"\xf0\x9f\x98\x80\""),
		LIT("\"\xed\x9f\xbf\xee\x80\x80\""),
		LIT("\"\xf4\x8f\xbf\xbf\""),
		LIT("\"\xef\xbf\xbf\""),
		LIT("\"\xc2\x80\""),
		LIT("\"\xe0\xa0\x80\""),
		LIT("\"\xf0\x90\x80\x80\""),
		LIT("\"\xef\xbb\xbf\""),
		LIT("\"\xe2\x80\xa8\""),
		LIT("\"1234567\""),
		LIT("\"12345678\""),
		LIT("\"123456789\""),
		LIT("\"1234567\\n\""),
		LIT("\"1234567\xc3\xa9"
		    "12345678\""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		check_value(values[i], ERR_NONE);
}

static void values_that_are_not(void **state)
{
	const struct str values[] = {
		/* numbers */
		LIT(""),
		LIT("-"),
		LIT("+1"),
		LIT("01"),
		LIT("-01"),
		LIT("00"),
		LIT("1."),
		LIT(".5"),
		LIT("-.5"),
		LIT("1.e1"),
		LIT("1e"),
		LIT("1e+"),
		LIT("1E-"),
		LIT("1.2.3"),
		LIT("1e1e1"),
		LIT("0x1"),
		LIT("1_000"),
		LIT("NaN"),
		LIT("nan"),
		LIT("Infinity"),
		LIT("-Infinity"),
		LIT("1 2"),
		LIT("--1"),
		LIT("1a"),
		LIT("0b1"),
		LIT("1L"),
		LIT("\xef\xbc\x91"),
		LIT("-true"),
		LIT("- 1"),
		/* words */
		LIT("True"),
		LIT("TRUE"),
		LIT("tru"),
		LIT("truee"),
		LIT("nul"),
		LIT("nulll"),
		LIT("fals"),
		LIT("undefined"),
		LIT("None"),
		LIT("t"),
		LIT("n\0ll"),
		/* strings */
		LIT("\""),
		LIT("\"a"),
		LIT("a"),
		LIT("'a'"),
		LIT("\"a\"b"),
		LIT("\"\\\""),
		LIT("\"\\a\""),
		LIT("\"\\x41\""),
		LIT("\"\\'\""),
		LIT("\"\\\0\""),
		LIT("\"\\u\""),
		LIT("\"\\u1\""),
		LIT("\"\\u12\""),
		LIT("\"\\u123\""),
		LIT("\"\\u123g\""),
		LIT("\"\\U0041\""),
		LIT("\"\\u-123\""),
		LIT("\"\\u 123\""),
		LIT("\"\n\""),
		LIT("\"\r\""),
		LIT("\"\t\""),
		LIT("\"\0\""),
		LIT("\"\x1f\""),
		LIT("\"1234567\n\""),
		LIT("\"12345678\0"
		    "901234567\""),
		LIT("\"1234567890123\x01\""),
		LIT("\"\\ \""),
		LIT("\"\\\xc3\xa9\""),
		/* UTF-8 */
		LIT("\"\x80\""),
		LIT("\"\xbf\""),
		LIT("\"\xc0\x80\""),
		LIT("\"\xc1\xbf\""),
		LIT("\"\xc3\""),
		LIT("\"\xc3(\""),
		LIT("\"\xe2\x82\""),
		LIT("\"\xe0\x80\x80\""),
		LIT("\"\xe0\x9f\xbf\""),
		LIT("\"\xed\xa0\x80\""),
		LIT("\"\xed\xbf\xbf\""),
		LIT("\"\xf0\x80\x80\x80\""),
		LIT("\"\xf0\x8f\xbf\xbf\""),
		LIT("\"\xf4\x90\x80\x80\""),
		LIT("\"\xf5\x80\x80\x80\""),
		LIT("\"\xf8\x88\x80\x80\x80\""),
		LIT("\"\xfe\""),
		LIT("\"\xff\""),
		LIT("\"\xf0\x9f\x98\""),
		LIT("\"\xc3\xa9\x80\""),
		LIT("\"1234567\xff\""),
		LIT("\xc3\xa9"),
		/* structure */
		LIT("["),
		LIT("]"),
		LIT("{"),
		LIT("}"),
		LIT("[1"),
		LIT("[1,"),
		LIT("[1,]"),
		LIT("[,1]"),
		LIT("[1,,2]"),
		LIT("[1 2]"),
		LIT("[1;2]"),
		LIT("[1}"),
		LIT("{]"),
		LIT("{\"a\"}"),
		LIT("{\"a\":}"),
		LIT("{\"a\" 1}"),
		LIT("{\"a\":1,}"),
		LIT("{,\"a\":1}"),
		LIT("{\"a\":1 \"b\":2}"),
		LIT("{a:1}"),
		LIT("{'a':1}"),
		LIT("{1:1}"),
		LIT("{null:1}"),
		LIT("{\"a\":1:2}"),
		LIT("{\"a\"::1}"),
		LIT("{[]:1}"),
		LIT("{\"a\":1\0}"),
		LIT("[\x0b]"),
		LIT("[\x0c]"),
		LIT("[\xc2\xa0]"),
		LIT("[\xef\xbb\xbf]"),
		LIT("/**/1"),
		LIT("1//"),
		LIT("#"),
		LIT("{\"a\n\":1}"),
		LIT("{\"\xff\":1}"),
		LIT("{\"\\q\":1}"),
		LIT("[]]"),
		LIT("{}}"),
		LIT("1,"),
		LIT("...1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		check_value(values[i], ERR_INPUT);
}

static void a_document_is_one_object(void **state)
{
	const struct str good[] = {
		LIT("{}"),
		LIT(" \t\r\n{} \t\r\n"),
		LIT("{\"a\":1}"),
	};
	const struct str bad[] = {
		LIT(""),
		LIT(" "),
		LIT("[]"),
		LIT("[{}]"),
		LIT("1"),
		LIT("\"{}\""),
		LIT("null"),
		LIT("{}{}"),
		LIT("{} {}"),
		LIT("{},"),
		LIT("{}\0"),
		LIT("\0{}"),
		LIT("\xef\xbb\xbf{}"),
		LIT("{} x"),
		LIT("x{}"),
		LIT("{"),
		LIT("}"),
		LIT("{}/**/"),
		LIT("callback({})"),
		LIT("{}\x0b"),
		LIT("\xff\xfe{\0}\0"),
		LIT("a=1&b=2"),
		LIT("<xml/>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_err(ERR_NONE, scan(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (scan(bad[i]) != ERR_INPUT)
			fail_msg("case %zu was accepted: %s", i, bad[i].at);
	assert_err(ERR_INPUT, scan((struct str){ 0 }));
}

/* No prefix of a valid document is valid. */
static void a_cut_document_is_none(void **state)
{
	const struct str whole = LIT("{\"event_id\":8023169274704072,\"x\":[true,false,null,-1.5e-"
				     "3,\"\\u00e9\\\"\xc3\xa9\"],\"o\":{\"k\":{}}}");

	(void)state;
	assert_err(ERR_NONE, scan(whole));
	for (size_t len = 0; len < whole.len; len++)
		assert_err(ERR_INPUT, scan((struct str){ whole.at, len }));
}

static enum err nested(char open, char close, int depth, const char *inside)
{
	struct buf text = { 0 };
	enum err err;

	buf_add_text(&text, "{\"a\":");
	for (int i = 1; i < depth; i++)
		buf_add_text(&text, open == '[' ? "[" : "{\"a\":");
	buf_add_text(&text, inside);
	for (int i = 1; i < depth; i++)
		buf_add_char(&text, close);
	buf_add_char(&text, '}');
	err = scan(buf_str(&text));
	buf_done(&text);
	return err;
}

static void depth_is_bounded(void **state)
{
	struct buf text = { 0 };

	(void)state;
	assert_err(ERR_NONE, nested('[', ']', JSON_DEPTH_MAX, "0"));
	assert_err(ERR_INPUT, nested('[', ']', JSON_DEPTH_MAX + 1, "0"));
	assert_err(ERR_NONE, nested('{', '}', JSON_DEPTH_MAX, "\"\""));
	assert_err(ERR_INPUT, nested('{', '}', JSON_DEPTH_MAX + 1, "\"\""));
	assert_err(ERR_NONE, nested('[', ']', JSON_DEPTH_MAX - 1, "[]"));
	assert_err(ERR_INPUT, nested('[', ']', JSON_DEPTH_MAX, "[]"));
	assert_err(ERR_INPUT, nested('[', ']', JSON_DEPTH_MAX, "{}"));
	assert_err(ERR_INPUT, nested('[', ']', 1000000, "0"));
	/* never closed: the sender must not control the size of the stack */
	buf_add_text(&text, "{\"a\":");
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&text, '[');
	assert_err(ERR_INPUT, scan(buf_str(&text)));
	buf_done(&text);
}

static void the_wrong_byte_is_reported(void **state)
{
	struct json_value none;
	size_t where = 99;

	(void)state;
	assert_err(ERR_INPUT, json_scan(LIT("{\"a\":tru}"), NULL, &none, 0, &where));
	assert_int_equal(5, where);
	assert_err(ERR_INPUT, json_scan(LIT("{} x"), NULL, &none, 0, &where));
	assert_int_equal(3, where);
	assert_err(ERR_INPUT, json_scan(LIT(""), NULL, &none, 0, &where));
	assert_int_equal(0, where);
	assert_err(ERR_INPUT, json_scan(LIT("{\"a\":\"\xff\"}"), NULL, &none, 0, &where));
	assert_int_equal(6, where);
	where = 99;
	assert_err(ERR_NONE, json_scan(LIT("{}"), NULL, &none, 0, &where));
	assert_int_equal(99, where);
}

enum { ID, META, MODEL, PAYLOAD, PAYLOAD_ID, LONG, WANTS };
static const struct json_want wants[WANTS] = {
	[ID] = { "event_id", NULL },
	[META] = { "metadata", NULL },
	[MODEL] = { "metadata", "model" },
	[PAYLOAD] = { "payload", NULL },
	[PAYLOAD_ID] = { "payload", "id" },
	[LONG] = { "a_key_as_long_as_the_longest_that_is_compared_with_its_escapes__", NULL },
};

static void pick(const char *text, struct json_value found[WANTS])
{
	memset(found, 0xee, WANTS * sizeof(*found));
	assert_err(ERR_NONE, json_scan(str_of(text), wants, found, WANTS, NULL));
}

static void wanted_values_are_found(void **state)
{
	struct json_value found[WANTS];

	(void)state;
	pick("{ \"event_id\" : 12 , \"metadata\":{\"model\" : \"tag\", "
	     "\"x\":1},\"payload\":{\"id\":-3.5}}",
	     found);
	assert_int_equal(JSON_NUMBER, found[ID].kind);
	assert_str(found[ID].raw, "12");
	assert_int_equal(JSON_OBJECT, found[META].kind);
	assert_str(found[META].raw, "{\"model\" : \"tag\", \"x\":1}");
	assert_int_equal(JSON_STRING, found[MODEL].kind);
	assert_str(found[MODEL].raw, "\"tag\"");
	assert_str(found[PAYLOAD_ID].raw, "-3.5");
	assert_int_equal(JSON_ABSENT, found[LONG].kind);

	pick("{}", found);
	for (size_t i = 0; i < WANTS; i++)
		assert_int_equal(JSON_ABSENT, found[i].kind);
	pick("{\"event_id\":null,\"payload\":true,\"metadata\":[{\"model\":1}]}", found);
	assert_int_equal(JSON_NULL, found[ID].kind);
	assert_int_equal(JSON_BOOL, found[PAYLOAD].kind);
	assert_int_equal(JSON_ARRAY, found[META].kind);
	assert_int_equal(JSON_ABSENT, found[MODEL].kind);
}

/* A key is found only at its own level: not deeper, not as a value, not as a part of another. */
static void keys_elsewhere_do_not_count(void **state)
{
	static const char *const texts[] = {
		"{\"x\":{\"event_id\":1}}",
		"{\"x\":[{\"event_id\":1}]}",
		"{\"x\":\"event_id\"}",
		"{\"event_id \":1}",
		"{\"event_i\":1}",
		"{\"Event_id\":1}",
		"{\"event_id\\u0000\":1}",
		"{\"payload\":{\"x\":{\"id\":1}}}",
		"{\"payload\":[{\"id\":1}]}",
		"{\"payload\":{\"x\":[{\"id\":1}]}}",
		"{\"metadata\":{\"id\":1,\"payload\":{\"id\":1}}}",
		"{\"model\":1,\"id\":1}",
		"{\"x\":{\"payload\":{\"id\":1},\"metadata\":{\"model\":1}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_value found[WANTS];

		pick(texts[i], found);
		if (found[ID].kind || found[MODEL].kind || found[PAYLOAD_ID].kind)
			fail_msg("found something in %s", texts[i]);
	}
}

static void the_last_of_two_counts(void **state)
{
	struct json_value found[WANTS];

	(void)state;
	pick("{\"event_id\":1,\"event_id\":2}", found);
	assert_str(found[ID].raw, "2");
	pick("{\"event_id\":1,\"event\\u005fid\":\"3\"}", found);
	assert_str(found[ID].raw, "\"3\"");
	pick("{\"payload\":{\"id\":1,\"id\":2}}", found);
	assert_str(found[PAYLOAD_ID].raw, "2");
	/* the second object is independent: it has no value of the first */
	pick("{\"payload\":{\"id\":1},\"payload\":{}}", found);
	assert_int_equal(JSON_ABSENT, found[PAYLOAD_ID].kind);
	assert_str(found[PAYLOAD].raw, "{}");
	pick("{\"payload\":{\"id\":1},\"payload\":7}", found);
	assert_int_equal(JSON_ABSENT, found[PAYLOAD_ID].kind);
	pick("{\"payload\":7,\"payload\":{\"id\":1}}", found);
	assert_str(found[PAYLOAD_ID].raw, "1");
	pick("{\"metadata\":{\"model\":\"a\"},\"event_id\":1,\"metadata\":{\"x\":0,\"model\":\"b\"}"
	     "}",
	     found);
	assert_str(found[MODEL].raw, "\"b\"");
}

static void escaped_keys_are_the_same_keys(void **state)
{
	struct json_value found[WANTS];
	struct buf text = { 0 };

	(void)state;
	pick("{\"\\u0065vent_id\":1,\"p\\u0061yload\":{\"\\u0069\\u0064\":2}}", found);
	assert_str(found[ID].raw, "1");
	assert_str(found[PAYLOAD_ID].raw, "2");
	/* a complete key of the maximum length */
	buf_add_text(&text, "{\"");
	for (const char *c = wants[LONG].outer; *c; c++)
		buf_addf(&text, "\\u%04x", (unsigned)*c);
	buf_add_text(&text, "\":5}");
	pick(buf_text(&text), found);
	assert_str(found[LONG].raw, "5");
	/* an escape without a character makes another key */
	pick("{\"event_id\\ud800\":1}", found);
	assert_int_equal(JSON_ABSENT, found[ID].kind);
	buf_done(&text);
}

static void ids_are_exact_to_64_bits(void **state)
{
	const struct {
		const char *text;
		bool is_int;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "8023169274704072", true, 8023169274704072 },
		{ "9007199254740993", true, 9007199254740993 }, /* 2^53 + 1: no double */
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "\"9223372036854775807\"", true, INT64_MAX },
		{ "\"7435584\"", true, 7435584 },
		{ "\"-1\"", true, -1 },
		{ "9223372036854775808", false, 0 },
		{ "18446744073709551617", false, 0 }, /* 2^64 + 1 */
		{ "-9223372036854775809", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "\"\"", false, 0 },
		{ "\" 1\"", false, 0 },
		{ "\"1\\u0030\"", false, 0 },
		{ "\"abc\"", false, 0 },
		{ "true", false, 0 },
		{ "null", false, 0 },
		{ "[1]", false, 0 },
		{ "{}", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_value found[WANTS];
		struct buf text = { 0 };
		int64_t value = 42;

		buf_addf(&text, "{\"event_id\":%s}", cases[i].text);
		pick(buf_text(&text), found);
		if (json_int(found[ID], &value) != cases[i].is_int)
			fail_msg("%s", cases[i].text);
		assert_true(value == (cases[i].is_int ? cases[i].value : 42));
		buf_done(&text);
	}
	assert_false(json_int((struct json_value){ 0 }, &(int64_t){ 0 }));
}

static void texts_are_unescaped(void **state)
{
	const struct {
		const char *raw;
		struct str text;
	} good[] = {
		{ "\"\"", LIT("") },
		{ "\"plain\"", LIT("plain") },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", LIT("\"\\/\b\f\n\r\t") },
		{ "\"\\u0041\\u00e9\\u20AC\"", LIT("A\xc3\xa9\xe2\x82\xac") },
		{ "\"\\ud83d\\ude00\"", LIT("\xf0\x9f\x98\x80") },
		{ "\"\\uD800\\uDC00 \\uDBFF\\uDFFF\"", LIT("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf") },
		{ "\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		  LIT("\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
		{ "\"\xc3\xa9\\n\xc3\xa9\"", LIT("\xc3\xa9\n\xc3\xa9") },
	};
	static const char *const bad[] = {
		"\"\\u0000\"",
		"\"a\\u0000b\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\udfff\\ud800\"",
		"\"\\ud800x\"",
		"\"\\ud800\\n\"",
		"\"\\ud800\\u0041\"",
		"\"\\ud800\\ud800\"",
		"\"x\\udbff\"",
		"\"\\ud83d\\u\"",
		"1",
		"null",
		"[\"a\"]",
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct json_value value = { JSON_STRING, str_of(good[i].raw) };

		buf_clear(&out);
		buf_add_char(&out, '>');
		assert_err(ERR_NONE, json_text(value, &out));
		assert_int_equal(1 + good[i].text.len, out.len);
		assert_memory_equal(good[i].text.at, out.at + 1, good[i].text.len);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_value value = { bad[i][0] == '"' ? JSON_STRING : JSON_NUMBER,
					    str_of(bad[i]) };
		struct buf text = { 0 };

		/* the scanner refuses this one */
		buf_addf(&text, "{\"a\":%s}", bad[i]);
		if (scan(buf_str(&text)) == ERR_NONE) {
			buf_clear(&out);
			buf_add_text(&out, "before");
			assert_err(ERR_INPUT, json_text(value, &out));
			assert_string_equal("before", buf_text(&out));
		}
		buf_done(&text);
	}
	buf_done(&out);
}

/* Quoting any bytes gives valid JSON, which reads back. */
static void what_is_quoted_is_json(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		static const struct json_want want = { "k", NULL };
		struct json_value found;
		struct buf quoted = { 0 }, back = { 0 };
		char bytes[24];
		size_t len = (size_t)round % sizeof(bytes);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		buf_add_text(&quoted, "{\"k\":");
		json_quote(&quoted, (struct str){ bytes, len });
		buf_add_char(&quoted, '}');
		assert_err(ERR_NONE, json_scan(buf_str(&quoted), &want, &found, 1, NULL));
		if (utf8_is_valid((struct str){ bytes, len }) && !memchr(bytes, 0, len)) {
			assert_err(ERR_NONE, json_text(found, &back));
			assert_int_equal(len, back.len);
			assert_memory_equal(bytes, back.at ? back.at : "", len);
		}
		buf_done(&quoted);
		buf_done(&back);
	}
}

static void quoting(void **state)
{
	const struct {
		struct str text;
		const char *quoted;
	} cases[] = {
		{ LIT(""), "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ LIT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
		{ LIT("\0\x01\x1f\n\t\x7f"), "\"\\u0000\\u0001\\u001f\\n\\u0009\x7f\"" },
		{ LIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ LIT("a\xff"
		      "b\xc3"),
		  "\"a\xef\xbf\xbd"
		  "b\xef\xbf\xbd\"" },
		{ LIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		json_quote(&out, cases[i].text);
		assert_string_equal(cases[i].quoted, buf_text(&out));
		buf_done(&out);
	}
}

static void objects_are_written(void **state)
{
	struct buf out = { 0 };

	(void)state;
	buf_add_char(&out, '{');
	json_put_text(&out, "a", LIT("{"));
	json_put_text(&out, "none", (struct str){ 0 });
	json_put_int(&out, "i", INT64_MIN);
	json_put_id(&out, "id", INT64_MAX);
	json_put_bool(&out, "yes", true);
	json_key(&out, "o");
	buf_add_char(&out, '{');
	json_put_bool(&out, "no", false);
	buf_add_text(&out, "}}");
	assert_string_equal("{\"a\":\"{\",\"none\":null,\"i\":-9223372036854775808,"
			    "\"id\":\"9223372036854775807\",\"yes\":true,\"o\":{\"no\":false}}",
			    buf_text(&out));
	assert_err(ERR_NONE, scan(buf_str(&out)));
	buf_done(&out);
}

static void objects_are_put_together(void **state)
{
	struct buf out = { 0 };

	(void)state;
	json_begin(&out, NULL);
	json_put_members(&out, LIT("{}"));
	json_put_members(&out, LIT(" {\"a\" : {\"b\": []}} "));
	json_put_bytes(&out, "hex", (struct str){ "\x00\xff", 2 });
	json_put_bytes(&out, "none", (struct str){ 0 });
	json_put_members(&out, LIT("{ }"));
	json_put_json(&out, "json", LIT("[1]"));
	json_begin_list(&out, "list");
	json_item(&out, LIT("x"));
	json_item(&out, LIT("\""));
	json_end_list(&out);
	json_begin(&out, "inner");
	json_end(&out);
	json_end(&out);
	assert_string_equal(out.at, "{\"a\" : {\"b\": []},\"hex\":\"00ff\",\"none\":null,"
				    "\"json\":[1],\"list\":[\"x\",\"\\\"\"],\"inner\":{}}");
	buf_done(&out);
}

static void members_are_found(void **state)
{
	struct str object = LIT(
		"{\"hex\": \"00Ff\", \"odd\": \"0\", \"no\": \"000g\", \"empty\": \"\", \"n\": 1}");
	static const char *const wrong[] = { "odd", "no", "n", "absent" };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(json_bytes(json_find(object, "hex"), &out), ERR_NONE);
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.at, "\x00\xff", 2);
	buf_clear(&out);
	assert_int_equal(json_bytes(json_find(object, "empty"), &out), ERR_NONE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(json_bytes(json_find(object, wrong[i]), &out), ERR_INPUT);
	assert_int_equal(out.len, 0);
	assert_int_equal(json_find((struct str){ 0 }, "a").kind, JSON_ABSENT);
	assert_int_equal(json_find(LIT("[1]"), "a").kind, JSON_ABSENT);
	buf_done(&out);
}

static void people_read_it_indented(void **state)
{
	struct buf out = { 0 };

	(void)state;
	json_pretty(&out, LIT("{\"a\":[1,\"/\xc3\xa9\"]}"));
	assert_has(&out, "\n  \"a\":");
	assert_has(&out, "\"/\xc3\xa9\"");
	buf_clear(&out);
	json_pretty(&out, LIT("{'a':1}"));
	assert_string_equal("{'a':1}", buf_text(&out));
	buf_clear(&out);
	json_pretty(&out, (struct str){ 0 });
	assert_string_equal("", buf_text(&out));
	buf_done(&out);
}

static void utf8_is_rfc_3629(void **state)
{
	(void)state;
	assert_true(utf8_is_valid((struct str){ 0 }));
	assert_true(utf8_is_valid(LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0")));
	assert_false(utf8_is_valid(LIT("\xc3")));
	assert_false(utf8_is_valid(LIT("a\xe2\x82")));
	assert_false(utf8_is_valid(LIT("\xf0\x9f\x98")));
	/* every code point, and no surrogate: pairs at the boundaries */
	for (unsigned first = 0x80; first < 0x100; first++)
		for (unsigned second = 0; second < 0x100; second++) {
			char two[2] = { (char)first, (char)second };
			bool is_two = first >= 0xc2 && first <= 0xdf && second >= 0x80 &&
				      second <= 0xbf;

			assert_int_equal(is_two, utf8_is_valid((struct str){ two, 2 }));
		}
}

static void utf8_from_anything(void **state)
{
	struct buf out = { 0 };

	(void)state;
	utf8_add(&out, (struct str){ 0 });
	assert_string_equal("", buf_text(&out));
	/* Latin-1, a character that is cut off, a surrogate */
	utf8_add(&out, LIT("Empf\xe4nger \xe2\x82\xac\xe2\x82. \xed\xa0\x80 a\x80z"));
	assert_string_equal("Empf\xef\xbf\xbdnger \xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd. "
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd a\xef\xbf\xbdz",
			    buf_text(&out));
	buf_clear(&out);
	utf8_add_line(&out, LIT("a\r\nb\x7f\t\xe4"));
	assert_string_equal("a  b  \xef\xbf\xbd", buf_text(&out));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_that_are_json),
		cmocka_unit_test(values_that_are_not),
		cmocka_unit_test(a_document_is_one_object),
		cmocka_unit_test(a_cut_document_is_none),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(the_wrong_byte_is_reported),
		cmocka_unit_test(wanted_values_are_found),
		cmocka_unit_test(keys_elsewhere_do_not_count),
		cmocka_unit_test(the_last_of_two_counts),
		cmocka_unit_test(escaped_keys_are_the_same_keys),
		cmocka_unit_test(ids_are_exact_to_64_bits),
		cmocka_unit_test(texts_are_unescaped),
		cmocka_unit_test(what_is_quoted_is_json),
		cmocka_unit_test(quoting),
		cmocka_unit_test(objects_are_written),
		cmocka_unit_test(objects_are_put_together),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(people_read_it_indented),
		cmocka_unit_test(utf8_is_rfc_3629),
		cmocka_unit_test(utf8_from_anything),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
