/* SPDX-License-Identifier: ISC */
#include "delivery/delivery_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/log.h"
#include "delivery/backpressure.h"
#include "delivery/delivery_conf.h"
#include "delivery/inflight.h"
#include "delivery/subscriber_queue.h"
#include "delivery/delivery_store.h"
#include "http/http_conf.h"
#include "ledger/monitor.h"

enum {
	CALL_MS = 30000,	/* for a call of the database; no user waits for it */
	CONNECT_MS = 10000,	/* for the first connection of a round */
	SETTLE_MS = 5,		/* a result waits so long for others at most */
	SETTLE_MOST = 64,	/* or until there are so many */
	NEW_QUEUES = 16,	/* in one claim */
	NEW_QUEUES_BUSY = 2,	/* while receivers are busy; with the first deliveries of each */
	CLAIM_BUSY = 128,	/* deliveries, while receivers are busy: some 4 ms a call */
	QUEUES_PER_REQUEST = 4, /* at most, for each request that may be in flight */
	RESCAN_MS = 3000,	/* then a claim reads from the start: a commit may have been late */
	BLOCKED_MS = 20,	/* another courier gathers, or there is enough to deliver */
	LOOK_AGAIN_MS = 100,	/* a delivery is due and could not be claimed */
	LEASE_MARGIN_MS = 2000, /* on top of two requests: a second for each */
	HOUSEKEEP_MS = 60 * 1000, /* the database decides whether anything is to be done */
};

static const int64_t DAY_MS = INT64_C(86400) * 1000;

struct delivery_loop {
	const struct conf *conf;
	int64_t lease_ms;
	struct db *db;
	struct delivery_store *store;
	struct inflight inflight;
	struct monitor *monitor;

	int64_t listening_session; /* of the connection that listens */
	int64_t call_sent, call_until;
	struct backpressure backpressure;
	int64_t queues_max; /* new ones, in the claim in flight */
	bool is_gathering,
		is_seeking; /* the outbox may have events; new subscriptions may have deliveries */
	int64_t gather_at, look_at, housekeep_at; /* not before */
	bool is_housekept;
	bool is_stopping;
};

struct delivery_loop *delivery_loop_new(const struct conf *conf)
{
	struct delivery_loop *c = mem_zero(1, sizeof(*c));
	struct db_options db = {
		.conninfo = conf_database(conf, "courier"),
		.program = "hookledger-courier",
		.pooled = conf->db_pooled,
		.deadline_ms = CALL_MS,
	};
	struct delivery_store_options store = {
		.parallel = delivery_conf(conf)->parallel,
		.retry_first_ms = delivery_conf(conf)->retry_first_ms,
		.retry_factor = delivery_conf(conf)->retry_factor,
		.retry_longest_ms = delivery_conf(conf)->retry_longest_ms,
		.give_up_ms = delivery_conf(conf)->give_up_ms,
		.failing_ms = delivery_conf(conf)->failing_ms,
		.keep_ms = delivery_conf(conf)->keep_days * DAY_MS,
		.keep_dead_ms = delivery_conf(conf)->keep_dead_days * DAY_MS,
	};

	c->conf = conf;
	/* half of a lease must outlast a request: it is renewed when half of it has passed */
	c->lease_ms = 2 * http_conf(conf)->delivery_timeout_ms + LEASE_MARGIN_MS;
	if (c->lease_ms < delivery_conf(conf)->courier_lease_ms)
		c->lease_ms = delivery_conf(conf)->courier_lease_ms;
	store.lease_ms = c->lease_ms;
	c->db = db_open(&db);
	c->store = delivery_store_new(c->db, &store);
	inflight_init(&c->inflight, conf);
	c->monitor = c->inflight.monitor = monitor_new(conf, c->db, c->inflight.sealer);
	return c;
}

void delivery_loop_free(struct delivery_loop *c)
{
	if (!c)
		return;
	monitor_free(c->monitor);
	inflight_done(&c->inflight);
	delivery_store_free(c->store);
	db_close(c->db);
	free(c);
}

/* ---- calls of the database: which one */

static void fail(struct delivery_loop *c)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "courier_call_failed",
			  (struct log_field[]){ log_text("why", db_problem(c->db)), log_end() });
	/* the results may have been written; writing them again changes nothing */
	inflight_not_settled(&c->inflight);
}

/* There are results to write, or a queue to release. */
static bool is_settling_due(const struct delivery_loop *c)
{
	const struct inflight *inflight = &c->inflight;

	if (!inflight->done)
		return subscriber_queues_has_finished(&inflight->queues);
	return inflight->done_count >= SETTLE_MOST || !inflight->requests ||
	       clock_ms() - inflight->done_since_ms >= SETTLE_MS;
}

/* Calls of the database are to be short. */
static bool is_busy(const struct delivery_loop *c)
{
	return backpressure_is_busy(&c->backpressure, clock_ms());
}

/* There may be far more queues than requests: subscribers that do not answer keep theirs. */
static int64_t room_for_queues(const struct delivery_loop *c)
{
	int64_t room = QUEUES_PER_REQUEST * delivery_conf(c->conf)->courier_requests_max -
		       (int64_t)c->inflight.queues.count;
	int64_t most = is_busy(c) ? NEW_QUEUES_BUSY : NEW_QUEUES;

	return c->is_stopping || room < 0 ? 0 : room < most ? room : most;
}

/* Sets in each queue what the claim is to do for it. false: there is nothing to claim. */
static bool prepare_claim(struct delivery_loop *c)
{
	struct subscriber_queues *queues = &c->inflight.queues;
	int64_t now = clock_ms();
	bool is_needed;

	c->queues_max = c->is_seeking ? room_for_queues(c) : 0;
	is_needed = c->queues_max > 0;
	/* another courier may have a lease that has run out here */
	for (size_t i = 0; i < queues->count; i++)
		if (queues->at[i]->is_leased && now >= queues->at[i]->until_ms)
			inflight_lose(&c->inflight, queues->at[i]);
	subscriber_queues_want(queues, c->is_stopping ? 0 : is_busy(c) ? CLAIM_BUSY : INT64_MAX);
	for (size_t i = 0; i < queues->count; i++) {
		struct subscriber_queue *queue = queues->at[i];

		queue->is_renewed = queue->is_leased && queue->until_ms - now < c->lease_ms / 2;
		if (now - queue->scanned_ms >= RESCAN_MS)
			queue->due_us = 0;
		if (queue->wanted && !queue->due_us)
			queue->scanned_ms = now;
		is_needed = is_needed || queue->wanted || queue->is_renewed;
	}
	return is_needed;
}

/* Starts the next call. In this order none of them can keep the others waiting. */
static enum err start_call(struct delivery_loop *c)
{
	int64_t now = clock_ms();
	bool starts;
	enum err err;

	c->call_sent = now;
	c->call_until = now + CALL_MS;
	if (!c->conf->db_pooled && c->listening_session != db_session(c->db))
		return delivery_store_listen(c->store);
	if (!c->is_stopping && now >= c->look_at)
		return delivery_store_look(c->store);
	err = monitor_start(c->monitor, !c->is_stopping, &starts);
	if (err || starts)
		return err;
	if (is_settling_due(c)) {
		inflight_settle(&c->inflight, is_busy(c) ? SETTLE_MOST : SIZE_MAX);
		subscriber_queues_release(&c->inflight.queues);
		return delivery_store_settle(c->store, &c->inflight.queues, c->inflight.settling);
	}
	if (prepare_claim(c))
		return delivery_store_claim(c->store, &c->inflight.queues, c->inflight.requests,
					    c->inflight.done, c->queues_max);
	if (c->is_stopping)
		return ERR_NONE;
	if (c->is_gathering && now >= c->gather_at)
		return delivery_store_gather(c->store, is_busy(c));
	if (now < c->housekeep_at)
		return ERR_NONE;
	/* after a failure not again at once: the call may have taken long */
	c->housekeep_at = now + HOUSEKEEP_MS;
	c->is_housekept = true;
	return delivery_store_housekeep(c->store);
}

/* ---- calls of the database: their results */

static void gathered(struct delivery_loop *c)
{
	struct delivery_store_gathered result = delivery_store_gathered(c->store);
	struct subscriber_queues *queues = &c->inflight.queues;

	c->is_gathering = result.is_more;
	/* the notification was not for an event: look what is due */
	if (!result.is_more && !c->inflight.queues.count)
		c->look_at = clock_ms();
	if (result.is_more && !result.taken)
		c->gather_at = clock_ms() + BLOCKED_MS;
	if (!result.made)
		return;
	c->is_seeking = true;
	for (size_t i = 0; i < queues->count; i++)
		queues->at[i]->may_have_more = true;
}

/* Starts no more requests and claims no more deliveries. */
static void stop(struct delivery_loop *c)
{
	c->is_stopping = true;
	for (size_t i = 0; i < c->inflight.queues.count; i++) {
		inflight_drop_waiting(&c->inflight, c->inflight.queues.at[i]);
		c->inflight.queues.at[i]->may_have_more = false;
	}
}

static void claimed(struct delivery_loop *c)
{
	struct subscriber_queues *queues = &c->inflight.queues;
	size_t rows = delivery_store_claimed_count(c->store), old = queues->count;

	for (size_t i = 0; i < old; i++)
		if (queues->at[i]->is_renewed)
			queues->at[i]->until_ms = c->call_sent + c->lease_ms;
	for (size_t i = 0; i < rows; i++) {
		struct delivery_store_claimed row;
		struct subscriber_queue *queue;

		delivery_store_claimed(c->store, i, &row);
		queue = inflight_queue(&c->inflight, &row);
		if (row.delivery_id)
			inflight_put(&c->inflight, queue, &row);
		else
			inflight_lose(&c->inflight, queue);
	}
	for (size_t i = old; i < queues->count; i++) {
		queues->at[i]->until_ms = c->call_sent + c->lease_ms;
		queues->at[i]->scanned_ms = c->call_sent;
	}
	for (size_t i = 0; i < queues->count; i++)
		if (queues->at[i]->wanted)
			subscriber_queue_claimed(queues->at[i], queues->at[i]->wanted,
						 queues->at[i]->given);
	if ((int64_t)(queues->count - old) < c->queues_max)
		c->is_seeking = false;
}

static void settled(struct delivery_loop *c)
{
	size_t rows = delivery_store_settled_count(c->store);

	/* deliveries behind these may be due now */
	c->is_seeking = c->is_seeking || c->inflight.settling;
	inflight_settled(&c->inflight);
	for (size_t i = 0; i < rows; i++) {
		struct delivery_store_settled row;
		struct subscriber_queue *queue;

		delivery_store_settled(c->store, i, &row);
		queue = subscriber_queues_find(&c->inflight.queues, row.subscription_id);
		if (!row.is_held)
			inflight_lose(&c->inflight, queue);
		if (row.disabled_reason.len)
			log_write(LOG_WARN, "subscription_disabled",
				  (struct log_field[]){
					  log_num("subscription", row.subscription_id),
					  log_str("reason", row.disabled_reason), log_end() });
		if (!row.is_open)
			inflight_drop_waiting(&c->inflight, queue);
		if (queue->is_released)
			subscriber_queues_remove(&c->inflight.queues, queue);
	}
	/* the next attempt may be due later */
	if (!c->inflight.queues.count)
		c->look_at = clock_ms();
}

static void looked(struct delivery_loop *c)
{
	struct delivery_store_looked result = delivery_store_looked(c->store);
	int64_t next_ms = delivery_conf(c->conf)->courier_poll_ms;

	c->is_gathering = c->is_gathering || result.has_events;
	if (result.next_us <= 0) {
		c->is_seeking = true;
		next_ms = LOOK_AGAIN_MS;
	} else if (result.next_us / 1000 < next_ms) {
		next_ms = result.next_us / 1000 + 1;
	}
	c->look_at = clock_ms() + next_ms;
}

static void hear(struct delivery_loop *c)
{
	int64_t events = 0;

	if (!db_take_notifications(c->db, &events))
		return;
	c->is_gathering = true;
	backpressure_count(&c->backpressure, events, clock_ms());
}

static void start_requests(struct delivery_loop *c, int *wait_ms)
{
	int most = backpressure_starts(&c->backpressure, clock_ms());

	backpressure_started(&c->backpressure, inflight_start(&c->inflight, most, wait_ms));
	if (backpressure_starts(&c->backpressure, clock_ms()) == 0)
		*wait_ms = 1;
}

static void take_result(struct delivery_loop *c, enum delivery_store_call call)
{
	switch (call) {
	case DELIVERY_STORE_LISTEN:
		c->listening_session = db_session(c->db);
		c->look_at = 0; /* notifications before this one were missed */
		break;
	case DELIVERY_STORE_GATHER:
		gathered(c);
		break;
	case DELIVERY_STORE_CLAIM:
		claimed(c);
		break;
	case DELIVERY_STORE_SETTLE:
		settled(c);
		break;
	case DELIVERY_STORE_LOOK:
		looked(c);
		break;
	case DELIVERY_STORE_HOUSEKEEP:
		if (delivery_store_housekept(c->store)) {
			c->is_housekept = false;
			c->housekeep_at = 0;
		}
		break;
	case DELIVERY_STORE_NONE:
		break;
	}
}

static bool is_calling(const struct delivery_loop *c)
{
	return delivery_store_in_flight(c->store) || monitor_is_calling(c->monitor);
}

static void take_outcome(struct delivery_loop *c)
{
	enum delivery_store_call call = delivery_store_in_flight(c->store);
	enum err err;

	if (clock_ms() >= c->call_until)
		db_drop(c->db);
	err = call ? delivery_store_take(c->store) : monitor_take(c->monitor);
	if (err == ERR_PACE)
		return;
	/* notifications come with the result: without them receivers seem idle after a long call */
	hear(c);
	backpressure_worked(&c->backpressure, clock_ms() - c->call_sent, clock_ms());
	if (err) {
		fail(c);
		return;
	}
	take_result(c, call);
	/* the signal came while this call was in flight */
	if (c->is_stopping)
		stop(c);
}

static void work_database(struct delivery_loop *c)
{
	db_maintain(c->db);
	if (is_calling(c))
		take_outcome(c);
	hear(c);
	if (!is_calling(c) && db_is_ready(c->db) &&
	    !backpressure_rest_ms(&c->backpressure, clock_ms()) && start_call(c))
		fail(c);
}

/* ---- the loop */

/* Nothing is in flight and nothing is due. */
static bool is_at_rest(const struct delivery_loop *c)
{
	return !c->inflight.queues.count && !c->is_gathering && !c->is_seeking && !is_calling(c) &&
	       c->look_at > clock_ms() && monitor_is_at_rest(c->monitor);
}

/* The time until the next call of the database, if nothing happens before. */
static int until_next_call(const struct delivery_loop *c, int wait_ms)
{
	int64_t now = clock_ms();

	if (is_calling(c))
		return clock_within(wait_ms, c->call_until - now);
	if (!db_is_ready(c->db))
		return wait_ms;
	if (backpressure_rest_ms(&c->backpressure, now))
		return clock_within(wait_ms, backpressure_rest_ms(&c->backpressure, now));
	if (!c->is_stopping) {
		wait_ms = clock_within(wait_ms, c->look_at - now);
		wait_ms = clock_within(wait_ms, c->housekeep_at - now);
		if (c->is_gathering)
			wait_ms = clock_within(wait_ms, c->gather_at - now);
	}
	wait_ms = clock_within(wait_ms, monitor_next_at(c->monitor, !c->is_stopping) - now);
	if (c->inflight.done)
		wait_ms = clock_within(wait_ms, c->inflight.requests ? c->inflight.done_since_ms +
									       SETTLE_MS - now
								     : 0);
	for (size_t i = 0; i < c->inflight.queues.count; i++)
		wait_ms = clock_within(wait_ms, c->inflight.queues.at[i]->until_ms -
							c->lease_ms / 2 + 1 - now);
	return wait_ms;
}

static void wait_for_events(const struct delivery_loop *c, int stop_fd, int wait_ms)
{
	struct pollfd fds[4] = { { .fd = -1 },
				 { .fd = -1 },
				 { .fd = -1 },
				 { .fd = c->is_stopping ? -1 : stop_fd, .events = POLLIN } };

	wait_ms = clock_sooner(wait_ms, db_poll(c->db, &fds[0]));
	wait_ms = clock_sooner(wait_ms, inflight_poll(&c->inflight, &fds[1]));
	wait_ms = clock_sooner(wait_ms, monitor_poll(c->monitor, &fds[2]));
	if (poll(fds, 4, until_next_call(c, wait_ms)) < 0 && errno != EINTR)
		abort();
}

static bool is_stopping(const struct delivery_loop_task *task)
{
	struct pollfd fd = { .fd = task->stop_fd, .events = POLLIN };

	return task->stop_fd >= 0 && poll(&fd, 1, 0) > 0;
}

enum err delivery_loop_run(struct delivery_loop *c, const struct delivery_loop_task *task)
{
	int64_t until = task->for_ms ? clock_ms() + task->for_ms : INT64_MAX;

	c->is_stopping = c->is_housekept = false;
	c->is_gathering = c->is_seeking = true;
	c->look_at = c->housekeep_at = c->gather_at = 0;
	monitor_restart(c->monitor);
	if (task->is_round && db_wait(c->db, CONNECT_MS)) {
		log_write(LOG_ERROR, "database_away",
			  (struct log_field[]){ log_text("why", db_problem(c->db)), log_end() });
		return ERR_BUSY;
	}
	for (;;) {
		int wait_ms = -1;

		work_database(c);
		inflight_collect(&c->inflight);
		monitor_collect(c->monitor);
		if (!c->is_stopping)
			start_requests(c, &wait_ms);
		if (!c->is_stopping && (clock_ms() >= until || is_stopping(task))) {
			stop(c);
			/* requests in flight end by their own time limit */
			until = clock_ms() + http_conf(c->conf)->delivery_timeout_ms + CONNECT_MS;
		}
		if (task->is_round && is_at_rest(c) && c->is_housekept &&
		    !monitor_flush(c->monitor))
			break;
		if (c->is_stopping && ((!c->inflight.queues.count && !is_calling(c) &&
					!monitor_is_busy(c->monitor)) ||
				       clock_ms() >= until))
			break;
		wait_for_events(c, task->stop_fd,
				until == INT64_MAX ? wait_ms
						   : clock_within(wait_ms, until - clock_ms()));
	}
	return ERR_NONE;
}

struct delivery_loop_count delivery_loop_total(const struct delivery_loop *c)
{
	return (struct delivery_loop_count){ .delivered = c->inflight.delivered,
					     .failed = c->inflight.failed };
}
