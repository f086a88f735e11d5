/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <limits.h>

#include "ledger/courtesy.h"

/* Receivers ring every 10 ms with so many events. */
static int64_t ring(struct courtesy *courtesy, int64_t events, int64_t from, int times)
{
	for (int i = 0; i < times; i++, from += 10)
		courtesy_hear(courtesy, events, from);
	return from;
}

static void lone_events_change_nothing(void **state)
{
	struct courtesy courtesy = { 0 };
	int64_t now = ring(&courtesy, 1, 1000000, 1);

	(void)state;
	courtesy_worked(&courtesy, 20, now);
	assert_int_equal(0, courtesy_rest_ms(&courtesy, now));
	assert_int_equal(INT_MAX, courtesy_starts(&courtesy, now));
	now = ring(&courtesy, 4, now, 100);	/* 400 a second */
	courtesy_worked(&courtesy, 20, now);
	assert_int_equal(0, courtesy_rest_ms(&courtesy, now));
	assert_int_equal(INT_MAX, courtesy_starts(&courtesy, now));
	courtesy_started(&courtesy, INT_MAX);
	courtesy_started(&courtesy, 1);
	assert_int_equal(INT_MAX, courtesy_starts(&courtesy, now + 1));
}

static void busy_receivers_have_the_database(void **state)
{
	struct courtesy courtesy = { 0 };
	int64_t now = ring(&courtesy, 20, 1000000, 30);	/* 2,000 a second */

	(void)state;
	courtesy_worked(&courtesy, 20, now);
	assert_int_equal(60, courtesy_rest_ms(&courtesy, now));
	assert_int_equal(1, courtesy_rest_ms(&courtesy, now + 59));
	assert_int_equal(0, courtesy_rest_ms(&courtesy, now + 60));
	/* and when they are not any more */
	now += 1000;
	courtesy_worked(&courtesy, 20, now);
	assert_int_equal(0, courtesy_rest_ms(&courtesy, now));
}

/* Whoever has a login can ring, with whatever number. */
static void no_number_is_too_large(void **state)
{
	struct courtesy courtesy = { 0 };

	(void)state;
	courtesy_hear(&courtesy, 0, 1000000);
	courtesy_hear(&courtesy, INT64_MAX, 1000001);
	courtesy_hear(&courtesy, INT64_MAX, 1000200);
	courtesy_worked(&courtesy, 20, 1000201);
	assert_int_equal(60, courtesy_rest_ms(&courtesy, 1000201));
	courtesy = (struct courtesy){ 0 };
	courtesy_hear(&courtesy, 0, 1000000);
	courtesy_hear(&courtesy, INT64_MIN, 1000001);
	courtesy_hear(&courtesy, 2000, 1000200);
	courtesy_worked(&courtesy, 20, 1000201);
	assert_int_equal(60, courtesy_rest_ms(&courtesy, 1000201));
}

static void requests_start_a_few_at_a_time(void **state)
{
	struct courtesy courtesy = { 0 };
	int64_t now = ring(&courtesy, 20, 1000000, 30);
	int most = courtesy_starts(&courtesy, now);

	(void)state;
	assert_in_range(most, 1, 100);
	courtesy_started(&courtesy, most - 1);
	assert_int_equal(1, courtesy_starts(&courtesy, now));
	courtesy_started(&courtesy, 1);
	assert_int_equal(0, courtesy_starts(&courtesy, now));
	assert_int_equal(most, courtesy_starts(&courtesy, now + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_events_change_nothing),
		cmocka_unit_test(busy_receivers_have_the_database),
		cmocka_unit_test(no_number_is_too_large),
		cmocka_unit_test(requests_start_a_few_at_a_time),
	};

	return cmocka_run_group_tests_name("courtesy", tests, NULL, NULL);
}
