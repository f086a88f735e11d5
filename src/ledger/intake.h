/* SPDX-License-Identifier: ISC */
/* Appends a batch of judged callbacks to the ledger: one call, one commit, a
   verdict for each. */
#ifndef HL_LEDGER_INTAKE_H
#define HL_LEDGER_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/callback.h"

struct db;
struct intake;

enum verdict {
	VERDICT_UNKNOWN = 0, /* the database did not say: spool it */
	VERDICT_RECORDED,
	VERDICT_DUPLICATE,
	VERDICT_HORIZON,   /* older than what is kept: acknowledged, counted, not recorded */
	VERDICT_ABSENT,	   /* endpoint unknown or disabled */
	VERDICT_REVOKED,   /* the secret is not valid any more */
	VERDICT_WORKSPACE, /* of another workspace */
	VERDICT_REFUSED,   /* its own data is what PostgreSQL cannot take */
};

struct intake *intake_new(void);
void intake_free(struct intake *intake);
void intake_clear(struct intake *intake);

/* Adds a parsed, judged event; borrows all of it until intake_clear(). Gives
   its place in the batch. */
size_t intake_add(struct intake *intake, const struct callback *cb);
size_t intake_count(const struct intake *intake);
const struct callback *intake_at(const struct intake *intake, size_t index);
enum verdict intake_verdict(const struct intake *intake, size_t index);

/* Has an append since the last question left something that couriers wait for
   (receiver.notify)? */
bool intake_is_wanted(struct intake *intake);

/* Records the batch; `source` is "webhook", "spool", "quarantine" (a retry) or
   "local" (made up here). Waits at most `wait_ms` for the database. When the batch
   fails on data it is repeated one by one. ERR_BUSY: some or all verdicts are
   VERDICT_UNKNOWN. */
MUST_USE enum err intake_append(struct intake *intake, struct db *db, const char *source,
				int64_t wait_ms);

/* The same beside other work: start, then ask until it is not ERR_PACE. */
MUST_USE enum err intake_start(struct intake *intake, struct db *db, const char *source);
MUST_USE enum err intake_finish(struct intake *intake, struct db *db, const char *source,
				int64_t wait_ms);

/* Keeps callbacks that are genuine but no events; cb->reason says why. */
MUST_USE enum err intake_quarantine(struct db *db, const struct callback *const *callbacks,
				    size_t count, int64_t wait_ms);

#endif
