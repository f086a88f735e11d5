/* SPDX-License-Identifier: ISC */
#include "ledger/hand.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/fetch.h"
#include "base/uri.h"
#include "ledger/delivery.h"
#include "ledger/sending.h"
#include "ledger/watch.h"

enum { STALE_MS = 5000, PART_MIN = 8 };	/* of a URL that an answer does not repeat */

/* ---- what is in the hand */

static struct delivery *spare_delivery(struct hand *hand)
{
	struct delivery *delivery = hand->spare;

	if (!delivery)
		delivery = mem_zero(1, sizeof(*delivery));
	else
		hand->spare = delivery->next;
	delivery_clear(delivery);
	delivery->next = NULL;
	hand->count++;
	return delivery;
}

static void put_back(struct hand *hand, struct delivery *delivery)
{
	delivery->lane = NULL;
	delivery->next = hand->spare;
	hand->spare = delivery;
	hand->count--;
}

static void free_list(struct delivery *list)
{
	while (list) {
		struct delivery *next = list->next;

		delivery_done(list);
		free(list);
		list = next;
	}
}

void hand_drop_waiting(struct hand *hand, struct lane *lane)
{
	struct delivery *delivery;

	while ((delivery = lane_take(lane)) != NULL)
		put_back(hand, delivery);
}

/* What its maker may see was judged by the claim; what has waited in the hand for
   long is claimed anew. True: there was something. */
static bool drop_stale(struct hand *hand, struct lane *lane, int64_t now_ms)
{
	if (!lane->first || now_ms - lane->first->claimed_ms < STALE_MS)
		return false;
	hand_drop_waiting(hand, lane);
	lane->due_us = 0;
	lane->is_hungry = true;
	return true;
}

void hand_lose(struct hand *hand, struct lane *lane)
{
	if (lane->is_leased)
		log_write(LOG_WARN, "lease_lost",
		          (struct log_field[]){ log_num("subscription", lane->subscription_id), log_end() });
	lane->is_leased = false;
	hand_drop_waiting(hand, lane);
}

static void add_done(struct hand *hand, struct delivery *delivery)
{
	if (!hand->done)
		hand->done_since_ms = clock_ms();
	delivery->next = hand->done;
	hand->done = delivery;
	hand->done_count++;
}

/* ---- requests */

/* `why`: for the log; what the subscriber may know of it stands in delivery->problem. */
static void note_result(struct hand *hand, const struct delivery *delivery, struct str why)
{
	bool is_fine = delivery->status >= 200 && delivery->status <= 299;

	watch_count(hand->watch, is_fine, delivery->duration_us);
	if (is_fine)
		hand->delivered++;
	else
		hand->failed++;
	if (!is_fine && log_gate_passes(&hand->failures, 10)) {
		log_write(LOG_INFO, "not_delivered",
		          (struct log_field[]){ log_num("subscription", delivery->lane->subscription_id),
		                                log_num("delivery", delivery->id),
		                                log_num("attempt", delivery->attempt),
		                                log_str("why", why),
		                                log_num("unsaid", hand->failures.held), log_end() });
		hand->failures.held = 0;
	}
}

/* Without a request: it cannot be sent now, or never. */
static void refuse(struct hand *hand, struct delivery *delivery, int status, const char *why)
{
	delivery_note(delivery, status, 0, (struct str){ 0 }, why);
	delivery->lane->done++;
	note_result(hand, delivery, buf_str(&delivery->problem));
	add_done(hand, delivery);
}

static void start_one(struct hand *hand, struct lane *lane)
{
	struct delivery *delivery = lane_take(lane);
	char id[DELIVERY_ID_MAX];
	struct sending sending = { .url = buf_text(&lane->url),
		                   .id = delivery_webhook_id(delivery, lane->subscription_id, id),
		                   .signer = lane->signer,
		                   .before = lane->before,
		                   .timeout_ms = hand->conf->delivery_timeout_ms,
		                   .user = delivery };
	int64_t now_us = clock_now_us();

	if (!delivery->body.len) {
		refuse(hand, delivery, DELIVERY_HOPELESS, "the event is not in the ledger any more");
		return;
	}
	if (!lane->signer) {
		refuse(hand, delivery, 0, "the secret does not open with this master key");
		return;
	}
	if (delivery_write(delivery, lane->subscription_id, buf_str(&lane->url), now_us)) {
		refuse(hand, delivery, DELIVERY_HOPELESS, "the recorded body is no event");
		return;
	}
	sending.body = buf_str(&delivery->sent);
	if (sending_start(hand->fetch, &sending, now_us)) {
		refuse(hand, delivery, 0, "the callback address is no http or https URL");
		return;
	}
	delivery->next = hand->under_way;
	hand->under_way = delivery;
	lane_started(lane, clock_ms() * 1000);
}

/* Those that do not answer may have half of all requests, so that the others have
   the rest, however many there are. */
static bool has_place(const struct hand *hand, const struct lane *lane)
{
	size_t most = (size_t)hand->conf->courier_requests_max, silent = 0;

	if (!lane->is_silent)
		return true;
	for (size_t i = 0; i < hand->lanes.count; i++)
		if (hand->lanes.at[i]->is_silent)
			silent += hand->lanes.at[i]->under_way;
	return silent < (most + 1) / 2;
}

/* Lane by lane one, beginning with another each time: none comes first. */
int hand_start(struct hand *hand, int most, int *wait_ms)
{
	int started = 0, before = -1;

	while (started > before && started < most) {
		int64_t now_us = clock_ms() * 1000;

		before = started;
		for (size_t i = 0; i < hand->lanes.count && started < most; i++) {
			struct lane *lane = hand->lanes.at[(hand->turn + i) % hand->lanes.count];

			if (drop_stale(hand, lane, now_us / 1000))
				*wait_ms = 0;
			if (fetch_count(hand->fetch) >= (size_t)hand->conf->courier_requests_max)
				return started;
			if (!lane_may_start(lane, now_us, hand->conf->delivery_timeout_ms, wait_ms) ||
			    !has_place(hand, lane))
				continue;
			start_one(hand, lane);
			started++;
		}
		hand->turn++;
	}
	return started;
}

static void take_from(struct delivery **list, const struct delivery *delivery)
{
	while (*list != delivery)
		list = &(*list)->next;
	*list = delivery->next;
}

void hand_collect(struct hand *hand)
{
	struct fetch_outcome outcome;
	struct buf answer = { 0 };

	while (fetch_take(hand->fetch, &outcome) == ERR_NONE) {
		struct delivery *delivery = outcome.user;
		struct lane *lane = delivery->lane;
		struct str retry_after = fetch_header(hand->fetch, "Retry-After");

		/* servers repeat where they were asked: "Cannot POST /hooks/…" */
		buf_clear(&answer);
		uri_hide(outcome.body, buf_str(&lane->url), PART_MIN, &answer);
		delivery_note(delivery, outcome.status, outcome.duration_us, buf_str(&answer), fetch_told(&outcome));
		if (outcome.status && (outcome.status < 200 || outcome.status > 299))
			delivery->pause_ms = delivery_pause_ms(retry_after, clock_now_us());
		/* an attempt like any other, but the next one need not wait */
		if (outcome.is_stale)
			delivery->pause_ms = 0;
		take_from(&hand->under_way, delivery);
		lane_ended(lane, outcome.status != 0 || outcome.is_stale);
		/* the whole subscription is asked to wait, or has gone */
		if (outcome.status == 410 ||
		    ((outcome.status == 429 || outcome.status == 503) && delivery->pause_ms > 0))
			hand_drop_waiting(hand, lane);
		note_result(hand, delivery, outcome.problem ? str_of(outcome.problem) : buf_str(&delivery->problem));
		add_done(hand, delivery);
	}
	buf_done(&answer);
}

int hand_poll(const struct hand *hand, struct pollfd *fd)
{
	return fetch_poll(hand->fetch, fd);
}

/* ---- from the database and back */

struct lane *hand_lane(struct hand *hand, const struct outbox_claimed *row)
{
	struct lane *lane = lanes_find(&hand->lanes, row->subscription_id);

	if (lane)
		return lane;
	lane = lane_new(row->subscription_id, row->lease);
	lane->wanted = LANE_FIRST;
	lanes_add(&hand->lanes, lane);
	return lane;
}

void hand_put(struct hand *hand, struct lane *lane, const struct outbox_claimed *row)
{
	struct delivery *delivery = spare_delivery(hand);

	/* what the subscription says stands in each of its rows */
	if (lane->given++ == 0) {
		if (lane_update(lane, hand->sealer, &row->facts))
			log_write(LOG_ERROR, "secret_does_not_open",
			          (struct log_field[]){ log_num("subscription", row->subscription_id), log_end() });
		if (row->is_failing && !lane->under_way) {
			lane->is_silent = true;
			lane->width = 1;
		}
	}
	delivery->id = row->delivery_id;
	delivery->attempt = row->attempt;
	delivery->event_id = row->event_id;
	delivery->created_us = row->created_us;
	delivery->claimed_ms = clock_ms();
	buf_add_str(&delivery->body, row->body);
	buf_add_str(&delivery->payload, row->payload);
	buf_add_str(&delivery->metadata, row->metadata);
	lane->due_us = row->due_us;
	lane->after_id = row->delivery_id;
	lane_put(lane, delivery);
}

void hand_settle(struct hand *hand)
{
	hand->settling = hand->done;
	hand->done = NULL;
	hand->done_count = 0;
}

void hand_settled(struct hand *hand)
{
	while (hand->settling) {
		struct delivery *delivery = hand->settling;

		hand->settling = delivery->next;
		delivery->lane->done--;
		delivery->lane->is_hungry = true;
		put_back(hand, delivery);
	}
}

void hand_not_settled(struct hand *hand)
{
	while (hand->settling) {
		struct delivery *delivery = hand->settling;

		hand->settling = delivery->next;
		add_done(hand, delivery);
	}
}

/* ---- opening and closing */

void hand_init(struct hand *hand, const struct conf *conf)
{
	static const char *const wanted[] = { "Retry-After", NULL };

	hand->conf = conf;
	networks_read_again(&hand->allowed, conf->allowed_networks);
	hand->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	hand->fetch = fetch_new(&(struct fetch_how){
		.requests_max = (size_t)conf->courier_requests_max,
		.answer_max = (size_t)conf->delivery_answer_max_bytes,
		.cuts_answers = true,
		.wanted = wanted,
		.is_guarded = true,
		.allowed = &hand->allowed,
		.ca_file = conf->ca_file,
		.agent = "hookledger/" HL_VERSION,
	});
}

void hand_done(struct hand *hand)
{
	fetch_free(hand->fetch);
	sealer_free(hand->sealer);
	networks_done(&hand->allowed);
	for (size_t i = 0; i < hand->lanes.count; i++)
		hand_drop_waiting(hand, hand->lanes.at[i]);
	lanes_done(&hand->lanes);
	free_list(hand->spare);
	free_list(hand->under_way);
	free_list(hand->done);
	free_list(hand->settling);
}
