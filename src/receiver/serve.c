/* SPDX-License-Identifier: ISC */
/* The path of a callback, from top to bottom: check the request, verify the signature, parse
   the body, record the event, answer. A batch of callbacks shares one call of the database
   and one commit. No 2xx is sent before the event is on disk, in the database or in the
   spool. */
#include "receiver/receiver.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"

/* ---- checking: the cheapest first, and the signature before anything is parsed */

enum { PREFIX_BYTES = 6 }; /* of "/hook/", before the address */

enum reason serve_check(const struct http_req *req, struct callback *cb)
{
	struct str path = http_path(req), address;

	if (!str_is(http_method(req), "POST"))
		return REASON_METHOD;
	if (!str_starts(path, "/hook/"))
		return REASON_ADDRESS;
	address = (struct str){ path.at + PREFIX_BYTES, path.len - PREFIX_BYTES };
	if (!callback_is_address(address))
		return REASON_ADDRESS;
	if (!str_equal_nocase(http_type(req), "application/json"))
		return REASON_TYPE;
	if (http_flaw(req) == HTTP_NO_LENGTH)
		return REASON_LENGTH;
	if (http_flaw(req) == HTTP_TOO_BIG)
		return REASON_SIZE;
	cb->address = address;
	cb->body = http_body(req);
	cb->received_us = clock_now_us();
	if (!callback_read_signature(http_header(req, "HTTP_X_WEBHOOK_SIGNATURE_256"),
				     cb->signature) ||
	    http_flaw(req) == HTTP_CUT_SHORT)
		return REASON_SIGNATURE;
	return REASON_NONE;
}

/* May the address or the secret be newer than the keys in memory? `err`: of keyring_verify().
   While the database is away, a wrong signature at a known address is still answered with 401,
   not 503: when a secret is rotated, the old and the new one are both valid for a time. */
static bool keys_may_be_stale(const struct receiver *r, enum err err)
{
	if (keyring_is_since(r->keys, r->began_ms))
		return false;
	return err == ERR_ABSENT || r->is_load_denied;
}

/* What is left to do with a callback. */
enum step {
	STEP_NONE,	   /* nothing: it is answered */
	STEP_RECORD,	   /* record and answer it */
	STEP_SPOOL,	   /* write it to the spool, not verified yet, and answer it */
	STEP_KEEP_REFUSED, /* it is refused: keep its body for the owner */
};

/* A ping with a valid signature is answered from memory, with keys that are a second old at
   most. No row is written, so the database is not needed. */
static enum step take_ping(struct receiver *r, struct http_req *req, struct callback *cb)
{
	if (keyring_age_ms(r->keys) >= KEYS_AGE_MS) {
		database_load_keys(r);
		if (keyring_verify(r->keys, cb)) {
			answer_refuse(r, req, REASON_REVOKED, cb->endpoint_id, NULL);
			return STEP_NONE;
		}
	}
	answer_ping(req, cb);
	counters_add(r->counters, REASON_PING, cb->endpoint_id);
	return STEP_NONE;
}

/* Checks, verifies and parses one callback; refuses it when one of these fails. */
static enum step take_callback(struct receiver *r, struct http_req *req, struct callback *cb)
{
	const char *detail = NULL;
	enum reason reason;
	enum err err;

	*cb = (struct callback){ 0 };
	reason = serve_check(req, cb);
	if (reason) {
		/* Counted for the endpoint, where its owner looks for it. A client that knows
		   the address can add to this counter with any wrong signature anyway. */
		int64_t endpoint_id = reason == REASON_SIGNATURE
					      ? keyring_endpoint(r->keys, cb->address)
					      : 0;

		answer_refuse(r, req, reason, endpoint_id, NULL);
		return STEP_NONE;
	}
	err = database_verify(r, cb);
	if (err == ERR_BUSY || (err && !keyring_is_loaded(r->keys))) {
		/* No key was ever loaded, or it does not open with this master key: keep the
		   callback, to be verified later. A ping cannot wait for that. */
		if (callback_parse(cb, &reason, &detail) == ERR_NONE && cb->kind == CALLBACK_EVENT)
			return STEP_SPOOL;
		answer_refuse(r, req, REASON_UNAVAILABLE, 0, NULL);
		return STEP_NONE;
	}
	if (err) {
		enum reason wrong = err == ERR_ABSENT ? REASON_ADDRESS : REASON_SIGNATURE;

		/* A newer key may verify it. It is not counted as a failure of ours, because any
		   unauthenticated client can send such a callback at any time. */
		answer_refuse_as(r, req, keys_may_be_stale(r, err) ? REASON_UNAVAILABLE : wrong,
				 wrong, cb->endpoint_id);
		return STEP_NONE;
	}
	if (callback_parse(cb, &reason, &detail)) {
		cb->reason = reason;
		answer_refuse(r, req, reason, cb->endpoint_id, detail);
		return STEP_KEEP_REFUSED;
	}
	return cb->kind == CALLBACK_PING ? take_ping(r, req, cb) : STEP_RECORD;
}

/* ---- recording */

/* Keeps verified bodies that the ledger does not take, for the owner to look at: in the
   quarantine, or in the spool until the database works again. They are refused either way. */
static void keep_refused(struct receiver *r, const struct callback **refused, size_t count)
{
	if (count == 0)
		return;
	if (database_acquire(r) && database_quarantine(r, refused, count) == ERR_NONE)
		return;
	if (spool_append(r->spool, SPOOL_REFUSED, refused, count))
		log_write(LOG_ERROR, "refused_bodies_not_kept",
			  (struct log_field[]){ log_num("count", (int64_t)count), log_end() });
}

/* Appends callbacks to the spool and answers 200; refuses them when that fails. */
static void spool_or_refuse(struct receiver *r, enum spool_kind kind, const size_t *indexes,
			    size_t count)
{
	enum err err;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		r->selected[i] = &r->callbacks[indexes[i]];
	err = spool_append(r->spool, kind, r->selected, count);
	for (size_t i = 0; i < count; i++) {
		struct http_req *req = http_at(r->web, indexes[i]);

		if (err)
			answer_refuse(r, req, REASON_UNAVAILABLE,
				      r->callbacks[indexes[i]].endpoint_id, NULL);
		else
			answer_ok(req);
	}
}

/* Records the events of this batch: one call, one commit, a verdict for each. Events without
   a verdict go to the spool. */
static void record(struct receiver *r, size_t *indexes, size_t count)
{
	size_t unknown = 0, refused = 0;

	if (count == 0)
		return;
	if (database_acquire(r)) {
		if (database_append(r) == ERR_BUSY)
			r->is_db_suspect = true;
		else
			spool_note_recorded(r->spool);
	}
	r->must_notify = intake_take_must_notify(r->intake) || r->must_notify;
	r->notify_events += (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		struct callback *cb = &r->callbacks[indexes[i]];
		enum verdict verdict = intake_verdict(r->intake, i);

		if (verdict == VERDICT_UNKNOWN) {
			indexes[unknown++] = indexes[i];
			continue;
		}
		answer_verdict(r, http_at(r->web, indexes[i]), cb, verdict);
		if (verdict == VERDICT_WORKSPACE || verdict == VERDICT_REFUSED) {
			cb->reason = verdict == VERDICT_WORKSPACE ? REASON_WORKSPACE : REASON_JSON;
			r->selected[refused++] = cb;
		}
	}
	keep_refused(r, r->selected, refused);
	spool_or_refuse(r, SPOOL_EVENT, indexes, unknown);
}

void serve_batch(struct receiver *r)
{
	size_t events = 0, unverified = 0, refused = 0;

	r->began_ms = clock_ms();
	r->deadline_ms = r->began_ms + r->conf->db_deadline_ms;
	intake_clear(r->intake);
	for (size_t i = 0; i < http_count(r->web); i++) {
		struct callback *cb = &r->callbacks[i];

		switch (take_callback(r, http_at(r->web, i), cb)) {
		case STEP_RECORD:
			intake_add(r->intake, cb);
			r->event_indexes[events++] = i;
			break;
		case STEP_SPOOL:
			r->unverified_indexes[unverified++] = i;
			break;
		case STEP_KEEP_REFUSED:
			r->selected[refused++] = cb;
			break;
		case STEP_NONE:
			break;
		}
	}
	keep_refused(r, r->selected, refused);
	record(r, r->event_indexes, events);
	spool_or_refuse(r, SPOOL_UNVERIFIED, r->unverified_indexes, unverified);
}
