/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <string.h>

#include "base/throttle.h"
#include "scratch.h"

static const int64_t second = 1000000;

static void a_bucket_each(void **state)
{
	struct throttle_options options = { .burst = 3, .per_minute = 2 };
	int64_t now = 1000 * second;

	(void)state;
	scratch_make();
	options.path = scratch_path("tries");
	for (int i = 0; i < 3; i++)
		assert_int_equal(0, throttle_take(&options, str_of("one"), now));
	assert_in_range(throttle_take(&options, str_of("one"), now), 30, 31);
	assert_int_equal(0, throttle_take(&options, str_of("another"), now));
	/* a refused attempt does not make the wait longer */
	assert_in_range(throttle_take(&options, str_of("one"), now + 20 * second), 10, 11);
	assert_int_equal(0, throttle_take(&options, str_of("one"), now + 31 * second));
	assert_in_range(throttle_take(&options, str_of("one"), now + 31 * second), 29, 30);
	/* setting the clock back does not empty the bucket */
	assert_in_range(throttle_take(&options, str_of("one"), now), 29, 31);
	scratch_remove();
}

static void what_is_no_bucket_is_empty(void **state)
{
	struct throttle_options options = { .burst = 1, .per_minute = 2 };
	char junk[64 * 1024];

	(void)state;
	scratch_make();
	memset(junk, 0xff, sizeof(junk));
	options.path = scratch_write("tries", junk, sizeof(junk));
	assert_int_equal(0, throttle_take(&options, str_of("one"), 1000 * second));
	assert_true(throttle_take(&options, str_of("one"), 1000 * second) > 0);
	scratch_remove();
}

static void without_a_file_the_process_counts(void **state)
{
	struct throttle_options options = { .path = "/nonexistent/tries",
					    .burst = 1,
					    .per_minute = 2 };
	struct buf heard = { 0 };

	(void)state;
	scratch_hush();
	assert_int_equal(0, throttle_take(&options, str_of("one"), 1000 * second));
	assert_true(throttle_take(&options, str_of("one"), 1000 * second) > 0);
	scratch_heard(&heard);
	assert_has(&heard, "tries_not_kept");
	buf_done(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_each),
		cmocka_unit_test(what_is_no_bucket_is_empty),
		cmocka_unit_test(without_a_file_the_process_counts),
	};

	return cmocka_run_group_tests_name("tries", tests, NULL, NULL);
}
