/* SPDX-License-Identifier: ISC */
/* A subscription whose lease this courier has: the address, the deliveries that wait, and when
   the next may start. Queues share nothing, so a slow subscriber delays only itself. */
#ifndef HL_DELIVERY_SUBSCRIBER_QUEUE_H
#define HL_DELIVERY_SUBSCRIBER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct delivery;
struct sealer;
struct signer;

enum { SUBSCRIBER_QUEUE_FIRST = 64 }; /* deliveries of the first claim, at most */

struct subscriber_queue {
	int64_t subscription_id, lease;
	int64_t until_ms; /* on the clock of clock_ms(): when the lease ends */
	bool is_leased;	  /* false: it is lost; nothing more starts */

	struct buf url;
	struct buf sealed, sealed_before; /* what the signers were made of */
	struct signer *signer, *before;	  /* NULL: it does not open; there is none */

	int64_t parallel;     /* requests at once */
	int64_t width;	      /* requests at once for now; 1 while it is unresponsive */
	bool is_unresponsive; /* its last request got no answer */
	int64_t pause_us;     /* between two starts; 0: no limit */
	int64_t start_us;     /* not before, on the same clock in microseconds */

	struct delivery *first, *last;	 /* not started */
	size_t waiting, in_flight, done; /* done: not settled yet */
	size_t largest;			 /* bytes of a body so far */

	bool may_have_more;	  /* deliveries, in the database */
	bool is_released;	  /* by the call in flight */
	int64_t target;		  /* how many to hold */
	int64_t wanted;		  /* by the claim in flight */
	int64_t given;		  /* by the last one */
	bool is_renewed;	  /* by that claim */
	int64_t due_us, after_id; /* where claims go on; due_us 0: at the start */
	int64_t scanned_ms;	  /* when a claim last began at the start */
};

struct subscriber_queues {
	struct subscriber_queue **at;
	size_t count, cap;
	size_t turn; /* the queue that is first in the next claim */
};

struct subscriber_queue *subscriber_queue_new(int64_t subscription_id, int64_t lease);
void subscriber_queue_free(struct subscriber_queue *queue); /* not its deliveries */

/* Takes over the facts of the subscription. Opens the secrets only when they have changed.
   ERR_DENIED: the secret does not open; nothing can be signed then. */
struct subscriber_queue_facts {
	struct str url, sealed, sealed_before; /* sealed_before.len 0: none */
	int64_t parallel;
	int64_t pause_us; /* between two starts; 0: no limit */
};
MUST_USE enum err subscriber_queue_update(struct subscriber_queue *queue,
					  const struct sealer *sealer,
					  const struct subscriber_queue_facts *facts);

void subscriber_queue_put(struct subscriber_queue *queue, struct delivery *delivery); /* keeps it */
struct delivery *subscriber_queue_take(
	struct subscriber_queue *queue); /* gives it; NULL: none waits */

/* May the next one start? When only the rate limit forbids it, *wait_ms is lowered to the time
   until it may. */
bool subscriber_queue_may_start(const struct subscriber_queue *queue, int64_t now_us,
				int64_t timeout_ms, int *wait_ms);
void subscriber_queue_started(struct subscriber_queue *queue, int64_t now_us);
void subscriber_queue_ended(struct subscriber_queue *queue, bool has_answered);

/* How many deliveries the next claim is to get for it. */
int64_t subscriber_queue_wants(const struct subscriber_queue *queue);
/* A claim has given `given` of the `wanted`. */
void subscriber_queue_claimed(struct subscriber_queue *queue, int64_t wanted, int64_t given);

/* Holds nothing, and the database has no more for it or the lease is lost: it is to be
   released. */
bool subscriber_queue_is_finished(const struct subscriber_queue *queue);

void subscriber_queues_add(struct subscriber_queues *queues, struct subscriber_queue *queue);
struct subscriber_queue *subscriber_queues_find(const struct subscriber_queues *queues,
						int64_t subscription_id); /* may be NULL */
void subscriber_queues_remove(struct subscriber_queues *queues,
			      struct subscriber_queue *queue); /* and frees it */
/* Sets in each what the next claim is to get for it: `most` deliveries together. Each time another
   queue is the first. */
void subscriber_queues_want(struct subscriber_queues *queues, int64_t most);

bool subscriber_queues_has_finished(const struct subscriber_queues *queues);
/* Sets in each whether it is to be released: those that are finished. */
void subscriber_queues_release(struct subscriber_queues *queues);

void subscriber_queues_done(struct subscriber_queues *queues);

#endif
