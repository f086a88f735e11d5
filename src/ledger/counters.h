/* SPDX-License-Identifier: ISC */
/* Counts by minute, endpoint and reason what came and was not recorded:
   in memory, now and then added to ledger.receiver_counter. A stranger can make the
   numbers grow, not their rows. */
#ifndef HL_LEDGER_COUNTERS_H
#define HL_LEDGER_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/callback.h"

struct db;
struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *counters);

/* endpoint_id 0: none is known. */
void counters_add(struct counters *counters, enum reason reason, int64_t endpoint_id);
bool counters_is_empty(const struct counters *counters);

/* Adds them to the database and starts from zero; on any error they stay. */
MUST_USE enum err counters_flush(struct counters *counters, struct db *db, int64_t wait_ms);

/* For a process that ends without a database: appended to a small file in the
   folder of the spool (bounded; beyond it they are dropped), which the next
   counters_load() takes in. */
MUST_USE enum err counters_save(struct counters *counters, const char *dir);
MUST_USE enum err counters_load(struct counters *counters, const char *dir);

#endif
