/* SPDX-License-Identifier: ISC */
/* hookledger-receiver: takes Toggl's callbacks. Waits for one request, takes
   all that wait behind it, judges them, records them by one commit, answers.
   Under load the batch grows by itself while the last commit is on its way; at
   rest nobody waits. What the database cannot take now goes to the spool. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "http/program.h"
#include "http/http_conf.h"
#include "ledger/callback.h"
#include "ledger/confinement.h"
#include "ledger/spool_drain.h"
#include "ledger/intake.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/counters.h"
#include "ledger/ledger_conf.h"
#include "receiver/receiver_conf.h"

enum {
	KEYS_AGE_MS = 1000, /* a ping is judged by keys no older than this */
	KEYS_LOADS =
		10, /* so often at once, then once a second, may a stranger make us load them */
	KEYS_WAIT_MS = 500,   /* plain CGI waits so long for its turn to load them */
	KEYS_LOOK_MS = 20,    /* and looks this often whether it has come */
	COUNTERS_MS = 1000,   /* counters reach the database this often */
	LOOK_MS = 1000,	      /* an idle process looks into the spool folder this often */
	RING_MS = 10,	      /* couriers are woken this often at most */
	RING_AGAIN_MS = 5000, /* and this long not again when it failed */
	DRAIN_MAX = 512,      /* records of the spool in one call: some 15 ms of PostgreSQL */
};

struct receiver {
	const struct program *program;
	const struct conf *conf;
	struct http *web;
	struct db *db;
	struct sealer *sealer;
	struct keyring *keys;
	struct intake *intake;
	struct spool *spool;
	struct spool_drain *drain;
	struct counters *counters;

	struct callback *callbacks;    /* one for each request of this gather */
	const struct callback **aside; /* some of them, for one spool_append() */
	size_t *events;		       /* places of the requests in the intake */

	/* The database failed and nothing has worked since: callbacks go
	   straight to the spool, and draining it is the trial. */
	bool db_is_suspect;
	int64_t began;	     /* this gather */
	int64_t until;	     /* the database's time for it is over then */
	bool is_out_of_turn; /* plain CGI: the keys do not fit, and could not be loaded now */
	int64_t drain_until, counters_at, look_at;
	bool is_ring_wanted; /* couriers wait for what was recorded */
	bool is_ringing;     /* that call is under way */
	int64_t ring_events; /* recorded since the last one */
	struct db_args *ring_args;
	int64_t ring_at; /* not before */
	int64_t loads_left, loads_at;
	struct log_gate refusals;
};

/* ---- answering */

static void answer_ok(struct http_req *req)
{
	http_answer(req, 200, NULL, str_of("{\"status\":\"OK\"}"));
}

static void answer_ping(struct http_req *req, const struct callback *cb)
{
	struct buf json = { 0 };

	if (!cb->validation_code.at) {
		answer_ok(req);
		return;
	}
	buf_add_char(&json, '{');
	json_key(&json, "validation_code");
	buf_add_str(&json, cb->validation_code);
	buf_add_char(&json, '}');
	http_answer(req, 200, NULL, buf_str(&json));
	buf_done(&json);
}

struct refusal {
	int status;
	const char *header;
	const char *words; /* what is wrong and what to do; never what was sent */
};

static const struct refusal refusals[REASON_COUNT] = {
	[REASON_METHOD] = { 405, "Allow: POST", "callbacks are sent with POST" },
	[REASON_ADDRESS] = { 404, NULL, "there is no such callback address" },
	[REASON_TYPE] = { 415, NULL, "the Content-Type must be application/json" },
	[REASON_LENGTH] = { 411, NULL, "the request has no Content-Length" },
	[REASON_SIZE] = { 413, NULL, "the body is larger than this server takes" },
	[REASON_SIGNATURE] = { 401, NULL,
			       "X-Webhook-Signature-256 must be sha256= and the HMAC-SHA-256 of "
			       "the body "
			       "with the secret of this address" },
	[REASON_JSON] = { 400, NULL, "the body is no JSON object that can be recorded" },
	[REASON_EVENT] = { 400, NULL, "the body lacks a field of an event" },
	[REASON_WORKSPACE] = { 400, NULL, "the event is of another workspace than this address" },
	[REASON_REVOKED] = { 401, NULL, "the secret was revoked or has run out" },
	[REASON_UNAVAILABLE] = { 503, "Retry-After: 60",
				 "nothing was recorded; please send it again later" },
};

/* Answers as for `answer`, and counts it as `reason`; `why` says more than the
   table, or is NULL. */
static void refuse_as(struct receiver *r, struct http_req *req, enum reason answer,
		      enum reason reason, int64_t endpoint_id, const char *why)
{
	const struct refusal *refusal = &refusals[answer];
	struct buf json = { 0 };

	buf_add_char(&json, '{');
	json_put_text(&json, "error", str_of(why ? why : refusal->words));
	buf_add_char(&json, '}');
	http_answer(req, refusal->status, refusal->header, buf_str(&json));
	buf_done(&json);
	counters_add(r->counters, reason, endpoint_id);
	if (log_gate_passes(&r->refusals, 10)) {
		log_write(LOG_WARN, "refused",
			  (struct log_field[]){ log_text("reason", reason_word(reason)),
						log_num("status", refusal->status),
						log_num("endpoint", endpoint_id),
						log_str("from", http_header(req, "REMOTE_ADDR")),
						log_num("bytes", (int64_t)http_body(req).len),
						log_num("unsaid", r->refusals.held), log_end() });
		r->refusals.held = 0;
	}
}

static void refuse(struct receiver *r, struct http_req *req, enum reason reason,
		   int64_t endpoint_id, const char *why)
{
	refuse_as(r, req, reason, reason, endpoint_id, why);
}

/* ---- the gate: cheapest first, and the signature before anything is parsed */

static enum reason gate(const struct http_req *req, struct callback *cb)
{
	struct str path = http_path(req);

	if (!str_is(http_method(req), "POST"))
		return REASON_METHOD;
	if (!str_starts(path, "/hook/") ||
	    !callback_is_address((struct str){ path.at + 6, path.len - 6 }))
		return REASON_ADDRESS;
	if (!str_equal_nocase(http_type(req), "application/json"))
		return REASON_TYPE;
	if (http_flaw(req) == HTTP_NO_LENGTH)
		return REASON_LENGTH;
	if (http_flaw(req) == HTTP_TOO_BIG)
		return REASON_SIZE;
	cb->address = (struct str){ path.at + 6, path.len - 6 };
	cb->body = http_body(req);
	cb->received_us = clock_now_us();
	if (!callback_read_signature(http_header(req, "HTTP_X_WEBHOOK_SIGNATURE_256"),
				     cb->signature) ||
	    http_flaw(req) == HTTP_CUT_SHORT)
		return REASON_SIGNATURE;
	return REASON_NONE;
}

/* What is left of the time that the database has for this gather. */
static int64_t time_left(const struct receiver *r)
{
	int64_t left = r->until - clock_ms();

	return left > 0 ? left : 0;
}

/* Takes the outcome of receiver.notify(). It is no trial of the database: nothing
   depends on it, and a lost one costs a courier's poll interval. */
static enum err finish_ring(struct receiver *r)
{
	enum err err = db_take(r->db, NULL);

	if (err == ERR_PACE)
		return err;
	r->is_ringing = false;
	r->ring_at = clock_ms() + (err ? RING_AGAIN_MS : RING_MS);
	if (err)
		log_write(LOG_WARN, "ring_failed",
			  (struct log_field[]){ log_text("why", db_problem(r->db)), log_end() });
	return err;
}

/* A call for the spool or for the couriers may be under way. */
static enum err finish_call(struct receiver *r)
{
	return r->is_ringing ? finish_ring(r) : spool_drain_finish(r->drain, time_left(r));
}

static bool db_is_usable(struct receiver *r)
{
	/* it is short, and waited for */
	if ((spool_drain_is_working(r->drain) || r->is_ringing) && !r->db_is_suspect) {
		bool is_trial = !r->is_ringing;
		enum err err;

		while ((err = finish_call(r)) == ERR_PACE && time_left(r) > 0) {
			struct pollfd fd;

			db_poll(r->db, &fd);
			if (poll(&fd, 1, (int)time_left(r)) < 0 && errno != EINTR)
				break;
		}
		if (err == ERR_PACE)
			db_drop(r->db);
		if (err == ERR_PACE || (err && is_trial))
			r->db_is_suspect = true;
	}
	return !r->db_is_suspect && db_is_ready(r->db);
}

/* Callbacks that fit no key make us load the keys: a token bucket keeps that
   from costing more than a query a second. */
static bool may_load_keys(struct receiver *r)
{
	int64_t now = clock_ms(), earned = (now - r->loads_at) / KEYS_AGE_MS;

	if (earned > 0) {
		r->loads_left = r->loads_left + earned > KEYS_LOADS ? KEYS_LOADS
								    : r->loads_left + earned;
		r->loads_at = now;
	}
	if (r->loads_left <= 0)
		return false;
	r->loads_left--;
	return true;
}

/* Loads the keys; keeps them beside the spool when they changed. */
static void load_keys(struct receiver *r)
{
	bool changed = false;

	if (!db_is_usable(r))
		return;
	if (keyring_load(r->keys, r->db, time_left(r), &changed)) {
		r->db_is_suspect = true;
		return;
	}
	if (changed && keyring_save(r->keys, spool_keyring_path(r->spool)))
		log_write(LOG_WARN, "keys_only_in_memory", NULL);
}

/* Judged by the keys in memory; when they do not fit, by fresh ones, so that a
   new secret works at once. */
static enum err cache(struct receiver *r, struct callback *cb)
{
	enum err err = keyring_judge(r->keys, cb);

	if (err && may_load_keys(r)) {
		load_keys(r);
		err = keyring_judge(r->keys, cb);
	}
	return err;
}

/* May the keys in memory be older than the address or the secret that does not fit?
   A wrong secret of a known address is told from them even so while the database is
   away: its two secrets overlap when one is exchanged. */
static bool keys_may_be_stale(const struct receiver *r, enum err err)
{
	if (keyring_is_since(r->keys, r->began))
		return false;
	return err == ERR_ABSENT || r->is_out_of_turn;
}

enum fate { ANSWERED, EVENT, UNVERIFIED, REFUSED };

/* A genuine callback that is a ping is answered from memory, by keys that are
   a second old at most: the database would say no more. */
static enum fate take_ping(struct receiver *r, struct http_req *req, struct callback *cb)
{
	if (keyring_age_ms(r->keys) >= KEYS_AGE_MS) {
		load_keys(r);
		if (keyring_judge(r->keys, cb)) {
			refuse(r, req, REASON_REVOKED, cb->endpoint_id, NULL);
			return ANSWERED;
		}
	}
	answer_ping(req, cb);
	counters_add(r->counters, REASON_PING, cb->endpoint_id);
	return ANSWERED;
}

/* Through the gate: refused and answered, or to be recorded. */
static enum fate take(struct receiver *r, struct http_req *req, struct callback *cb)
{
	const char *why = NULL;
	enum reason reason;
	enum err err;

	*cb = (struct callback){ 0 };
	reason = gate(req, cb);
	if (reason) {
		/* The owner looks for it at the address. Who knows one could have it counted
		   with any wrong signature, so that makes no rows that there could not be. */
		int64_t endpoint_id = reason == REASON_SIGNATURE
					      ? keyring_endpoint(r->keys, cb->address)
					      : 0;

		refuse(r, req, reason, endpoint_id, NULL);
		return ANSWERED;
	}
	err = cache(r, cb);
	if (err == ERR_BUSY || (err && !keyring_is_loaded(r->keys))) {
		/* No key was ever known here, or it does not open with this
		   master key: keep it unverified. A ping cannot wait. */
		if (callback_parse(cb, &reason, &why) == ERR_NONE && cb->kind == CALLBACK_EVENT)
			return UNVERIFIED;
		refuse(r, req, REASON_UNAVAILABLE, 0, NULL);
		return ANSWERED;
	}
	if (err) {
		enum reason wrong = err == ERR_ABSENT ? REASON_ADDRESS : REASON_SIGNATURE;

		/* What no key fits may be genuine, by a key that was made since. It is not
		   counted as our failure: strangers can send it at any time. */
		refuse_as(r, req, keys_may_be_stale(r, err) ? REASON_UNAVAILABLE : wrong, wrong,
			  cb->endpoint_id, NULL);
		return ANSWERED;
	}
	if (callback_parse(cb, &reason, &why)) {
		cb->reason = reason;
		refuse(r, req, reason, cb->endpoint_id, why);
		return REFUSED;
	}
	return cb->kind == CALLBACK_PING ? take_ping(r, req, cb) : EVENT;
}

/* ---- recording */

static void answer_verdict(struct receiver *r, struct http_req *req, const struct callback *cb,
			   enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RECORDED:
		answer_ok(req);
		break;
	case VERDICT_DUPLICATE:
		answer_ok(req);
		counters_add(r->counters, REASON_DUPLICATE, cb->endpoint_id);
		break;
	case VERDICT_HORIZON:
		answer_ok(req);
		counters_add(r->counters, REASON_HORIZON, cb->endpoint_id);
		break;
	case VERDICT_ABSENT:
		refuse(r, req, REASON_ADDRESS, cb->endpoint_id, NULL);
		break;
	case VERDICT_REVOKED:
		refuse(r, req, REASON_REVOKED, cb->endpoint_id, NULL);
		break;
	case VERDICT_WORKSPACE:
		refuse(r, req, REASON_WORKSPACE, cb->endpoint_id, NULL);
		break;
	case VERDICT_REFUSED:
		refuse(r, req, REASON_JSON, cb->endpoint_id, NULL);
		break;
	case VERDICT_UNKNOWN:
		refuse(r, req, REASON_UNAVAILABLE, cb->endpoint_id, NULL);
		break;
	}
}

/* Genuine bodies that the ledger does not take are kept for the owner: in the
   quarantine, or for it in the spool. They are refused either way. */
static void keep_refused(struct receiver *r, const struct callback **refused, size_t count)
{
	if (count == 0)
		return;
	if (db_is_usable(r) && intake_quarantine(r->db, refused, count, time_left(r)) == ERR_NONE)
		return;
	if (spool_append(r->spool, SPOOL_REFUSED, refused, count))
		log_write(LOG_ERROR, "refused_bodies_not_kept",
			  (struct log_field[]){ log_num("count", (int64_t)count), log_end() });
}

static void spool_or_refuse(struct receiver *r, enum spool_kind kind, const size_t *places,
			    size_t count)
{
	enum err err;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		r->aside[i] = &r->callbacks[places[i]];
	err = spool_append(r->spool, kind, r->aside, count);
	for (size_t i = 0; i < count; i++) {
		struct http_req *req = http_at(r->web, places[i]);

		if (err)
			refuse(r, req, REASON_UNAVAILABLE, r->callbacks[places[i]].endpoint_id,
			       NULL);
		else
			answer_ok(req);
	}
}

/* The events of this gather: one call, one commit, a verdict for each. Those
   without a verdict go to the spool; no 2xx before either is on disk. */
static void record(struct receiver *r, size_t *places, size_t count)
{
	size_t unknown = 0, refused = 0;

	if (count == 0)
		return;
	if (db_is_usable(r)) {
		if (intake_append(r->intake, r->db, "webhook", time_left(r)) == ERR_BUSY)
			r->db_is_suspect = true;
		else
			spool_note_recorded(r->spool);
	}
	r->is_ring_wanted = intake_is_wanted(r->intake) || r->is_ring_wanted;
	r->ring_events += (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		struct callback *cb = &r->callbacks[places[i]];
		enum verdict verdict = intake_verdict(r->intake, i);

		if (verdict == VERDICT_UNKNOWN) {
			places[unknown++] = places[i];
			continue;
		}
		answer_verdict(r, http_at(r->web, places[i]), cb, verdict);
		if (verdict == VERDICT_WORKSPACE || verdict == VERDICT_REFUSED) {
			cb->reason = verdict == VERDICT_WORKSPACE ? REASON_WORKSPACE : REASON_JSON;
			r->aside[refused++] = cb;
		}
	}
	keep_refused(r, r->aside, refused);
	spool_or_refuse(r, SPOOL_EVENT, places, unknown);
}

static void serve(struct receiver *r)
{
	size_t events = 0, unverified = 0, refused = 0, *places = r->events;
	size_t *unverified_places = r->events + http_conf(r->conf)->batch_max;

	r->began = clock_ms();
	r->until = r->began + r->conf->db_deadline_ms;
	intake_clear(r->intake);
	for (size_t i = 0; i < http_count(r->web); i++) {
		struct callback *cb = &r->callbacks[i];

		switch (take(r, http_at(r->web, i), cb)) {
		case EVENT:
			intake_add(r->intake, cb);
			places[events++] = i;
			break;
		case UNVERIFIED:
			unverified_places[unverified++] = i;
			break;
		case REFUSED:
			r->aside[refused++] = cb;
			break;
		case ANSWERED:
			break;
		}
	}
	keep_refused(r, r->aside, refused);
	record(r, places, events);
	spool_or_refuse(r, SPOOL_UNVERIFIED, unverified_places, unverified);
}

/* ---- beside the work */

/* While the database is suspect the next batch of the spool is the trial; with
   nothing in the spool, loading the keys is. */
static void drain(struct receiver *r)
{
	bool started = false;
	enum err err = ERR_NONE;

	if (spool_drain_is_working(r->drain)) {
		err = spool_drain_finish(r->drain, r->conf->db_deadline_ms);
		if (err == ERR_PACE && clock_ms() < r->drain_until)
			return;
		if (err == ERR_PACE)
			db_drop(r->db);
		r->db_is_suspect = err != ERR_NONE;
		if (err)
			return;
		r->is_ring_wanted = spool_drain_is_wanted(r->drain) || r->is_ring_wanted;
	}
	if (!db_is_ready(r->db) || (!r->db_is_suspect && clock_ms() < r->look_at))
		return;
	err = spool_drain_start(r->drain, &started);
	r->drain_until = clock_ms() + r->conf->db_deadline_ms;
	if (!err && !started && r->db_is_suspect)
		err = keyring_load(r->keys, r->db, r->conf->db_deadline_ms, NULL);
	if (!started)
		r->db_is_suspect = err != ERR_NONE;
	/* at once again while there is something, else after a while */
	r->look_at = started ? 0 : clock_ms() + LOOK_MS;
}

static void tend(struct receiver *r)
{
	r->until = clock_ms() + r->conf->db_deadline_ms;
	db_maintain(r->db);
	/* gone with its connection */
	if (r->is_ringing && !db_is_working(r->db))
		r->is_ringing = false;
	if (r->is_ringing)
		(void)finish_ring(r);
	drain(r);
	if (keyring_age_ms(r->keys) == INT64_MAX)
		load_keys(r);
	if (!counters_is_empty(r->counters) && clock_ms() >= r->counters_at && db_is_usable(r)) {
		if (counters_flush(r->counters, r->db, r->conf->db_deadline_ms))
			r->db_is_suspect = true;
		r->counters_at = clock_ms() + COUNTERS_MS;
	}
}

/* Wakes the couriers: after the answers, because a transaction that notifies
   commits alone, and without waiting for it. */
static void ring(struct receiver *r)
{
	if (!r->is_ring_wanted || r->is_ringing || clock_ms() < r->ring_at || r->db_is_suspect ||
	    !db_is_ready(r->db))
		return;
	r->is_ring_wanted = false;
	db_args_clear(r->ring_args);
	db_arg_int(r->ring_args, r->ring_events);
	r->ring_events = 0;
	if (db_send(r->db, "receiver.notify", r->ring_args))
		r->ring_at = clock_ms() + RING_AGAIN_MS;
	else
		r->is_ringing = true;
}

/* How long the loop may sleep when nobody calls. */
static int until_next(const struct receiver *r, int db_wants_ms)
{
	int64_t at = r->look_at;

	if (!db_is_ready(r->db) && db_wants_ms >= 0)
		return db_wants_ms;
	if (spool_drain_is_working(r->drain))
		at = r->drain_until;
	if (!counters_is_empty(r->counters) && r->counters_at < at)
		at = r->counters_at;
	if (r->is_ring_wanted && !r->is_ringing && r->ring_at < at)
		at = r->ring_at;
	return clock_within(db_wants_ms, at - clock_ms());
}

/* Counters that a process left which ended without a database. */
static void begin_counters(struct receiver *r)
{
	if (counters_load(r->counters, ledger_conf(r->conf)->spool_dir))
		log_write(LOG_DEBUG, "no_counters_left_behind", NULL);
}

static void end_counters(struct receiver *r)
{
	r->until = clock_ms() + r->conf->db_deadline_ms;
	if (counters_is_empty(r->counters))
		return;
	if (db_is_usable(r) &&
	    counters_flush(r->counters, r->db, r->conf->db_deadline_ms) == ERR_NONE)
		return;
	if (counters_save(r->counters, ledger_conf(r->conf)->spool_dir))
		log_write(LOG_WARN, "counters_lost", NULL);
}

static void open_parts(struct receiver *r, const struct program *program)
{
	const struct conf *conf = program->conf;
	struct spool_options spool = {
		.dir = ledger_conf(conf)->spool_dir,
		.max_bytes = ledger_conf(conf)->spool_max_bytes,
		.unverified_max_bytes = ledger_conf(conf)->spool_unverified_max_bytes,
		.retry_ms = ledger_conf(conf)->spool_retry_ms,
	};

	r->program = program;
	r->conf = conf;
	r->web = program_open_http(program, receiver_conf(conf)->body_max_bytes);
	spool.shared_files = http_is_cgi(r->web);
	/* Without a spool there is no promise to give. */
	if (spool_open(&r->spool, &spool))
		exit(1);
	r->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	r->keys = keyring_new(r->sealer);
	r->db = program_open_db(program);
	r->intake = intake_new();
	r->ring_args = db_args_new();
	r->counters = counters_new();
	r->drain = spool_drain_new(r->spool, r->db, r->keys, r->counters, DRAIN_MAX,
				   http_conf(conf)->batch_max_bytes);
	r->callbacks = mem_zero((size_t)http_conf(conf)->batch_max, sizeof(*r->callbacks));
	r->aside = mem_zero((size_t)http_conf(conf)->batch_max, sizeof(const struct callback *));
	r->events = mem_zero(2 * (size_t)http_conf(conf)->batch_max, sizeof(*r->events));
	if (keyring_load_file(r->keys, spool_keyring_path(r->spool)) == ERR_ABSENT)
		log_write(LOG_DEBUG, "no_keyring_file", NULL);
}

static void close_parts(struct receiver *r)
{
	spool_drain_free(r->drain);
	counters_free(r->counters);
	db_args_free(r->ring_args);
	intake_free(r->intake);
	db_close(r->db);
	keyring_free(r->keys);
	sealer_free(r->sealer);
	spool_close(r->spool);
	http_close(r->web);
	free(r->callbacks);
	free(r->aside);
	free(r->events);
}

/* ---- FastCGI */

static void serve_fastcgi(struct receiver *r)
{
	struct pollfd db_fd;
	int wait_ms;

	begin_counters(r);
	program_await_db(r->program, r->web, r->db);
	for (;;) {
		tend(r);
		wait_ms = until_next(r, db_poll(r->db, &db_fd));
		if (!http_gather(r->web, &db_fd, 1, wait_ms))
			break;
		ring(r);
		if (http_count(r->web))
			serve(r);
	}
	end_counters(r);
}

/* ---- plain CGI */

/* One of a few places, so that a thousand CGI processes do not make a thousand
   database connections. -1: all are taken. */
static int take_slot(const struct conf *conf)
{
	for (int64_t i = 0; i < receiver_conf(conf)->cgi_connections; i++) {
		struct buf path = { 0 };
		int fd;

		buf_addf(&path, "%s/slot-%lld", ledger_conf(conf)->spool_dir, (long long)i);
		fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
		buf_done(&path);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* May a callback that the keys in the file do not fit have the database asked?
   Ten times a second, for all processes together: the time of the file is when
   one did so last. */
static bool may_ask_for_keys(const struct stat *file)
{
	int64_t changed_ms = (int64_t)file->st_mtim.tv_sec * 1000 + file->st_mtim.tv_nsec / 1000000;
	int64_t passed_ms = clock_now_us() / 1000 - changed_ms;

	/* below zero: the clock was set back */
	return passed_ms < 0 || passed_ms >= KEYS_AGE_MS / KEYS_LOADS;
}

/* A slot to load the keys with, for a callback that those in the file do not fit. Its
   turn comes with the pace and with a free slot; meanwhile another process may have
   put keys into the file that do. -1: without a slot. */
static int await_keys(struct receiver *r, struct callback *cb)
{
	const char *path = spool_keyring_path(r->spool);
	int64_t until = clock_ms() + KEYS_WAIT_MS;
	struct stat known = { 0 }, facts;

	(void)lstat(path, &known);
	for (;;) {
		bool is_there = lstat(path, &facts) == 0;
		int slot;

		if (is_there && facts.st_ino != known.st_ino &&
		    keyring_load_file(r->keys, path) == ERR_NONE &&
		    keyring_judge(r->keys, cb) == ERR_NONE)
			return take_slot(r->conf);
		if (is_there)
			known = facts;
		if ((!is_there || may_ask_for_keys(&facts)) && (slot = take_slot(r->conf)) >= 0) {
			if (is_there && utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW))
				log_write(LOG_WARN, "keyring_not_touched",
					  (struct log_field[]){ log_text("why", strerror(errno)),
								log_end() });
			return slot;
		}
		if (clock_ms() >= until) {
			r->is_out_of_turn = true;
			return -1;
		}
		poll(NULL, 0, KEYS_LOOK_MS);
	}
}

/* One request, then whatever waits in the spool, and the end. */
static void serve_cgi(struct receiver *r)
{
	struct callback first;
	bool more = true;
	int slot = -1;

	if (!http_gather(r->web, NULL, 0, -1))
		return;
	first = (struct callback){ 0 };
	if (gate(http_at(r->web, 0), &first) == REASON_NONE)
		slot = keyring_judge(r->keys, &first) == ERR_NONE ? take_slot(r->conf)
								  : await_keys(r, &first);
	if (slot >= 0)
		program_await_db(r->program, r->web, r->db);
	serve(r);
	http_flush(r->web);
	if (slot >= 0 && db_is_usable(r)) {
		int64_t until = clock_ms() + r->conf->db_deadline_ms;

		begin_counters(r);
		while (more && clock_ms() < until &&
		       spool_drain_step(r->drain, r->conf->db_deadline_ms, &more) == ERR_NONE)
			;
		db_arg_int(r->ring_args, r->ring_events);
		if ((spool_drain_is_wanted(r->drain) || r->is_ring_wanted) &&
		    db_call(r->db, "receiver.notify", r->ring_args, r->conf->db_deadline_ms, NULL))
			log_write(LOG_DEBUG, "ring_failed", NULL);
		end_counters(r);
	} else if (!counters_is_empty(r->counters) &&
		   counters_save(r->counters, ledger_conf(r->conf)->spool_dir)) {
		log_write(LOG_DEBUG, "counters_lost", NULL);
	}
	if (slot >= 0)
		close(slot);
}

/* ---- the program */

static int work(struct program *program)
{
	struct receiver receiver = { 0 };

	open_parts(&receiver, program);
	confinement_enter(program->conf, false);
	if (http_is_cgi(receiver.web))
		serve_cgi(&receiver);
	else
		serve_fastcgi(&receiver);
	close_parts(&receiver);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-receiver",
		.schema = "receiver",
		.about = "Records Toggl's webhook callbacks. A web server starts it by FastCGI or "
			 "CGI;\n"
			 "see hookledger-receiver(8) and the ready configurations.\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
