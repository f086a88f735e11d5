/* SPDX-License-Identifier: ISC */
/* The courier's interface schema of the database: from the outbox to deliveries, from there
   to the lanes, and results back. One call at a time, none of which waits. */
#ifndef HL_DELIVERY_DELIVERY_STORE_H
#define HL_DELIVERY_DELIVERY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "delivery/subscriber_queue.h"

struct db;
struct delivery;
struct delivery_store;

/* As the settings have it. */
struct delivery_store_options {
	int64_t lease_ms, parallel;
	int64_t retry_first_ms, retry_factor, retry_longest_ms, give_up_ms, failing_ms;
	int64_t keep_ms, keep_dead_ms;
};

/* Borrows the connection, copies `how`. */
struct delivery_store *delivery_store_new(struct db *db,
					  const struct delivery_store_options *options);
void delivery_store_free(struct delivery_store *store);

/* Each starts its call; ERR_BUSY when that did not work. What is given to them
   must not change until delivery_store_take() has its outcome. */
MUST_USE enum err delivery_store_listen(struct delivery_store *store);
MUST_USE enum err delivery_store_gather(struct delivery_store *store);

/* Renews leases, asks for deliveries that lanes want, and for at most `most`
   new lanes. The two lists are in the hand besides what waits in the lanes. */
MUST_USE enum err delivery_store_claim(struct delivery_store *store,
				       const struct subscriber_queues *queues,
				       const struct delivery *under_way,
				       const struct delivery *done, int64_t most);
/* `results` is a list; lanes that are is_given_back are that. */
MUST_USE enum err delivery_store_settle(struct delivery_store *store,
					const struct subscriber_queues *queues,
					const struct delivery *results);
MUST_USE enum err delivery_store_look(struct delivery_store *store);
MUST_USE enum err delivery_store_housekeep(struct delivery_store *store);

enum delivery_store_call {
	DELIVERY_STORE_NONE,
	DELIVERY_STORE_LISTEN,
	DELIVERY_STORE_GATHER,
	DELIVERY_STORE_CLAIM,
	DELIVERY_STORE_SETTLE,
	DELIVERY_STORE_LOOK,
	DELIVERY_STORE_HOUSEKEEP,
};
enum delivery_store_call delivery_store_in_flight(const struct delivery_store *store);

/* The outcome of the call. ERR_PACE: not yet; ERR_BUSY: it failed, and whether
   it did something is not known. */
MUST_USE enum err delivery_store_take(struct delivery_store *store);

/* ---- what the call that was taken last has said */

struct delivery_store_gathered {
	bool is_more; /* something waits in the outbox still */
	int64_t taken, made;
};
struct delivery_store_gathered delivery_store_gathered(const struct delivery_store *store);

/* Rows of a claim, from 0 to the count; borrowed until the next row or call. */
struct delivery_store_claimed {
	int64_t subscription_id, lease;
	int64_t delivery_id; /* 0: the lease is lost, and nothing else stands here */
	int64_t due_us, attempt, event_id, created_us;
	struct str body;	      /* at == NULL: the event is not in the ledger any more */
	struct str payload, metadata; /* .len 0: none */
	struct subscriber_queue_facts facts;
	bool is_failing;
};
size_t delivery_store_claimed_count(const struct delivery_store *store);
void delivery_store_claimed(struct delivery_store *store, size_t row,
			    struct delivery_store_claimed *claimed);

/* Of each lane in the order of the call. */
struct delivery_store_settled {
	int64_t subscription_id;
	bool is_held;
	bool is_open;		    /* more may be delivered to it */
	struct str disabled_reason; /* that it was disabled for by this; .len 0: it was not */
};
size_t delivery_store_settled_count(const struct delivery_store *store);
void delivery_store_settled(const struct delivery_store *store, size_t row,
			    struct delivery_store_settled *settled);

struct delivery_store_looked {
	bool has_events;
	int64_t next_us; /* until something is due; INT64_MAX: nothing is */
};
struct delivery_store_looked delivery_store_looked(const struct delivery_store *store);

int64_t delivery_store_housekept(
	const struct delivery_store *store); /* how much was done; 0: finished */

#endif
