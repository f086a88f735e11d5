/* SPDX-License-Identifier: ISC */
/* splitmix64 (Steele, Lea, Flood 2014): one word of state, no weak seeds. Integers only, because
   floating point may differ between machines. */
#include "base/prng.h"

uint64_t prng_next(struct prng *prng)
{
	uint64_t z = prng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The remainder prefers small numbers by sides / 2^63, which is not measurable. */
int64_t prng_below(struct prng *prng, int64_t sides)
{
	return (int64_t)(prng_next(prng) >> 1) % sides;
}

int64_t prng_between(struct prng *prng, int64_t least, int64_t most)
{
	return least + prng_below(prng, most - least + 1);
}

bool prng_chance(struct prng *prng, int percent)
{
	return prng_below(prng, 100) < percent;
}
