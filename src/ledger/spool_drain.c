/* SPDX-License-Identifier: ISC */
#include "ledger/spool_drain.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/log.h"
#include "base/mem.h"
#include "ledger/callback.h"
#include "ledger/intake.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/counters.h"

struct spool_drain {
	struct spool *spool;
	struct db *db;
	struct keyring *keys;
	struct counters *counters;
	size_t batch_max, batch_max_bytes;
	/* Records of the next batch. 1 after a failure, so that a batch that takes too long is
	   not repeated in the same size for ever. */
	size_t most;
	size_t singly;	   /* so many are tried one by one, whatever `most` says */
	bool failed_alone; /* the next record failed when it was last tried */

	struct callback *records;
	size_t count;
	struct intake *intake;		 /* those that are events */
	const struct callback **refused; /* verified, but for the quarantine */
	size_t refused_count;
	bool is_working;
	struct spool_drain_count total;
};

struct spool_drain *spool_drain_new(struct spool *spool, struct db *db, struct keyring *keys,
				    struct counters *counters, int64_t batch_max,
				    int64_t batch_max_bytes)
{
	struct spool_drain *drain = mem_zero(1, sizeof(*drain));

	drain->spool = spool;
	drain->db = db;
	drain->keys = keys;
	drain->counters = counters;
	drain->batch_max = (size_t)batch_max;
	drain->batch_max_bytes = (size_t)batch_max_bytes;
	/* Starts with one record: a plain CGI process continues where the last one stopped, and
	   so reaches a record that fails alone. */
	drain->most = 1;
	drain->records = mem_zero(drain->batch_max, sizeof(*drain->records));
	drain->refused = mem_zero(drain->batch_max, sizeof(*drain->refused));
	drain->intake = intake_new();
	return drain;
}

void spool_drain_free(struct spool_drain *drain)
{
	if (!drain)
		return;
	intake_free(drain->intake);
	free(drain->refused);
	free(drain->records);
	free(drain);
}

static void refuse(struct spool_drain *drain, struct callback *cb, enum reason reason)
{
	cb->reason = reason;
	drain->refused[drain->refused_count++] = cb;
}

/* Sorts one record: an event for the ledger, a body for the quarantine, a forgery that is only
   counted. false: this master key cannot verify it. */
static bool sort(struct spool_drain *drain, struct callback *cb, enum spool_kind kind)
{
	enum err verdict = kind == SPOOL_UNVERIFIED ? keyring_verify(drain->keys, cb) : ERR_NONE;
	enum reason reason = REASON_NONE;
	const char *why;

	if (verdict == ERR_BUSY)
		return false;
	if (verdict) {
		drain->total.forged++;
		counters_add(drain->counters, cb->endpoint_id ? REASON_SIGNATURE : REASON_ADDRESS,
			     cb->endpoint_id);
	} else if (kind == SPOOL_REFUSED) {
		refuse(drain, cb, cb->reason);
	} else if (callback_parse(cb, &reason, &why)) {
		refuse(drain, cb, reason);
	} else if (cb->kind == CALLBACK_EVENT) {
		intake_add(drain->intake, cb);
	}
	return true;
}

/* Reads the next batch and sorts it. ERR_BUSY: unverified callbacks wait, and the keys cannot be
   loaded. */
static enum err read_batch(struct spool_drain *drain)
{
	enum spool_kind kind = SPOOL_EVENT;
	enum err err;

	intake_clear(drain->intake);
	drain->refused_count = 0;
	err = spool_read(drain->spool, drain->singly ? 1 : drain->most, drain->batch_max_bytes,
			 drain->records, &drain->count, &kind);
	if (err || drain->count == 0)
		return err;
	/* Verified only with current keys from the database: with an old file, or without keys,
	   valid callbacks would count as forged. */
	if (kind == SPOOL_UNVERIFIED && !keyring_is_fresh(drain->keys, 1000))
		err = keyring_load(drain->keys, drain->db, 3000, NULL);
	for (size_t i = 0; i < drain->count && !err; i++) {
		if (!sort(drain, &drain->records[i], kind)) {
			/* all or nothing: the records that were sorted are read again */
			spool_postpone(drain->spool);
			return read_batch(drain);
		}
	}
	return err;
}

static enum reason reason_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ABSENT:
		return REASON_ADDRESS;
	case VERDICT_REVOKED:
		return REASON_REVOKED;
	case VERDICT_WORKSPACE:
		return REASON_WORKSPACE;
	case VERDICT_REFUSED:
		return REASON_JSON;
	default:
		return REASON_NONE;
	}
}

/* After the append: a record that the ledger refused was acknowledged, so it goes to the
   quarantine. */
static void look_at_verdicts(struct spool_drain *drain)
{
	for (size_t i = 0; i < intake_count(drain->intake); i++) {
		const struct callback *cb = intake_at(drain->intake, i);
		enum verdict verdict = intake_verdict(drain->intake, i);

		if (verdict == VERDICT_RECORDED) {
			drain->total.recorded++;
		} else if (verdict == VERDICT_DUPLICATE || verdict == VERDICT_HORIZON) {
			drain->total.duplicate++;
			counters_add(drain->counters,
				     verdict == VERDICT_DUPLICATE ? REASON_DUPLICATE
								  : REASON_HORIZON,
				     cb->endpoint_id);
		} else {
			refuse(drain, &drain->records[cb - drain->records], reason_of(verdict));
		}
	}
}

/* Can one record cause this failure (it takes too long, or too much memory), or does the
   database refuse everything now? */
static bool may_be_of_record(struct spool_drain *drain)
{
	const char *state = db_sqlstate(drain->db);

	if (strcmp(state, "57014") == 0 || strcmp(state, "53200") == 0 ||
	    strncmp(state, "XX", 2) == 0)
		return true;
	/* A call that timed out, or a lost connection, may also mean that the database is
	   stopping. Then a second attempt fails too. */
	return state[0] == '\0' && (drain->failed_alone || spool_is_shared(drain->spool));
}

/* The other records must not wait for a record that fails alone. */
static void step_aside(struct spool_drain *drain)
{
	bool is_aside = false;

	if (!may_be_of_record(drain)) {
		drain->failed_alone = true;
		return;
	}
	drain->failed_alone = false;
	if (spool_defer(drain->spool, &is_aside))
		return;
	if (drain->singly)
		drain->singly--;
	drain->total.deferred++;
	log_write(is_aside ? LOG_ERROR : LOG_WARN,
		  is_aside ? "callback_set_aside" : "callback_deferred",
		  (struct log_field[]){ log_num("endpoint", drain->records[0].endpoint_id),
					log_num("bytes", (int64_t)drain->records[0].body.len),
					log_end() });
}

/* After the call for a batch, which returned `err`. */
static enum err settle(struct spool_drain *drain, enum err err, int64_t wait_ms)
{
	if (err) {
		if (drain->count == 1)
			step_aside(drain);
		else
			drain->singly = drain->count;
		drain->most = 1;
		return err;
	}
	drain->failed_alone = false;
	if (drain->singly)
		drain->singly--;
	else
		drain->most = drain->most * 2 < drain->batch_max ? drain->most * 2
								 : drain->batch_max;
	look_at_verdicts(drain);
	if (drain->refused_count)
		err = intake_quarantine(drain->db, drain->refused, drain->refused_count, wait_ms);
	if (err)
		return err;
	drain->total.quarantined += (int64_t)drain->refused_count;
	if (intake_count(drain->intake))
		spool_note_recorded(drain->spool);
	spool_settle(drain->spool);
	return ERR_NONE;
}

enum err spool_drain_step(struct spool_drain *drain, int64_t wait_ms, bool *more)
{
	enum err err = read_batch(drain);

	*more = false;
	if (err || drain->count == 0)
		return err;
	if (!db_is_ready(drain->db))
		return ERR_BUSY;
	err = intake_append(drain->intake, drain->db, "spool", wait_ms);
	err = settle(drain, err, wait_ms);
	*more = !err;
	return err;
}

enum err spool_drain_start(struct spool_drain *drain, bool *started)
{
	enum err err = read_batch(drain);

	*started = false;
	if (err || drain->count == 0)
		return err;
	if (intake_count(drain->intake) == 0)
		return settle(drain, ERR_NONE, 1000); /* only for the quarantine: rare and short */
	err = intake_start(drain->intake, drain->db, "spool");
	if (!err)
		drain->is_working = *started = true;
	return err;
}

enum err spool_drain_finish(struct spool_drain *drain, int64_t wait_ms)
{
	enum err err = intake_finish(drain->intake, drain->db, "spool", wait_ms);

	if (err == ERR_PACE)
		return err;
	drain->is_working = false;
	return settle(drain, err, wait_ms);
}

bool spool_drain_is_working(const struct spool_drain *drain)
{
	return drain->is_working;
}

bool spool_drain_take_must_notify(struct spool_drain *drain)
{
	return intake_take_must_notify(drain->intake);
}

struct spool_drain_count spool_drain_total(const struct spool_drain *drain)
{
	return drain->total;
}
