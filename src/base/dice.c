/* SPDX-License-Identifier: ISC */
/* splitmix64 (Steele, Lea, Flood 2014): one word of state, no weak seeds, and
   whole numbers only, since floating point may differ between machines. */
#include "base/dice.h"

uint64_t dice_next(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The remainder favours small numbers by sides / 2^63, which nobody sees. */
int64_t dice_below(struct dice *dice, int64_t sides)
{
	return (int64_t)(dice_next(dice) >> 1) % sides;
}

int64_t dice_between(struct dice *dice, int64_t least, int64_t most)
{
	return least + dice_below(dice, most - least + 1);
}

bool dice_chance(struct dice *dice, int percent)
{
	return dice_below(dice, 100) < percent;
}
