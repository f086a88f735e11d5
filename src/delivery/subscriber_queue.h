/* SPDX-License-Identifier: ISC */
/* A subscription that this courier has the lease of: where its deliveries go,
   what is in the hand, and when the next may start. A lane has no part in any
   other: a slow subscriber holds up only itself. */
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

enum { SUBSCRIBER_QUEUE_FIRST = 64 }; /* deliveries that a new lane begins with at most */

struct subscriber_queue {
	int64_t subscription_id, lease;
	int64_t until_ms; /* on the clock of clock_ms(): when the lease ends */
	bool is_leased;	  /* false: it is lost; nothing more starts */

	struct buf url;
	struct buf sealed, sealed_before; /* what the signers were made of */
	struct signer *signer, *before;	  /* NULL: it does not open; there is none */

	int64_t parallel; /* requests at once */
	int64_t width;	  /* for now: one, as long as it does not answer */
	bool is_silent;	  /* it does not */
	int64_t pause_us; /* between two starts; 0: no limit */
	int64_t start_us; /* not before, on the same clock in microseconds */

	struct delivery *first, *last;	 /* in the hand and not started */
	size_t waiting, under_way, done; /* done: not settled yet */
	size_t largest;			 /* bytes of a body so far */

	bool is_hungry;		  /* the database may have more for it */
	bool is_given_back;	  /* by the settlement that is under way */
	int64_t target;		  /* how many to have in the hand */
	int64_t wanted;		  /* by the claim that is under way */
	int64_t given;		  /* by the last one */
	bool is_renewed;	  /* by that claim */
	int64_t due_us, after_id; /* where claims have come to; due_us 0: from the start */
	int64_t scanned_ms;	  /* when one began at the start */
};

struct subscriber_queues {
	struct subscriber_queue **at;
	size_t count, cap;
};

struct subscriber_queue *subscriber_queue_new(int64_t subscription_id, int64_t lease);
void subscriber_queue_free(struct subscriber_queue *queue); /* its deliveries are not its own */

/* Takes over what the subscription says now. Opens the secrets only when they
   are others than before. ERR_DENIED: the secret does not open; the lane is
   usable all the same, but for signing. */
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

/* May the next one start? Else, when only the pace is against it, *wait_ms is
   lowered to the time until it may. */
bool subscriber_queue_may_start(const struct subscriber_queue *queue, int64_t now_us,
				int64_t timeout_ms, int *wait_ms);
void subscriber_queue_started(struct subscriber_queue *queue, int64_t now_us);
void subscriber_queue_ended(struct subscriber_queue *queue, bool has_answered);

/* How many more it wants from the database now. */
int64_t subscriber_queue_wants(const struct subscriber_queue *queue);
/* A claim has given `given` of the `wanted`. */
void subscriber_queue_claimed(struct subscriber_queue *queue, int64_t wanted, int64_t given);

/* Nothing in the hand, and the database had no more for it, or somebody else has
   its lease: it is to be given back. */
bool subscriber_queue_is_spent(const struct subscriber_queue *queue);

void subscriber_queues_add(struct subscriber_queues *queues, struct subscriber_queue *queue);
struct subscriber_queue *subscriber_queues_find(const struct subscriber_queues *queues,
						int64_t subscription_id); /* may be NULL */
void subscriber_queues_remove(struct subscriber_queues *queues,
			      struct subscriber_queue *queue); /* and frees it */
void subscriber_queues_done(struct subscriber_queues *queues);

#endif
