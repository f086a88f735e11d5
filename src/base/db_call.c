/* SPDX-License-Identifier: ISC */
/* A call from its statement to its rows or its error: prepare, send, read results. */
#include "base/db_internal.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const char query_canceled[] = "57014";

/* The caller's data is wrong only where the SQLSTATE says so. Everything else (our fault, or
   the server's state) is worth another try. */
enum err db_err_of_sqlstate(const char *state)
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

/* Class 40: the server rolled the transaction back because of others (deadlock, serialization
   failure). */
static bool is_transaction_rollback(const struct db *db)
{
	return strncmp(db->sqlstate, "40", 2) == 0;
}

/* ledger.refuse() raises "area.what" as MESSAGE and an object as DETAIL. */
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

void db_note_result(struct db *db, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	db_note_problem(db, primary ? primary : PQerrorMessage(db->conn));
	if (primary && detail && is_coded(primary, detail))
		note_code(db, primary, detail);
	if (hint)
		buf_addf(&db->problem, "; %s", hint);
	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", state ? state : "");
	db->position = 0;
	(void)str_int(str_of(PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION)),
		      &db->position);
}

enum err db_flush(struct db *db, int64_t until)
{
	int left;

	while ((left = PQflush(db->conn)) > 0) {
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN | POLLOUT };

		if (clock_ms() >= until) {
			db_note_problem(db, "the server did not take the call in time");
			return ERR_BUSY;
		}
		db_wait_for(&fd, until, -1);
		/* A server that sends results before it has read the whole call stops reading
		   until we read. Without this, both sides wait for ever. */
		if (db_is_readable(db) && !PQconsumeInput(db->conn)) {
			left = -1;
			break;
		}
	}
	if (left < 0) {
		db_note_libpq(db);
		return ERR_BUSY;
	}
	return ERR_NONE;
}

static enum err wait_for_result(struct db *db, int64_t until)
{
	while (PQisBusy(db->conn)) {
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

		if (clock_ms() >= until) {
			db_note_problem(db, "the server did not answer in time");
			return ERR_BUSY;
		}
		db_wait_for(&fd, until, -1);
		if (!PQconsumeInput(db->conn)) {
			db_note_libpq(db);
			return ERR_BUSY;
		}
	}
	return ERR_NONE;
}

enum err db_read_results(struct db *db, int64_t until, PGresult **last)
{
	enum err err = ERR_NONE;
	PGresult *result;

	for (;;) {
		ExecStatusType status;

		if (wait_for_result(db, until)) {
			PQclear(*last);
			*last = NULL;
			return ERR_BUSY;
		}
		result = PQgetResult(db->conn);
		if (!result)
			break;
		status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
		    status == PGRES_EMPTY_QUERY) {
			PQclear(*last);
			*last = result;
			continue;
		}
		if (!err) {
			db_note_result(db, result);
			err = db->sqlstate[0] ? db_err_of_sqlstate(db->sqlstate) : ERR_BUSY;
		}
		PQclear(result);
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
		    status == PGRES_COPY_BOTH) {
			err = ERR_BUSY;
			break;
		}
	}
	if (err || PQstatus(db->conn) == CONNECTION_BAD) {
		PQclear(*last);
		*last = NULL;
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

enum err db_prepare(struct db *db, const char *name, const char *text, int count, const Oid *types,
		    int64_t until)
{
	PGresult *result = NULL;
	enum err err = ERR_BUSY;

	if (!PQsendPrepare(db->conn, name, text, count, types))
		db_note_libpq(db);
	else
		err = db_flush(db, until);
	if (!err)
		err = db_read_results(db, until, &result);
	PQclear(result);
	return err;
}

/* At the first call of a function on this connection: prepares a statement of its name.
 *is_prepared stays false for a pooled connection, and when the table is full. */
static enum err prepare_once(struct db *db, const char *function, const struct db_bound *args,
			     int64_t until, bool *is_prepared)
{
	struct buf sql = { 0 };
	enum err err;

	for (int i = 0; i < db->prepared_count && !*is_prepared; i++)
		*is_prepared = strcmp(db->prepared[i], function) == 0;
	if (*is_prepared || db->pooled || db->prepared_count == DB_PREPARED_MAX ||
	    strlen(function) >= DB_FUNCTION_MAX)
		return ERR_NONE;
	write_statement(&sql, function, args->count);
	err = db_prepare(db, function, buf_text(&sql), args->count, args->types, until);
	buf_done(&sql);
	if (err)
		return err;
	snprintf(db->prepared[db->prepared_count++], DB_FUNCTION_MAX, "%s", function);
	*is_prepared = true;
	return ERR_NONE;
}

static enum err send_until(struct db *db, const char *function, const struct db_args *args,
			   int64_t until)
{
	struct db_bound bound;
	bool is_prepared = false;
	int sent;

	if (db_check_ready(db))
		return ERR_BUSY;
	db_args_bind(args, &bound);
	if (prepare_once(db, function, &bound, until, &is_prepared)) {
		db_disconnect(db);
		return ERR_BUSY;
	}
	if (is_prepared) {
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
		db_note_libpq(db);
	if (!sent || db_flush(db, until)) {
		db_disconnect(db);
		return ERR_BUSY;
	}
	db->state = DB_WORKING;
	return ERR_NONE;
}

/* After a failed call: cancels it if it still runs. true: the call only ran out of time, by
   the server's clock or by ours, and the connection can be used again. */
static bool recover_from_timeout(struct db *db)
{
	if (strcmp(db->sqlstate, query_canceled) == 0)
		return PQstatus(db->conn) == CONNECTION_OK &&
		       PQtransactionStatus(db->conn) == PQTRANS_IDLE;
	if (PQstatus(db->conn) != CONNECTION_OK ||
	    PQtransactionStatus(db->conn) != PQTRANS_ACTIVE || !db_cancel(db))
		return false;
	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", query_canceled);
	return PQtransactionStatus(db->conn) == PQTRANS_IDLE;
}

/* Reads the outcome of a call. Afterwards the connection is ready again, or closed. */
static enum err end_call(struct db *db, int64_t until, struct db_rows **rows)
{
	PGresult *result = NULL;
	enum err err = db_read_results(db, until, &result);

	if (err == ERR_BUSY && !is_transaction_rollback(db)) {
		if (!db->cancels || !recover_from_timeout(db))
			db_disconnect(db);
		else
			db->state = DB_READY;
		return err;
	}
	db->state = DB_READY;
	if (err)
		return err;
	db->backoff_ms = DB_BACKOFF_FIRST_MS;
	if (rows)
		*rows = db_rows_new(result);
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
			err = end_call(db, until, rows);
		if (!err || !is_transaction_rollback(db))
			break;
	}
	if (err && is_transaction_rollback(db)) {
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

	if (db->state != DB_WORKING)
		return ERR_BUSY;
	if (db_is_readable(db) && !PQconsumeInput(db->conn)) {
		db_note_libpq(db);
		db_disconnect(db);
		return ERR_BUSY;
	}
	if (PQisBusy(db->conn))
		return ERR_PACE;
	err = end_call(db, clock_ms() + db->deadline_ms, rows);
	if (err && is_transaction_rollback(db))
		return ERR_BUSY;
	return err;
}

enum err db_run(struct db *db, const char *text)
{
	PGresult *result = NULL;
	enum err err;

	if (db_check_ready(db))
		return ERR_BUSY;
	if (!PQsendQuery(db->conn, text)) {
		db_note_libpq(db);
		db_disconnect(db);
		return ERR_BUSY;
	}
	err = db_flush(db, INT64_MAX / 2);
	if (!err)
		err = db_read_results(db, INT64_MAX / 2, &result);
	PQclear(result);
	if (PQstatus(db->conn) == CONNECTION_BAD)
		db_disconnect(db);
	return err;
}
