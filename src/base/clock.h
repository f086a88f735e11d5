/* SPDX-License-Identifier: ISC */
/* Time: microseconds since 1970-01-01T00:00:00Z for what is recorded, monotonic milliseconds for
   deadlines, and RFC 3339 for input and output. */
#ifndef HL_BASE_CLOCK_H
#define HL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

int64_t clock_now_us(void); /* wall clock */
int64_t clock_ms(void);	    /* monotonic, never steps back */

/* Time-outs as poll() takes them: milliseconds, -1 for ever. clock_sooner() returns the shorter
   of two; clock_within() limits `wait_ms` to the time that is left, which may be negative. */
int clock_sooner(int a_ms, int b_ms);
int clock_within(int wait_ms, int64_t left_ms);

/* RFC 3339, 5.6: date-time with a four-digit year, any number of decimals (those after six are
   dropped), Z or a numeric offset, 'T', 't' or a space between. false, *us untouched, for
   anything else and for dates that do not exist. A leap second counts as the second after it. */
bool clock_read(struct str text, int64_t *us);

/* "2026-07-17T11:43:32.827000Z"; appends. */
void clock_write(struct buf *out, int64_t us);

/* "90s", "15m", "24h", "7d" or plain seconds. */
bool clock_read_duration(struct str text, int64_t *us);

#endif
