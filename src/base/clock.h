/* SPDX-License-Identifier: ISC */
/* Time: microseconds since 1970-01-01T00:00:00Z for what is recorded, a
   monotonic millisecond count for deadlines, and RFC 3339 at the edge. */
#ifndef HL_BASE_CLOCK_H
#define HL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

int64_t clock_now_us(void); /* wall clock */
int64_t clock_ms(void);	    /* monotonic, never steps back */

/* Waits as poll() takes them: milliseconds, and -1 for ever. The shorter of two;
   `wait_ms`, but no longer than what is left of some time, which may be over. */
int clock_sooner(int a_ms, int b_ms);
int clock_within(int wait_ms, int64_t left_ms);

/* RFC 3339 section 5.6: date-time with a four-digit year, any number of
   decimals (beyond six are cut), Z or a numeric offset, 'T', 't' or a space
   between. false, *us untouched, for anything else and for dates that do not
   exist. A leap second counts as the second after it. */
bool clock_read(struct str text, int64_t *us);

/* "2026-07-17T11:43:32.827000Z"; appends. */
void clock_write(struct buf *out, int64_t us);

/* "90s", "15m", "24h", "7d" or plain seconds. */
bool clock_read_duration(struct str text, int64_t *us);

#endif
