/* SPDX-License-Identifier: ISC */
/* The callbacks of a story in the order in which they are to be sent: with
   redeliveries among them, and as much out of order as wanted. */
#ifndef HL_SIM_SCHEDULE_H
#define HL_SIM_SCHEDULE_H

#include <stdint.h>

#include "base/mem.h"
#include "sim/generator.h"

struct schedule;

struct schedule_options {
	struct generator_options generator;
	int64_t events;		    /* so many of them; 0: without an end */
	int64_t since_us, until_us; /* of those created then or later, and before then; 0: of all */
	int64_t duplicates;	    /* of a hundred events so many come twice */
	int64_t shuffle;	    /* a callback is any of the next so many; 0 or 1: in order */
};

/* One callback: an event on its way. */
struct schedule_item {
	int64_t index;		      /* of the event in the stream, from 0 */
	struct generator_event event; /* its body is in `body` */
	struct buf body;
	int deliveries; /* of this event so far, for the next timestamp */
	int attempts;	/* for the sender */
	int64_t due_ms;
	struct schedule_item *next;
};

/* Copies `how`; the same `how` gives the same stream. */
struct schedule *schedule_new(const struct schedule_options *options);
void schedule_free(struct schedule *schedule);

/* Gives the next callback, NULL after the last. */
struct schedule_item *schedule_next(struct schedule *schedule);

/* How many events have been taken from the story so far, each counted once. */
int64_t schedule_count(const struct schedule *schedule);

/* Toggl delivers it again: the body gets another timestamp. */
void schedule_item_repeat(struct schedule_item *item);
void schedule_item_free(struct schedule_item *item);

const struct generator *schedule_generator(const struct schedule *schedule);

#endif
