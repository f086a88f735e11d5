/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/crypto.h"
#include "base/password.h"

/* RFC 7914, 12: the vector with N = 1024, its first 32 bytes. */
static void rfc_7914(void **state)
{
	static const unsigned char wanted[DIGEST_BYTES] = {
		0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00, 0x78, 0x56, 0xe7,
		0x19, 0x0d, 0x01, 0xe9, 0xfe, 0x7c, 0x6a, 0xd7, 0xcb, 0xc8, 0x23,
		0x78, 0x30, 0xe7, 0x73, 0x76, 0x63, 0x4b, 0x37, 0x31, 0x62,
	};
	unsigned char got[DIGEST_BYTES];

	(void)state;
	assert_true(crypto_scrypt(str_of("password"), str_of("NaCl"), 10, 8, 16, got));
	assert_memory_equal(wanted, got, sizeof(got));
	assert_false(crypto_scrypt(str_of("x"), str_of("y"), 25, 8, 1, got));
	assert_false(crypto_scrypt(str_of("x"), str_of("y"), 0, 8, 1, got));
}

static void kept_and_found_again(void **state)
{
	struct buf one = { 0 }, two = { 0 };

	(void)state;
	password_keep(str_of("correct horse Größe"), &one);
	password_keep(str_of("correct horse Größe"), &two);
	assert_true(str_starts(buf_str(&one), "$scrypt$ln=15,r=8,p=1$"));
	assert_string_not_equal(buf_text(&one), buf_text(&two));
	assert_true(password_fits(str_of("correct horse Größe"), buf_str(&one)));
	assert_false(password_fits(str_of("correct horse GröSSe"), buf_str(&one)));
	assert_false(password_fits(str_of(""), buf_str(&one)));
	buf_done(&one);
	buf_done(&two);
}

static void nothing_fits_what_is_no_password(void **state)
{
	static const char *const odd[] = {
		"",
		"$scrypt$ln=15,r=8,p=1$",
		"$scrypt$ln=15,r=8,p=1$AAAA$AAAA",
		"$scrypt$ln=1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$x",
		"$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
		"plain",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_false(password_fits(str_of(odd[i]), str_of(odd[i])));
	assert_false(password_fits(str_of(""), (struct str){ 0 }));
}

static void what_is_wrong_with_it(void **state)
{
	static const char *const short_ones[] = {
		"", "xJ4#mQ9!tR2",
		"ö\xc3\xbc\xc3\xa4\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa0\xc3\xa7\xc3\xb1\xc3\xb8\xc3\xa5"
	};
	struct buf longest = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(short_ones) / sizeof(short_ones[0]); i++)
		assert_string_equal(password_flaw(str_of(short_ones[i]), (struct str){ 0 }),
				    "password.too_short");
	assert_null(password_flaw(str_of("xJ4#mQ9!tR2z"), (struct str){ 0 }));
	assert_non_null(password_flaw(str_of("xJ4#mQ9!tR2z\t"), (struct str){ 0 }));
	assert_non_null(password_flaw(str_of("xJ4#mQ9!tR2z\xff"), (struct str){ 0 }));
	/* a letter of two code points counts once */
	assert_non_null(password_flaw(str_of("a\xcc\x88o\xcc\x88u\xcc\x88"
					     "e\xcc\x81i\xcc\x81o\xcc\x81"),
				      (struct str){ 0 }));
	for (int i = 0; i < PASSWORD_MAX; i++)
		buf_add_char(&longest, (char)('!' + i * 37 % 90));
	assert_null(password_flaw(buf_str(&longest), (struct str){ 0 }));
	buf_add_char(&longest, 'x');
	assert_non_null(password_flaw(buf_str(&longest), (struct str){ 0 }));
	buf_done(&longest);
}

/* Typed on a keyboard that makes ö from o and a combining diaeresis, and with a non-ASCII
   space. */
static void however_it_was_typed(void **state)
{
	struct buf kept = { 0 };

	(void)state;
	password_keep(str_of("correct horse Größe"), &kept);
	assert_true(password_fits(str_of("correct\xc2\xa0horse Gro\xcc\x88\xc3\x9f"
					 "e"),
				  buf_str(&kept)));
	assert_false(password_fits(str_of("correct horse Grosse"), buf_str(&kept)));
	assert_false(password_fits(str_of("correct horse Größe\xff"), buf_str(&kept)));
	buf_done(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_7914),
		cmocka_unit_test(kept_and_found_again),
		cmocka_unit_test(nothing_fits_what_is_no_password),
		cmocka_unit_test(what_is_wrong_with_it),
		cmocka_unit_test(however_it_was_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
