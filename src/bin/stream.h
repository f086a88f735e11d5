/* SPDX-License-Identifier: ISC */
/* The callbacks of a story in the order in which they are to be sent: with
   redeliveries among them, and as much out of order as wanted. */
#ifndef HL_BIN_STREAM_H
#define HL_BIN_STREAM_H

#include <stdint.h>

#include "base/mem.h"
#include "ledger/story.h"

struct stream;

struct stream_how {
	struct story_how story;
	int64_t events;		/* so many of them; 0: without an end */
	int64_t since_us, until_us;	/* of those created then or later, and before then; 0: of all */
	int64_t duplicates;	/* of a hundred events so many come twice */
	int64_t shuffle;	/* a callback is any of the next so many; 0 or 1: in order */
};

/* One callback: an event on its way. */
struct callout {
	int64_t place;		/* of the event in the stream, from 0 */
	struct story_event event;	/* its body is in `body` */
	struct buf body;
	int deliveries;		/* of this event so far, for the next timestamp */
	int attempts;		/* for the sender */
	int64_t due_ms;
	struct callout *next;
};

/* Copies `how`; the same `how` gives the same stream. */
struct stream *stream_new(const struct stream_how *how);
void stream_free(struct stream *stream);

/* Gives the next callback, NULL after the last. */
struct callout *stream_next(struct stream *stream);

/* How many events have been taken from the story so far, each counted once. */
int64_t stream_told(const struct stream *stream);

/* Toggl delivers it again: the body gets another timestamp. */
void callout_repeat(struct callout *callout);
void callout_free(struct callout *callout);

const struct story *stream_story(const struct stream *stream);

#endif
