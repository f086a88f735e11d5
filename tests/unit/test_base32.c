/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/base32.h"

/* RFC 4648, section 10, and a text with every letter. */
static void vectors(void **state)
{
	static const unsigned char all[20] = { 0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54,
					       0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0x56,
					       0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf };
	struct buf out = { 0 };

	(void)state;
	base32_write(&out, (const unsigned char *)"fooba", 5);
	base32_write(&out, all, sizeof(all));
	assert_string_equal(buf_text(&out), "MZXW6YTBABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(vectors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
