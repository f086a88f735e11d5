/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void strings_compare_by_bytes(void **state)
{
	(void)state;
	assert_true(str_is(LIT("abc"), "abc"));
	assert_false(str_is(LIT("abc\0"), "abc"));
	assert_false(str_is(LIT("abcd"), "abc"));
	assert_true(str_is((struct str){ 0 }, ""));
	assert_true(str_equal(LIT("a\0b"), LIT("a\0b")));
	assert_false(str_equal(LIT("a\0b"), LIT("a\0c")));
	assert_true(str_equal_nocase(LIT("Application/JSON"), "application/json"));
	assert_false(str_equal_nocase(LIT("application/json "), "application/json"));
	assert_false(str_equal_nocase(LIT("a\0c"), "abc"));
	assert_true(str_compare(LIT("a"), LIT("b")) < 0);
	assert_true(str_compare(LIT("a"), LIT("aa")) < 0);
	assert_true(str_compare(LIT("\xff"), LIT("a")) > 0);
	assert_int_equal(0, str_compare((struct str){ 0 }, LIT("")));
	assert_true(str_starts(LIT("/hook/x"), "/hook/"));
	assert_true(str_starts(LIT("x"), ""));
	assert_false(str_starts(LIT("/hoo"), "/hook/"));
	assert_int_equal(0, str_of(NULL).len);
}

static void a_string_is_cut_piece_by_piece(void **state)
{
	struct str rest = LIT("a,,b"), none = { 0 };

	(void)state;
	assert_str(str_cut(&rest, ','), "a");
	assert_str(str_cut(&rest, ','), "");
	assert_str(str_cut(&rest, ','), "b");
	assert_int_equal(0, rest.len);
	assert_str(str_cut(&rest, ','), "");
	assert_str(str_cut(&none, ','), "");
	assert_str(str_trim(LIT(" \t a b\t ")), "a b");
	assert_str(str_trim(LIT(" \t ")), "");
	assert_str(str_trim((struct str){ 0 }), "");
}

static void whole_numbers_fit_64_bits(void **state)
{
	const struct {
		struct str text;
		int64_t value;
	} good[] = {
		{ LIT("0"), 0 },
		{ LIT("-0"), 0 },
		{ LIT("007"), 7 },
		{ LIT("8023169274704072"), 8023169274704072 },
		{ LIT("9223372036854775807"), INT64_MAX },
		{ LIT("-9223372036854775808"), INT64_MIN },
		{ LIT("000000000000000000000000000000001"), 1 },
	};
	const struct str bad[] = {
		LIT(""),
		LIT("-"),
		LIT("+1"),
		LIT(" 1"),
		LIT("1 "),
		LIT("1.0"),
		LIT("1e3"),
		LIT("0x1"),
		LIT("--1"),
		LIT("1-"),
		LIT("1\0"),
		LIT("9223372036854775808"),
		LIT("-9223372036854775809"),
		LIT("99999999999999999999999999999999999"),
		LIT("\xd9\xa1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t value = 42;

		assert_true(str_int(good[i].text, &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t value = 42;

		if (str_int(bad[i], &value))
			fail_msg("\"%s\" was taken for a number", bad[i].at);
		assert_int_equal(42, value);
	}
}

static void a_buffer_grows_and_stays_terminated(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_string_equal("", buf_text(&b));
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "%d,", i % 10);
	assert_int_equal(20000, b.len);
	assert_int_equal('\0', b.at[b.len]);
	assert_false(b.full);
	buf_clear(&b);
	assert_string_equal("", buf_text(&b));
	buf_add(&b, NULL, 0);
	assert_int_equal(0, b.len);
	buf_done(&b);
	assert_null(b.at);
}

static void room_is_no_text(void **state)
{
	struct buf b = { 0 };

	(void)state;
	/* storage that was used before */
	free(memset(mem_new(100), 'x', 100));
	buf_need(&b, 99);
	assert_string_equal("", buf_text(&b));
	buf_add_text(&b, "text");
	buf_need(&b, 1000);
	assert_string_equal("text", buf_text(&b));
	buf_done(&b);
}

static void a_full_buffer_latches(void **state)
{
	struct buf b = { .max = 10 };

	(void)state;
	buf_add_text(&b, "12345");
	buf_add_text(&b, "67890");
	assert_false(b.full);
	buf_add_char(&b, 'x');
	assert_true(b.full);
	assert_string_equal("1234567890", buf_text(&b));
	buf_add(&b, NULL, 0);
	assert_true(b.full);
	buf_clear(&b);
	buf_add_text(&b, "12345678901");
	assert_int_equal(0, b.len);
	buf_add_text(&b, "1"); /* would fit, but what stands before is missing */
	assert_int_equal(0, b.len);
	buf_done(&b);
	assert_int_equal(10, b.max);
	assert_false(b.full);
}

static void long_formats_are_not_cut(void **state)
{
	struct buf b = { 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 250; len < 262; len++) {
		buf_clear(&b);
		buf_addf(&b, "%.*s", (int)len, text);
		assert_int_equal(len, b.len);
	}
	buf_clear(&b);
	buf_addf(&b, "%.*s!", 999, text);
	assert_int_equal(1000, b.len);
	assert_int_equal('!', b.at[999]);
	buf_done(&b);
}

static void numbers_are_big_endian(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add_u16(&b, 0x0102);
	buf_add_u32(&b, 0x03040506);
	buf_add_u64(&b, UINT64_C(0x0708090a0b0c0d0e));
	assert_int_equal(14, b.len);
	assert_memory_equal("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", b.at, 14);
	buf_done(&b);
}

static void hex_goes_both_ways(void **state)
{
	unsigned char out[4] = { 0 };
	struct buf b = { 0 };

	(void)state;
	buf_add_hex(&b, "\x00\x7f\x80\xff", 4);
	assert_string_equal("007f80ff", buf_text(&b));
	assert_true(hex_read(buf_str(&b), out, 4));
	assert_memory_equal("\x00\x7f\x80\xff", out, 4);
	assert_true(hex_read(LIT("ABCDEFab"), out, 4));
	assert_memory_equal("\xab\xcd\xef\xab", out, 4);
	assert_false(hex_read(LIT("ABCDEFa"), out, 4));
	assert_false(hex_read(LIT("ABCDEFabc"), out, 4));
	assert_false(hex_read(LIT("ABCDEFag"), out, 4));
	assert_false(hex_read(LIT("ABCDEF a"), out, 4));
	assert_false(hex_read(LIT("0x123456"), out, 4));
	assert_true(hex_read((struct str){ 0 }, out, 0));
	buf_done(&b);
}

static void allocation_never_gives_null(void **state)
{
	void *a = mem_new(0), *b = mem_zero(0, 0), *c = mem_grow(NULL, 0, 8);
	char *d = mem_dup((struct str){ 0 }), *e = mem_dup(LIT("ab"));

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_string_equal("", d);
	assert_string_equal("ab", e);
	mem_wipe(e, 2);
	assert_memory_equal("\0\0", e, 2);
	mem_wipe(NULL, 0);
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
}

/* A size that overflows must end the process, and not give a small block. */
static void overflow_aborts(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct buf b = { .len = 10, .cap = 0 };

		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		buf_need(&b, SIZE_MAX - 5);
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(SIGABRT, WTERMSIG(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_compare_by_bytes),
		cmocka_unit_test(a_string_is_cut_piece_by_piece),
		cmocka_unit_test(whole_numbers_fit_64_bits),
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(room_is_no_text),
		cmocka_unit_test(a_full_buffer_latches),
		cmocka_unit_test(long_formats_are_not_cut),
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(allocation_never_gives_null),
		cmocka_unit_test(overflow_aborts),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
