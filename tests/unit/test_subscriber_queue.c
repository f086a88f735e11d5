/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "delivery/delivery.h"
#include "delivery/subscriber_queue.h"
#include "ledger/sealing.h"

enum { TIMEOUT_MS = 1000 };

static struct sealer *sealer(void)
{
	return sealer_new("5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b", NULL);
}

static struct subscriber_queue *a_queue(int64_t parallel, int64_t pause_us)
{
	struct subscriber_queue *queue = subscriber_queue_new(12, 100);
	struct subscriber_queue_facts facts = { .url = LIT("http://x.example/"),
						.parallel = parallel,
						.pause_us = pause_us };

	assert_err(ERR_NONE, subscriber_queue_update(queue, NULL, &facts));
	queue->until_ms = 60000;
	return queue;
}

/* Adds deliveries with the numbers 1, 2, ... in flight. */
static struct delivery *fill(struct subscriber_queue *queue, size_t count, size_t body)
{
	struct delivery *all = mem_zero(count, sizeof(*all));

	for (size_t i = 0; i < count; i++) {
		all[i].id = (int64_t)i + 1;
		all[i].body.len = body;
		subscriber_queue_put(queue, &all[i]);
	}
	return all;
}

static bool may_start(const struct subscriber_queue *queue, int64_t now_us)
{
	int wait_ms = -1;

	return subscriber_queue_may_start(queue, now_us, TIMEOUT_MS, &wait_ms);
}

static void first_in_first_out(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all = fill(queue, 3, 10);

	(void)state;
	assert_int_equal(3, queue->waiting);
	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(i, subscriber_queue_take(queue)->id);
	assert_null(subscriber_queue_take(queue));
	assert_int_equal(0, queue->waiting);
	subscriber_queue_put(queue, &all[1]);
	assert_int_equal(2, subscriber_queue_take(queue)->id);
	subscriber_queue_free(queue);
	free(all);
}

static void no_more_at_once_than_allowed(void **state)
{
	struct subscriber_queue *queue = a_queue(2, 0);
	struct delivery *all = fill(queue, 4, 10);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(may_start(queue, 0));
		subscriber_queue_take(queue);
		subscriber_queue_started(queue, 0);
	}
	assert_false(may_start(queue, 0));
	subscriber_queue_ended(queue, true);
	assert_true(may_start(queue, 0));
	subscriber_queue_free(queue);
	free(all);
}

static void one_that_does_not_answer_gets_one_at_a_time(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all = fill(queue, 20, 10);
	int64_t widths[] = { 2, 4, 8, 8 };

	(void)state;
	subscriber_queue_started(queue, 0);
	subscriber_queue_started(queue, 0);
	subscriber_queue_ended(queue, false);
	assert_false(may_start(queue, 0)); /* the other one is in flight */
	subscriber_queue_ended(queue, false);
	assert_true(may_start(queue, 0));
	for (size_t i = 0; i < 4; i++) {
		subscriber_queue_started(queue, 0);
		subscriber_queue_ended(queue, true);
		assert_int_equal(widths[i], queue->width);
	}
	subscriber_queue_free(queue);
	free(all);
}

static void the_pace_is_kept(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 50000);
	struct delivery *all = fill(queue, 4, 10);
	int wait_ms = -1;

	(void)state;
	assert_true(may_start(queue, 1000000));
	subscriber_queue_started(queue, 1000000);
	assert_false(subscriber_queue_may_start(queue, 1010000, TIMEOUT_MS, &wait_ms));
	assert_int_equal(40, wait_ms);
	wait_ms = 7;
	assert_false(subscriber_queue_may_start(queue, 1010000, TIMEOUT_MS, &wait_ms));
	assert_int_equal(7, wait_ms);
	assert_true(may_start(queue, 1050000));
	subscriber_queue_free(queue);
	free(all);
}

static void a_request_ends_before_its_lease(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all = fill(queue, 4, 10);

	(void)state;
	queue->until_ms = 5000;
	assert_true(may_start(queue, 3000 * 1000));
	assert_false(may_start(queue, 3001 * 1000));
	queue->until_ms = 60000;
	queue->is_leased = false;
	assert_false(may_start(queue, 0));
	subscriber_queue_free(queue);
	free(all);
}

static void it_asks_for_more_in_time(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all;

	(void)state;
	assert_int_equal(SUBSCRIBER_QUEUE_FIRST, subscriber_queue_wants(queue));
	all = fill(queue, SUBSCRIBER_QUEUE_FIRST, 10);
	subscriber_queue_claimed(
		queue, SUBSCRIBER_QUEUE_FIRST,
		SUBSCRIBER_QUEUE_FIRST); /* all that was asked for: there will be more */
	assert_int_equal(2 * SUBSCRIBER_QUEUE_FIRST, queue->target);
	assert_int_equal(SUBSCRIBER_QUEUE_FIRST, subscriber_queue_wants(queue));
	queue->target = SUBSCRIBER_QUEUE_FIRST;
	assert_int_equal(0, subscriber_queue_wants(queue));
	while (queue->waiting > SUBSCRIBER_QUEUE_FIRST / 2)
		subscriber_queue_take(queue);
	assert_int_equal(SUBSCRIBER_QUEUE_FIRST / 2, subscriber_queue_wants(queue));
	subscriber_queue_claimed(queue, SUBSCRIBER_QUEUE_FIRST / 2,
				 3); /* fewer: for now that was it */
	assert_int_equal(0, subscriber_queue_wants(queue));
	queue->may_have_more = true;
	assert_int_equal(SUBSCRIBER_QUEUE_FIRST / 2, subscriber_queue_wants(queue));
	queue->is_leased = false;
	assert_int_equal(0, subscriber_queue_wants(queue));
	subscriber_queue_free(queue);
	free(all);
}

static void spent_when_nothing_is_left(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all = fill(queue, 1, 10);

	(void)state;
	queue->may_have_more = false;
	assert_false(subscriber_queue_is_finished(queue)); /* one waits */
	subscriber_queue_take(queue);
	subscriber_queue_started(queue, 0);
	assert_false(subscriber_queue_is_finished(queue)); /* is in flight */
	subscriber_queue_ended(queue, true);
	assert_false(subscriber_queue_is_finished(queue)); /* is not settled */
	queue->done--;
	assert_true(subscriber_queue_is_finished(queue));
	queue->may_have_more = true;
	assert_false(subscriber_queue_is_finished(queue)); /* the database may have more */
	queue->is_leased = false;
	assert_true(subscriber_queue_is_finished(queue)); /* which is not for us */
	subscriber_queue_free(queue);
	free(all);
}

static void large_bodies_come_singly(void **state)
{
	struct subscriber_queue *queue = a_queue(8, 0);
	struct delivery *all = fill(queue, 1, 3 * 1024 * 1024);

	(void)state;
	subscriber_queue_take(queue);
	assert_int_equal(1, subscriber_queue_wants(queue));
	subscriber_queue_free(queue);
	free(all);
}

static void secrets_are_opened_when_they_change(void **state)
{
	struct sealer *key = sealer();
	struct subscriber_queue *queue = subscriber_queue_new(12, 100);
	struct buf first = { 0 }, second = { 0 }, foreign = { 0 };
	struct subscriber_queue_facts facts = { .url = LIT("http://x.example/"), .parallel = 8 };
	struct signer *before;

	(void)state;
	assert_err(ERR_NONE, sealing_row(key, SEALING_SUBSCRIPTION, 12, LIT("one"), &first));
	assert_err(ERR_NONE, sealing_row(key, SEALING_SUBSCRIPTION, 12, LIT("two"), &second));
	assert_err(ERR_NONE, sealing_row(key, SEALING_SUBSCRIPTION, 13, LIT("other"), &foreign));
	facts.sealed = buf_str(&first);
	assert_err(ERR_NONE, subscriber_queue_update(queue, key, &facts));
	assert_non_null(queue->signer);
	assert_null(queue->before);
	before = queue->signer;
	assert_err(ERR_NONE, subscriber_queue_update(queue, key, &facts));
	assert_ptr_equal(before, queue->signer);

	facts.sealed = buf_str(&second);
	facts.sealed_before = buf_str(&first);
	assert_err(ERR_NONE, subscriber_queue_update(queue, key, &facts));
	assert_non_null(queue->before);
	/* of another subscription */
	facts.sealed_before = buf_str(&foreign);
	assert_err(ERR_NONE, subscriber_queue_update(queue, key, &facts));
	assert_non_null(queue->signer);
	assert_null(queue->before);
	facts.sealed = buf_str(&foreign);
	assert_err(ERR_DENIED, subscriber_queue_update(queue, key, &facts));
	assert_null(queue->signer);
	subscriber_queue_free(queue);
	sealer_free(key);
	buf_done(&first);
	buf_done(&second);
	buf_done(&foreign);
}

static void queues_are_found_and_removed(void **state)
{
	struct subscriber_queues queues = { 0 };

	(void)state;
	for (int64_t i = 1; i <= 40; i++)
		subscriber_queues_add(&queues, subscriber_queue_new(i, 1));
	assert_null(subscriber_queues_find(&queues, 41));
	for (int64_t i = 1; i <= 40; i += 2)
		subscriber_queues_remove(&queues, subscriber_queues_find(&queues, i));
	assert_int_equal(20, queues.count);
	assert_null(subscriber_queues_find(&queues, 1));
	assert_int_equal(40, subscriber_queues_find(&queues, 40)->subscription_id);
	subscriber_queues_done(&queues);
	subscriber_queue_free(NULL);
}

static void a_short_claim_takes_turns(void **state)
{
	struct subscriber_queues queues = { 0 };
	int64_t first[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		subscriber_queues_add(&queues, a_queue(8, 0));
	for (size_t round = 0; round < 3; round++) {
		int64_t sum = 0;

		subscriber_queues_want(&queues, SUBSCRIBER_QUEUE_FIRST + 1);
		for (size_t i = 0; i < 3; i++)
			sum += queues.at[i]->wanted;
		assert_int_equal(SUBSCRIBER_QUEUE_FIRST + 1, sum);
		first[round] = queues.at[round]->wanted;
	}
	for (size_t round = 0; round < 3; round++)
		assert_int_equal(SUBSCRIBER_QUEUE_FIRST, first[round]);
	subscriber_queues_want(&queues, INT64_MAX);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(SUBSCRIBER_QUEUE_FIRST, queues.at[i]->wanted);
	subscriber_queues_want(&queues, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(0, queues.at[i]->wanted);
	subscriber_queues_done(&queues);
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
		cmocka_unit_test(queues_are_found_and_removed),
		cmocka_unit_test(a_short_claim_takes_turns),
	};

	return cmocka_run_group_tests_name("subscriber_queue", tests, NULL, NULL);
}
