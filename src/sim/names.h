/* SPDX-License-Identifier: ISC */
/* Names and descriptions as people write them. A phrase is a few numbers that stand for a
   text, so that millions of entities need no memory for texts. */
#ifndef HL_SIM_NAMES_H
#define HL_SIM_NAMES_H

#include <stdint.h>

#include "base/prng.h"
#include "base/mem.h"

struct phrase {
	uint8_t form; /* which sentence; 0: the empty text */
	uint8_t a, b; /* which words stand in it */
	uint16_t number;
};

/* A random one. */
struct phrase names_person(struct prng *prng);
struct phrase names_client(struct prng *prng);
struct phrase names_project(struct prng *prng);
struct phrase names_tag(struct prng *prng);
struct phrase names_task(struct prng *prng);
struct phrase names_work(
	struct prng *prng); /* a time entry's description; may be empty or very long */

/* UTF-8 without control characters but tabs; appends. */
void names_write(struct buf *out, struct phrase phrase);

#endif
