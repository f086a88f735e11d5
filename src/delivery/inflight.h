/* SPDX-License-Identifier: ISC */
/* All deliveries that a courier holds: those that wait in queues, the requests in flight, and
   the results that are not yet written to the database. */
#ifndef HL_DELIVERY_INFLIGHT_H
#define HL_DELIVERY_INFLIGHT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/log.h"
#include "delivery/subscriber_queue.h"
#include "delivery/delivery_store.h"

struct conf;
struct delivery;
struct http_client;
struct sealer;
struct monitor;

struct inflight {
	const struct conf *conf;
	struct http_client *client;
	struct ip_networks allowed;
	struct sealer *sealer;

	struct subscriber_queues queues;
	struct delivery *requests, *done,
		*settling;	   /* lists; settling: results in the call in flight */
	size_t count, done_count;  /* of all held, and of those done */
	int64_t done_since_ms;	   /* the oldest of them */
	int64_t delivered, failed; /* attempts so far */
	struct monitor *monitor;   /* counts them too; borrowed */

	struct delivery *spare;
	size_t turn; /* the queue that starts first */
	struct log_gate failures;
};

/* {0} before; borrows the settings until inflight_done(). */
void inflight_init(struct inflight *inflight, const struct conf *conf);
void inflight_done(struct inflight *inflight); /* breaks off requests in flight */

/* The queue of a claimed delivery, made when there is none; and adds the delivery to it. */
struct subscriber_queue *inflight_queue(struct inflight *inflight,
					const struct delivery_store_claimed *row);
void inflight_put(struct inflight *inflight, struct subscriber_queue *queue,
		  const struct delivery_store_claimed *row);

/* Starts at most `most` requests and gives their number. Lowers *wait_ms to the time until a
   queue's rate limit allows its next one. Deliveries that were claimed more than 5 s ago are
   dropped instead: a right may have been revoked since then. */
int inflight_start(struct inflight *inflight, int most, int *wait_ms);
/* Takes the requests that have ended. */
void inflight_collect(struct inflight *inflight);
int inflight_poll(const struct inflight *inflight, struct pollfd *fd); /* as http_client_poll() */

/* Drops deliveries that have not started; they stay due in the database. */
void inflight_drop_waiting(struct inflight *inflight, struct subscriber_queue *queue);
void inflight_lose(struct inflight *inflight,
		   struct subscriber_queue *queue); /* its lease is lost */

/* Moves results, the oldest and at most `most`, to `settling`, for a call; afterwards they are
   settled, or back where they were when the call failed. */
void inflight_settle(struct inflight *inflight, size_t most);
void inflight_settled(struct inflight *inflight);
void inflight_not_settled(struct inflight *inflight);

#endif
