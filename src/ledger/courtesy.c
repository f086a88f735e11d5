/* SPDX-License-Identifier: ISC */
#include "ledger/courtesy.h"

#include <limits.h>

enum {
	HEARING_MS = 100,	/* events are counted over that time at least */
	HEARD_MOST = 1000 * 1000,	/* of one call */
	BUSY_RATE = 500,	/* from so many a second on receivers are busy, */
	BUSY_MS = 300,		/* and stay so for that long */
	RESTS = 3,		/* the database rests so many times as long as it has worked */
	STARTS = 4,		/* requests in a millisecond */
};

void courtesy_hear(struct courtesy *courtesy, int64_t events, int64_t now)
{
	int64_t age = now - courtesy->heard_since;

	/* no receiver records as many, but whoever has a login can say so */
	courtesy->heard_events += events < 0 ? 0 : events > HEARD_MOST ? HEARD_MOST : events;
	if (age < HEARING_MS)
		return;
	if (courtesy->heard_events * 1000 >= BUSY_RATE * age)
		courtesy->busy_until = now + BUSY_MS;
	courtesy->heard_since = now;
	courtesy->heard_events = 0;
}

void courtesy_worked(struct courtesy *courtesy, int64_t for_ms, int64_t now)
{
	courtesy->rest_until = now < courtesy->busy_until ? now + RESTS * for_ms : 0;
}

int64_t courtesy_rest_ms(const struct courtesy *courtesy, int64_t now)
{
	return courtesy->rest_until > now ? courtesy->rest_until - now : 0;
}

int courtesy_starts(struct courtesy *courtesy, int64_t now)
{
	if (now >= courtesy->busy_until)
		return INT_MAX;
	if (now > courtesy->started_at)
		courtesy->started = 0;
	courtesy->started_at = now;
	return courtesy->started < STARTS ? STARTS - courtesy->started : 0;
}

void courtesy_started(struct courtesy *courtesy, int count)
{
	courtesy->started = courtesy->started > INT_MAX - count ? INT_MAX : courtesy->started + count;
}
