/* SPDX-License-Identifier: ISC */
/* Recording comes first: while receivers are busy, a courier leaves the database
   and the machine to them most of the time, and its calls of the database are short:
   a call of 20 ms would take a processor from them for that long. All times are those
   of clock_ms(). */
#ifndef HL_DELIVERY_BACKPRESSURE_H
#define HL_DELIVERY_BACKPRESSURE_H

#include <stdbool.h>
#include <stdint.h>

/* {0}: no notification came yet. */
struct backpressure {
	int64_t counted_since, counted_events; /* recorded, by the notifications of receivers */
	int64_t busy_until;
	int64_t rest_until; /* the database rests */
	int64_t started_at; /* the millisecond of the last requests */
	int started;	    /* how many in it */
};

/* Counts the events that a receiver has recorded since its last notification. */
void backpressure_count(struct backpressure *backpressure, int64_t events, int64_t now);

/* Are receivers busy? Then calls of the database are kept short. */
bool backpressure_is_busy(const struct backpressure *backpressure, int64_t now);

/* The database has worked for us for so long. */
void backpressure_worked(struct backpressure *backpressure, int64_t for_ms, int64_t now);
/* How much longer the database is to rest from us; 0: no longer. */
int64_t backpressure_rest_ms(const struct backpressure *backpressure, int64_t now);

/* How many requests may start now; 0: none before the next millisecond. */
int backpressure_starts(struct backpressure *backpressure, int64_t now);
void backpressure_started(struct backpressure *backpressure, int count);

#endif
