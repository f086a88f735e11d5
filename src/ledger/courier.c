/* SPDX-License-Identifier: ISC */
#include "ledger/courier.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/log.h"
#include "ledger/courtesy.h"
#include "ledger/hand.h"
#include "ledger/lane.h"
#include "ledger/outbox.h"
#include "ledger/watch.h"

enum {
	CALL_MS = 30000,	/* for a call of the database: nobody waits for us */
	CONNECT_MS = 10000,	/* for the first connection of a round */
	SETTLE_MS = 5,		/* results wait so long for others at most */
	SETTLE_MOST = 64,	/* or for so many */
	NEW_LANES = 16,		/* in one claim */
	LANES_EACH = 4,		/* lanes at most for each request that there may be at once */
	RESCAN_MS = 3000,	/* a claim begins at the start again: what was committed late */
	BLOCKED_MS = 20,	/* somebody else gathers, or there is enough to do */
	LOOK_AGAIN_MS = 100,	/* something is due that could not be taken */
	LEASE_MARGIN_MS = 2000,	/* two requests of its time limit, each with a second to spare */
	HOUSEKEEP_MS = 60 * 1000,	/* the database decides; this is how often it is asked */
};

static const int64_t DAY_MS = INT64_C(86400) * 1000;

struct courier {
	const struct conf *conf;
	int64_t lease_ms;
	struct db *db;
	struct outbox *outbox;
	struct hand hand;
	struct watch *watch;

	int64_t heard_session;	/* of the connection that listens */
	int64_t call_sent, call_until;
	struct courtesy courtesy;
	int64_t most_lanes;	/* new ones, of the claim that is under way */
	bool is_gathering, is_seeking;	/* the outbox, subscriptions may have work */
	int64_t gather_at, look_at, housekeep_at;	/* not before */
	bool is_housekept;
	bool is_stopping;
};

struct courier *courier_new(const struct conf *conf)
{
	struct courier *c = mem_zero(1, sizeof(*c));
	struct db_how db = {
		.conninfo = conf_database(conf, "courier"),
		.program = "hookledger-courier",
		.pooled = conf->db_pooled,
		.deadline_ms = CALL_MS,
	};
	struct outbox_how outbox = {
		.parallel = conf->delivery_parallel,
		.retry_first_ms = conf->delivery_retry_first_ms,
		.retry_factor = conf->delivery_retry_factor,
		.retry_longest_ms = conf->delivery_retry_longest_ms,
		.give_up_ms = conf->delivery_give_up_ms,
		.failing_ms = conf->delivery_failing_ms,
		.keep_ms = conf->delivery_keep_days * DAY_MS,
		.keep_dead_ms = conf->delivery_keep_dead_days * DAY_MS,
	};

	c->conf = conf;
	/* it must outlast a request, and be renewed in its first half */
	c->lease_ms = 2 * conf->delivery_timeout_ms + LEASE_MARGIN_MS;
	if (c->lease_ms < conf->courier_lease_ms)
		c->lease_ms = conf->courier_lease_ms;
	outbox.lease_ms = c->lease_ms;
	c->db = db_open(&db);
	c->outbox = outbox_new(c->db, &outbox);
	hand_init(&c->hand, conf);
	c->watch = c->hand.watch = watch_new(conf, c->db, c->hand.sealer);
	return c;
}

void courier_free(struct courier *c)
{
	if (!c)
		return;
	watch_free(c->watch);
	hand_done(&c->hand);
	outbox_free(c->outbox);
	db_close(c->db);
	free(c);
}

/* ---- calls of the database: which one */

static void fail(struct courier *c)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "courier_call_failed",
		          (struct log_field[]){ log_text("why", db_problem(c->db)), log_end() });
	/* Whether it was settled is not known: settled once more it changes nothing. */
	hand_not_settled(&c->hand);
}

static bool is_any_spent(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lane_is_spent(lanes->at[i]))
			return true;
	return false;
}

/* Results, or a lane to give back. */
static bool is_settling_due(const struct courier *c)
{
	const struct hand *hand = &c->hand;

	if (!hand->done)
		return is_any_spent(&hand->lanes);
	return hand->done_count >= SETTLE_MOST || !hand->under_way || clock_ms() - hand->done_since_ms >= SETTLE_MS;
}

/* Far more of them than requests: those that do not answer keep their lanes. */
static int64_t room_for_lanes(const struct courier *c)
{
	int64_t room = LANES_EACH * c->conf->courier_requests_max - (int64_t)c->hand.lanes.count;

	return c->is_stopping || room < 0 ? 0 : room < NEW_LANES ? room : NEW_LANES;
}

/* Notes in each lane what the claim is to do for it. */
static bool prepare_claim(struct courier *c)
{
	struct lanes *lanes = &c->hand.lanes;
	int64_t now = clock_ms();
	bool is_worth_it;

	c->most_lanes = c->is_seeking ? room_for_lanes(c) : 0;
	is_worth_it = c->most_lanes > 0;
	for (size_t i = 0; i < lanes->count; i++) {
		struct lane *lane = lanes->at[i];

		/* a lease that has run out may be somebody else's by now */
		if (lane->is_leased && now >= lane->until_ms)
			hand_lose(&c->hand, lane);
		lane->given = 0;
		lane->wanted = c->is_stopping ? 0 : lane_wants(lane);
		lane->is_renewed = lane->is_leased && lane->until_ms - now < c->lease_ms / 2;
		if (now - lane->scanned_ms >= RESCAN_MS)
			lane->due_us = 0;
		if (lane->wanted && !lane->due_us)
			lane->scanned_ms = now;
		is_worth_it = is_worth_it || lane->wanted || lane->is_renewed;
	}
	return is_worth_it;
}

/* The next call, and in this order: none of them can keep the others waiting. */
static enum err start_call(struct courier *c)
{
	int64_t now = clock_ms();
	bool starts;
	enum err err;

	c->call_sent = now;
	c->call_until = now + CALL_MS;
	if (!c->conf->db_pooled && c->heard_session != db_session(c->db))
		return outbox_listen(c->outbox);
	if (!c->is_stopping && now >= c->look_at)
		return outbox_look(c->outbox);
	err = watch_start(c->watch, !c->is_stopping, &starts);
	if (err || starts)
		return err;
	if (is_settling_due(c)) {
		hand_settle(&c->hand);
		for (size_t i = 0; i < c->hand.lanes.count; i++)
			c->hand.lanes.at[i]->is_given_back = lane_is_spent(c->hand.lanes.at[i]);
		return outbox_settle(c->outbox, &c->hand.lanes, c->hand.settling);
	}
	if (prepare_claim(c))
		return outbox_claim(c->outbox, &c->hand.lanes, c->hand.under_way, c->hand.done, c->most_lanes);
	if (c->is_stopping)
		return ERR_NONE;
	if (c->is_gathering && now >= c->gather_at)
		return outbox_gather(c->outbox);
	if (now < c->housekeep_at)
		return ERR_NONE;
	/* one that fails is not tried again at once: it may have taken long */
	c->housekeep_at = now + HOUSEKEEP_MS;
	c->is_housekept = true;
	return outbox_housekeep(c->outbox);
}

/* ---- and what it said */

static void gathered(struct courier *c)
{
	struct outbox_gathered news = outbox_gathered(c->outbox);
	struct lanes *lanes = &c->hand.lanes;

	c->is_gathering = news.is_more;
	/* rung for something else than an event: look what it is */
	if (!news.is_more && !c->hand.lanes.count)
		c->look_at = clock_ms();
	if (news.is_more && !news.taken)
		c->gather_at = clock_ms() + BLOCKED_MS;
	if (!news.made)
		return;
	c->is_seeking = true;
	for (size_t i = 0; i < lanes->count; i++)
		lanes->at[i]->is_hungry = true;
}

/* Starts nothing more, and asks for nothing more. */
static void stop(struct courier *c)
{
	c->is_stopping = true;
	for (size_t i = 0; i < c->hand.lanes.count; i++) {
		hand_drop_waiting(&c->hand, c->hand.lanes.at[i]);
		c->hand.lanes.at[i]->is_hungry = false;
	}
}

static void claimed(struct courier *c)
{
	struct lanes *lanes = &c->hand.lanes;
	size_t rows = outbox_claimed_count(c->outbox), old = lanes->count;

	for (size_t i = 0; i < old; i++)
		if (lanes->at[i]->is_renewed)
			lanes->at[i]->until_ms = c->call_sent + c->lease_ms;
	for (size_t i = 0; i < rows; i++) {
		struct outbox_claimed row;
		struct lane *lane;

		outbox_claimed(c->outbox, i, &row);
		lane = hand_lane(&c->hand, &row);
		if (row.delivery_id)
			hand_put(&c->hand, lane, &row);
		else
			hand_lose(&c->hand, lane);
	}
	for (size_t i = old; i < lanes->count; i++) {
		lanes->at[i]->until_ms = c->call_sent + c->lease_ms;
		lanes->at[i]->scanned_ms = c->call_sent;
	}
	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->at[i]->wanted)
			lane_claimed(lanes->at[i], lanes->at[i]->wanted, lanes->at[i]->given);
	if ((int64_t)(lanes->count - old) < c->most_lanes)
		c->is_seeking = false;
}

static void settled(struct courier *c)
{
	size_t rows = outbox_settled_count(c->outbox);

	/* what stood behind may be due now */
	c->is_seeking = c->is_seeking || c->hand.settling;
	hand_settled(&c->hand);
	for (size_t i = 0; i < rows; i++) {
		struct outbox_settled row;
		struct lane *lane;

		outbox_settled(c->outbox, i, &row);
		lane = lanes_find(&c->hand.lanes, row.subscription_id);
		if (!row.is_held)
			hand_lose(&c->hand, lane);
		if (row.disabled_reason.len)
			log_write(LOG_WARN, "subscription_disabled",
			          (struct log_field[]){ log_num("subscription", row.subscription_id),
			                                log_str("reason", row.disabled_reason), log_end() });
		if (!row.is_open)
			hand_drop_waiting(&c->hand, lane);
		if (lane->is_given_back)
			lanes_remove(&c->hand.lanes, lane);
	}
	/* and something new later, such as the next attempt */
	if (!c->hand.lanes.count)
		c->look_at = clock_ms();
}

static void looked(struct courier *c)
{
	struct outbox_looked news = outbox_looked(c->outbox);
	int64_t next_ms = c->conf->courier_poll_ms;

	c->is_gathering = c->is_gathering || news.has_events;
	if (news.next_us <= 0) {
		c->is_seeking = true;
		next_ms = LOOK_AGAIN_MS;
	} else if (news.next_us / 1000 < next_ms) {
		next_ms = news.next_us / 1000 + 1;
	}
	c->look_at = clock_ms() + next_ms;
}

static void hear(struct courier *c)
{
	int64_t events = 0;

	if (!db_has_heard(c->db, &events))
		return;
	c->is_gathering = true;
	courtesy_hear(&c->courtesy, events, clock_ms());
}

static void start_requests(struct courier *c, int *wait_ms)
{
	int most = courtesy_starts(&c->courtesy, clock_ms());

	courtesy_started(&c->courtesy, hand_start(&c->hand, most, wait_ms));
	if (courtesy_starts(&c->courtesy, clock_ms()) == 0)
		*wait_ms = 1;
}

static void take_news(struct courier *c, enum outbox_call call)
{
	switch (call) {
	case OUTBOX_LISTEN:
		c->heard_session = db_session(c->db);
		c->look_at = 0;	/* what nobody told us meanwhile */
		break;
	case OUTBOX_GATHER:
		gathered(c);
		break;
	case OUTBOX_CLAIM:
		claimed(c);
		break;
	case OUTBOX_SETTLE:
		settled(c);
		break;
	case OUTBOX_LOOK:
		looked(c);
		break;
	case OUTBOX_HOUSEKEEP:
		if (outbox_housekept(c->outbox)) {
			c->is_housekept = false;
			c->housekeep_at = 0;
		}
		break;
	case OUTBOX_NONE:
		break;
	}
}

static bool is_calling(const struct courier *c)
{
	return outbox_under_way(c->outbox) || watch_is_calling(c->watch);
}

static void take_outcome(struct courier *c)
{
	enum outbox_call call = outbox_under_way(c->outbox);
	enum err err;

	if (clock_ms() >= c->call_until)
		db_drop(c->db);
	err = call ? outbox_take(c->outbox) : watch_take(c->watch);
	if (err == ERR_PACE)
		return;
	courtesy_worked(&c->courtesy, clock_ms() - c->call_sent, clock_ms());
	if (err) {
		fail(c);
		return;
	}
	take_news(c, call);
	/* told to while this call was under way */
	if (c->is_stopping)
		stop(c);
}

static void work_database(struct courier *c)
{
	db_tend(c->db);
	if (is_calling(c))
		take_outcome(c);
	hear(c);
	if (!is_calling(c) && db_is_ready(c->db) && !courtesy_rest_ms(&c->courtesy, clock_ms()) &&
	    start_call(c))
		fail(c);
}

/* ---- the loop */

/* Nothing in the hand, nothing waits anywhere. */
static bool is_at_rest(const struct courier *c)
{
	return !c->hand.lanes.count && !c->is_gathering && !c->is_seeking && !is_calling(c) && c->look_at > clock_ms() &&
	       watch_is_at_rest(c->watch);
}

/* When the database is to be called next, if nothing happens before. */
static int until_next_call(const struct courier *c, int wait_ms)
{
	int64_t now = clock_ms();

	if (is_calling(c))
		return clock_within(wait_ms, c->call_until - now);
	if (!db_is_ready(c->db))
		return wait_ms;
	if (courtesy_rest_ms(&c->courtesy, now))
		return clock_within(wait_ms, courtesy_rest_ms(&c->courtesy, now));
	if (!c->is_stopping) {
		wait_ms = clock_within(wait_ms, c->look_at - now);
		wait_ms = clock_within(wait_ms, c->housekeep_at - now);
		if (c->is_gathering)
			wait_ms = clock_within(wait_ms, c->gather_at - now);
	}
	wait_ms = clock_within(wait_ms, watch_next_at(c->watch, !c->is_stopping) - now);
	if (c->hand.done)
		wait_ms = clock_within(wait_ms, c->hand.under_way ? c->hand.done_since_ms + SETTLE_MS - now : 0);
	for (size_t i = 0; i < c->hand.lanes.count; i++)
		wait_ms = clock_within(wait_ms, c->hand.lanes.at[i]->until_ms - c->lease_ms / 2 + 1 - now);
	return wait_ms;
}

/* Until something happens or is due. */
static void wait_for_news(const struct courier *c, int stop_fd, int wait_ms)
{
	struct pollfd fds[4] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 },
		                 { .fd = c->is_stopping ? -1 : stop_fd, .events = POLLIN } };

	wait_ms = clock_sooner(wait_ms, db_poll(c->db, &fds[0]));
	wait_ms = clock_sooner(wait_ms, hand_poll(&c->hand, &fds[1]));
	wait_ms = clock_sooner(wait_ms, watch_poll(c->watch, &fds[2]));
	if (poll(fds, 4, until_next_call(c, wait_ms)) < 0 && errno != EINTR)
		abort();
}

static bool is_told_to_stop(const struct courier_task *task)
{
	struct pollfd fd = { .fd = task->stop_fd, .events = POLLIN };

	return task->stop_fd >= 0 && poll(&fd, 1, 0) > 0;
}

enum err courier_run(struct courier *c, const struct courier_task *task)
{
	int64_t until = task->for_ms ? clock_ms() + task->for_ms : INT64_MAX;

	c->is_stopping = c->is_housekept = false;
	c->is_gathering = c->is_seeking = true;
	c->look_at = c->housekeep_at = c->gather_at = 0;
	watch_restart(c->watch);
	if (task->is_round && db_wait(c->db, CONNECT_MS)) {
		log_write(LOG_ERROR, "database_away",
		          (struct log_field[]){ log_text("why", db_problem(c->db)), log_end() });
		return ERR_BUSY;
	}
	for (;;) {
		int wait_ms = -1;

		work_database(c);
		hand_collect(&c->hand);
		watch_collect(c->watch);
		if (!c->is_stopping)
			start_requests(c, &wait_ms);
		if (!c->is_stopping && (clock_ms() >= until || is_told_to_stop(task))) {
			stop(c);
			/* what is under way ends by its own time limit */
			until = clock_ms() + c->conf->delivery_timeout_ms + CONNECT_MS;
		}
		if (task->is_round && is_at_rest(c) && c->is_housekept && !watch_tell(c->watch))
			break;
		if (c->is_stopping && ((!c->hand.lanes.count && !is_calling(c) && !watch_is_busy(c->watch)) || clock_ms() >= until))
			break;
		wait_for_news(c, task->stop_fd, until == INT64_MAX ? wait_ms : clock_within(wait_ms, until - clock_ms()));
	}
	return ERR_NONE;
}

struct courier_count courier_total(const struct courier *c)
{
	return (struct courier_count){ .delivered = c->hand.delivered, .failed = c->hand.failed };
}
