/* SPDX-License-Identifier: ISC */
/* One event for one subscription: the request that delivers it, and its result. When and in
   which order deliveries are sent is decided elsewhere (subscriber_queue, inflight). */
#ifndef HL_DELIVERY_DELIVERY_H
#define HL_DELIVERY_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct subscriber_queue;

/* {0} is a valid empty one; its buffers are used again. */
struct delivery {
	int64_t id, event_id, created_us;
	int64_t attempt;    /* from 1 */
	int64_t claimed_ms; /* on the clock of clock_ms(): when the claim checked who may see it */
	struct buf body;    /* of the event, as it was recorded */
	struct buf payload, metadata; /* to be sent instead of those in the body; empty: none */
	struct buf sent;	      /* what is sent this time, borrowed by the request */

	/* The result. status: of HTTP; 0: no answer; DELIVERY_HOPELESS. */
	int64_t status, duration_us;
	int64_t pause_ms;   /* by Retry-After; -1: none */
	struct buf answer;  /* its first bytes, printable */
	struct buf problem; /* a text; empty: none */

	struct subscriber_queue *queue;
	struct delivery *next;
};

enum { DELIVERY_HOPELESS = -1 }; /* no attempt will ever be possible */

void delivery_clear(struct delivery *delivery); /* keeps the storage */
void delivery_done(struct delivery *delivery);

/* Writes delivery->sent as Toggl would: event_id, created_at, creator_id,
   metadata and payload byte for byte as they came, and what belongs to this
   subscription and this moment. ERR_INPUT: the recorded body is not an event. */
MUST_USE enum err delivery_write(struct delivery *delivery, int64_t subscription_id,
				 struct str url_callback, int64_t now_us);

enum { DELIVERY_ID_MAX = 96 };

/* Writes its webhook-id into `text`, and gives it. */
struct str delivery_webhook_id(const struct delivery *delivery, int64_t subscription_id,
			       char text[DELIVERY_ID_MAX]);

/* Sets the result. `problem` NULL: the status says all. */
void delivery_note(struct delivery *delivery, int status, int64_t duration_us, struct str answer,
		   const char *problem);

/* The milliseconds that a Retry-After header asks for, by seconds or by a date
   (RFC 9110, 10.2.3); -1 for anything else. */
int64_t delivery_pause_ms(struct str retry_after, int64_t now_us);

#endif
