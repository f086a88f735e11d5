/* SPDX-License-Identifier: ISC */
#include "delivery/inflight.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "http/http_client.h"
#include "http/uri.h"
#include "delivery/delivery.h"
#include "delivery/delivery_conf.h"
#include "http/http_conf.h"
#include "ledger/signed_request.h"
#include "ledger/monitor.h"

enum { STALE_MS = 5000, PART_MIN = 8 }; /* of a URL; answers are stored without such parts */

/* ---- deliveries */

static struct delivery *delivery_take_spare(struct inflight *inflight)
{
	struct delivery *delivery = inflight->spare;

	if (!delivery)
		delivery = mem_zero(1, sizeof(*delivery));
	else
		inflight->spare = delivery->next;
	delivery_clear(delivery);
	delivery->next = NULL;
	inflight->count++;
	return delivery;
}

static void put_back(struct inflight *inflight, struct delivery *delivery)
{
	delivery->queue = NULL;
	delivery->next = inflight->spare;
	inflight->spare = delivery;
	inflight->count--;
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

void inflight_drop_waiting(struct inflight *inflight, struct subscriber_queue *queue)
{
	struct delivery *delivery;

	while ((delivery = subscriber_queue_take(queue)) != NULL)
		put_back(inflight, delivery);
}

/* The claim checks what the maker of the subscription may see. Deliveries that have waited for
   long are therefore claimed anew. true: there were some. */
static bool drop_stale(struct inflight *inflight, struct subscriber_queue *queue, int64_t now_ms)
{
	if (!queue->first || now_ms - queue->first->claimed_ms < STALE_MS)
		return false;
	inflight_drop_waiting(inflight, queue);
	queue->due_us = 0;
	queue->may_have_more = true;
	return true;
}

void inflight_lose(struct inflight *inflight, struct subscriber_queue *queue)
{
	if (queue->is_leased)
		log_write(LOG_WARN, "lease_lost",
			  (struct log_field[]){ log_num("subscription", queue->subscription_id),
						log_end() });
	queue->is_leased = false;
	inflight_drop_waiting(inflight, queue);
}

static void add_done(struct inflight *inflight, struct delivery *delivery)
{
	if (!inflight->done)
		inflight->done_since_ms = clock_ms();
	delivery->next = inflight->done;
	inflight->done = delivery;
	inflight->done_count++;
}

/* ---- requests */

/* `why` is for the log; delivery->problem is what the subscriber may know. */
static void note_result(struct inflight *inflight, const struct delivery *delivery, struct str why)
{
	bool is_fine = delivery->status >= 200 && delivery->status <= 299;

	monitor_count(inflight->monitor, is_fine, delivery->duration_us);
	if (is_fine)
		inflight->delivered++;
	else
		inflight->failed++;
	if (!is_fine && log_gate_passes(&inflight->failures, 10)) {
		log_write(LOG_INFO, "not_delivered",
			  (struct log_field[]){
				  log_num("subscription", delivery->queue->subscription_id),
				  log_num("delivery", delivery->id),
				  log_num("attempt", delivery->attempt), log_str("why", why),
				  log_num("suppressed", inflight->failures.held), log_end() });
		inflight->failures.held = 0;
	}
}

/* Ends a delivery without a request: it cannot be sent now, or never. */
static void refuse(struct inflight *inflight, struct delivery *delivery, int status,
		   const char *why)
{
	delivery_note(delivery, status, 0, (struct str){ 0 }, why);
	delivery->queue->done++;
	note_result(inflight, delivery, buf_str(&delivery->problem));
	add_done(inflight, delivery);
}

static void start_one(struct inflight *inflight, struct subscriber_queue *queue)
{
	struct delivery *delivery = subscriber_queue_take(queue);
	char id[DELIVERY_ID_MAX];
	struct signed_request sending = {
		.url = buf_text(&queue->url),
		.id = delivery_webhook_id(delivery, queue->subscription_id, id),
		.signer = queue->signer,
		.before = queue->before,
		.timeout_ms = http_conf(inflight->conf)->delivery_timeout_ms,
		.user = delivery
	};
	int64_t now_us = clock_now_us();

	if (!delivery->body.len) {
		refuse(inflight, delivery, DELIVERY_HOPELESS,
		       "the event is not in the ledger any more");
		return;
	}
	if (!queue->signer) {
		refuse(inflight, delivery, 0, "the secret does not open with this master key");
		return;
	}
	if (delivery_write(delivery, queue->subscription_id, buf_str(&queue->url), now_us)) {
		refuse(inflight, delivery, DELIVERY_HOPELESS, "the recorded body is no event");
		return;
	}
	sending.body = buf_str(&delivery->sent);
	if (signed_request_start(inflight->client, &sending, now_us)) {
		refuse(inflight, delivery, 0, "the callback address is no http or https URL");
		return;
	}
	delivery->next = inflight->requests;
	inflight->requests = delivery;
	subscriber_queue_started(queue, clock_ms() * 1000);
}

/* Unresponsive subscribers together may use half of all requests, so that the other half is
   left to the others. */
static bool may_use_request(const struct inflight *inflight, const struct subscriber_queue *queue)
{
	size_t most = (size_t)delivery_conf(inflight->conf)->courier_requests_max, silent = 0;

	if (!queue->is_unresponsive)
		return true;
	for (size_t i = 0; i < inflight->queues.count; i++)
		if (inflight->queues.at[i]->is_unresponsive)
			silent += inflight->queues.at[i]->in_flight;
	return silent < (most + 1) / 2;
}

/* One of each queue in turn, beginning with another queue each time, so that none has
   precedence. */
int inflight_start(struct inflight *inflight, int most, int *wait_ms)
{
	int started = 0, before = -1;

	while (started > before && started < most) {
		int64_t now_us = clock_ms() * 1000;

		before = started;
		for (size_t i = 0; i < inflight->queues.count && started < most; i++) {
			struct subscriber_queue *queue =
				inflight->queues.at[(inflight->turn + i) % inflight->queues.count];

			if (drop_stale(inflight, queue, now_us / 1000))
				*wait_ms = 0;
			if (http_client_count(inflight->client) >=
			    (size_t)delivery_conf(inflight->conf)->courier_requests_max)
				return started;
			if (!subscriber_queue_may_start(
				    queue, now_us, http_conf(inflight->conf)->delivery_timeout_ms,
				    wait_ms) ||
			    !may_use_request(inflight, queue))
				continue;
			start_one(inflight, queue);
			started++;
		}
		inflight->turn++;
	}
	return started;
}

static void take_from(struct delivery **list, const struct delivery *delivery)
{
	while (*list != delivery)
		list = &(*list)->next;
	*list = delivery->next;
}

void inflight_collect(struct inflight *inflight)
{
	struct http_client_result outcome;
	struct buf answer = { 0 };

	while (http_client_take(inflight->client, &outcome) == ERR_NONE) {
		struct delivery *delivery = outcome.user;
		struct subscriber_queue *queue = delivery->queue;
		struct str retry_after = http_client_header(inflight->client, "Retry-After");

		/* servers repeat the secret address in answers: "Cannot POST /hooks/…" */
		buf_clear(&answer);
		uri_hide(outcome.body, buf_str(&queue->url), PART_MIN, &answer);
		delivery_note(delivery, outcome.status, outcome.duration_us, buf_str(&answer),
			      http_client_explain(&outcome));
		if (outcome.status && (outcome.status < 200 || outcome.status > 299))
			delivery->pause_ms = delivery_pause_ms(retry_after, clock_now_us());
		/* the connection was stale: counts as an attempt, but the next one need not wait */
		if (outcome.is_stale)
			delivery->pause_ms = 0;
		take_from(&inflight->requests, delivery);
		subscriber_queue_ended(queue, outcome.status != 0 || outcome.is_stale);
		/* the answer is meant for the whole subscription: wait, or it is gone */
		if (outcome.status == 410 ||
		    ((outcome.status == 429 || outcome.status == 503) && delivery->pause_ms > 0))
			inflight_drop_waiting(inflight, queue);
		note_result(inflight, delivery,
			    outcome.problem ? str_of(outcome.problem)
					    : buf_str(&delivery->problem));
		add_done(inflight, delivery);
	}
	buf_done(&answer);
}

int inflight_poll(const struct inflight *inflight, struct pollfd *fd)
{
	return http_client_poll(inflight->client, fd);
}

/* ---- claimed and settled */

struct subscriber_queue *inflight_queue(struct inflight *inflight,
					const struct delivery_store_claimed *row)
{
	struct subscriber_queue *queue = subscriber_queues_find(&inflight->queues,
								row->subscription_id);

	if (queue)
		return queue;
	queue = subscriber_queue_new(row->subscription_id, row->lease);
	queue->wanted = SUBSCRIBER_QUEUE_FIRST;
	subscriber_queues_add(&inflight->queues, queue);
	return queue;
}

void inflight_put(struct inflight *inflight, struct subscriber_queue *queue,
		  const struct delivery_store_claimed *row)
{
	struct delivery *delivery = delivery_take_spare(inflight);

	/* each row repeats the facts of its subscription */
	if (queue->given++ == 0) {
		if (subscriber_queue_update(queue, inflight->sealer, &row->facts))
			log_write(
				LOG_ERROR, "secret_does_not_open",
				(struct log_field[]){ log_num("subscription", row->subscription_id),
						      log_end() });
		if (row->is_failing && !queue->in_flight) {
			queue->is_unresponsive = true;
			queue->width = 1;
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
	queue->due_us = row->due_us;
	queue->after_id = row->delivery_id;
	subscriber_queue_put(queue, delivery);
}

void inflight_settle(struct inflight *inflight, size_t most)
{
	struct delivery **from = &inflight->done;
	size_t left = inflight->done_count > most ? inflight->done_count - most : 0;

	/* the newest is the first of the list */
	for (size_t i = 0; i < left; i++)
		from = &(*from)->next;
	inflight->settling = *from;
	*from = NULL;
	inflight->done_count = left;
}

void inflight_settled(struct inflight *inflight)
{
	while (inflight->settling) {
		struct delivery *delivery = inflight->settling;

		inflight->settling = delivery->next;
		delivery->queue->done--;
		delivery->queue->may_have_more = true;
		put_back(inflight, delivery);
	}
}

void inflight_not_settled(struct inflight *inflight)
{
	while (inflight->settling) {
		struct delivery *delivery = inflight->settling;

		inflight->settling = delivery->next;
		add_done(inflight, delivery);
	}
}

/* ---- opening and closing */

void inflight_init(struct inflight *inflight, const struct conf *conf)
{
	static const char *const wanted[] = { "Retry-After", NULL };

	inflight->conf = conf;
	ip_networks_reread(&inflight->allowed, http_conf(conf)->allowed_networks);
	inflight->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	inflight->client = http_client_new(&(struct http_client_options){
		.requests_max = (size_t)delivery_conf(conf)->courier_requests_max,
		.answer_max = (size_t)delivery_conf(conf)->answer_max_bytes,
		.cuts_answers = true,
		.wanted = wanted,
		.is_guarded = true,
		.allowed = &inflight->allowed,
		.ca_file = http_conf(conf)->ca_file,
		.agent = "hookledger/" HL_VERSION,
	});
}

void inflight_done(struct inflight *inflight)
{
	http_client_free(inflight->client);
	sealer_free(inflight->sealer);
	ip_networks_done(&inflight->allowed);
	for (size_t i = 0; i < inflight->queues.count; i++)
		inflight_drop_waiting(inflight, inflight->queues.at[i]);
	subscriber_queues_done(&inflight->queues);
	free_list(inflight->spare);
	free_list(inflight->requests);
	free_list(inflight->done);
	free_list(inflight->settling);
}
