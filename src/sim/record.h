/* SPDX-License-Identifier: ISC */
/* Records generated events in the ledger without a web server: signed with the endpoint's
   secret and written by the receiver's SQL function, in large batches. Called by
   `hookledger simulate --into-database`, which finds the endpoint, opens the connections
   and prints the result. */
#ifndef HL_SIM_RECORD_H
#define HL_SIM_RECORD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/schedule.h"

struct db;

enum { RECORD_DEADLINE_MS = 60000 }; /* for one batch, however slow the disk is */

struct record_options {
	struct schedule_options schedule; /* its `events` is not 0 */
	int64_t endpoint_id, secret_id;
	struct str address, secret;    /* of that endpoint */
	struct db *const *connections; /* as the receiver's role; each gives up after
					  RECORD_DEADLINE_MS */
	size_t connection_count;
	/* Makes the partition for the month of `us` and returns the end of that month. Returns
	   `us` when it cannot be made now: the default partition takes the events then. */
	int64_t (*make_partition)(void *user, int64_t us);
	void (*progress)(void *user, int64_t done); /* called often */
	void *user;
	const volatile sig_atomic_t *is_interrupted;
};

struct record_result {
	int64_t done; /* callbacks that got a verdict; the sum of these: */
	int64_t recorded, duplicates, horizon, refused;
	int64_t first_us, last_us; /* created_at of the earliest and the latest */
	int64_t duration_ms;
	bool has_ended;	    /* all events of the schedule were sent */
	struct buf problem; /* why the database did not take a batch; or empty */
};

/* Records until the schedule ends or *is_interrupted is set; waits for the batches in
   flight in either case. `result` must be {0}. On an error result->problem says why. */
MUST_USE enum err record_run(const struct record_options *options, struct record_result *result);

void record_result_done(struct record_result *result);

#endif
