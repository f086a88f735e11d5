/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/cookie.h"

static void found(void **state)
{
	static const char *const cases[][2] = {
		{ "a=1", "1" },		{ "b=2; a=1", "1" },	       { "a=", "" },
		{ " a = 1 ;b=2", "1" }, { "xa=3; A=4; a=1=2", "1=2" }, { ";;=;a=1", "1" },
		{ "a; a=1", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str value = { 0 };

		assert_int_equal(cookie_find(str_of(cases[i][0]), "a", &value), 1);
		assert_true(str_is(value, cases[i][1]));
	}
}

static void not_there(void **state)
{
	struct str value = { 0 };
	static const char *const cases[] = { "",    ";",     "=",   "a",	"aa=1",
					     "A=1", "b=a=1", "; ;", "b=\"a=1\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cookie_find(str_of(cases[i]), "a", &value), 0);
	assert_int_equal(cookie_find((struct str){ 0 }, "a", &value), 0);
	assert_null(value.at);
}

static void more_than_one(void **state)
{
	static const char *const cases[] = { "a=1; a=2", "a=1;a=1",
					     "b=1; a=; c; a=", "a=1; A=2; a=3; a=4" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str value = { 0 };

		assert_int_equal(cookie_find(str_of(cases[i]), "a", &value), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(found), cmocka_unit_test(not_there),
					    cmocka_unit_test(more_than_one) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
