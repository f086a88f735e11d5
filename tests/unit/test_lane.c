/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "ledger/delivery.h"
#include "ledger/lane.h"
#include "ledger/sealing.h"

enum { TIMEOUT_MS = 1000 };

static struct sealer *sealer(void)
{
	return sealer_new("5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b", NULL);
}

static struct lane *a_lane(int64_t parallel, int64_t pause_us)
{
	struct lane *lane = lane_new(12, 100);
	struct lane_facts facts = { .url = LIT("http://x.example/"), .parallel = parallel, .pause_us = pause_us };

	assert_err(ERR_NONE, lane_update(lane, NULL, &facts));
	lane->until_ms = 60000;
	return lane;
}

/* Puts deliveries with the numbers 1, 2, ... into its hand. */
static struct delivery *fill(struct lane *lane, size_t count, size_t body)
{
	struct delivery *all = mem_zero(count, sizeof(*all));

	for (size_t i = 0; i < count; i++) {
		all[i].id = (int64_t)i + 1;
		all[i].body.len = body;
		lane_put(lane, &all[i]);
	}
	return all;
}

static bool may_start(const struct lane *lane, int64_t now_us)
{
	int wait_ms = -1;

	return lane_may_start(lane, now_us, TIMEOUT_MS, &wait_ms);
}

static void first_in_first_out(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all = fill(lane, 3, 10);

	(void)state;
	assert_int_equal(3, lane->waiting);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(i, lane_take(lane)->id);
	assert_null(lane_take(lane));
	assert_int_equal(0, lane->waiting);
	lane_put(lane, &all[1]);
	assert_int_equal(2, lane_take(lane)->id);
	lane_free(lane);
	free(all);
}

static void no_more_at_once_than_allowed(void **state)
{
	struct lane *lane = a_lane(2, 0);
	struct delivery *all = fill(lane, 4, 10);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(may_start(lane, 0));
		lane_take(lane);
		lane_started(lane, 0);
	}
	assert_false(may_start(lane, 0));
	lane_ended(lane, true);
	assert_true(may_start(lane, 0));
	lane_free(lane);
	free(all);
}

static void one_that_does_not_answer_gets_one_at_a_time(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all = fill(lane, 20, 10);
	int64_t widths[] = { 2, 4, 8, 8 };

	(void)state;
	lane_started(lane, 0);
	lane_started(lane, 0);
	lane_ended(lane, false);
	assert_false(may_start(lane, 0));	/* the other one is under way */
	lane_ended(lane, false);
	assert_true(may_start(lane, 0));
	for (size_t i = 0; i < 4; i++) {
		lane_started(lane, 0);
		lane_ended(lane, true);
		assert_int_equal(widths[i], lane->width);
	}
	lane_free(lane);
	free(all);
}

static void the_pace_is_kept(void **state)
{
	struct lane *lane = a_lane(8, 50000);
	struct delivery *all = fill(lane, 4, 10);
	int wait_ms = -1;

	(void)state;
	assert_true(may_start(lane, 1000000));
	lane_started(lane, 1000000);
	assert_false(lane_may_start(lane, 1010000, TIMEOUT_MS, &wait_ms));
	assert_int_equal(40, wait_ms);
	wait_ms = 7;
	assert_false(lane_may_start(lane, 1010000, TIMEOUT_MS, &wait_ms));
	assert_int_equal(7, wait_ms);
	assert_true(may_start(lane, 1050000));
	lane_free(lane);
	free(all);
}

static void a_request_ends_before_its_lease(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all = fill(lane, 4, 10);

	(void)state;
	lane->until_ms = 5000;
	assert_true(may_start(lane, 3000 * 1000));
	assert_false(may_start(lane, 3001 * 1000));
	lane->until_ms = 60000;
	lane->is_leased = false;
	assert_false(may_start(lane, 0));
	lane_free(lane);
	free(all);
}

static void it_asks_for_more_in_time(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all;

	(void)state;
	assert_int_equal(LANE_FIRST, lane_wants(lane));
	all = fill(lane, LANE_FIRST, 10);
	lane_claimed(lane, LANE_FIRST, LANE_FIRST);	/* all that was asked for: there will be more */
	assert_int_equal(2 * LANE_FIRST, lane->target);
	assert_int_equal(LANE_FIRST, lane_wants(lane));
	lane->target = LANE_FIRST;
	assert_int_equal(0, lane_wants(lane));
	while (lane->waiting > LANE_FIRST / 2)
		lane_take(lane);
	assert_int_equal(LANE_FIRST / 2, lane_wants(lane));
	lane_claimed(lane, LANE_FIRST / 2, 3);	/* fewer: for now that was it */
	assert_int_equal(0, lane_wants(lane));
	lane->is_hungry = true;
	assert_int_equal(LANE_FIRST / 2, lane_wants(lane));
	lane->is_leased = false;
	assert_int_equal(0, lane_wants(lane));
	lane_free(lane);
	free(all);
}

static void spent_when_nothing_is_left(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all = fill(lane, 1, 10);

	(void)state;
	lane->is_hungry = false;
	assert_false(lane_is_spent(lane));	/* one waits */
	lane_take(lane);
	lane_started(lane, 0);
	assert_false(lane_is_spent(lane));	/* is under way */
	lane_ended(lane, true);
	assert_false(lane_is_spent(lane));	/* is not settled */
	lane->done--;
	assert_true(lane_is_spent(lane));
	lane->is_hungry = true;
	assert_false(lane_is_spent(lane));	/* the database may have more */
	lane->is_leased = false;
	assert_true(lane_is_spent(lane));	/* which is not for us */
	lane_free(lane);
	free(all);
}

static void large_bodies_come_singly(void **state)
{
	struct lane *lane = a_lane(8, 0);
	struct delivery *all = fill(lane, 1, 3 * 1024 * 1024);

	(void)state;
	lane_take(lane);
	assert_int_equal(1, lane_wants(lane));
	lane_free(lane);
	free(all);
}

static void secrets_are_opened_when_they_change(void **state)
{
	struct sealer *key = sealer();
	struct lane *lane = lane_new(12, 100);
	struct buf first = { 0 }, second = { 0 }, foreign = { 0 };
	struct lane_facts facts = { .url = LIT("http://x.example/"), .parallel = 8 };
	struct signer *before;

	(void)state;
	assert_err(ERR_NONE, sealing_subscription(key, 12, LIT("one"), &first));
	assert_err(ERR_NONE, sealing_subscription(key, 12, LIT("two"), &second));
	assert_err(ERR_NONE, sealing_subscription(key, 13, LIT("other"), &foreign));
	facts.sealed = buf_str(&first);
	assert_err(ERR_NONE, lane_update(lane, key, &facts));
	assert_non_null(lane->signer);
	assert_null(lane->before);
	before = lane->signer;
	assert_err(ERR_NONE, lane_update(lane, key, &facts));
	assert_ptr_equal(before, lane->signer);

	facts.sealed = buf_str(&second);
	facts.sealed_before = buf_str(&first);
	assert_err(ERR_NONE, lane_update(lane, key, &facts));
	assert_non_null(lane->before);
	/* of another subscription */
	facts.sealed_before = buf_str(&foreign);
	assert_err(ERR_NONE, lane_update(lane, key, &facts));
	assert_non_null(lane->signer);
	assert_null(lane->before);
	facts.sealed = buf_str(&foreign);
	assert_err(ERR_DENIED, lane_update(lane, key, &facts));
	assert_null(lane->signer);
	lane_free(lane);
	sealer_free(key);
	buf_done(&first);
	buf_done(&second);
	buf_done(&foreign);
}

static void lanes_are_found_and_removed(void **state)
{
	struct lanes lanes = { 0 };

	(void)state;
	for (int64_t i = 1; i <= 40; i++)
		lanes_add(&lanes, lane_new(i, 1));
	assert_null(lanes_find(&lanes, 41));
	for (int64_t i = 1; i <= 40; i += 2)
		lanes_remove(&lanes, lanes_find(&lanes, i));
	assert_int_equal(20, lanes.count);
	assert_null(lanes_find(&lanes, 1));
	assert_int_equal(40, lanes_find(&lanes, 40)->subscription_id);
	lanes_done(&lanes);
	lane_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(no_more_at_once_than_allowed),
		cmocka_unit_test(one_that_does_not_answer_gets_one_at_a_time),
		cmocka_unit_test(the_pace_is_kept),
		cmocka_unit_test(a_request_ends_before_its_lease),
		cmocka_unit_test(it_asks_for_more_in_time),
		cmocka_unit_test(spent_when_nothing_is_left),
		cmocka_unit_test(large_bodies_come_singly),
		cmocka_unit_test(secrets_are_opened_when_they_change),
		cmocka_unit_test(lanes_are_found_and_removed),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
