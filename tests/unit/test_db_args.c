/* SPDX-License-Identifier: ISC */
/* test_db sends arguments to a real server. */
#include "unit.h"

#include "base/db_args.h"

/* As in the message Bind: their number, then each with its length. */
static void assert_bound(const struct db_args *args, const char *hex)
{
	struct buf got = { 0 }, text = { 0 };
	struct db_bound bound;

	db_args_bind(args, &bound);
	buf_add_char(&got, 0);
	buf_add_char(&got, (char)bound.count);
	for (int i = 0; i < bound.count; i++) {
		assert_int_equal(1, bound.formats[i]);
		buf_add_u32(&got, bound.values[i] ? (uint32_t)bound.lengths[i] : UINT32_MAX);
		if (bound.values[i])
			buf_add(&got, bound.values[i], (size_t)bound.lengths[i]);
	}
	buf_add_hex(&text, (const unsigned char *)got.at, got.len);
	assert_string_equal(hex, buf_text(&text));
	buf_done(&got);
	buf_done(&text);
}

static void arguments_are_binary(void **state)
{
	struct db_args *args = db_args_new();

	(void)state;
	for (int again = 0; again < 2; again++) {
		db_args_clear(args);
		db_arg_int(args, -2);
		db_arg_bool(args, true);
		db_arg_bool(args, false);
		db_arg_null(args);
		db_arg_text(args, LIT("h\xc3\xa9"));
		db_arg_text(args, LIT(""));
		db_arg_text(args, (struct str){ 0 });
		db_arg_bytes(args, LIT("\0\xff"));
		db_arg_time(args, INT64_C(946684800000000) + 1);
		assert_bound(args, "0009"
				   "00000008fffffffffffffffe"
				   "0000000101"
				   "0000000100"
				   "ffffffff"
				   "0000000368c3a9"
				   "00000000"
				   "ffffffff"
				   "0000000200ff"
				   "000000080000000000000001");
	}
	db_args_free(args);
	db_args_free(NULL);
}

static void arrays_are_binary(void **state)
{
	struct db_args *args = db_args_new();

	(void)state;
	db_array(args, DB_INTS, 2);
	db_put_int(args, 1);
	db_put_null(args);
	db_array(args, DB_TEXTS, 3);
	db_put_str(args, LIT("a"));
	db_put_str(args, LIT(""));
	db_put_str(args, (struct str){ 0 });
	db_array(args, DB_TIMES, 1);
	db_put_time(args, INT64_C(946684800000000));
	db_array(args, DB_BYTES, 0);
	db_array(args, DB_JSONS, 1);
	db_put_str(args, LIT("{}"));
	assert_bound(args, "0005"
			   "0000002400000001"
			   "00000001"
			   "00000014"
			   "0000000200000001"
			   "000000080000000000000001"
			   "ffffffff"
			   "0000002100000001"
			   "00000001"
			   "00000019"
			   "0000000300000001"
			   "0000000161"
			   "00000000"
			   "ffffffff"
			   "0000002000000001"
			   "00000001"
			   "000004a0"
			   "0000000100000001"
			   "000000080000000000000000"
			   "0000000c00000000"
			   "00000001"
			   "00000011"
			   "0000001a00000001"
			   "00000001"
			   "00000072"
			   "0000000100000001"
			   "000000027b7d");
	db_args_free(args);
}

static void none_are_none(void **state)
{
	(void)state;
	assert_bound(NULL, "0000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_binary),
		cmocka_unit_test(arrays_are_binary),
		cmocka_unit_test(none_are_none),
	};

	return cmocka_run_group_tests_name("db_args", tests, NULL, NULL);
}
