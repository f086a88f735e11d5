/* SPDX-License-Identifier: ISC */
/* Random numbers that a seed repeats on every machine: for stories and tests,
   where the same run is wanted twice. Never for secrets; those are crypto's. */
#ifndef HL_BASE_DICE_H
#define HL_BASE_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;	/* the seed; any value will do */
};

uint64_t dice_next(struct dice *dice);
int64_t dice_below(struct dice *dice, int64_t sides);	/* 0 to sides - 1; sides above 0 */
int64_t dice_between(struct dice *dice, int64_t least, int64_t most);	/* both may come */
bool dice_chance(struct dice *dice, int percent);

#endif
