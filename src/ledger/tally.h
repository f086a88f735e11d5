/* SPDX-License-Identifier: ISC */
/* Counts by minute, endpoint and reason what came and was not recorded:
   in memory, now and then added to ledger.tally. A stranger can make the
   numbers grow, not their rows. */
#ifndef HL_LEDGER_TALLY_H
#define HL_LEDGER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/callback.h"

struct db;
struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *tally);

/* endpoint_id 0: none is known. */
void tally_add(struct tally *tally, enum reason reason, int64_t endpoint_id);
bool tally_is_empty(const struct tally *tally);

/* Adds them to the database and starts from zero; on any error they stay. */
MUST_USE enum err tally_flush(struct tally *tally, struct db *db, int64_t wait_ms);

/* For a process that ends without a database: appended to a small file in the
   folder of the spool (bounded; beyond it they are dropped), which the next
   tally_load() takes in. */
MUST_USE enum err tally_save(struct tally *tally, const char *dir);
MUST_USE enum err tally_load(struct tally *tally, const char *dir);

#endif
