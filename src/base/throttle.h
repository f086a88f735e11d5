/* SPDX-License-Identifier: ISC */
/* Counts attempts in leaky buckets, in a file that processes share, for a time when there is no
   database yet. The file has a fixed size: clients with the same hash share a bucket. */
#ifndef HL_BASE_THROTTLE_H
#define HL_BASE_THROTTLE_H

#include <stdint.h>

#include "base/mem.h"

struct throttle_options {
	const char *path; /* made if missing; if that fails, this process counts alone */
	double burst, per_minute;
};

/* Counts an attempt of `client`. 0: it is allowed; otherwise the seconds until the next one is.
   `now_us`: clock_now_us(). */
int64_t throttle_take(const struct throttle_options *options, struct str client, int64_t now_us);

#endif
