/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <limits.h>

#include "delivery/backpressure.h"

/* Receivers notify every 10 ms with so many events. */
static int64_t ring(struct backpressure *backpressure, int64_t events, int64_t from, int times)
{
	for (int i = 0; i < times; i++, from += 10)
		backpressure_count(backpressure, events, from);
	return from;
}

static void lone_events_change_nothing(void **state)
{
	struct backpressure backpressure = { 0 };
	int64_t now = ring(&backpressure, 1, 1000000, 1);

	(void)state;
	backpressure_worked(&backpressure, 20, now);
	assert_int_equal(0, backpressure_rest_ms(&backpressure, now));
	assert_int_equal(INT_MAX, backpressure_starts(&backpressure, now));
	now = ring(&backpressure, 4, now, 100); /* 400 a second */
	backpressure_worked(&backpressure, 20, now);
	assert_int_equal(0, backpressure_rest_ms(&backpressure, now));
	assert_int_equal(INT_MAX, backpressure_starts(&backpressure, now));
	backpressure_started(&backpressure, INT_MAX);
	backpressure_started(&backpressure, 1);
	assert_int_equal(INT_MAX, backpressure_starts(&backpressure, now + 1));
}

static void busy_receivers_have_the_database(void **state)
{
	struct backpressure backpressure = { 0 };
	int64_t now = ring(&backpressure, 20, 1000000, 30); /* 2,000 a second */

	(void)state;
	assert_true(backpressure_is_busy(&backpressure, now));
	backpressure_worked(&backpressure, 20, now);
	assert_int_equal(60, backpressure_rest_ms(&backpressure, now));
	assert_int_equal(1, backpressure_rest_ms(&backpressure, now + 59));
	assert_int_equal(0, backpressure_rest_ms(&backpressure, now + 60));
	/* and when receivers stop notifying */
	now += 1000;
	assert_false(backpressure_is_busy(&backpressure, now));
	backpressure_worked(&backpressure, 20, now);
	assert_int_equal(0, backpressure_rest_ms(&backpressure, now));
}

/* Every database login can notify, with any number. */
static void no_number_is_too_large(void **state)
{
	struct backpressure backpressure = { 0 };

	(void)state;
	backpressure_count(&backpressure, 0, 1000000);
	backpressure_count(&backpressure, INT64_MAX, 1000001);
	backpressure_count(&backpressure, INT64_MAX, 1000200);
	backpressure_worked(&backpressure, 20, 1000201);
	assert_int_equal(60, backpressure_rest_ms(&backpressure, 1000201));
	backpressure = (struct backpressure){ 0 };
	backpressure_count(&backpressure, 0, 1000000);
	backpressure_count(&backpressure, INT64_MIN, 1000001);
	backpressure_count(&backpressure, 2000, 1000200);
	backpressure_worked(&backpressure, 20, 1000201);
	assert_int_equal(60, backpressure_rest_ms(&backpressure, 1000201));
}

static void requests_start_a_few_at_a_time(void **state)
{
	struct backpressure backpressure = { 0 };
	int64_t now = ring(&backpressure, 20, 1000000, 30);
	int most = backpressure_starts(&backpressure, now);

	(void)state;
	assert_in_range(most, 1, 100);
	backpressure_started(&backpressure, most - 1);
	assert_int_equal(1, backpressure_starts(&backpressure, now));
	backpressure_started(&backpressure, 1);
	assert_int_equal(0, backpressure_starts(&backpressure, now));
	assert_int_equal(most, backpressure_starts(&backpressure, now + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_events_change_nothing),
		cmocka_unit_test(busy_receivers_have_the_database),
		cmocka_unit_test(no_number_is_too_large),
		cmocka_unit_test(requests_start_a_few_at_a_time),
	};

	return cmocka_run_group_tests_name("backpressure", tests, NULL, NULL);
}
