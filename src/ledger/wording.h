/* SPDX-License-Identifier: ISC */
/* What people write: names and descriptions for a story. A phrase is a few
   numbers that stand for a text, so that a story of millions holds no texts. */
#ifndef HL_LEDGER_WORDING_H
#define HL_LEDGER_WORDING_H

#include <stdint.h>

#include "base/dice.h"
#include "base/mem.h"

struct phrase {
	uint8_t form;	/* which sentence; 0: the empty text */
	uint8_t a, b;	/* which words stand in it */
	uint16_t number;
};

/* One that somebody could think of. */
struct phrase wording_person(struct dice *dice);
struct phrase wording_client(struct dice *dice);
struct phrase wording_project(struct dice *dice);
struct phrase wording_tag(struct dice *dice);
struct phrase wording_task(struct dice *dice);
struct phrase wording_work(struct dice *dice);	/* a time entry's description; may be empty or very long */

/* UTF-8 without control characters but tabs; appends. */
void wording_write(struct buf *out, struct phrase phrase);

#endif
