/* SPDX-License-Identifier: ISC */
/* Counts callbacks that were not recorded, by minute, endpoint and reason: in memory, and added
   to ledger.receiver_counter from time to time. An unauthenticated client can make the numbers
   grow, but not the number of rows. */
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

/* endpoint_id 0: not known. */
void counters_add(struct counters *counters, enum reason reason, int64_t endpoint_id);
bool counters_is_empty(const struct counters *counters);

/* Adds the counts to the database and starts at zero. On any error they stay. */
MUST_USE enum err counters_flush(struct counters *counters, struct db *db, int64_t wait_ms);

/* For a process that ends without a database: appends the counts to a small file in the folder
   of the spool, which the next counters_load() reads. The file has a limit; counts above it are
   lost. */
MUST_USE enum err counters_save(struct counters *counters, const char *dir);
MUST_USE enum err counters_load(struct counters *counters, const char *dir);

#endif
