/* SPDX-License-Identifier: ISC */
/* The parts of hookledger-receiver: its state, and the functions that one part calls in
   another. A callback goes through serve.c; main.c and cgi.c are the two ways of being
   started. */
#ifndef HL_RECEIVER_RECEIVER_H
#define HL_RECEIVER_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "ledger/callback.h"
#include "ledger/intake.h"

struct conf;
struct counters;
struct db;
struct db_args;
struct http;
struct http_req;
struct keyring;
struct program;
struct sealer;
struct spool;
struct spool_drain;

enum {
	KEYS_AGE_MS = 1000, /* older keys are loaded again before a ping is answered */
	/* A token bucket of this size gets one token in KEYS_AGE_MS. A callback that no key
	   verifies takes a token to load the keys, because any unauthenticated client can send
	   such callbacks. */
	KEYS_LOADS = 10,
	NOTIFY_MS = 10,		/* couriers are notified this often at most */
	NOTIFY_RETRY_MS = 5000, /* and not sooner than this after a failure */
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

	/* The batch: all requests that were waiting when the loop looked. */
	struct callback *callbacks;	  /* one for each request */
	const struct callback **selected; /* some of them, for one call */
	size_t *event_indexes;		  /* requests whose events are in the intake */
	size_t *unverified_indexes;	  /* no key could be loaded to verify these */
	int64_t began_ms;		  /* when the batch began */
	int64_t deadline_ms;		  /* calls of the database for the batch end by then */

	/* The database failed and has not worked since. Callbacks go straight to the spool
	   then, and draining the spool tests whether the database works again. */
	bool is_db_suspect;
	bool is_load_denied;		 /* plain CGI: no key fits, and loading was not possible */
	int64_t drain_deadline_ms;	 /* the batch of the spool in flight ends by then */
	int64_t drain_at_ms;		 /* the spool is read next */
	int64_t counters_at_ms;		 /* the counters are written next */
	int64_t loads_left, loads_at_ms; /* a token bucket, see KEYS_LOADS */

	bool must_notify;      /* events were recorded, couriers do not know yet */
	bool is_notifying;     /* the call for that is in flight */
	int64_t notify_events; /* in batches since the last notification */
	int64_t notify_at_ms;  /* not before */
	struct db_args *notify_args;

	struct log_gate refusals;
};

/* ---- answer.c: what Toggl gets back */

void answer_ok(struct http_req *req);
void answer_ping(struct http_req *req, const struct callback *cb);

/* Answers with the status of `reason` and counts it. `detail` replaces the text of the reason;
   NULL: the text stays. */
void answer_refuse(struct receiver *r, struct http_req *req, enum reason reason,
		   int64_t endpoint_id, const char *detail);
/* The same, but counts `counted`, another reason than the answered one. */
void answer_refuse_as(struct receiver *r, struct http_req *req, enum reason reason,
		      enum reason counted, int64_t endpoint_id);

/* Answers as the verdict of receiver.append() says. */
void answer_verdict(struct receiver *r, struct http_req *req, const struct callback *cb,
		    enum verdict verdict);

/* ---- parts.c: what needs no database */

/* Opens spool, keyring (empty), intake, counters, and arrays for batches of `batch_max`. r->conf
   and r->web must be set. Errors of spool_open(), which reports them: then nothing is open. */
MUST_USE enum err parts_open(struct receiver *r, size_t batch_max);

/* ---- serve.c: the path of a callback */

/* Checks all that needs neither keys nor the database, the cheapest first, and fills address,
   signature, body and received_us. REASON_NONE: the callback may be verified. */
enum reason serve_check(const struct http_req *req, struct callback *cb);

/* Answers all requests of r->web. */
void serve_batch(struct receiver *r);

/* ---- database.c: the one connection, and the keys that come over it */

/* Finishes the call in flight, if there is one, before r->deadline_ms. false: the connection
   cannot be used now. */
bool database_acquire(struct receiver *r);

/* Takes the result of the notification in flight. ERR_PACE: it has none yet. Another error: the
   notification failed; the failure is logged here. */
enum err database_finish_notify(struct receiver *r);

/* Loads the keys; when they changed, saves them beside the spool. */
void database_load_keys(struct receiver *r);

/* Verifies with the keys in memory. When none fits, loads the keys and tries again, so that a
   new secret works at once. Errors of keyring_verify(). */
MUST_USE enum err database_verify(struct receiver *r, struct callback *cb);

/* Calls receiver.append() for the events of r->intake, and receiver.quarantine(). Only after
   database_acquire(). Errors of intake_append() and intake_quarantine(). */
MUST_USE enum err database_append(struct receiver *r);
MUST_USE enum err database_quarantine(struct receiver *r, const struct callback *const *refused,
				      size_t count);

/* ---- upkeep.c: what is done between two batches */

/* Drains the spool, loads keys and writes counters, as far as each is due. */
void upkeep_run(struct receiver *r);

/* Notifies couriers of recorded events, without waiting for the outcome. Called after the
   answers, because a transaction that notifies cannot share its commit with others. */
void upkeep_notify(struct receiver *r);

/* How long the loop may sleep when no request comes. `db_wait_ms`: what db_poll() returned. */
int upkeep_wait_ms(const struct receiver *r, int db_wait_ms);

/* Takes in counters that a process left in a file because it had no database. */
void upkeep_load_counters(struct receiver *r);
/* Writes the counters to the database, else to such a file. */
void upkeep_save_counters(struct receiver *r);

/* ---- drainer.c: which processes of plain CGI use the database, and which one drains the spool
   for all others */

/* Takes one of a few slots, so that a thousand processes do not make a thousand connections.
   SLOT_NONE: all are taken. SLOT_FREE: they cannot be counted. */
int drainer_take_connection(const struct conf *conf);

/* Does a process drain the spool for all others, or are all slots taken? */
bool drainer_is_there(const struct conf *conf);

/* Relies on these processes: they drain what is in the spool when slot_release() is called for the
   result. Negative: there are none. */
int drainer_join(const struct conf *conf);

/* Becomes the process that drains for all others, until slot_release(). Negative: there is one, or
   it cannot be. */
int drainer_take(const struct conf *conf);

/* Waits, for db_deadline_ms at most, until the processes that have joined have written to the
   spool; no other process can join until slot_release() of the result. The caller then drains the
   spool once more, and releases its slots before the result. */
int drainer_close(const struct conf *conf);

/* ---- cgi.c */

/* Plain CGI: serves one request, then drains the spool for a while. */
void cgi_serve(struct receiver *r);

#endif
