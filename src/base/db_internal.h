/* SPDX-License-Identifier: ISC */
/* What the parts of base/db share: the state of a connection, and the steps that several of
   them take. Only db*.c includes this header; everybody else includes base/db.h. It names
   libpq's types by their struct tags, so it needs no header of libpq. */
#ifndef HL_BASE_DB_INTERNAL_H
#define HL_BASE_DB_INTERNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"

struct pg_conn;	  /* PGconn */
struct pg_result; /* PGresult */

/* The first pause between two attempts to connect; it doubles up to the second. */
enum { DB_BACKOFF_FIRST_MS = 100, DB_BACKOFF_MAX_MS = 2000 };

enum { DB_PREPARED_MAX = 96, DB_FUNCTION_MAX = 64 };

enum db_state { DB_DOWN, DB_CONNECTING, DB_READY, DB_WORKING };

struct db {
	char *conninfo, *program, *options;
	bool pooled, cancels, is_conninfo_bad;
	int64_t deadline_ms;

	struct pg_conn *conn;
	enum db_state state;
	bool wants_read; /* while connecting; otherwise libpq wants to write */
	int64_t attempt_until, next_attempt_at, backoff_ms;
	struct prng prng; /* spreads the attempts of processes that lost the server together */
	int64_t sessions; /* connections made so far */

	/* functions that have a prepared statement of their name on this connection */
	char prepared[DB_PREPARED_MAX][DB_FUNCTION_MAX];
	int prepared_count;

	db_wording *wording;
	struct buf problem, code, params;
	char sqlstate[6];
	int64_t position; /* of the failure in the text, in characters from 1; 0: unknown */
};

/* ---- db.c: the connection */

/* Keeps the text as db_problem(), in one line. NULL or "": "unknown reason". */
void db_note_problem(struct db *db, const char *text);

/* The same with libpq's message. */
void db_note_libpq(struct db *db);

/* Closes the connection and sets the time of the next attempt. */
void db_disconnect(struct db *db);

/* Before a call: forgets the last failure. ERR_BUSY when not connected, or a call runs. */
MUST_USE enum err db_check_ready(struct db *db);

/* Waits for the descriptor, until the time or for `max_ms` (-1: no limit), whichever is
   earlier. May return early; the caller looks at the clock. */
void db_wait_for(const struct pollfd *fd, int64_t until, int max_ms);

/* Can bytes of the server be read now? */
bool db_is_readable(const struct db *db);

/* ---- db_conninfo.c: what stands in the connection string */

/* Does libpq read the string as its author meant it? */
bool db_conninfo_is_readable(const char *conninfo);

/* Appends the session settings ("-c name=value ...") for a connection without a pooler. */
void db_write_options(struct buf *out, const char *conninfo, int64_t deadline_ms);

/* ---- db_call.c: the steps of a call */

enum err db_err_of_sqlstate(const char *state);

/* Keeps message, hint, SQLSTATE and position of a failed result. */
void db_note_result(struct db *db, const struct pg_result *result);

/* Sends what libpq holds back. */
MUST_USE enum err db_flush(struct db *db, int64_t until);

/* Reads all results of a call. The last one goes to *last, which the caller clears; on a
   failure NULL goes there, and the first failure is noted. */
MUST_USE enum err db_read_results(struct db *db, int64_t until, struct pg_result **last);

MUST_USE enum err db_prepare(struct db *db, const char *name, const char *text, int count,
			     const unsigned *types, int64_t until);

/* ---- db_cancel.c: how a running call is cancelled */

/* Cancels the running call and reads it to its end. true: the connection can be used again. */
bool db_cancel(struct db *db);

/* ---- db_rows.c */

/* Takes the result over. */
struct db_rows *db_rows_new(struct pg_result *result);

#endif
