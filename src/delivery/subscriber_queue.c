/* SPDX-License-Identifier: ISC */
#include "delivery/subscriber_queue.h"

#include <stdlib.h>

#include "delivery/delivery.h"
#include "ledger/sealing.h"
#include "ledger/signer.h"

enum {
	TARGET_MAX = 256,		/* deliveries held */
	TARGET_BYTES = 4 * 1024 * 1024, /* and of their bodies */
	START_MARGIN_MS = 1000,		/* the lease must outlast a request by that */
};

struct subscriber_queue *subscriber_queue_new(int64_t subscription_id, int64_t lease)
{
	struct subscriber_queue *queue = mem_zero(1, sizeof(*queue));

	queue->subscription_id = subscription_id;
	queue->lease = lease;
	queue->is_leased = true;
	queue->may_have_more = true;
	return queue;
}

void subscriber_queue_free(struct subscriber_queue *queue)
{
	if (!queue)
		return;
	signer_free(queue->signer);
	signer_free(queue->before);
	buf_done(&queue->url);
	buf_done(&queue->sealed);
	buf_done(&queue->sealed_before);
	free(queue);
}

/* ---- the subscription */

static enum err open_secret(const struct subscriber_queue *queue, const struct sealer *sealer,
			    struct str sealed, struct buf *known, struct signer **signer)
{
	struct buf secret = { 0 };
	enum err err;

	if (*signer && str_equal(buf_str(known), sealed))
		return ERR_NONE;
	signer_free(*signer);
	*signer = NULL;
	buf_clear(known);
	buf_add_str(known, sealed);
	if (!sealed.len)
		return ERR_NONE;
	err = sealing_row_open(sealer, SEALING_SUBSCRIPTION, queue->subscription_id, sealed,
			       &secret);
	if (!err)
		*signer = signer_new(buf_str(&secret));
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return err;
}

enum err subscriber_queue_update(struct subscriber_queue *queue, const struct sealer *sealer,
				 const struct subscriber_queue_facts *facts)
{
	enum err err;

	if (!str_equal(buf_str(&queue->url), facts->url)) {
		buf_clear(&queue->url);
		buf_add_str(&queue->url, facts->url);
	}
	queue->parallel = facts->parallel;
	if (queue->width == 0 || queue->width > queue->parallel)
		queue->width = queue->parallel;
	if (queue->target < SUBSCRIBER_QUEUE_FIRST)
		queue->target = SUBSCRIBER_QUEUE_FIRST;
	if (queue->target > TARGET_MAX)
		queue->target = TARGET_MAX;
	queue->pause_us = facts->pause_us;
	err = open_secret(queue, sealer, facts->sealed, &queue->sealed, &queue->signer);
	/* without the secret before, the new one is enough */
	(void)!open_secret(queue, sealer, facts->sealed_before, &queue->sealed_before,
			   &queue->before);
	return err;
}

/* ---- its deliveries */

void subscriber_queue_put(struct subscriber_queue *queue, struct delivery *delivery)
{
	delivery->queue = queue;
	delivery->next = NULL;
	if (queue->last)
		queue->last->next = delivery;
	else
		queue->first = delivery;
	queue->last = delivery;
	queue->waiting++;
	if (delivery->body.len > queue->largest)
		queue->largest = delivery->body.len;
}

struct delivery *subscriber_queue_take(struct subscriber_queue *queue)
{
	struct delivery *delivery = queue->first;

	if (!delivery)
		return NULL;
	queue->first = delivery->next;
	if (!queue->first)
		queue->last = NULL;
	delivery->next = NULL;
	queue->waiting--;
	return delivery;
}

bool subscriber_queue_may_start(const struct subscriber_queue *queue, int64_t now_us,
				int64_t timeout_ms, int *wait_ms)
{
	if (!queue->waiting || !queue->is_leased || (int64_t)queue->in_flight >= queue->width ||
	    queue->until_ms - now_us / 1000 < timeout_ms + START_MARGIN_MS)
		return false;
	if (queue->start_us > now_us) {
		int left = (int)((queue->start_us - now_us + 999) / 1000);

		if (*wait_ms < 0 || left < *wait_ms)
			*wait_ms = left;
		return false;
	}
	return true;
}

void subscriber_queue_started(struct subscriber_queue *queue, int64_t now_us)
{
	queue->in_flight++;
	queue->start_us = now_us + queue->pause_us;
}

/* An unresponsive subscriber gets one request at a time, so that it takes few of the
   requests that the courier may have in flight. */
void subscriber_queue_ended(struct subscriber_queue *queue, bool has_answered)
{
	queue->in_flight--;
	queue->done++;
	queue->is_unresponsive = !has_answered;
	queue->width = has_answered ? queue->width * 2 : 1;
	if (queue->width > queue->parallel)
		queue->width = queue->parallel;
}

int64_t subscriber_queue_wants(const struct subscriber_queue *queue)
{
	int64_t target = queue->target, have = (int64_t)(queue->waiting + queue->in_flight);

	if (queue->largest > 0 && target > TARGET_BYTES / (int64_t)queue->largest)
		target = TARGET_BYTES / (int64_t)queue->largest;
	if (target < 1)
		target = 1;
	if (!queue->is_leased || !queue->may_have_more || have > target / 2)
		return 0;
	return target - have;
}

void subscriber_queue_claimed(struct subscriber_queue *queue, int64_t wanted, int64_t given)
{
	/* It delivers faster than claims fill it: claim more at a time. */
	if (queue->waiting <= (size_t)given && given == wanted && queue->width > 1)
		queue->target = queue->target * 2 > TARGET_MAX ? TARGET_MAX : queue->target * 2;
	if (given < wanted)
		queue->may_have_more = false;
}

bool subscriber_queue_is_finished(const struct subscriber_queue *queue)
{
	return queue->waiting == 0 && queue->in_flight == 0 && queue->done == 0 &&
	       (!queue->may_have_more || !queue->is_leased);
}

/* ---- all queues */

void subscriber_queues_add(struct subscriber_queues *queues, struct subscriber_queue *queue)
{
	if (queues->count == queues->cap) {
		queues->cap = queues->cap ? queues->cap * 2 : 16;
		queues->at = mem_grow(queues->at, queues->cap, sizeof(struct subscriber_queue *));
	}
	queues->at[queues->count++] = queue;
}

struct subscriber_queue *subscriber_queues_find(const struct subscriber_queues *queues,
						int64_t subscription_id)
{
	for (size_t i = 0; i < queues->count; i++)
		if (queues->at[i]->subscription_id == subscription_id)
			return queues->at[i];
	return NULL;
}

void subscriber_queues_remove(struct subscriber_queues *queues, struct subscriber_queue *queue)
{
	for (size_t i = 0; i < queues->count; i++) {
		if (queues->at[i] != queue)
			continue;
		queues->at[i] = queues->at[--queues->count];
		break;
	}
	subscriber_queue_free(queue);
}

void subscriber_queues_want(struct subscriber_queues *queues, int64_t most)
{
	size_t turn = queues->turn++;

	for (size_t i = 0; i < queues->count; i++) {
		struct subscriber_queue *queue = queues->at[(turn + i) % queues->count];

		queue->given = 0;
		queue->wanted = subscriber_queue_wants(queue);
		if (queue->wanted > most)
			queue->wanted = most;
		most -= queue->wanted;
	}
}

bool subscriber_queues_has_finished(const struct subscriber_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		if (subscriber_queue_is_finished(queues->at[i]))
			return true;
	return false;
}

void subscriber_queues_release(struct subscriber_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		queues->at[i]->is_released = subscriber_queue_is_finished(queues->at[i]);
}

void subscriber_queues_done(struct subscriber_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		subscriber_queue_free(queues->at[i]);
	free(queues->at);
	*queues = (struct subscriber_queues){ 0 };
}
