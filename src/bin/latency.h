/* SPDX-License-Identifier: ISC */
/* How long things took: counts in classes that are 1/64 wide, so any number of
   durations in a few kilobytes, and a percentile within 1.6 %. */
#ifndef HL_BIN_LATENCY_H
#define HL_BIN_LATENCY_H

#include <stdint.h>

enum { LATENCY_CLASSES = 64 * 40 };

struct latency {
	int64_t count;
	int64_t classes[LATENCY_CLASSES];
};

void latency_add(struct latency *latency, int64_t us);
int64_t latency_at(const struct latency *latency, int percent);	/* in us; 0 when nothing was added */

#endif
