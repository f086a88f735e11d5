/* SPDX-License-Identifier: ISC */
/* Appends a batch of verified callbacks to the ledger: one call, one commit, a verdict for each. */
#ifndef HL_LEDGER_INTAKE_H
#define HL_LEDGER_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ledger/callback.h"

struct db;
struct intake;

enum verdict {
	VERDICT_UNKNOWN = 0, /* the database gave no verdict: spool it */
	VERDICT_RECORDED,
	VERDICT_DUPLICATE,
	VERDICT_HORIZON,   /* older than what is kept: acknowledged and counted, but not recorded */
	VERDICT_ABSENT,	   /* endpoint unknown or disabled */
	VERDICT_REVOKED,   /* the secret is no longer valid */
	VERDICT_WORKSPACE, /* of another workspace */
	VERDICT_REFUSED,   /* PostgreSQL cannot store its data */
};

struct intake *intake_new(void);
void intake_free(struct intake *intake);
void intake_clear(struct intake *intake);

/* Adds a parsed, verified event; borrows all of it until intake_clear(). Returns its index in
   the batch. */
size_t intake_add(struct intake *intake, const struct callback *cb);
size_t intake_count(const struct intake *intake);
const struct callback *intake_at(const struct intake *intake, size_t index);
enum verdict intake_verdict(const struct intake *intake, size_t index);

/* true: an append since the last call recorded something that couriers wait for
   (receiver.notify). Resets the flag. */
bool intake_take_must_notify(struct intake *intake);

/* Records the batch; `source` is "webhook", "spool", "quarantine" (a retry) or "local" (made
   here). Waits at most `wait_ms` for the database. A batch that fails because of its data is
   repeated one by one. ERR_BUSY: some or all verdicts are VERDICT_UNKNOWN. */
MUST_USE enum err intake_append(struct intake *intake, struct db *db, const char *source,
				int64_t wait_ms);

/* The same beside other work: intake_start() sends the call; intake_finish() is called until it
   does not return ERR_PACE. */
MUST_USE enum err intake_start(struct intake *intake, struct db *db, const char *source);
MUST_USE enum err intake_finish(struct intake *intake, struct db *db, const char *source,
				int64_t wait_ms);

/* Keeps callbacks that are verified but no events; cb->reason says why. */
MUST_USE enum err intake_quarantine(struct db *db, const struct callback *const *callbacks,
				    size_t count, int64_t wait_ms);

#endif
