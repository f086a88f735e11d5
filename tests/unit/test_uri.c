/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/uri.h"

static void paths_are_decoded_once(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },	    { "/a/b", "/a/b" }, { "/%61%2Fb%2f", "/a/b/" },
		{ "%2561", "%61" }, { "a+b", "a+b" },	{ "%e2%82%ac%FF", "\xe2\x82\xac\xff" },
		{ "%0a", "\n" },
	};
	static const char *const wrong[] = { "%",   "%4",   "a%4",  "%zz", "%4g",
					     "%g4", "%%41", "% 41", "%00", "a%00b" };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_true(uri_decode(str_of(cases[i][0]), &out));
		assert_string_equal(cases[i][1], buf_text(&out));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (uri_decode(str_of(wrong[i]), &out))
			fail_msg("%s was decoded", wrong[i]);
	assert_false(uri_decode(LIT("a\0b"), &out));
	/* digits after the end do not belong to it */
	assert_false(uri_decode((struct str){ "%41", 2 }, &out));
	buf_done(&out);
}

static void assert_value(const char *query, const char *name, const char *wanted)
{
	struct buf out = { 0 };
	enum err err = uri_value(str_of(query), name, &out);

	if (wanted) {
		assert_err(ERR_NONE, err);
		assert_string_equal(wanted, buf_text(&out));
	} else {
		assert_err(ERR_ABSENT, err);
		assert_int_equal(0, out.len);
	}
	buf_done(&out);
}

static void values_are_found(void **state)
{
	(void)state;
	assert_value("", "a", NULL);
	assert_value("offset=5", "offset", "5");
	assert_value("offset=5", "off", NULL);
	assert_value("offset=5", "OFFSET", NULL);
	assert_value("a=1&b=2&a=3", "a", "1");
	assert_value("a=1&b=2&a=3", "b", "2");
	assert_value("&&a=1&&", "a", "1");
	assert_value("a", "a", "");
	assert_value("a=", "a", "");
	assert_value("=x", "", "x");
	assert_value("a=b=c", "a", "b=c");
	assert_value("a=1+2%2B3", "a", "1 2+3");
	assert_value("%61b=x", "ab", "x");
	assert_value("a=%26b%3D1", "b", NULL);
	assert_value("a=%e2%82%ac", "a", "\xe2\x82\xac");
	assert_value("a=2026-07-17T11:43:32Z", "a", "2026-07-17T11:43:32Z");
}

static void queries_that_are_wrong(void **state)
{
	static const char *const wrong[] = { "a=%",   "a=%4",  "b=%zz&a=1", "a=1&%",	  "a=%00",
					     "%00=a", "a=%ff", "a=\xc3",    "a=%c3&b=%a4" };
	struct buf out = { 0 }, many = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (uri_value(str_of(wrong[i]), "a", &out) != ERR_INPUT)
			fail_msg("%s was read", wrong[i]);
		assert_err(ERR_INPUT, uri_query_json(str_of(wrong[i]), &out));
	}
	for (int i = 0; i < URI_PAIRS_MAX; i++)
		buf_addf(&many, "n%d=%d&", i, i);
	assert_int_equal(0, out.len);
	assert_err(ERR_NONE, uri_value(buf_str(&many), "n99", &out));
	assert_string_equal("99", buf_text(&out));
	buf_add_text(&many, "a");
	assert_err(ERR_INPUT, uri_value(buf_str(&many), "n99", &out));
	buf_done(&out);
	buf_done(&many);
}

static void queries_become_json(void **state)
{
	static const char *const cases[][2] = {
		{ "", "{}" },
		{ "&", "{}" },
		{ "a=1", "{\"a\":\"1\"}" },
		{ "a=1&b=2&a=3&c", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"\"}" },
		{ "a=%22%5c%0a", "{\"a\":\"\\\"\\\\\\n\"}" },
		{ "=x", "{\"\":\"x\"}" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_err(ERR_NONE, uri_query_json(str_of(cases[i][0]), &out));
		assert_string_equal(cases[i][1], buf_text(&out));
	}
	buf_done(&out);
}

static void names_that_nobody_knows(void **state)
{
	static const char *const cases[][3] = {
		{ "", "a", NULL },
		{ "a=1&b=2&a", "a, b", NULL },
		{ "a=1&c=2&d=3", "a, b", "c" },
		{ "%61=1", "a", NULL },
		{ "ab=1", "a, b", "ab" },
		{ "=1", "a", "" },
		{ "a=1", "", "a" },
		{ "a%2c+b=1", "a, b", "a, b" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_err(cases[i][2] ? ERR_NONE : ERR_ABSENT,
			   uri_unknown(str_of(cases[i][0]), cases[i][1], &out));
		assert_string_equal(cases[i][2] ? cases[i][2] : "", buf_text(&out));
	}
	assert_err(ERR_INPUT, uri_unknown(str_of("a=%"), "a", &out));
	buf_done(&out);
}

static void what_lets_in_is_hidden(void **state)
{
	static const char *const cases[][3] = {
		{ "https://chat.example/services/T0/B0123/AbCdEfGh",
		  "Cannot POST /services/T0/B0123/AbCdEfGh", "Cannot POST /…/T0/…/…" },
		{ "https://chat.example/x/AbCdEfGhIjKl", "no such hook: AbCdEfG",
		  "no such hook: …" },
		{ "https://me:sesame@chat.example:8080/?key=AbCdEfGh&v=1#hello",
		  "me sesame chat.example AbCdEfGh hello AbCd", "me … chat.example … … AbCd" },
		{ "https://chat.example/AbCdEfGh/AbCdEfGhIj", "AbCdEfGhIj", "…" },
		{ "https://chat.example", "https://chat.example said no",
		  "https://chat.example said no" },
		{ "https://chat.example/", "invalid_token", "invalid_token" },
		{ "", "anything", "anything" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		uri_hide(str_of(cases[i][1]), str_of(cases[i][0]), 5, &out);
		assert_string_equal(cases[i][2], buf_text(&out));
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_decoded_once),  cmocka_unit_test(values_are_found),
		cmocka_unit_test(queries_that_are_wrong),  cmocka_unit_test(queries_become_json),
		cmocka_unit_test(names_that_nobody_knows), cmocka_unit_test(what_lets_in_is_hidden),
	};

	return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
