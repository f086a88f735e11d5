/* SPDX-License-Identifier: ISC */
#include "ledger/lane.h"

#include <stdlib.h>

#include "ledger/delivery.h"
#include "ledger/sealing.h"
#include "ledger/signer.h"

enum {
	TARGET_MAX = 256,	/* deliveries in the hand */
	TARGET_BYTES = 4 * 1024 * 1024,	/* and of their bodies */
	START_MARGIN_MS = 1000,	/* the lease must outlast a request by that */
};

struct lane *lane_new(int64_t subscription_id, int64_t lease)
{
	struct lane *lane = mem_zero(1, sizeof(*lane));

	lane->subscription_id = subscription_id;
	lane->lease = lease;
	lane->is_leased = true;
	lane->is_hungry = true;
	return lane;
}

void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	signer_free(lane->signer);
	signer_free(lane->before);
	buf_done(&lane->url);
	buf_done(&lane->sealed);
	buf_done(&lane->sealed_before);
	free(lane);
}

/* ---- what the subscription says */

static enum err open_secret(const struct lane *lane, const struct sealer *sealer, struct str sealed,
                            struct buf *known, struct signer **signer)
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
	err = sealing_subscription_open(sealer, lane->subscription_id, sealed, &secret);
	if (!err)
		*signer = signer_new(buf_str(&secret));
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return err;
}

enum err lane_update(struct lane *lane, const struct sealer *sealer, const struct lane_facts *facts)
{
	enum err err;

	if (!str_equal(buf_str(&lane->url), facts->url)) {
		buf_clear(&lane->url);
		buf_add_str(&lane->url, facts->url);
	}
	lane->parallel = facts->parallel;
	if (lane->width == 0 || lane->width > lane->parallel)
		lane->width = lane->parallel;
	if (lane->target < LANE_FIRST)
		lane->target = LANE_FIRST;
	if (lane->target > TARGET_MAX)
		lane->target = TARGET_MAX;
	lane->pause_us = facts->pause_us;
	err = open_secret(lane, sealer, facts->sealed, &lane->sealed, &lane->signer);
	/* without the one before, the new one does */
	(void)!open_secret(lane, sealer, facts->sealed_before, &lane->sealed_before, &lane->before);
	return err;
}

/* ---- the hand */

void lane_put(struct lane *lane, struct delivery *delivery)
{
	delivery->lane = lane;
	delivery->next = NULL;
	if (lane->last)
		lane->last->next = delivery;
	else
		lane->first = delivery;
	lane->last = delivery;
	lane->waiting++;
	if (delivery->body.len > lane->largest)
		lane->largest = delivery->body.len;
}

struct delivery *lane_take(struct lane *lane)
{
	struct delivery *delivery = lane->first;

	if (!delivery)
		return NULL;
	lane->first = delivery->next;
	if (!lane->first)
		lane->last = NULL;
	delivery->next = NULL;
	lane->waiting--;
	return delivery;
}

bool lane_may_start(const struct lane *lane, int64_t now_us, int64_t timeout_ms, int *wait_ms)
{
	if (!lane->waiting || !lane->is_leased || (int64_t)lane->under_way >= lane->width ||
	    lane->until_ms - now_us / 1000 < timeout_ms + START_MARGIN_MS)
		return false;
	if (lane->start_us > now_us) {
		int left = (int)((lane->start_us - now_us + 999) / 1000);

		if (*wait_ms < 0 || left < *wait_ms)
			*wait_ms = left;
		return false;
	}
	return true;
}

void lane_started(struct lane *lane, int64_t now_us)
{
	lane->under_way++;
	lane->start_us = now_us + lane->pause_us;
}

/* One that does not answer is tried by one request at a time: it costs few
   places of the courier then. */
void lane_ended(struct lane *lane, bool has_answered)
{
	lane->under_way--;
	lane->done++;
	lane->is_silent = !has_answered;
	lane->width = has_answered ? lane->width * 2 : 1;
	if (lane->width > lane->parallel)
		lane->width = lane->parallel;
}

int64_t lane_wants(const struct lane *lane)
{
	int64_t target = lane->target, have = (int64_t)(lane->waiting + lane->under_way);

	if (lane->largest > 0 && target > TARGET_BYTES / (int64_t)lane->largest)
		target = TARGET_BYTES / (int64_t)lane->largest;
	if (target < 1)
		target = 1;
	if (!lane->is_leased || !lane->is_hungry || have > target / 2)
		return 0;
	return target - have;
}

void lane_claimed(struct lane *lane, int64_t wanted, int64_t given)
{
	/* It has used up what it had: more at a time. */
	if (lane->waiting <= (size_t)given && given == wanted && lane->width > 1)
		lane->target = lane->target * 2 > TARGET_MAX ? TARGET_MAX : lane->target * 2;
	if (given < wanted)
		lane->is_hungry = false;
}

bool lane_is_spent(const struct lane *lane)
{
	return lane->waiting == 0 && lane->under_way == 0 && lane->done == 0 &&
	       (!lane->is_hungry || !lane->is_leased);
}

/* ---- all of them */

void lanes_add(struct lanes *lanes, struct lane *lane)
{
	if (lanes->count == lanes->cap) {
		lanes->cap = lanes->cap ? lanes->cap * 2 : 16;
		lanes->at = mem_grow(lanes->at, lanes->cap, sizeof(struct lane *));
	}
	lanes->at[lanes->count++] = lane;
}

struct lane *lanes_find(const struct lanes *lanes, int64_t subscription_id)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->at[i]->subscription_id == subscription_id)
			return lanes->at[i];
	return NULL;
}

void lanes_remove(struct lanes *lanes, struct lane *lane)
{
	for (size_t i = 0; i < lanes->count; i++) {
		if (lanes->at[i] != lane)
			continue;
		lanes->at[i] = lanes->at[--lanes->count];
		break;
	}
	lane_free(lane);
}

void lanes_done(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		lane_free(lanes->at[i]);
	free(lanes->at);
	*lanes = (struct lanes){ 0 };
}
