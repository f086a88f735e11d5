/* SPDX-License-Identifier: ISC */
/* The courier's SQL functions: events become deliveries, due deliveries are claimed, results
   are written. One call at a time, and none of them waits: a call is started, and its
   result is taken later. */
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

/* From the settings. */
struct delivery_store_options {
	int64_t lease_ms, parallel;
	int64_t retry_first_ms, retry_factor, retry_longest_ms, give_up_ms, failing_ms;
	int64_t keep_ms, keep_dead_ms;
};

/* Borrows the connection, copies `options`. */
struct delivery_store *delivery_store_new(struct db *db,
					  const struct delivery_store_options *options);
void delivery_store_free(struct delivery_store *store);

/* Each starts its call; ERR_BUSY: it could not be sent. The arguments must not change until
   delivery_store_take() has the result. */
MUST_USE enum err delivery_store_listen(struct delivery_store *store);
MUST_USE enum err delivery_store_gather(struct delivery_store *store, bool is_busy);

/* Renews leases, and claims deliveries for these queues and for at most `most` new ones. The
   two lists are deliveries that this courier holds besides those that wait in queues. */
MUST_USE enum err delivery_store_claim(struct delivery_store *store,
				       const struct subscriber_queues *queues,
				       const struct delivery *in_flight,
				       const struct delivery *done, int64_t most);
/* Writes the results, a list, and releases the leases of queues that are is_released. */
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

/* Takes the result of the call. ERR_PACE: it is still in flight; ERR_BUSY: it failed, and
   may have done its work all the same. */
MUST_USE enum err delivery_store_take(struct delivery_store *store);

/* ---- the result of the call that was taken last */

struct delivery_store_gathered {
	bool is_more; /* the outbox still has events */
	int64_t taken, made;
};
struct delivery_store_gathered delivery_store_gathered(const struct delivery_store *store);

/* Rows of a claim, from 0 to the count; borrowed until the next row or call. */
struct delivery_store_claimed {
	int64_t subscription_id, lease;
	int64_t delivery_id; /* 0: the lease is lost; the other members are empty */
	int64_t due_us, attempt, event_id, created_us;
	struct str body;	      /* at == NULL: the event is not in the ledger any more */
	struct str payload, metadata; /* .len 0: none */
	struct subscriber_queue_facts facts;
	bool is_failing;
};
size_t delivery_store_claimed_count(const struct delivery_store *store);
void delivery_store_claimed(struct delivery_store *store, size_t row,
			    struct delivery_store_claimed *claimed);

/* For each queue, in the order of the call. */
struct delivery_store_settled {
	int64_t subscription_id;
	bool is_held;
	bool is_open;		    /* more may be delivered to it */
	struct str disabled_reason; /* why these results disabled it; .len 0: they did not */
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
