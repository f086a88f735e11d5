/* SPDX-License-Identifier: ISC */
/* What a courier has in its hand: the lanes, the deliveries that wait in them,
   the requests under way, and the results that the database has not yet got. */
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
	struct delivery *under_way, *done,
		*settling;	   /* lists; settling: those of done that are with the database */
	size_t count, done_count;  /* of all in the hand, and of those done */
	int64_t done_since_ms;	   /* the oldest of them */
	int64_t delivered, failed; /* attempts so far */
	struct monitor *monitor;   /* counts them too; borrowed */

	struct delivery *spare;
	size_t turn; /* the lane that starts first */
	struct log_gate failures;
};

/* {0} before; borrows the settings until inflight_done(). */
void inflight_init(struct inflight *inflight, const struct conf *conf);
void inflight_done(struct inflight *inflight); /* breaks off what is under way */

/* Takes a claimed delivery into its lane, which is made when there is none. */
struct subscriber_queue *inflight_queue(struct inflight *inflight,
					const struct delivery_store_claimed *row);
void inflight_put(struct inflight *inflight, struct subscriber_queue *queue,
		  const struct delivery_store_claimed *row);

/* Starts what may start, at most `most`, and gives how many that were; lowers
   *wait_ms to when a lane's pace allows the next. What was claimed more than 5 s
   ago is dropped instead: a right may have been taken since then. */
int inflight_start(struct inflight *inflight, int most, int *wait_ms);
/* Takes the requests that have ended. */
void inflight_collect(struct inflight *inflight);
int inflight_poll(const struct inflight *inflight, struct pollfd *fd); /* as http_client_poll() */

/* What has not started is due in the database all the same. */
void inflight_drop_waiting(struct inflight *inflight, struct subscriber_queue *queue);
void inflight_lose(struct inflight *inflight,
		   struct subscriber_queue *queue); /* its lease is somebody else's */

/* All that is done goes to `settling`; then it is settled, or done as before. */
void inflight_settle(struct inflight *inflight);
void inflight_settled(struct inflight *inflight);
void inflight_not_settled(struct inflight *inflight);

#endif
