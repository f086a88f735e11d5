/* SPDX-License-Identifier: ISC */
#include "delivery/backpressure.h"

#include <limits.h>

enum {
	COUNT_MS = 100,		 /* events are counted over this time at least */
	COUNT_MAX = 1000 * 1000, /* of one notification */
	BUSY_RATE = 500,	 /* receivers are busy from so many events a second on, */
	BUSY_MS = 300,		 /* and stay so for that long */
	RESTS = 3,  /* the database rests so many times as long as it has worked for us */
	STARTS = 4, /* requests in a millisecond */
};

void backpressure_count(struct backpressure *backpressure, int64_t events, int64_t now)
{
	int64_t age = now - backpressure->counted_since;

	/* no receiver records that many, but any role of the database can notify */
	backpressure->counted_events += events < 0 ? 0 : events > COUNT_MAX ? COUNT_MAX : events;
	if (age < COUNT_MS)
		return;
	if (backpressure->counted_events * 1000 >= BUSY_RATE * age)
		backpressure->busy_until = now + BUSY_MS;
	backpressure->counted_since = now;
	backpressure->counted_events = 0;
}

bool backpressure_is_busy(const struct backpressure *backpressure, int64_t now)
{
	return now < backpressure->busy_until;
}

void backpressure_worked(struct backpressure *backpressure, int64_t for_ms, int64_t now)
{
	backpressure->rest_until = backpressure_is_busy(backpressure, now) ? now + RESTS * for_ms
									   : 0;
}

int64_t backpressure_rest_ms(const struct backpressure *backpressure, int64_t now)
{
	return backpressure->rest_until > now ? backpressure->rest_until - now : 0;
}

int backpressure_starts(struct backpressure *backpressure, int64_t now)
{
	if (!backpressure_is_busy(backpressure, now))
		return INT_MAX;
	if (now > backpressure->started_at)
		backpressure->started = 0;
	backpressure->started_at = now;
	return backpressure->started < STARTS ? STARTS - backpressure->started : 0;
}

void backpressure_started(struct backpressure *backpressure, int count)
{
	backpressure->started = backpressure->started > INT_MAX - count
					? INT_MAX
					: backpressure->started + count;
}
