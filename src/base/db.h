/* SPDX-License-Identifier: ISC */
/* libpq's only user: one connection that calls SQL functions by name, never
   waits longer than it was told, and reconnects beside the work. */
#ifndef HL_BASE_DB_H
#define HL_BASE_DB_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/db_args.h" /* whoever calls makes some */
#include "base/err.h"
#include "base/mem.h"

struct db;
struct db_rows;

/* ---- the connection */

/* Appends the sentence of a failure that our SQL raises by a code: see db_code(). */
typedef void db_wording(struct str code, struct str params, struct buf *out);

struct db_options {
	const char *conninfo;
	const char *program; /* application_name */
	bool pooled;	     /* unnamed statements only, no session settings */
	int64_t deadline_ms; /* of one connection attempt, and of statements on the server */
	bool cancels;	     /* a call whose time is over is cancelled, and the connection kept */
	db_wording *wording; /* makes db_problem() of a code; NULL: the code and its parameters */
};

/* Copies `how`. Does not connect yet. Each connection is for one thread. */
struct db *db_open(const struct db_options *options);

/* What db_open() sets in the environment for a pooled connection, unless it is set so
   already. Threads read the environment: where there are any, this comes before. */
void db_pin_pooled(void);
void db_close(struct db *db);

/* Moves connecting on as far as it goes without waiting: starts an attempt
   when none runs and the back-off is over, takes notice of a lost connection.
   Call it whenever the poll of db_poll() fires or its time-out is over. */
void db_tend(struct db *db);
bool db_is_ready(const struct db *db);	 /* connected and no call under way */
bool db_is_working(const struct db *db); /* a call is under way */

/* What to wait for: fills *fd (fd -1 when nothing) and gives the milliseconds
   until db_tend() wants to be called anyway, -1 for never. */
int db_poll(const struct db *db, struct pollfd *fd);

/* Waits until ready. ERR_BUSY when not within `wait_ms`; db_problem() says why. */
MUST_USE enum err db_wait(struct db *db, int64_t wait_ms);

/* Calls `select * from function(args)` and waits at most `wait_ms`. The rows
   (not NULL on success, db_rows_free() them) or NULL when the caller does not
   want them. Errors by SQLSTATE: 22, 23, 54 and raised exceptions ERR_INPUT,
   23505 ERR_CONFLICT, P0002 ERR_ABSENT, HL (of our own) ERR_DENIED, 40 repeated once, everything
   else ERR_BUSY; when the time is over ERR_BUSY, and the outcome is unknown.
   After ERR_BUSY the connection is dropped and made anew by db_tend(), unless
   `cancels` and the time of the call was over: db_sqlstate() is 57014 then. */
MUST_USE enum err db_call(struct db *db, const char *function, const struct db_args *args,
			  int64_t wait_ms, struct db_rows **rows);

/* The same in two halves: db_send() starts the call and returns, db_take()
   gives its outcome once db_poll() fired; ERR_PACE from db_take() means "not
   yet". Give up with db_drop(). */
MUST_USE enum err db_send(struct db *db, const char *function, const struct db_args *args);
MUST_USE enum err db_take(struct db *db, struct db_rows **rows);
void db_drop(struct db *db);

/* How many connections there have been: another number, another session, in
   which what a session has (LISTEN) has to be asked for again. */
int64_t db_session(const struct db *db);

/* Has any notification come since the last question? They arrive with what
   db_tend() and db_take() read. Adds the numbers that came with them to *sum, but
   for one that it cannot hold: anybody with a login may send any. */
bool db_has_heard(struct db *db, int64_t *sum);

/* Runs the SQL text of a file of sql/ (several statements); NUL-terminated. */
MUST_USE enum err db_run(struct db *db, const char *text);

/* What columns one statement would give (db_rows_columns(), db_column(); no
   rows), without running it. ERR_INPUT when the text is not exactly one whole
   statement or names what is not there; db_problem() says the line. */
MUST_USE enum err db_describe(struct db *db, const char *text, int64_t wait_ms,
			      struct db_rows **rows);

/* Takes a piece of a stream, a row with its line end, borrowed until it
   returns. An error ends the stream. May not use the connection. */
typedef enum err db_sink(void *user, struct str piece);

/* Runs one `copy … to stdout` and gives what comes to the sink, holding one row
   at a time. Has no deadline: as soon as `stop_fd` (-1: none) can be read, or
   the sink fails, the server's work is cancelled and the connection dropped:
   ERR_BUSY, or the sink's error. Only after ERR_NONE was it all; *rows counts. */
MUST_USE enum err db_copy(struct db *db, const char *text, int stop_fd, db_sink *sink, void *user,
			  int64_t *rows);

/* What the server keeps of a user's password (SCRAM-SHA-256), computed here, so
   that neither the server nor its log sees the password. Appends. */
MUST_USE enum err db_verifier(struct db *db, const char *user, const char *password,
			      struct buf *out);

/* What others on the way to the servers of a connection string can do. */
enum db_transport {
	DB_LOCAL,      /* there is no way: a socket, or a loopback address */
	DB_VERIFIED,   /* nothing: TLS, and the certificate is verified (verify-ca, verify-full) */
	DB_UNVERIFIED, /* TLS (require), but with whoever answers */
	DB_PLAIN,      /* read and change everything: it may go without TLS */
};

/* The worst of all hosts of the string (libpq's defaults and environment count), whose name is
   appended to *host. Connects to nothing. DB_LOCAL when the string cannot be read. */
enum db_transport db_transport(const char *conninfo, struct buf *host);

const char *db_problem(const struct db *db);  /* the last failure in words, never NULL */
const char *db_sqlstate(const struct db *db); /* and its SQLSTATE, "" when it has none */

/* What ledger.refuse() raised last: the code, and the object with it and its parameters. Both
   empty when the last failure was another one. Borrowed until the next call. */
struct str db_code(const struct db *db);
struct str db_params(const struct db *db);
int db_server_version(const struct db *db); /* 150004; 0 when not connected */

/* ---- rows; columns by name, row from 0; a wrong name or row aborts */

void db_rows_free(struct db_rows *rows);
size_t db_rows_count(const struct db_rows *rows);
size_t db_rows_columns(const struct db_rows *rows);
const char *db_column(const struct db_rows *rows, size_t column);
bool db_is_number(const struct db_rows *rows, const char *column); /* a column of type bigint */
bool db_is_flag(const struct db_rows *rows, const char *column);   /* of type boolean */
bool db_is_null(const struct db_rows *rows, size_t row, const char *column);
struct str db_str(const struct db_rows *rows, size_t row,
		  const char *column); /* borrowed; null is "" */
struct str db_cell(const struct db_rows *rows, size_t row, size_t column);
int64_t db_int(const struct db_rows *rows, size_t row, const char *column); /* null is 0 */
bool db_bool(const struct db_rows *rows, size_t row, const char *column);   /* null is false */
void db_bytes(const struct db_rows *rows, size_t row, const char *column,
	      struct buf *out); /* bytea; appends */

#endif
