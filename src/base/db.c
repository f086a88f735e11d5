/* SPDX-License-Identifier: ISC */
#include "base/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "base/log.h"

/* The longest pause between two attempts to connect. */
enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 2000 };

/* How long a cancelled statement may take to end, and when to ask again. */
enum { CANCEL_WAIT_MS = 3000, CANCEL_AGAIN_MS = 200, CANCEL_LOOK_MS = 10 };

static const char query_canceled[] = "57014";

enum { KEPT_MAX = 96, FUNCTION_MAX = 64 };

enum state { DOWN, CONNECTING, READY, WORKING };

struct db {
	char *conninfo, *program, *options;
	bool pooled, cancels, is_unreadable; /* the conninfo */
	int64_t deadline_ms;

	PGconn *conn;
	enum state state;
	PostgresPollingStatusType wants; /* while CONNECTING */
	int64_t attempt_until, next_attempt_at, backoff_ms;
	struct prng prng; /* workers that lost it together do not come back together */
	int64_t sessions; /* so far */

	/* functions that have a statement of their name on this connection */
	char kept[KEPT_MAX][FUNCTION_MAX];
	int kept_count;

	db_wording *wording;
	struct buf problem, code, params;
	char sqlstate[6];
	int64_t position; /* of the failure in the text, in characters from 1; 0: unknown */
};

struct db_rows {
	PGresult *result;
};

/* ---- connecting */

/* libpq tells what it cannot read by quoting it, and what it cannot read is most
   often a password with a sign that was not written as it must be: its words
   would be logged. So it is found out here, by the same reading, and told without. */
static const char unreadable[] = "the connection string cannot be read; it is not shown, for its "
				 "password. In a URI, signs such as % / @ : "
				 "of a password are written %25 %2F %40 %3A; in key=value, a value "
				 "with a space stands in single quotes";

/* "=" or the beginning of a URI make it more than the name of a database. */
static bool is_name_only(const char *conninfo)
{
	return !strchr(conninfo, '=') && strncmp(conninfo, "postgresql://", 13) != 0 &&
	       strncmp(conninfo, "postgres://", 11) != 0;
}

/* What stands before the last @ of a password that has another one, or behind its
   slash, lands in the host and in the port. */
static bool is_misread(const PQconninfoOption *one)
{
	const char *at;

	if (strcmp(one->keyword, "port") == 0)
		return strspn(one->val, "0123456789, ") < strlen(one->val);
	if (strcmp(one->keyword, "host") != 0)
		return false;
	/* a host that begins with it is a socket without a file */
	for (at = strchr(one->val, '@'); at && (at == one->val || at[-1] == ',');
	     at = strchr(at + 1, '@'))
		;
	return at;
}

static bool is_readable_string(const char *conninfo)
{
	PQconninfoOption *all;
	char *why = NULL;
	bool fine;

	if (is_name_only(conninfo))
		return !strpbrk(conninfo, "@:/");
	all = PQconninfoParse(conninfo, &why);
	fine = all;
	for (PQconninfoOption *one = all; one && one->keyword; one++)
		fine = fine && (!one->val || !is_misread(one));
	PQconninfoFree(all);
	PQfreemem(why);
	return fine;
}

/* Options that stand in the connection string, or else in the environment:
   ours would replace them, and some hosts need theirs to find the database. */
static void add_own_options(struct buf *out, const char *conninfo)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
	const char *own = getenv("PGOPTIONS");

	for (PQconninfoOption *one = all; one && one->keyword; one++)
		if (strcmp(one->keyword, "options") == 0 && one->val)
			own = one->val;
	if (own && *own)
		buf_addf(out, "%s ", own);
	PQconninfoFree(all);
}

/* What the string says of an option, or the environment, or libpq itself. */
static const char *option(const PQconninfoOption *said, const PQconninfoOption *defaults,
			  const char *keyword)
{
	for (; said && said->keyword; said++)
		if (strcmp(said->keyword, keyword) == 0 && said->val)
			return said->val;
	for (; defaults && defaults->keyword; defaults++)
		if (strcmp(defaults->keyword, keyword) == 0 && defaults->val)
			return defaults->val;
	return "";
}

/* libpq takes a name that begins with / or @ for a socket. */
static bool is_local(struct str host)
{
	return !host.len || host.at[0] == '/' || host.at[0] == '@' ||
	       str_equal_nocase(host, "localhost") || str_starts(host, "127.") ||
	       str_is(host, "::1");
}

enum db_transport db_transport(const char *conninfo, struct buf *host)
{
	PQconninfoOption *said = is_name_only(conninfo) ? NULL : PQconninfoParse(conninfo, NULL),
			 *defaults = PQconndefaults();
	const char *mode = option(said, defaults, "sslmode");
	struct str hosts = str_of(option(said, defaults, "hostaddr"));
	enum db_transport transport = DB_LOCAL;

	if (!said && !is_name_only(conninfo))
		goto done;
	if (!hosts.len)
		hosts = str_of(option(said, defaults, "host"));
	while (hosts.len && transport == DB_LOCAL) {
		struct str one = str_trim(str_cut(&hosts, ','));

		if (is_local(one))
			continue;
		transport = strcmp(mode, "verify-full") == 0 || strcmp(mode, "verify-ca") == 0
				    ? DB_VERIFIED
			    : strcmp(mode, "require") == 0 ? DB_UNVERIFIED
							   : DB_PLAIN;
		buf_add_str(host, one);
	}
done:
	PQconninfoFree(said);
	PQconninfoFree(defaults);
	return transport;
}

/* What a postgresql.conf, ALTER DATABASE or ALTER ROLE may have set, and what would
   change how our SQL is read, what it does or how its answers are written. Said when
   the connection is made, which stands above all of these. Not here: what only makes
   it slower, and what only a superuser may set. */
static const char pins[] =
	"-c standard_conforming_strings=on -c backslash_quote=safe_encoding -c "
	"escape_string_warning=on "
	"-c array_nulls=on -c transform_null_equals=off -c quote_all_identifiers=off -c "
	"check_function_bodies=on "
	"-c DateStyle=ISO,MDY -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=1 -c "
	"bytea_output=hex "
	"-c xmlbinary=base64 -c xmloption=content -c lc_monetary=C -c lc_numeric=C -c lc_time=C "
	"-c default_transaction_read_only=off -c default_transaction_deferrable=off "
	"-c default_transaction_isolation=read\\ committed -c row_security=on -c "
	"search_path=pg_catalog,public "
	"-c default_table_access_method=heap -c lock_timeout=0 -c "
	"idle_in_transaction_session_timeout=0";

/* Behind a pooler a session is not ours, so nothing can be set for it, and options are
   refused. Of these two libpq makes parameters of the connection, and pgbouncer keeps
   them for each client. What else there is, hookledger migrate and doctor look after. */
static void pin(const char *name, const char *value)
{
	const char *now = getenv(name);

	if (!now || strcmp(now, value) != 0)
		setenv(name, value, 1);
}

void db_pin_pooled(void)
{
	pin("PGDATESTYLE", "ISO, MDY");
	pin("PGTZ", "UTC");
}

struct db *db_open(const struct db_options *how)
{
	struct db *db = mem_zero(1, sizeof(*db));

	db->conninfo = mem_dup(str_of(how->conninfo ? how->conninfo : ""));
	db->program = mem_dup(str_of(how->program));
	db->pooled = how->pooled;
	db->cancels = how->cancels;
	db->is_unreadable = !is_readable_string(db->conninfo);
	db->deadline_ms = how->deadline_ms;
	db->wording = how->wording;
	db->backoff_ms = BACKOFF_FIRST_MS;
	db->prng.state = (uint64_t)clock_now_us() ^ (uint64_t)getpid() << 32;
	if (how->pooled) {
		db_pin_pooled();
	} else {
		struct buf options = { 0 };

		/* A statement that we gave up on ends on the server too; else
		   they would pile up behind a lock. */
		buf_addf(&options, "%s ", pins);
		add_own_options(&options, db->conninfo);
		buf_addf(&options, "-c statement_timeout=%lld",
			 (long long)(how->deadline_ms > 0 ? how->deadline_ms : 0));
		db->options = mem_dup(buf_str(&options));
		buf_done(&options);
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

static void note_problem(struct db *db, const char *words)
{
	buf_clear(&db->code);
	buf_clear(&db->params);
	buf_clear(&db->problem);
	buf_add_text(&db->problem, words && *words ? words : "unknown reason");
	while (db->problem.len && db->problem.at[db->problem.len - 1] == '\n')
		db->problem.at[--db->problem.len] = '\0';
	/* libpq breaks and indents its longer messages; ours are one line */
	for (size_t i = 0; i < db->problem.len; i++)
		if (db->problem.at[i] == '\n' || db->problem.at[i] == '\t')
			db->problem.at[i] = ' ';
}

/* Ends the connection and decides when to try again. */
static void go_down(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->state = DOWN;
	db->kept_count = 0;
	db->next_attempt_at = clock_ms() + db->backoff_ms / 2 +
			      prng_below(&db->prng, db->backoff_ms / 2 + 1);
	db->backoff_ms = db->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : db->backoff_ms * 2;
}

void db_drop(struct db *db)
{
	if (db->state == WORKING)
		note_problem(db, "a call was not answered in time");
	if (db->state != DOWN)
		go_down(db);
}

static void quiet(void *unused, const char *message)
{
	(void)unused;
	log_write(LOG_DEBUG, "db_notice",
		  (struct log_field[]){ log_text("message", message), log_end() });
}

static void start_attempt(struct db *db)
{
	const char *keys[] = { "dbname", "application_name", "options", "client_encoding", NULL };
	const char *values[] = { db->conninfo, db->program, db->options, "UTF8", NULL };

	if (db->is_unreadable) {
		note_problem(db, unreadable);
		go_down(db);
		return;
	}
	/* "dbname" first and expanded: the settings of the connection string
	   come first, ours replace them. Without options of ours those of the
	   string stand. */
	if (!db->options) {
		keys[2] = "client_encoding";
		values[2] = "UTF8";
		keys[3] = NULL;
	}
	db->conn = PQconnectStartParams(keys, values, 1);
	db->attempt_until = clock_ms() + (db->deadline_ms > 0 ? db->deadline_ms : 10000);
	db->state = CONNECTING;
	db->wants = PGRES_POLLING_WRITING;
	if (!db->conn || PQstatus(db->conn) == CONNECTION_BAD) {
		note_problem(db, db->conn ? PQerrorMessage(db->conn) : "out of memory");
		go_down(db);
	}
}

static bool is_readable(const struct db *db)
{
	struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

static bool is_due(const struct db *db)
{
	struct pollfd fd = { .fd = PQsocket(db->conn),
			     .events = db->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

static void connected(struct db *db)
{
	PQsetnonblocking(db->conn, 1);
	PQsetNoticeProcessor(db->conn, quiet, NULL);
	db->state = READY;
	db->sessions++;
	db->kept_count = 0;
	log_write(LOG_DEBUG, "db_connected", NULL);
}

void db_tend(struct db *db)
{
	if (db->state == DOWN && clock_ms() >= db->next_attempt_at)
		start_attempt(db);
	while (db->state == CONNECTING && is_due(db)) {
		db->wants = PQconnectPoll(db->conn);
		if (db->wants == PGRES_POLLING_OK) {
			connected(db);
		} else if (db->wants == PGRES_POLLING_FAILED) {
			note_problem(db, PQerrorMessage(db->conn));
			go_down(db);
		}
	}
	if (db->state == CONNECTING && clock_ms() >= db->attempt_until) {
		note_problem(db, "the server did not answer in time");
		go_down(db);
	}
	/* Bytes while nothing was asked: a notification, or the server says goodbye. */
	if (db->state == READY && is_readable(db) &&
	    (!PQconsumeInput(db->conn) || PQstatus(db->conn) == CONNECTION_BAD)) {
		note_problem(db, PQerrorMessage(db->conn));
		go_down(db);
	}
}

int64_t db_session(const struct db *db)
{
	return db->sessions;
}

bool db_has_heard(struct db *db, int64_t *sum)
{
	bool has_heard = false;

	for (PGnotify *one; db->conn && (one = PQnotifies(db->conn)) != NULL; has_heard = true) {
		int64_t number, more;

		if (str_int(str_of(one->extra), &number) &&
		    !__builtin_add_overflow(*sum, number, &more))
			*sum = more;
		PQfreemem(one);
	}
	return has_heard;
}

bool db_is_ready(const struct db *db)
{
	return db->state == READY;
}

bool db_is_working(const struct db *db)
{
	return db->state == WORKING;
}

int db_poll(const struct db *db, struct pollfd *fd)
{
	int64_t left;

	*fd = (struct pollfd){ .fd = -1 };
	switch (db->state) {
	case DOWN:
		left = db->next_attempt_at - clock_ms();
		return left > 0 ? (int)left : 0;
	case CONNECTING:
		fd->fd = PQsocket(db->conn);
		fd->events = db->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		left = db->attempt_until - clock_ms();
		return left > 0 ? (int)left : 0;
	case READY:
	case WORKING:
		fd->fd = PQsocket(db->conn);
		fd->events = POLLIN;
		return -1;
	}
	return -1;
}

static void wait_for(const struct pollfd *fd, int64_t until, int most)
{
	struct pollfd copy = *fd;

	/* A short wait, because it was interrupted or poll() takes no longer one (a
	   migration waits without an end), is no harm: the caller looks at the clock. */
	if (poll(&copy, copy.fd >= 0, clock_within(most, until - clock_ms())) < 0 && errno != EINTR)
		abort();
}

enum err db_wait(struct db *db, int64_t wait_ms)
{
	int64_t until = clock_ms() + wait_ms;

	for (;;) {
		struct pollfd fd;
		int most;

		db_tend(db);
		if (db->state == READY)
			return ERR_NONE;
		if (clock_ms() >= until)
			return ERR_BUSY;
		most = db_poll(db, &fd);
		wait_for(&fd, until, most);
	}
}

/* ---- calling */

/* Only the sender's own data is the sender's fault; whatever else the server
   refuses is ours or nobody's, and is worth another try. */
static enum err of_sqlstate(const char *state)
{
	if (strcmp(state, "23505") == 0)
		return ERR_CONFLICT;
	if (strcmp(state, "P0002") == 0)
		return ERR_ABSENT;
	if (strncmp(state, "HL", 2) == 0)
		return ERR_DENIED;
	if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
	    strncmp(state, "54", 2) == 0 || strcmp(state, "P0001") == 0)
		return ERR_INPUT;
	return ERR_BUSY;
}

static bool is_collision(const struct db *db)
{
	return strncmp(db->sqlstate, "40", 2) == 0;
}

/* "area.what", as ledger.refuse() raises it, and an object. */
static bool is_coded(const char *primary, const char *detail)
{
	size_t len = strspn(primary, "abcdefghijklmnopqrstuvwxyz0123456789_.");

	return detail[0] == '{' && len > 0 && primary[len] == '\0' && strchr(primary, '.');
}

static void note_code(struct db *db, const char *code, const char *params)
{
	buf_add_text(&db->code, code);
	buf_add_text(&db->params, params);
	if (db->wording) {
		buf_clear(&db->problem);
		db->wording(buf_str(&db->code), buf_str(&db->params), &db->problem);
	} else {
		buf_addf(&db->problem, " %s", params);
	}
}

static void note_result(struct db *db, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	note_problem(db, primary ? primary : PQerrorMessage(db->conn));
	if (primary && detail && is_coded(primary, detail))
		note_code(db, primary, detail);
	if (hint)
		buf_addf(&db->problem, "; %s", hint);
	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", state ? state : "");
	db->position = 0;
	(void)str_int(str_of(PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION)),
		      &db->position);
}

/* Sends what libpq holds back; without this a large call would never start. */
static enum err flush(struct db *db, int64_t until)
{
	int left;

	while ((left = PQflush(db->conn)) > 0) {
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN | POLLOUT };

		if (clock_ms() >= until) {
			note_problem(db, "the server did not take the call in time");
			return ERR_BUSY;
		}
		wait_for(&fd, until, -1);
		/* A server that answers before it has read all must be heard,
		   or both would wait for ever. */
		if (is_readable(db) && !PQconsumeInput(db->conn)) {
			left = -1;
			break;
		}
	}
	if (left < 0) {
		note_problem(db, PQerrorMessage(db->conn));
		return ERR_BUSY;
	}
	return ERR_NONE;
}

static enum err wait_for_result(struct db *db, int64_t until)
{
	while (PQisBusy(db->conn)) {
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

		if (clock_ms() >= until) {
			note_problem(db, "the server did not answer in time");
			return ERR_BUSY;
		}
		wait_for(&fd, until, -1);
		if (!PQconsumeInput(db->conn)) {
			note_problem(db, PQerrorMessage(db->conn));
			return ERR_BUSY;
		}
	}
	return ERR_NONE;
}

/* Reads results to the end of the call; keeps the last one or the first failure. */
static enum err take_results(struct db *db, int64_t until, PGresult **kept)
{
	enum err err = ERR_NONE;
	PGresult *result;

	for (;;) {
		ExecStatusType status;

		if (wait_for_result(db, until)) {
			PQclear(*kept);
			*kept = NULL;
			return ERR_BUSY;
		}
		result = PQgetResult(db->conn);
		if (!result)
			break;
		status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
		    status == PGRES_EMPTY_QUERY) {
			PQclear(*kept);
			*kept = result;
			continue;
		}
		if (!err) {
			note_result(db, result);
			err = db->sqlstate[0] ? of_sqlstate(db->sqlstate) : ERR_BUSY;
		}
		PQclear(result);
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
		    status == PGRES_COPY_BOTH) {
			err = ERR_BUSY;
			break;
		}
	}
	if (err || PQstatus(db->conn) == CONNECTION_BAD) {
		PQclear(*kept);
		*kept = NULL;
		return err ? err : ERR_BUSY;
	}
	return ERR_NONE;
}

static void write_statement(struct buf *sql, const char *function, int count)
{
	buf_addf(sql, "select * from %s(", function);
	for (int i = 1; i <= count; i++)
		buf_addf(sql, i == 1 ? "$%d" : ",$%d", i);
	buf_add_char(sql, ')');
}

static enum err prepare(struct db *db, const char *name, const char *text, int count,
			const Oid *types, int64_t until)
{
	PGresult *result = NULL;
	enum err err = ERR_BUSY;

	if (!PQsendPrepare(db->conn, name, text, count, types))
		note_problem(db, PQerrorMessage(db->conn));
	else
		err = flush(db, until);
	if (!err)
		err = take_results(db, until, &result);
	PQclear(result);
	return err;
}

/* Keeps a statement of the function's name, from its first call on this
   connection on. *is_kept stays false behind a pooler, and when there is no room
   for another one. */
static enum err keep(struct db *db, const char *function, const struct db_bound *args,
		     int64_t until, bool *is_kept)
{
	struct buf sql = { 0 };
	enum err err;

	for (int i = 0; i < db->kept_count && !*is_kept; i++)
		*is_kept = strcmp(db->kept[i], function) == 0;
	if (*is_kept || db->pooled || db->kept_count == KEPT_MAX ||
	    strlen(function) >= FUNCTION_MAX)
		return ERR_NONE;
	write_statement(&sql, function, args->count);
	err = prepare(db, function, buf_text(&sql), args->count, args->types, until);
	buf_done(&sql);
	if (err)
		return err;
	snprintf(db->kept[db->kept_count++], FUNCTION_MAX, "%s", function);
	*is_kept = true;
	return ERR_NONE;
}

static enum err check_ready(struct db *db)
{
	db->sqlstate[0] = '\0';
	buf_clear(&db->code);
	buf_clear(&db->params);
	db->position = 0;
	if (db->state == READY)
		return ERR_NONE;
	if (db->problem.len == 0)
		note_problem(db, "not connected");
	return ERR_BUSY;
}

static enum err send_until(struct db *db, const char *function, const struct db_args *args,
			   int64_t until)
{
	struct db_bound bound;
	bool is_kept = false;
	int sent;

	if (check_ready(db))
		return ERR_BUSY;
	db_args_bind(args, &bound);
	if (keep(db, function, &bound, until, &is_kept)) {
		go_down(db);
		return ERR_BUSY;
	}
	if (is_kept) {
		sent = PQsendQueryPrepared(db->conn, function, bound.count, bound.values,
					   bound.lengths, bound.formats, 0);
	} else {
		struct buf sql = { 0 };

		write_statement(&sql, function, bound.count);
		sent = PQsendQueryParams(db->conn, buf_text(&sql), bound.count, bound.types,
					 bound.values, bound.lengths, bound.formats, 0);
		buf_done(&sql);
	}
	if (!sent)
		note_problem(db, PQerrorMessage(db->conn));
	if (!sent || flush(db, until)) {
		go_down(db);
		return ERR_BUSY;
	}
	db->state = WORKING;
	return ERR_NONE;
}

/* A request to cancel that is on its way. PQcancel() has no time limit: it makes a
   connection and waits until the server ends that one, which a server that is stopped
   never does. So a thread of its own waits for it. */
struct canceling {
	PGcancel *handle;
	atomic_int holders; /* that thread, and who waits for the statement to end */
	atomic_bool is_over;
};

static void let_go(struct canceling *canceling)
{
	if (!canceling || atomic_fetch_sub(&canceling->holders, 1) > 1)
		return;
	PQfreeCancel(canceling->handle);
	free(canceling);
}

static void say_not_cancelled(const char *why)
{
	log_write(LOG_DEBUG, "db_cancel_failed",
		  (struct log_field[]){ log_text("reason", why), log_end() });
}

static void *send_cancel(void *argument)
{
	struct canceling *canceling = argument;
	char why[256];

	if (!PQcancel(canceling->handle, why, sizeof(why)))
		say_not_cancelled(why);
	atomic_store(&canceling->is_over, true);
	let_go(canceling);
	return NULL;
}

/* NULL: nothing is on its way. */
static struct canceling *cancel(struct db *db)
{
	struct canceling *canceling = mem_zero(1, sizeof(*canceling));
	sigset_t all, before;
	pthread_t thread;
	int failed = -1;

	canceling->handle = PQgetCancel(db->conn);
	atomic_init(&canceling->holders, 2);
	/* signals are for the thread that has always been there */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (canceling->handle)
		failed = pthread_create(&thread, NULL, send_cancel, canceling);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed) {
		pthread_detach(thread);
		return canceling;
	}
	say_not_cancelled(canceling->handle ? strerror(failed) : "no connection");
	atomic_store(&canceling->holders, 1);
	let_go(canceling);
	return NULL;
}

/* Throws away what came; has the server ended the statement? */
static bool has_ended(struct db *db)
{
	char *piece = NULL;
	bool is_copy = false;
	int len;

	if (!PQconsumeInput(db->conn))
		return true;
	while ((len = PQgetCopyData(db->conn, &piece, 1)) > 0)
		PQfreemem(piece);
	while (len < 0 && !is_copy && !PQisBusy(db->conn)) {
		PGresult *result = PQgetResult(db->conn);
		ExecStatusType status = PQresultStatus(result);

		if (!result)
			return true;
		is_copy = status == PGRES_COPY_OUT || status == PGRES_COPY_IN;
		PQclear(result);
	}
	return false;
}

/* Without this a server that computes would notice only at its next row that
   nobody listens any more. A cancel that comes before it has begun is lost:
   so again, until it says that it has ended. One that is still on its way would
   hit the next statement. false: one of the two is not over. */
static bool stop_call(struct db *db)
{
	int64_t until = clock_ms() + CANCEL_WAIT_MS, again_at = 0;
	struct canceling *canceling = NULL;
	bool has_come = true, ended = false;

	for (;;) {
		struct pollfd fd = { .fd = -1, .events = POLLIN };

		has_come = !canceling || atomic_load(&canceling->is_over);
		ended = ended || has_ended(db);
		if ((ended && has_come) || clock_ms() >= until)
			break;
		if (has_come && clock_ms() >= again_at) {
			let_go(canceling);
			canceling = cancel(db);
			again_at = clock_ms() + CANCEL_AGAIN_MS;
		}
		if (!ended)
			fd.fd = PQsocket(db->conn);
		wait_for(&fd, until, CANCEL_LOOK_MS);
	}
	let_go(canceling);
	return ended && has_come && PQstatus(db->conn) == CONNECTION_OK;
}

static void give_up(struct db *db)
{
	(void)stop_call(db);
	go_down(db);
}

/* After a call that failed: was its time over, by the server's clock or by ours, and
   is the connection good for another? */
static bool is_timed_out(struct db *db)
{
	if (strcmp(db->sqlstate, query_canceled) == 0)
		return PQstatus(db->conn) == CONNECTION_OK &&
		       PQtransactionStatus(db->conn) == PQTRANS_IDLE;
	if (PQstatus(db->conn) != CONNECTION_OK ||
	    PQtransactionStatus(db->conn) != PQTRANS_ACTIVE || !stop_call(db))
		return false;
	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", query_canceled);
	return PQtransactionStatus(db->conn) == PQTRANS_IDLE;
}

static struct db_rows *rows_of(PGresult *result)
{
	struct db_rows *rows = mem_zero(1, sizeof(*rows));

	rows->result = result;
	return rows;
}

/* The end of a call: rows out, and the connection ready again or dropped. */
static enum err finish(struct db *db, int64_t until, struct db_rows **rows)
{
	PGresult *result = NULL;
	enum err err = take_results(db, until, &result);

	if (err == ERR_BUSY && !is_collision(db)) {
		if (!db->cancels || !is_timed_out(db))
			go_down(db);
		else
			db->state = READY;
		return err;
	}
	db->state = READY;
	if (err)
		return err;
	db->backoff_ms = BACKOFF_FIRST_MS;
	if (rows)
		*rows = rows_of(result);
	else
		PQclear(result);
	return ERR_NONE;
}

enum err db_call(struct db *db, const char *function, const struct db_args *args, int64_t wait_ms,
		 struct db_rows **rows)
{
	int64_t until = clock_ms() + wait_ms;
	enum err err = ERR_BUSY;

	for (int attempt = 0; attempt < 2; attempt++) {
		err = send_until(db, function, args, until);
		if (!err)
			err = finish(db, until, rows);
		if (!err || !is_collision(db))
			break;
	}
	if (err && is_collision(db)) {
		db_drop(db);
		return ERR_BUSY;
	}
	return err;
}

enum err db_send(struct db *db, const char *function, const struct db_args *args)
{
	return send_until(db, function, args, clock_ms() + db->deadline_ms);
}

enum err db_take(struct db *db, struct db_rows **rows)
{
	enum err err;

	if (db->state != WORKING)
		return ERR_BUSY;
	if (is_readable(db) && !PQconsumeInput(db->conn)) {
		note_problem(db, PQerrorMessage(db->conn));
		go_down(db);
		return ERR_BUSY;
	}
	if (PQisBusy(db->conn))
		return ERR_PACE;
	err = finish(db, clock_ms() + db->deadline_ms, rows);
	if (err && is_collision(db))
		return ERR_BUSY;
	return err;
}

enum err db_run(struct db *db, const char *text)
{
	PGresult *result = NULL;
	enum err err;

	if (check_ready(db))
		return ERR_BUSY;
	if (!PQsendQuery(db->conn, text)) {
		note_problem(db, PQerrorMessage(db->conn));
		go_down(db);
		return ERR_BUSY;
	}
	err = flush(db, INT64_MAX / 2);
	if (!err)
		err = take_results(db, INT64_MAX / 2, &result);
	PQclear(result);
	if (PQstatus(db->conn) == CONNECTION_BAD)
		go_down(db);
	return err;
}

/* ---- statements of other people, and streams */

static void note_line(struct db *db, const char *text)
{
	int64_t line = 1;

	if (!db->position)
		return;
	for (const char *at = text; *at && db->position > 1; at++) {
		line += *at == '\n';
		/* of a character the last byte counts */
		db->position -= ((unsigned char)at[1] & 0xc0) != 0x80;
	}
	buf_addf(&db->problem, " (line %lld)", (long long)line);
}

enum err db_describe(struct db *db, const char *text, int64_t wait_ms, struct db_rows **rows)
{
	int64_t until = clock_ms() + wait_ms;
	PGresult *result = NULL;
	enum err err;

	if (check_ready(db))
		return ERR_BUSY;
	/* By itself, so that the server takes one statement and no more. */
	err = prepare(db, "", text, 0, NULL, until);
	if (!err && !PQsendDescribePrepared(db->conn, "")) {
		note_problem(db, PQerrorMessage(db->conn));
		err = ERR_BUSY;
	}
	if (!err)
		err = flush(db, until);
	if (!err)
		err = take_results(db, until, &result);
	if (!err) {
		*rows = rows_of(result);
		return ERR_NONE;
	}
	note_line(db, text);
	/* Here the text is the sender's: mistakes in it are too. */
	if (strncmp(db->sqlstate, "42", 2) == 0 || strncmp(db->sqlstate, "0A", 2) == 0)
		return ERR_INPUT;
	if (err == ERR_BUSY)
		go_down(db);
	return err;
}

/* Waits until the server says something, and reads it. */
static enum err hear(struct db *db, int stop_fd)
{
	struct pollfd fds[] = { { .fd = PQsocket(db->conn), .events = POLLIN },
				{ .fd = stop_fd, .events = POLLIN } };

	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		abort();
	if (fds[1].revents) {
		note_problem(db, "stopped before its end");
		return ERR_BUSY;
	}
	if (fds[0].revents && !PQconsumeInput(db->conn)) {
		note_problem(db, PQerrorMessage(db->conn));
		return ERR_BUSY;
	}
	return ERR_NONE;
}

/* Rows from the first to the end, which may be a failure: take_results() knows. */
static enum err pass_on(struct db *db, int stop_fd, db_sink *sink, void *user)
{
	for (;;) {
		char *piece = NULL;
		int len = PQgetCopyData(db->conn, &piece, 1);
		enum err err;

		if (len == -1)
			return ERR_NONE;
		if (len == -2) {
			note_problem(db, PQerrorMessage(db->conn));
			return ERR_BUSY;
		}
		err = len == 0 ? hear(db, stop_fd)
			       : sink(user, (struct str){ .at = piece, .len = (size_t)len });
		PQfreemem(piece);
		if (err)
			return err;
	}
}

/* Starts it; the first thing that the server says is in *result. */
static enum err start_copy(struct db *db, const char *text, int stop_fd, PGresult **result)
{
	enum err err;

	/* the extended protocol: one statement and no more */
	if (!PQsendQueryParams(db->conn, text, 0, NULL, NULL, NULL, NULL, 0)) {
		note_problem(db, PQerrorMessage(db->conn));
		return ERR_BUSY;
	}
	err = flush(db, INT64_MAX / 2);
	while (!err && PQisBusy(db->conn))
		err = hear(db, stop_fd);
	if (!err)
		*result = PQgetResult(db->conn);
	return err;
}

enum err db_copy(struct db *db, const char *text, int stop_fd, db_sink *sink, void *user,
		 int64_t *rows)
{
	PGresult *result = NULL;
	enum err err, failed = ERR_NONE;

	if (check_ready(db))
		return ERR_BUSY;
	db->state = WORKING;
	err = start_copy(db, text, stop_fd, &result);
	if (!err && PQresultStatus(result) == PGRES_COPY_OUT) {
		err = pass_on(db, stop_fd, sink, user);
	} else if (!err && PQresultStatus(result) == PGRES_FATAL_ERROR) {
		note_result(db, result);
		failed = of_sqlstate(db->sqlstate);
	} else if (!err) {
		note_problem(db, "this is no copy to stdout");
		PQclear(result);
		go_down(db);
		return ERR_INPUT;
	}
	PQclear(result);
	if (err) {
		give_up(db);
		return err;
	}
	result = NULL;
	err = take_results(db, INT64_MAX / 2, &result);
	if (failed)
		err = failed;
	if (err == ERR_BUSY) {
		go_down(db);
		return err;
	}
	db->state = READY;
	if (!err)
		(void)str_int(str_of(PQcmdTuples(result)), rows);
	PQclear(result);
	return err;
}

enum err db_verifier(struct db *db, const char *user, const char *password, struct buf *out)
{
	char *verifier = NULL;

	if (check_ready(db))
		return ERR_BUSY;
	/* the algorithm by name: else the server would be asked, and might say md5 */
	verifier = PQencryptPasswordConn(db->conn, password, user, "scram-sha-256");
	if (!verifier) {
		note_problem(db, PQerrorMessage(db->conn));
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

/* ---- rows */

void db_rows_free(struct db_rows *rows)
{
	if (!rows)
		return;
	PQclear(rows->result);
	free(rows);
}

size_t db_rows_count(const struct db_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

size_t db_rows_columns(const struct db_rows *rows)
{
	return (size_t)PQnfields(rows->result);
}

const char *db_column(const struct db_rows *rows, size_t column)
{
	return PQfname(rows->result, (int)column);
}

static int column_of(const struct db_rows *rows, size_t row, const char *column)
{
	int at = PQfnumber(rows->result, column);

	if (at < 0 || row >= db_rows_count(rows)) {
		fprintf(stderr, "no column %s or no such row\n", column);
		abort();
	}
	return at;
}

static Oid type_of(const struct db_rows *rows, const char *column)
{
	return PQftype(rows->result, PQfnumber(rows->result, column));
}

bool db_is_number(const struct db_rows *rows, const char *column)
{
	return type_of(rows, column) == DB_OID_INT8;
}

bool db_is_flag(const struct db_rows *rows, const char *column)
{
	return type_of(rows, column) == DB_OID_BOOL;
}

bool db_is_null(const struct db_rows *rows, size_t row, const char *column)
{
	return PQgetisnull(rows->result, (int)row, column_of(rows, row, column));
}

struct str db_str(const struct db_rows *rows, size_t row, const char *column)
{
	return db_cell(rows, row, (size_t)column_of(rows, row, column));
}

struct str db_cell(const struct db_rows *rows, size_t row, size_t column)
{
	return (struct str){ .at = PQgetvalue(rows->result, (int)row, (int)column),
			     .len = (size_t)PQgetlength(rows->result, (int)row, (int)column) };
}

int64_t db_int(const struct db_rows *rows, size_t row, const char *column)
{
	int64_t value = 0;

	if (!db_is_null(rows, row, column) && !str_int(db_str(rows, row, column), &value))
		abort();
	return value;
}

bool db_bool(const struct db_rows *rows, size_t row, const char *column)
{
	return str_is(db_str(rows, row, column), "t");
}

void db_bytes(const struct db_rows *rows, size_t row, const char *column, struct buf *out)
{
	/* understands both of the server's text forms, hex and escape */
	size_t len = 0;
	unsigned char *raw = PQunescapeBytea(
		(const unsigned char *)PQgetvalue(rows->result, (int)row,
						  column_of(rows, row, column)),
		&len);

	if (raw)
		buf_add(out, raw, len);
	PQfreemem(raw);
}
