/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/cookie.h"

static void found(void **state)
{
	static const char *const cases[][2] = {
		{ "a=1", "1" }, { "b=2; a=1", "1" }, { "a=1; a=2", "1" }, { "a=", "" }, { " a = 1 ;b=2", "1" },
		{ "xa=3; A=4; a=1=2", "1=2" }, { ";;=;a=1", "1" }, { "a; a=1", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str value = cookie_find(str_of(cases[i][0]), "a");

		assert_non_null(value.at);
		assert_true(str_is(value, cases[i][1]));
	}
}

static void not_there(void **state)
{
	static const char *const cases[] = { "", ";", "=", "a", "aa=1", "A=1", "b=a=1", "; ;", "b=\"a=1\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_null(cookie_find(str_of(cases[i]), "a").at);
	assert_null(cookie_find((struct str){ 0 }, "a").at);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(found), cmocka_unit_test(not_there) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
