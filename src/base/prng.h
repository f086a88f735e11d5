/* SPDX-License-Identifier: ISC */
/* Random numbers that a seed repeats on every machine, for generated histories and tests. Never
   for secrets: crypto has those. */
#ifndef HL_BASE_PRNG_H
#define HL_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
	uint64_t state; /* the seed; any value will do */
};

uint64_t prng_next(struct prng *prng);
int64_t prng_below(struct prng *prng, int64_t sides); /* 0 to sides - 1; sides above 0 */
int64_t prng_between(struct prng *prng, int64_t least, int64_t most); /* both included */
bool prng_chance(struct prng *prng, int percent);

#endif
