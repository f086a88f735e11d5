/* SPDX-License-Identifier: ISC */
/* Recording comes first: while receivers are busy, a courier leaves the database
   and the machine to them most of the time. It works in larger batches then, so
   it delivers hardly less. All times are those of clock_ms(). */
#ifndef HL_LEDGER_COURTESY_H
#define HL_LEDGER_COURTESY_H

#include <stdint.h>

/* {0}: nothing was heard. */
struct courtesy {
	int64_t heard_since, heard_events;	/* what receivers told they have recorded */
	int64_t busy_until;
	int64_t rest_until;			/* the database rests */
	int64_t started_at;			/* the millisecond of the last requests */
	int started;				/* how many in it */
};

/* Receivers have recorded so many events since they told last. */
void courtesy_hear(struct courtesy *courtesy, int64_t events, int64_t now);

/* The database has worked for us for so long. */
void courtesy_worked(struct courtesy *courtesy, int64_t for_ms, int64_t now);
/* So long it is to rest from us still; 0: no more. */
int64_t courtesy_rest_ms(const struct courtesy *courtesy, int64_t now);

/* How many requests may start now; when it is 0, ask again a millisecond later. */
int courtesy_starts(struct courtesy *courtesy, int64_t now);
void courtesy_started(struct courtesy *courtesy, int count);

#endif
