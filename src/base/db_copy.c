/* SPDX-License-Identifier: ISC */
#include "base/db_copy.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db_internal.h"

/* Adds the line of the failure to db_problem(). The server counts characters, not bytes. */
static void note_line(struct db *db, const char *text)
{
	int64_t line = 1;

	if (!db->position)
		return;
	for (const char *at = text; *at && db->position > 1; at++) {
		line += *at == '\n';
		/* counts a UTF-8 character at its last byte */
		db->position -= ((unsigned char)at[1] & 0xc0) != 0x80;
	}
	buf_addf(&db->problem, " (line %lld)", (long long)line);
}

enum err db_describe(struct db *db, const char *text, int64_t wait_ms, struct db_rows **rows)
{
	int64_t until = clock_ms() + wait_ms;
	PGresult *result = NULL;
	enum err err;

	if (db_check_ready(db))
		return ERR_BUSY;
	/* The server refuses to prepare more than one statement. */
	err = db_prepare(db, "", text, 0, NULL, until);
	if (!err && !PQsendDescribePrepared(db->conn, "")) {
		db_note_libpq(db);
		err = ERR_BUSY;
	}
	if (!err)
		err = db_flush(db, until);
	if (!err)
		err = db_read_results(db, until, &result);
	if (!err) {
		*rows = db_rows_new(result);
		return ERR_NONE;
	}
	note_line(db, text);
	/* The caller wrote the text, so errors of syntax and unknown names are the caller's. */
	if (strncmp(db->sqlstate, "42", 2) == 0 || strncmp(db->sqlstate, "0A", 2) == 0)
		return ERR_INPUT;
	if (err == ERR_BUSY)
		db_disconnect(db);
	return err;
}

/* Waits for bytes of the server and reads them. */
static enum err wait_and_read(struct db *db, int stop_fd)
{
	struct pollfd fds[] = { { .fd = PQsocket(db->conn), .events = POLLIN },
				{ .fd = stop_fd, .events = POLLIN } };

	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		abort();
	if (fds[1].revents) {
		db_note_problem(db, "stopped before its end");
		return ERR_BUSY;
	}
	if (fds[0].revents && !PQconsumeInput(db->conn)) {
		db_note_libpq(db);
		return ERR_BUSY;
	}
	return ERR_NONE;
}

/* Gives all rows to the sink. ERR_NONE also when the server ended the stream with an error;
   db_read_results() then returns that error. */
static enum err stream_rows(struct db *db, int stop_fd, db_sink *sink, void *user)
{
	for (;;) {
		char *row = NULL;
		int len = PQgetCopyData(db->conn, &row, 1);
		enum err err;

		if (len == -1)
			return ERR_NONE;
		if (len == -2) {
			db_note_libpq(db);
			return ERR_BUSY;
		}
		err = len == 0 ? wait_and_read(db, stop_fd)
			       : sink(user, (struct str){ .at = row, .len = (size_t)len });
		PQfreemem(row);
		if (err)
			return err;
	}
}

/* *result gets the first result of the server, the caller clears it. */
static enum err start_copy(struct db *db, const char *text, int stop_fd, PGresult **result)
{
	enum err err;

	/* the extended protocol, which takes only one statement */
	if (!PQsendQueryParams(db->conn, text, 0, NULL, NULL, NULL, NULL, 0)) {
		db_note_libpq(db);
		return ERR_BUSY;
	}
	err = db_flush(db, INT64_MAX / 2);
	while (!err && PQisBusy(db->conn))
		err = wait_and_read(db, stop_fd);
	if (!err)
		*result = PQgetResult(db->conn);
	return err;
}

enum err db_copy(struct db *db, const char *text, int stop_fd, db_sink *sink, void *user,
		 int64_t *rows)
{
	PGresult *result = NULL;
	enum err err, refused = ERR_NONE;

	if (db_check_ready(db))
		return ERR_BUSY;
	db->state = DB_WORKING;
	err = start_copy(db, text, stop_fd, &result);
	if (!err && PQresultStatus(result) == PGRES_COPY_OUT) {
		err = stream_rows(db, stop_fd, sink, user);
	} else if (!err && PQresultStatus(result) == PGRES_FATAL_ERROR) {
		db_note_result(db, result);
		refused = db_err_of_sqlstate(db->sqlstate);
	} else if (!err) {
		db_note_problem(db, "this is no copy to stdout");
		PQclear(result);
		db_disconnect(db);
		return ERR_INPUT;
	}
	PQclear(result);
	if (err) {
		(void)db_cancel(db);
		db_disconnect(db);
		return err;
	}
	result = NULL;
	err = db_read_results(db, INT64_MAX / 2, &result);
	if (refused)
		err = refused;
	if (err == ERR_BUSY) {
		db_disconnect(db);
		return err;
	}
	db->state = DB_READY;
	if (!err)
		(void)str_int(str_of(PQcmdTuples(result)), rows);
	PQclear(result);
	return err;
}
