/* SPDX-License-Identifier: ISC */
#include "sim/histogram.h"

#include <stddef.h>

/* Below 64 one class a microsecond; above, the position of the highest bit and
   the six bits after it. */
static size_t class_of(int64_t us)
{
	unsigned power;
	size_t at;

	if (us < 64)
		return us < 0 ? 0 : (size_t)us;
	power = 63 - (unsigned)__builtin_clzll((unsigned long long)us);
	at = (size_t)(power - 5) * 64 + ((size_t)(us >> (power - 6)) & 63);
	return at < HISTOGRAM_CLASSES ? at : HISTOGRAM_CLASSES - 1;
}

static int64_t least_of(size_t at)
{
	if (at < 64)
		return (int64_t)at;
	return (int64_t)(64 + at % 64) << (at / 64 - 1);
}

void histogram_add(struct histogram *histogram, int64_t us)
{
	histogram->classes[class_of(us)]++;
	histogram->count++;
}

int64_t histogram_at(const struct histogram *histogram, int percent)
{
	int64_t before = 0;

	for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
		before += histogram->classes[i];
		if (before && before * 100 >= histogram->count * percent)
			return least_of(i);
	}
	return 0;
}
