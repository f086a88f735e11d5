/* SPDX-License-Identifier: ISC */
#include "base/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db_conninfo.h"
#include "base/db_internal.h"
#include "base/log.h"

/* libpq's own message quotes what it cannot read. That is most often a password with a
   character that is not escaped, and the message goes to the log. So db.c reads the string
   first, with libpq's parser, and reports the failure without quoting it. */
static const char unreadable[] = "the connection string cannot be read; it is not shown, for its "
				 "password. In a URI, signs such as % / @ : "
				 "of a password are written %25 %2F %40 %3A; in key=value, a value "
				 "with a space stands in single quotes";

struct db *db_open(const struct db_options *options)
{
	struct db *db = mem_zero(1, sizeof(*db));

	db->conninfo = mem_dup(str_of(options->conninfo ? options->conninfo : ""));
	db->program = mem_dup(str_of(options->program));
	db->pooled = options->pooled;
	db->cancels = options->cancels;
	db->is_conninfo_bad = !db_conninfo_is_readable(db->conninfo);
	db->deadline_ms = options->deadline_ms;
	db->wording = options->wording;
	db->backoff_ms = DB_BACKOFF_FIRST_MS;
	db->prng.state = (uint64_t)clock_now_us() ^ (uint64_t)getpid() << 32;
	if (options->pooled) {
		db_pin_pooled();
	} else {
		struct buf session = { 0 };

		db_write_options(&session, db->conninfo, options->deadline_ms);
		db->options = mem_dup(buf_str(&session));
		buf_done(&session);
	}
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->conn);
	mem_wipe(db->conninfo, strlen(db->conninfo));
	free(db->conninfo);
	free(db->program);
	free(db->options);
	buf_done(&db->problem);
	buf_done(&db->code);
	buf_done(&db->params);
	free(db);
}

void db_note_problem(struct db *db, const char *text)
{
	buf_clear(&db->code);
	buf_clear(&db->params);
	buf_clear(&db->problem);
	buf_add_text(&db->problem, text && *text ? text : "unknown reason");
	while (db->problem.len && db->problem.at[db->problem.len - 1] == '\n')
		db->problem.at[--db->problem.len] = '\0';
	/* libpq breaks and indents its longer messages; a log line is one line */
	for (size_t i = 0; i < db->problem.len; i++)
		if (db->problem.at[i] == '\n' || db->problem.at[i] == '\t')
			db->problem.at[i] = ' ';
}

void db_note_libpq(struct db *db)
{
	db_note_problem(db, PQerrorMessage(db->conn));
}

void db_disconnect(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->state = DB_DOWN;
	db->prepared_count = 0;
	db->next_attempt_at = clock_ms() + db->backoff_ms / 2 +
			      prng_below(&db->prng, db->backoff_ms / 2 + 1);
	db->backoff_ms = db->backoff_ms * 2 > DB_BACKOFF_MAX_MS ? DB_BACKOFF_MAX_MS
								: db->backoff_ms * 2;
}

void db_drop(struct db *db)
{
	if (db->state == DB_WORKING)
		db_note_problem(db, "a call was not answered in time");
	if (db->state != DB_DOWN)
		db_disconnect(db);
}

enum err db_check_ready(struct db *db)
{
	db->sqlstate[0] = '\0';
	buf_clear(&db->code);
	buf_clear(&db->params);
	db->position = 0;
	if (db->state == DB_READY)
		return ERR_NONE;
	if (db->problem.len == 0)
		db_note_problem(db, "not connected");
	return ERR_BUSY;
}

/* PQnoticeProcessor; without it libpq prints notices to stderr. */
static void log_notice(void *unused, const char *message)
{
	(void)unused;
	log_write(LOG_DEBUG, "db_notice",
		  (struct log_field[]){ log_text("message", message), log_end() });
}

static void start_attempt(struct db *db)
{
	const char *keys[] = { "dbname", "application_name", "options", "client_encoding", NULL };
	const char *values[] = { db->conninfo, db->program, db->options, "UTF8", NULL };

	if (db->is_conninfo_bad) {
		db_note_problem(db, unreadable);
		db_disconnect(db);
		return;
	}
	/* libpq expands "dbname" into the settings of the connection string. It comes first,
	   so that the keys after it replace those settings. A pooled connection has no
	   options of its own and keeps those of the string. */
	if (!db->options) {
		keys[2] = "client_encoding";
		values[2] = "UTF8";
		keys[3] = NULL;
	}
	db->conn = PQconnectStartParams(keys, values, 1);
	db->attempt_until = clock_ms() + (db->deadline_ms > 0 ? db->deadline_ms : 10000);
	db->state = DB_CONNECTING;
	db->wants_read = false;
	if (!db->conn || PQstatus(db->conn) == CONNECTION_BAD) {
		db_note_problem(db, db->conn ? PQerrorMessage(db->conn) : "out of memory");
		db_disconnect(db);
	}
}

bool db_is_readable(const struct db *db)
{
	struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* Can libpq do the next step of connecting without waiting? */
static bool can_continue(const struct db *db)
{
	struct pollfd fd = { .fd = PQsocket(db->conn),
			     .events = db->wants_read ? POLLIN : POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

static void begin_session(struct db *db)
{
	PQsetnonblocking(db->conn, 1);
	PQsetNoticeProcessor(db->conn, log_notice, NULL);
	db->state = DB_READY;
	db->sessions++;
	db->prepared_count = 0;
	log_write(LOG_DEBUG, "db_connected", NULL);
}

void db_maintain(struct db *db)
{
	if (db->state == DB_DOWN && clock_ms() >= db->next_attempt_at)
		start_attempt(db);
	while (db->state == DB_CONNECTING && can_continue(db)) {
		PostgresPollingStatusType step = PQconnectPoll(db->conn);

		db->wants_read = step == PGRES_POLLING_READING;
		if (step == PGRES_POLLING_OK) {
			begin_session(db);
		} else if (step == PGRES_POLLING_FAILED) {
			db_note_libpq(db);
			db_disconnect(db);
		}
	}
	if (db->state == DB_CONNECTING && clock_ms() >= db->attempt_until) {
		db_note_problem(db, "the server did not answer in time");
		db_disconnect(db);
	}
	/* Bytes outside of a call: a notification, or the server closes the connection. */
	if (db->state == DB_READY && db_is_readable(db) &&
	    (!PQconsumeInput(db->conn) || PQstatus(db->conn) == CONNECTION_BAD)) {
		db_note_libpq(db);
		db_disconnect(db);
	}
}

int64_t db_session(const struct db *db)
{
	return db->sessions;
}

bool db_take_notifications(struct db *db, int64_t *sum)
{
	bool found = false;

	for (PGnotify *one; db->conn && (one = PQnotifies(db->conn)) != NULL; found = true) {
		int64_t number, more;

		if (str_int(str_of(one->extra), &number) &&
		    !__builtin_add_overflow(*sum, number, &more))
			*sum = more;
		PQfreemem(one);
	}
	return found;
}

bool db_is_ready(const struct db *db)
{
	return db->state == DB_READY;
}

bool db_is_working(const struct db *db)
{
	return db->state == DB_WORKING;
}

int db_poll(const struct db *db, struct pollfd *fd)
{
	int64_t left;

	*fd = (struct pollfd){ .fd = -1 };
	switch (db->state) {
	case DB_DOWN:
		left = db->next_attempt_at - clock_ms();
		return left > 0 ? (int)left : 0;
	case DB_CONNECTING:
		fd->fd = PQsocket(db->conn);
		fd->events = db->wants_read ? POLLIN : POLLOUT;
		left = db->attempt_until - clock_ms();
		return left > 0 ? (int)left : 0;
	case DB_READY:
	case DB_WORKING:
		fd->fd = PQsocket(db->conn);
		fd->events = POLLIN;
		return -1;
	}
	return -1;
}

void db_wait_for(const struct pollfd *fd, int64_t until, int max_ms)
{
	struct pollfd copy = *fd;

	if (poll(&copy, copy.fd >= 0, clock_within(max_ms, until - clock_ms())) < 0 &&
	    errno != EINTR)
		abort();
}

enum err db_wait(struct db *db, int64_t wait_ms)
{
	int64_t until = clock_ms() + wait_ms;

	for (;;) {
		struct pollfd fd;
		int max_ms;

		db_maintain(db);
		if (db->state == DB_READY)
			return ERR_NONE;
		if (clock_ms() >= until)
			return ERR_BUSY;
		max_ms = db_poll(db, &fd);
		db_wait_for(&fd, until, max_ms);
	}
}

enum err db_verifier(struct db *db, const char *user, const char *password, struct buf *out)
{
	char *verifier = NULL;

	if (db_check_ready(db))
		return ERR_BUSY;
	/* The algorithm is named: otherwise libpq asks the server, whose default may be md5. */
	verifier = PQencryptPasswordConn(db->conn, password, user, "scram-sha-256");
	if (!verifier) {
		db_note_libpq(db);
		return ERR_FAULT;
	}
	buf_add_text(out, verifier);
	PQfreemem(verifier);
	return ERR_NONE;
}

const char *db_sqlstate(const struct db *db)
{
	return db->sqlstate;
}

struct str db_code(const struct db *db)
{
	return buf_str(&db->code);
}

struct str db_params(const struct db *db)
{
	return buf_str(&db->params);
}

const char *db_problem(const struct db *db)
{
	return db->problem.len ? buf_text(&db->problem) : "no problem is known";
}

int db_server_version(const struct db *db)
{
	return db->conn ? PQserverVersion(db->conn) : 0;
}
