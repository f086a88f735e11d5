/* SPDX-License-Identifier: ISC */
/* hookledger-admin from the inside: what its parts share. */
#ifndef HL_ADMIN_ADMIN_H
#define HL_ADMIN_ADMIN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/route.h"
#include "admin/queue_kind.h"

struct admin_job;
struct admin_pool;
struct admin_toggl;
struct conf;
struct db;
struct db_args;
struct db_rows;
struct http_client;
struct http_client_result;
struct http;
struct http_req;
struct alert;
struct sealer;

/* What a thread has (admin/pool), for itself but for conf, web and pool. */
struct admin {
	const struct conf *conf;
	struct http *web;
	struct admin_pool *pool;
	struct admin_job *job; /* that is being run */
	struct db *db;
	struct sealer *sealer;
	struct http_client *client; /* to others: public addresses, and what allowed_networks has */
	struct http_client *own;    /* to our own public_url, wherever that is */
	struct ip_networks trusted, allowed;
	struct replay *replays;	  /* that go on beside other requests */
	struct alert *alert;	  /* sends tests; NULL: none was asked for yet */
	struct http_req *testing; /* the request that waits for the result; NULL: none */
	struct admin_health {
		int64_t until_ms;
		int status;
		struct buf json;
	} health;
	struct admin_toggl *toggl; /* NULL: nothing was asked of Toggl yet */
};

/* What a request brings; borrowed until its operation returns, also of a request
   that is held. */
struct visit {
	struct str token;   /* of the cookie; at == NULL: none */
	bool has_two;	    /* cookies of its name */
	struct buf session; /* first argument of admin.call() */
	struct buf client;  /* the address it comes from */
	struct buf path;    /* JSON: the parts of the path */
	struct buf query;   /* JSON: the parameters of the URL */
	struct str given;   /* JSON: the body; at == NULL: none */
};

/* Reads a request; false: answered, it does not pass. admin_visit_done() it in any case. */
bool admin_visit_read(const struct admin *admin, struct http_req *req,
		      const struct route_match *match, struct visit *visit);
void admin_visit_done(struct visit *visit);

/* The key by which unauthenticated clients are counted: the bytes of an IPv4 address, or of
   the /64 network of an IPv6 address, because one host has many of those. Appends. */
void admin_network(const struct visit *visit, struct buf *out);

typedef void admin_operation(struct admin *, struct http_req *, const struct visit *,
			     const struct route_match *);

struct admin_row {
	struct route route;
	admin_operation *run;  /* NULL: admin_answer_call() */
	const char *operation; /* in SQL, that does it; NULL: it needs none with a session */
	bool is_open;	       /* without a login, so without the check against forged requests */
	enum admin_queue_kind queue; /* where it waits */
	bool is_slow;		     /* it grows with the ledger, and with what is asked for */
	const char *query; /* what the query of its URL may say; NULL: nothing. Passed over, a
			      filter that is mistyped would give everything. */
};

/* All that the page can ask for (routes.c); rows are struct admin_row. */
extern const struct route_table admin_routes;

/* ---- asking others (admin_asking.c); what this needs of struct admin is there only
   in that thread */

void admin_asking_open(struct admin *admin);
void admin_asking_close(struct admin *admin);

/* Goes on with all that is under way; what to wait for before the next time. */
enum { ADMIN_ASKING_FDS = 5 };
int admin_asking_go_on(struct admin *admin, struct pollfd *fds);

/* ---- answering (admin_answer.c) */

/* JSON, and the headers that belong to every answer. `headers`: more of them, or NULL. */
void admin_answer(struct http_req *req, int status, const char *headers, struct str json);

/* Headers that belong to every answer, lines with \r\n between. */
extern const char admin_safe_headers[];

/* An error is {"error": {"code": ..., parameters}}; the page has the sentence of the code. */
void admin_refuse(struct http_req *req, int status, const char *code);
/* The same, and the page asks for `what` and sends the request again: "needs" beside "error". */
void admin_refuse_needing(struct http_req *req, int status, const char *what, const char *code);
void admin_refuse_with(struct http_req *req, int status, const char *headers, const char *code);
/* With parameters. `headers`: more of them, or NULL; `message`: the object, see catalog_begin(). */
void admin_refuse_message(struct http_req *req, int status, const char *headers,
			  struct str message);

/* Answers what an operation, or another function of the schema, failed with: 400, 401,
   403, 404, 409 with what the database said, 503 or 500. */
void admin_refuse_failed(struct admin *admin, struct http_req *req, const char *called,
			 enum err err);

/* What admin.call() takes; at == NULL: null. */
struct admin_call {
	struct str session;
	const char *operation;
	struct str path, query, given, made;
};

/* Does an operation. On ERR_NONE *rows has one row with status, body and private;
   db_rows_free() it. */
MUST_USE enum err admin_call(struct admin *admin, const struct admin_call *call,
			     struct db_rows **rows);

/* The same for what a request brings; `made`: an object of what was made here for it,
   or NULL. An error is answered. */
MUST_USE enum err admin_ask(struct admin *admin, struct http_req *req, const struct visit *visit,
			    const char *operation, const struct buf *made, struct db_rows **rows);

/* Members of the column private; null and what is not there are 0, false or empty. The
   last two append. */
struct str admin_private(const struct db_rows *rows);
int64_t admin_private_int(const struct db_rows *rows, const char *name);
bool admin_private_is(const struct db_rows *rows, const char *name);
void admin_private_text(const struct db_rows *rows, const char *name, struct buf *out);
void admin_private_bytes(const struct db_rows *rows, const char *name, struct buf *out);

/* Calls a function of the schema that needs no session, within the time that a
   request has for it. */
MUST_USE enum err admin_db_call(struct admin *admin, const char *function,
				const struct db_args *args, struct db_rows **rows);

/* The same; an error is answered. */
MUST_USE enum err admin_ask_with(struct admin *admin, struct http_req *req, const char *function,
				 const struct db_args *args, struct db_rows **rows);

/* Answers with status and body of what admin_ask() gave. */
void admin_answer_rows(struct http_req *req, const struct db_rows *found);

/* Does an operation and answers with it. */
void admin_answer_call(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const char *operation, const struct buf *made);

/* The same, and the body gets members more that the database does not know: what was
   made here and is shown this once; or one secret, as a text. */
void admin_answer_with(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const char *operation, const struct buf *made, const struct buf *members);
void admin_answer_new(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const char *operation, const struct buf *made, const char *name,
		      struct str secret);

/* The operation of the row. */
const char *admin_operation_of(const struct route_match *match);

/* A member of the body that must be a text; appends. false: answered (400), it is
   missing, no text, or longer than `max` bytes. */
bool admin_text(struct http_req *req, const struct visit *visit, const char *name, size_t max,
		struct buf *out);
bool admin_has(const struct visit *visit, const char *name); /* is it there, and not null? */

/* A new password in the member of this name, as it is kept; appends. `owner`: whose it
   will be, see password_flaw(). Slow (scrypt): check the session first. false: answered (400),
   it is no good password. */
bool admin_new_password(struct http_req *req, const struct visit *visit, const char *name,
			struct str owner, struct buf *kept);

/* 429: too many passwords or codes were tried; when to come back. */
void admin_refuse_hurry(struct http_req *req, int64_t wait_s);

/* 500: no master_key is set. */
void admin_refuse_unsealed(struct http_req *req);

/* ---- codes besides the password (admin_totp.c) */

/* What a code may be; the database says whether it is good, and uses it up. */
struct admin_code {
	int64_t step;	     /* of the app's code; -1: it is none of these */
	struct buf recovery; /* SHA-256, if it is a recovery code; empty: it is none */
};
void admin_code_done(struct admin_code *code);

/* The password was right: reads the code that was given besides, into *code (where
   none is asked for it stays empty). false: answered, 401 with "needs" when it is
   missing. */
bool admin_code_read(struct admin *admin, struct http_req *req, const struct visit *visit,
		     int64_t operator_id, struct admin_code *code);

/* As two arguments of a call (NULL: there is none), and as members step and recovery. */
void admin_code_put(struct db_args *args, const struct admin_code *code);

admin_operation admin_totp_begin, admin_totp_confirm, admin_totp_codes, admin_totp_end;

/* ---- logging in and out (admin_session.c) */

/* The name of the cookie. Where it is for https only, browsers take one of the name
   "__Secure-…" from nobody who has only http. */
const char *admin_cookie(const struct conf *conf);

/* What a request that changes something has to bring in X-HL-CSRF; appends. */
void admin_csrf(struct str token, struct buf *out);

/* Appends the header that sets the cookie; it ends after so many seconds. */
void admin_session_cookie(const struct conf *conf, struct str token, int64_t seconds,
			  struct buf *headers);

/* Answers with what the page must know of the session. `headers`: more of them, or NULL. */
void admin_session_answer(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *headers);

/* (login.c) */
admin_operation admin_session_get, admin_session_begin, admin_session_end;

/* Makes a session for an operator who has proved to be one, and answers with it.
   `compared`: what the password was compared with, which must not have changed
   meanwhile; at == NULL: the operator has just been made. `code`: what was given
   besides; NULL: nothing. */
void admin_session_start(struct admin *admin, struct http_req *req, const struct visit *visit,
			 int64_t operator_id, struct str compared, const struct admin_code *code);

/* ---- the password once more (admin_proof.c) */

admin_operation admin_session_prove;

/* Checks that the member of this name is the password of the session's operator. The stored
   hash is appended to `compared` (may be NULL). Slow (scrypt). false: answered. */
bool admin_knows_password(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *name, struct buf *compared);

/* ---- operators and the first visit (admin_people.c, admin_setup.c) */

admin_operation admin_operator_add, admin_operator_change, admin_me_change;
/* ---- events (admin_event.c) */

admin_operation admin_event_read, admin_event_export;

admin_operation admin_setup_look, admin_setup_do;

/* Is this the first visit? A set-up token is set, and there is no operator yet. False: that is not
   known, because the database does not answer; the request was answered with the error. */
bool admin_setup_is_due(struct admin *admin, struct http_req *req, bool *is_due);

/* ---- subscribers (admin_subscriber.c) and endpoints (admin_endpoint.c) */

admin_operation admin_account_write, admin_organization_write;
admin_operation admin_subscription_ask, admin_subscription_rotate, admin_subscription_replay;
admin_operation admin_endpoint_list, admin_endpoint_add, admin_endpoint_rotate, admin_endpoint_test;

/* ---- addresses for web-cron (admin_tick.c) */

admin_operation admin_tick_add;

/* A step of the first replay under way. true: there is more to do. */
bool admin_replays_go_on(struct admin *admin);

/* ---- alerts, health and metrics (alerts.c) */

admin_operation admin_alert_add, admin_alert_test, admin_health, admin_metrics;

/* The test that is being sent: as http_client_poll(), and answers the waiting request. */
int admin_alert_poll(const struct admin *admin, struct pollfd *fd);
void admin_alert_go_on(struct admin *admin);
void admin_watch_done(struct admin *admin);

/* ---- Toggl's side (admin_toggl.c) */

admin_operation admin_toggl_do, admin_toggl_connect;

/* Moves on what is being done at Toggl, and answers the requests that waited for
   it; what to wait for before the next time, as http_client_poll() says it. */
void admin_toggl_go_on(struct admin *admin);
int admin_toggl_poll(const struct admin *admin, struct pollfd *fd);

/* Answers what is held, and gives the jobs back to other processes. */
void admin_toggl_close(struct admin *admin);

#endif
