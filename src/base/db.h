/* SPDX-License-Identifier: ISC */
/* A connection to PostgreSQL that calls SQL functions by name. A call waits no longer than
   its caller allows. A lost connection comes back while the program goes on with its work.
   db*.c are the only users of libpq. Parameters are in db_args.h, results in db_rows.h; what
   a connection string says is in db_conninfo.h, SQL text of an operator in db_copy.h. */
#ifndef HL_BASE_DB_H
#define HL_BASE_DB_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/db_args.h"
#include "base/db_rows.h"
#include "base/err.h"
#include "base/mem.h"

struct db;

/* ---- the connection */

/* Appends the sentence of a failure that our SQL raised by a code: see db_code(). */
typedef void db_wording(struct str code, struct str params, struct buf *out);

struct db_options {
	const char *conninfo;
	const char *program; /* application_name */
	bool pooled;	     /* unnamed statements only, no session settings */
	int64_t deadline_ms; /* of one connection attempt, and of statements on the server */
	bool cancels;	     /* a call that runs out of time is cancelled; the connection stays */
	db_wording *wording; /* writes db_problem() for a code; NULL: the code and its parameters */
};

/* Copies the options. Does not connect yet. Each connection is for one thread. */
struct db *db_open(const struct db_options *options);
void db_close(struct db *db);

/* Continues connecting as far as that goes without waiting: starts an attempt when none runs
   and the back-off is over, and notices a lost connection. Call it when the descriptor of
   db_poll() is ready, and when its time-out is over. */
void db_maintain(struct db *db);
bool db_is_ready(const struct db *db);	 /* connected, and no call runs */
bool db_is_working(const struct db *db); /* a call runs */

/* Fills *fd with the descriptor to wait for (fd -1: none). Returns the milliseconds until
   db_maintain() is due, -1 for never. */
int db_poll(const struct db *db, struct pollfd *fd);

/* Waits until the connection is ready. ERR_BUSY when it is not within `wait_ms`; db_problem()
   says why. */
MUST_USE enum err db_wait(struct db *db, int64_t wait_ms);

/* Calls `select * from function(args)` and waits at most `wait_ms`. *rows gets the rows
   (db_rows_free() them); `rows` is NULL when the caller needs none. Errors by SQLSTATE:
   class 22, 23, 54 and raised exceptions ERR_INPUT, 23505 ERR_CONFLICT, P0002 ERR_ABSENT,
   class HL (hookledger's own) ERR_DENIED, everything else ERR_BUSY. Class 40 (deadlock,
   serialization failure) is tried a second time. When the time is over: ERR_BUSY, and the
   outcome is unknown. After ERR_BUSY the connection is closed, and db_maintain() makes a new
   one; but with `cancels`, a call that only ran out of time keeps it, and db_sqlstate() is
   57014. */
MUST_USE enum err db_call(struct db *db, const char *function, const struct db_args *args,
			  int64_t wait_ms, struct db_rows **rows);

/* The same in two halves: db_send() starts the call and returns. db_take() returns the outcome
   after the descriptor of db_poll() became ready; ERR_PACE means "not yet". Give a call up
   with db_drop(). */
MUST_USE enum err db_send(struct db *db, const char *function, const struct db_args *args);
MUST_USE enum err db_take(struct db *db, struct db_rows **rows);
void db_drop(struct db *db);

/* How many connections were made so far. Another number means another session: what belongs
   to a session (LISTEN) has to be done again. */
int64_t db_session(const struct db *db);

/* Takes the notifications that db_maintain() and db_take() have read; true: there were some.
   Adds their numeric payloads to *sum. Skips a payload that is no number or would overflow,
   because any login of the database may send notifications. */
bool db_take_notifications(struct db *db, int64_t *sum);

/* Runs the text of a file of sql/ (several statements); NUL-terminated. */
MUST_USE enum err db_run(struct db *db, const char *text);

/* Appends what the server stores of a user's password (SCRAM-SHA-256). It is computed here, so
   that neither the server nor its log sees the password. */
MUST_USE enum err db_verifier(struct db *db, const char *user, const char *password,
			      struct buf *out);

const char *db_problem(const struct db *db);  /* the last failure as text, never NULL */
const char *db_sqlstate(const struct db *db); /* and its SQLSTATE, "" when it has none */

/* The code and the object of parameters that ledger.refuse() raised. Both are empty when the
   last failure was another one. Borrowed until the next call. */
struct str db_code(const struct db *db);
struct str db_params(const struct db *db);

int db_server_version(const struct db *db); /* 150004; 0 when not connected */

#endif
