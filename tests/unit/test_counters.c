/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/db.h"
#include "ledger/counters.h"
#include "scratch.h"

static const char *folder;

static int in_a_folder(void **state)
{
	(void)state;
	folder = scratch_make();
	return 0;
}

static int and_out_again(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

/* Sums of the lines of the file, by endpoint and reason. */
static int64_t count_in_file(int64_t endpoint_id, enum reason reason, size_t *lines)
{
	struct buf text = { 0 };
	struct str rest;
	int64_t sum = 0;

	scratch_read(scratch_path("counters"), &text);
	rest = buf_str(&text);
	for (*lines = 0; rest.len; ++*lines) {
		struct str line = str_cut(&rest, '\n');
		int64_t minute, endpoint, number, count;

		assert_true(str_int(str_cut(&line, ' '), &minute) &&
			    str_int(str_cut(&line, ' '), &endpoint) &&
			    str_int(str_cut(&line, ' '), &number) && str_int(line, &count));
		assert_true(minute > 28000000);
		if (endpoint == endpoint_id && number == (int64_t)reason)
			sum += count;
	}
	buf_done(&text);
	return sum;
}

static void counters_are_kept_in_a_file(void **state)
{
	struct counters *counters = counters_new();
	struct stat facts;
	size_t lines;

	(void)state;
	assert_true(counters_is_empty(counters));
	assert_err(ERR_ABSENT, counters_load(counters, folder));
	for (int i = 0; i < 1000; i++)
		counters_add(counters, REASON_SIGNATURE, 7);
	counters_add(counters, REASON_PING, 7);
	counters_add(counters, REASON_ADDRESS, 0);
	assert_false(counters_is_empty(counters));
	assert_err(ERR_NONE, counters_save(counters, folder));
	assert_true(counters_is_empty(counters));
	assert_int_equal(0, stat(scratch_path("counters"), &facts));
	assert_int_equal(0600, facts.st_mode & 07777);
	assert_int_equal(1000, count_in_file(7, REASON_SIGNATURE, &lines));
	assert_int_equal(1, count_in_file(7, REASON_PING, &lines));
	assert_int_equal(1, count_in_file(0, REASON_ADDRESS, &lines));

	/* another process adds to it */
	counters_add(counters, REASON_SIGNATURE, 7);
	assert_err(ERR_NONE, counters_save(counters, folder));
	assert_int_equal(1001, count_in_file(7, REASON_SIGNATURE, &lines));

	/* the counts are read once, then the file is empty */
	assert_err(ERR_NONE, counters_load(counters, folder));
	assert_false(counters_is_empty(counters));
	assert_err(ERR_NONE, counters_save(counters, folder));
	assert_int_equal(1001, count_in_file(7, REASON_SIGNATURE, &lines));
	assert_in_range(lines, 3, 6); /* a minute may have ended meanwhile */
	counters_free(counters);
}

/* An unauthenticated client cannot make an unlimited number of rows, in memory or in the file. */
static void counters_are_bounded(void **state)
{
	struct counters *counters = counters_new();
	size_t lines;
	int64_t before;

	(void)state;
	for (int64_t endpoint = 1; endpoint <= 5000; endpoint++)
		for (int reason = 1; reason < REASON_COUNT; reason++)
			counters_add(counters, (enum reason)reason, endpoint);
	assert_err(ERR_NONE, counters_save(counters, folder));
	before = count_in_file(0, REASON_SIGNATURE, &lines);
	assert_true(lines <= 512);
	/* callbacks beyond the limit are still counted, without an endpoint */
	assert_true(before > 4900);
	for (int i = 0; i < 100; i++) {
		for (int64_t endpoint = 1; endpoint <= 500; endpoint++)
			counters_add(counters, REASON_SIGNATURE, endpoint);
		if (counters_save(counters, folder))
			break;
	}
	assert_false(counters_is_empty(counters));
	{
		struct stat facts;

		assert_int_equal(0, stat(scratch_path("counters"), &facts));
		assert_true(facts.st_size <= 65536 && facts.st_size > 50000);
	}
	counters_free(counters);
}

static void a_file_of_rubbish_counts_nothing(void **state)
{
	static const char text[] =
		"\n\n   \nx y z\n1 2\n1 2 3\n-5 1 6 1\n99999999999 1 6 1\n29000000 1 0 1\n29000000 "
		"1 99 1\n"
		"29000000 1 6 0\n29000000 1 6 -3\n29000000 1 6 9223372036854775807\n29000000 1 6 "
		"4294967296\n"
		"9223372036854775807 1 6 5\n29000000 1 6 5x\n\xff\xfe\n29000000 5 6 2147483646\n"
		"29000000 5 6 2147483646\n29000000 1 6";
	struct counters *counters = counters_new();
	size_t lines;

	(void)state;
	scratch_write("counters", text, sizeof(text) - 1);
	assert_err(ERR_NONE, counters_load(counters, folder));
	assert_err(ERR_NONE, counters_save(counters, folder));
	assert_true(count_in_file(5, (enum reason)6, &lines) == INT64_C(4294967292));
	assert_int_equal(1, lines);
	counters_free(counters);
}

static void a_folder_that_is_not_there_is_busy(void **state)
{
	struct counters *counters = counters_new();

	(void)state;
	counters_add(counters, REASON_TYPE, 0);
	assert_err(ERR_BUSY, counters_save(counters, "/nowhere/at/all"));
	assert_false(counters_is_empty(counters));
	assert_err(ERR_ABSENT, counters_load(counters, "/nowhere/at/all"));
	counters_free(counters);
	counters_free(NULL);
}

static void without_a_database_they_stay(void **state)
{
	struct db_options options = { .conninfo = "host=/nowhere",
				      .program = "unit",
				      .deadline_ms = 100 };
	struct db *db = db_open(&options);
	struct counters *counters = counters_new();

	(void)state;
	assert_err(ERR_NONE, counters_flush(counters, db, 50));
	counters_add(counters, REASON_TYPE, 0);
	assert_err(ERR_BUSY, counters_flush(counters, db, 50));
	assert_false(counters_is_empty(counters));
	counters_free(counters);
	db_close(db);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, in_a_folder, and_out_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(counters_are_kept_in_a_file),
		IN_FOLDER(counters_are_bounded),
		IN_FOLDER(a_file_of_rubbish_counts_nothing),
		IN_FOLDER(a_folder_that_is_not_there_is_busy),
		IN_FOLDER(without_a_database_they_stay),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
