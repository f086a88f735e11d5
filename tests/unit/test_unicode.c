/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/unicode.h"

static void one_form_for_what_looks_the_same(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "Größe", "Größe" },
		{ "Gro\xcc\x88\xc3\x9f"
		  "e",
		  "Größe" }, /* o and two dots */
		{ "a\xc2\xa0"
		  "b\xe3\x80\x80"
		  "c",
		  "a b c" }, /* spaces that are not ASCII */
		{ "\xef\xac\x81", "\xef\xac\x81" },
		{ "\xef\xbd\x81",
		  "\xef\xbd\x81" }, /* a ligature and a wide letter stay: RFC 8265 has NFC */
		{ "\xf0\x9f\x90\x8e horse", "\xf0\x9f\x90\x8e horse" },
	};
	static const char *const none[] = { "a\tb", "a\n",  "\x7f",	   "\xc2\x85",
					    "\xff", "\xc3", "\xed\xa0\x80" };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_true(unicode_opaque(str_of(cases[i][0]), &out));
		assert_string_equal(buf_text(&out), cases[i][1]);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(unicode_opaque(str_of(none[i]), &out));
	assert_false(unicode_opaque((struct str){ "a\0b", 3 }, &out));
	buf_done(&out);
}

static void folded(void **state)
{
	size_t count = 0;
	uint32_t *all = unicode_folded(str_of("\xef\xbc\xb0\xc3\x84\xc3\x9f"),
				       &count); /* a wide P, A with dots, sharp s */

	(void)state;
	assert_int_equal(count, 4);
	assert_true(all[0] == 'p' && all[1] == 'a' && all[2] == 's' && all[3] == 's');
	free(all);
	assert_null(unicode_folded(str_of("\xff"), &count));
	assert_int_equal(unicode_length(str_of("Größe")), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_form_for_what_looks_the_same),
					    cmocka_unit_test(folded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
