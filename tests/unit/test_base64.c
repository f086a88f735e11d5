/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/base64.h"

static void rfc_4648(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		base64_write(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(cases[i][1], buf_text(&out));
		buf_clear(&out);
		assert_true(base64_read(str_of(cases[i][1]), &out));
		assert_string_equal(cases[i][0], buf_text(&out));
	}
	buf_done(&out);
}

static void both_alphabets(void **state)
{
	unsigned char bytes[48];
	struct buf out = { 0 }, again = { 0 };

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		/* every value of six bits once */
		uint32_t group = (4 * i) << 18 | (4 * i + 1) << 12 | (4 * i + 2) << 6 | (4 * i + 3);

		bytes[3 * i] = (unsigned char)(group >> 16);
		bytes[3 * i + 1] = (unsigned char)(group >> 8);
		bytes[3 * i + 2] = (unsigned char)group;
	}
	base64_write(&out, bytes, sizeof(bytes));
	assert_string_equal("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
			    buf_text(&out));
	assert_true(base64_read(buf_str(&out), &again));
	assert_int_equal(sizeof(bytes), again.len);
	assert_memory_equal(bytes, again.at, sizeof(bytes));
	buf_clear(&out);
	base64_write_url(&out, bytes, sizeof(bytes));
	assert_string_equal("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
			    buf_text(&out));
	buf_clear(&out);
	base64_write_url(&out, "\xff\xfe", 2);
	base64_write_url(&out, "\xff", 1);
	assert_string_equal("__4_w", buf_text(&out));
	buf_done(&out);
	buf_done(&again);
}

static void every_length(void **state)
{
	struct buf bytes = { 0 }, text = { 0 }, again = { 0 };

	(void)state;
	for (int len = 0; len < 300; len++) {
		buf_clear(&text);
		buf_clear(&again);
		base64_write(&text, bytes.at, bytes.len);
		assert_int_equal((bytes.len + 2) / 3 * 4, text.len);
		assert_true(base64_read(buf_str(&text), &again));
		assert_true(str_equal(buf_str(&bytes), buf_str(&again)));
		buf_add_char(&bytes, (char)(len * 37));
	}
	buf_done(&bytes);
	buf_done(&text);
	buf_done(&again);
}

static void only_one_spelling_is_read(void **state)
{
	static const char *const wrong[] = {
		"Z",	"Zg",	"Zg=",	    "Zg===",   "Zm9vYg", "Zm9vYg=",  "=",
		"==",	"===",	"====",	    "Z===",    "Zg=a",	 "Zg==Zg==", "Zm8=Zm8=",
		"Zh==", "Zm9=", "Zm9vYh==", "Zm9 ",    " Zm9v",	 "Zm9v\n",   "Zm\n9v",
		"Zm9-", "Zm9_", "Zm.v",	    "Zm9\xe9", "Zm9@",	 "Zm9[",     "Zm9`",
		"Zm9{", "Zm9:", "Zm9,",	    "Zm9!",    "=m9v",	 "Z=9v",     "Zm=v",
	};
	struct buf out = { 0 };

	(void)state;
	buf_add_text(&out, "before");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (base64_read(str_of(wrong[i]), &out))
			fail_msg("\"%s\" was read", wrong[i]);
	assert_false(base64_read(LIT("Zm9\0"), &out));
	assert_string_equal("before", buf_text(&out));
	assert_true(base64_read(LIT("Zm8="), &out));
	assert_string_equal("beforefo", buf_text(&out));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4648),
		cmocka_unit_test(both_alphabets),
		cmocka_unit_test(every_length),
		cmocka_unit_test(only_one_spelling_is_read),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
