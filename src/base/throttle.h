/* SPDX-License-Identifier: ISC */
/* Leaky buckets of tries in a file that processes share, for where there is no
   database yet. The file has a fixed size: who has the same place in it shares a
   bucket. */
#ifndef HL_BASE_THROTTLE_H
#define HL_BASE_THROTTLE_H

#include <stdint.h>

#include "base/mem.h"

struct throttle_options {
	const char *path; /* made when it is not there; where it cannot be, this process counts for
			     itself */
	double burst, per_minute;
};

/* Counts a try of `who`: 0; or, when there is no room for it, the seconds until there
   is. `now_us`: clock_now_us(). */
int64_t throttle_take(const struct throttle_options *options, struct str who, int64_t now_us);

#endif
