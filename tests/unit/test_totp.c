/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/totp.h"

/* RFC 6238, appendix B: the vectors with SHA-1, 8 digits. */
static void rfc_6238(void **state)
{
	static const struct {
		int64_t at;
		uint32_t code;
	} cases[] = {
		{ 59, 94287082 },	  { 1111111109, 7081804 },  { 1111111111, 14050471 },
		{ 1234567890, 89005924 }, { 2000000000, 69279037 }, { 20000000000, 65353130 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			totp_code(str_of("12345678901234567890"), cases[i].at / TOTP_STEP_S, 8),
			cases[i].code);
}

/* RFC 4226, appendix D. */
static void rfc_4226(void **state)
{
	static const uint32_t codes[] = { 755224, 287082, 359152, 969429, 338314,
					  254676, 287922, 162583, 399871, 520489 };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(totp_code(str_of("12345678901234567890"), (int64_t)i, 6),
				 codes[i]);
}

static void a_step_to_either_side(void **state)
{
	struct str secret = str_of("12345678901234567890");
	static const char *const none[] = { "",
					    "96942",
					    "9694290",
					    "96942a",
					    "+96942",
					    "969 42",
					    "\xd9\xa9"
					    "69429",
					    "000000" };

	(void)state;
	assert_int_equal(totp_match(secret, str_of("969429"), 3), 3);
	assert_int_equal(totp_match(secret, str_of(" 969 429 "), 2), 3);
	assert_int_equal(totp_match(secret, str_of("969429"), 4), 3);
	assert_int_equal(totp_match(secret, str_of("969429"), 1), -1);
	assert_int_equal(totp_match(secret, str_of("969429"), 5), -1);
	/* of step 37037036, with leading zeros */
	assert_int_equal(totp_match(secret, str_of("081804"), 37037036), 37037036);
	assert_int_equal(totp_match(secret, str_of("81804"), 37037036), -1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(totp_match(secret, str_of(none[i]), 3), -1);
	assert_int_equal(totp_match(secret, (struct str){ "969429\0", 7 }, 3), -1);
}

static void what_an_app_reads(void **state)
{
	struct buf out = { 0 };

	(void)state;
	totp_uri(str_of("12345678901234567890"), str_of("Zoë & \"co\""),
		 str_of("hl.example.org:8443"), &out);
	assert_string_equal(buf_text(&out),
			    "otpauth://totp/"
			    "hookledger:Zo%C3%AB%20%26%20%22co%22%20hl.example.org%3A8443?secret="
			    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=hookledger&algorithm=SHA1&"
			    "digits=6&period=30");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_6238),
		cmocka_unit_test(rfc_4226),
		cmocka_unit_test(a_step_to_either_side),
		cmocka_unit_test(what_an_app_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
