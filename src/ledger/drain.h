/* SPDX-License-Identifier: ISC */
/* Brings what waits in the spool into the ledger: judges what was not judged,
   records, quarantines what turns out to be no event. Nothing that was
   acknowledged is dropped; only a forged callback is. A batch that fails is tried
   one by one, and a record that fails alone is put out of the way of the others
   (spool_defer()). */
#ifndef HL_LEDGER_DRAIN_H
#define HL_LEDGER_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct drain;
struct keyring;
struct spool;
struct tally;

struct drain_count {
	int64_t recorded, duplicate, quarantined, forged;
	int64_t deferred;	/* failed alone and were put behind the others, or aside */
};

/* Borrows all four. */
struct drain *drain_new(struct spool *spool, struct db *db, struct keyring *keys,
                        struct tally *tally, int64_t batch_max, int64_t batch_max_bytes);
void drain_free(struct drain *drain);

/* One batch, to its end; ERR_NONE and *more false when nothing is left. */
MUST_USE enum err drain_step(struct drain *drain, int64_t wait_ms, bool *more);

/* One batch beside other work: start puts the call on its way (*started false:
   nothing to do); finish ends it, ERR_PACE while the database is at it. */
MUST_USE enum err drain_start(struct drain *drain, bool *started);
MUST_USE enum err drain_finish(struct drain *drain, int64_t wait_ms);
bool drain_is_working(const struct drain *drain);
bool drain_is_wanted(struct drain *drain);	/* as intake_is_wanted() */

struct drain_count drain_total(const struct drain *drain);

#endif
