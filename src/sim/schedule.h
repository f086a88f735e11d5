/* SPDX-License-Identifier: ISC */
/* The generated callbacks in the order in which they are sent: with redeliveries, and out of
   order, as the options say. */
#ifndef HL_SIM_SCHEDULE_H
#define HL_SIM_SCHEDULE_H

#include <stdint.h>

#include "base/mem.h"
#include "sim/generator.h"

struct schedule;

struct schedule_options {
	struct generator_options generator;
	int64_t events;		    /* how many; 0: without an end */
	int64_t since_us, until_us; /* of those created then or later, and before then; 0: of all */
	int64_t duplicates;	    /* percent of the events that come twice */
	int64_t shuffle; /* a callback is a random one of the next so many; 0 or 1: in order */
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

/* Copies `options`; the same options give the same callbacks. */
struct schedule *schedule_new(const struct schedule_options *options);
void schedule_free(struct schedule *schedule);

/* Gives the next callback, NULL after the last. */
struct schedule_item *schedule_next(struct schedule *schedule);

/* How many events have been generated so far, each counted once. */
int64_t schedule_count(const struct schedule *schedule);

/* Toggl delivers it again: the body gets another timestamp. */
void schedule_item_repeat(struct schedule_item *item);
void schedule_item_free(struct schedule_item *item);

const struct generator *schedule_generator(const struct schedule *schedule);

#endif
