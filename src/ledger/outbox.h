/* SPDX-License-Identifier: ISC */
/* The courier's door of the database: from the outbox to deliveries, from there
   to the lanes, and results back. One call at a time, none of which waits. */
#ifndef HL_LEDGER_OUTBOX_H
#define HL_LEDGER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/lane.h"

struct db;
struct delivery;
struct outbox;

/* As the settings have it. */
struct outbox_how {
	int64_t lease_ms, parallel;
	int64_t retry_first_ms, retry_factor, retry_longest_ms, give_up_ms, failing_ms;
	int64_t keep_ms, keep_dead_ms;
};

/* Borrows the connection, copies `how`. */
struct outbox *outbox_new(struct db *db, const struct outbox_how *how);
void outbox_free(struct outbox *outbox);

/* Each starts its call; ERR_BUSY when that did not work. What is given to them
   must not change until outbox_take() has its outcome. */
MUST_USE enum err outbox_listen(struct outbox *outbox);
MUST_USE enum err outbox_gather(struct outbox *outbox);

/* Renews leases, asks for deliveries that lanes want, and for at most `most`
   new lanes. The two lists are in the hand besides what waits in the lanes. */
MUST_USE enum err outbox_claim(struct outbox *outbox, const struct lanes *lanes,
                               const struct delivery *under_way, const struct delivery *done,
                               int64_t most);
/* `results` is a list; lanes that are is_given_back are that. */
MUST_USE enum err outbox_settle(struct outbox *outbox, const struct lanes *lanes,
                                const struct delivery *results);
MUST_USE enum err outbox_look(struct outbox *outbox);
MUST_USE enum err outbox_housekeep(struct outbox *outbox);

enum outbox_call {
	OUTBOX_NONE,
	OUTBOX_LISTEN,
	OUTBOX_GATHER,
	OUTBOX_CLAIM,
	OUTBOX_SETTLE,
	OUTBOX_LOOK,
	OUTBOX_HOUSEKEEP,
};
enum outbox_call outbox_under_way(const struct outbox *outbox);

/* The outcome of the call. ERR_PACE: not yet; ERR_BUSY: it failed, and whether
   it did something is not known. */
MUST_USE enum err outbox_take(struct outbox *outbox);

/* ---- what the call that was taken last has said */

struct outbox_gathered {
	bool is_more;		/* something waits in the outbox still */
	int64_t taken, made;
};
struct outbox_gathered outbox_gathered(const struct outbox *outbox);

/* Rows of a claim, from 0 to the count; borrowed until the next row or call. */
struct outbox_claimed {
	int64_t subscription_id, lease;
	int64_t delivery_id;	/* 0: the lease is lost, and nothing else stands here */
	int64_t due_us, attempt, event_id, created_us;
	struct str body;	/* at == NULL: the event is not in the ledger any more */
	struct str payload, metadata;	/* .len 0: none */
	struct lane_facts facts;
	bool is_failing;
};
size_t outbox_claimed_count(const struct outbox *outbox);
void outbox_claimed(struct outbox *outbox, size_t row, struct outbox_claimed *claimed);

/* Of each lane in the order of the call. */
struct outbox_settled {
	int64_t subscription_id;
	bool is_held;
	bool is_open;		/* more may be delivered to it */
	struct str disabled_reason;	/* that it was disabled for by this; .len 0: it was not */
};
size_t outbox_settled_count(const struct outbox *outbox);
void outbox_settled(const struct outbox *outbox, size_t row, struct outbox_settled *settled);

struct outbox_looked {
	bool has_events;
	int64_t next_us;	/* until something is due; INT64_MAX: nothing is */
};
struct outbox_looked outbox_looked(const struct outbox *outbox);

int64_t outbox_housekept(const struct outbox *outbox);	/* how much was done; 0: finished */

#endif
