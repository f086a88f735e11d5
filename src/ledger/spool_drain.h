/* SPDX-License-Identifier: ISC */
/* Moves the callbacks of the spool into the ledger: verifies those that were not verified,
   records events, and quarantines what is no event. Drops nothing that was acknowledged, except
   forged callbacks. A batch that fails is tried one by one, and a record that fails alone is
   moved out of the way of the others (spool_defer()). */
#ifndef HL_LEDGER_SPOOL_DRAIN_H
#define HL_LEDGER_SPOOL_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct spool_drain;
struct keyring;
struct spool;
struct counters;

struct spool_drain_count {
	int64_t recorded, duplicate, quarantined, forged;
	int64_t deferred; /* failed alone, and moved behind the others or set aside */
};

/* Borrows all four. */
struct spool_drain *spool_drain_new(struct spool *spool, struct db *db, struct keyring *keys,
				    struct counters *counters, int64_t batch_max,
				    int64_t batch_max_bytes);
void spool_drain_free(struct spool_drain *drain);

/* One batch, to its end; ERR_NONE and *more false when nothing is left. */
MUST_USE enum err spool_drain_step(struct spool_drain *drain, int64_t wait_ms, bool *more);

/* One batch beside other work: start sends the call (*started false: there is nothing to do);
   finish ends it, ERR_PACE while the database works on it. */
MUST_USE enum err spool_drain_start(struct spool_drain *drain, bool *started);
MUST_USE enum err spool_drain_finish(struct spool_drain *drain, int64_t wait_ms);
bool spool_drain_is_working(const struct spool_drain *drain);
bool spool_drain_take_must_notify(struct spool_drain *drain); /* as intake_take_must_notify() */

struct spool_drain_count spool_drain_total(const struct spool_drain *drain);

#endif
