/* SPDX-License-Identifier: ISC */
/* How long things took: counts in classes that are 1/64 wide, so any number of
   durations in a few kilobytes, and a percentile within 1.6 %. */
#ifndef HL_SIM_HISTOGRAM_H
#define HL_SIM_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_CLASSES = 64 * 40 };

struct histogram {
	int64_t count;
	int64_t classes[HISTOGRAM_CLASSES];
};

void histogram_add(struct histogram *histogram, int64_t us);
int64_t histogram_at(const struct histogram *histogram,
		     int percent); /* in us; 0 when nothing was added */

#endif
