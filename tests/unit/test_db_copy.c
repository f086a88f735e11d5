/* SPDX-License-Identifier: ISC */
/* COPY from a real server, complete and aborted; and its errors for a user's statement. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/db_copy.h"
#include "cluster.h"

static struct db *connected(bool pooled)
{
	struct db_options options = { .conninfo = cluster_given,
				      .program = "unit",
				      .pooled = pooled };
	struct db *db;

	if (!cluster_given)
		skip();
	db = db_open(&options);
	if (db_wait(db, 10000))
		fail_msg("%s: %s", cluster_given, db_problem(db));
	return db;
}

static void assert_says(struct db *db, const char *words)
{
	if (!strstr(db_problem(db), words))
		fail_msg("\"%s\" is not in \"%s\"", words, db_problem(db));
}

/* The calls of a sink, and what it returns. */
struct seen {
	struct buf bytes; /* the first 64 KiB */
	int64_t pieces, longest;
	int64_t fail_at, stop_at; /* piece number; 0: never */
	int stop_fd;
};

static enum err look(void *user, struct str piece)
{
	struct seen *seen = user;

	seen->bytes.max = 65536;
	buf_add_str(&seen->bytes, piece);
	seen->pieces++;
	if ((int64_t)piece.len > seen->longest)
		seen->longest = (int64_t)piece.len;
	if (seen->pieces == seen->stop_at)
		assert_int_equal(1, write(seen->stop_fd, "", 1));
	return seen->pieces == seen->fail_at ? ERR_TOO_BIG : ERR_NONE;
}

static enum err copy(struct db *db, const char *text, struct seen *seen, int64_t *rows)
{
	return db_copy(db, text, -1, look, seen, rows);
}

static void rows_come_as_they_are(void **state)
{
	(void)state;
	for (int pooled = 0; pooled < 2; pooled++) {
		struct db *db = connected(pooled);
		struct seen seen = { 0 };
		int64_t rows = -1;

		assert_err(ERR_NONE,
			   copy(db,
				"copy (values (1, E'a\\tb\\\\\\nc'), (2, null), (3, '')) to stdout",
				&seen, &rows));
		assert_int_equal(3, rows);
		assert_int_equal(3, seen.pieces);
		assert_str(buf_str(&seen.bytes), "1\ta\\tb\\\\\\nc\n2\t\\N\n3\t\n");
		/* no rows, and the connection is still usable */
		assert_err(ERR_NONE,
			   copy(db, "copy (select 1 where false) to stdout", &seen, &rows));
		assert_int_equal(0, rows);
		assert_int_equal(3, seen.pieces);
		assert_true(db_is_ready(db));
		assert_err(ERR_NONE, db_call(db, "now", NULL, 5000, NULL));
		buf_done(&seen.bytes);
		db_close(db);
	}
}

static void many_and_large_rows(void **state)
{
	struct db *db = connected(false);
	struct seen seen = { 0 };
	int64_t rows = 0;

	(void)state;
	assert_err(ERR_NONE, copy(db, "copy (select g from generate_series(1, 500000) g) to stdout",
				  &seen, &rows));
	assert_int_equal(500000, rows);
	assert_int_equal(500000, seen.pieces);
	assert_int_equal(7, seen.longest);
	assert_err(ERR_NONE,
		   copy(db, "copy (select repeat('x', 30000000)) to stdout", &seen, &rows));
	assert_int_equal(1, rows);
	assert_int_equal(30000001, seen.longest);
	buf_done(&seen.bytes);
	db_close(db);
}

/* The first rows were delivered already: the result says that others are missing. */
static void a_failure_in_the_middle(void **state)
{
	struct db *db = connected(false);
	struct seen seen = { 0 };
	int64_t rows = -1;

	(void)state;
	assert_err(ERR_INPUT,
		   copy(db,
			"copy (select 1 / (90000 - g) from generate_series(1, 100000) g) to stdout",
			&seen, &rows));
	assert_says(db, "division by zero");
	assert_int_equal(-1, rows);
	assert_int_equal(89999, seen.pieces);
	assert_true(db_is_ready(db));
	/* the server ends the connection */
	seen.pieces = 0;
	assert_err(ERR_BUSY, copy(db,
				  "copy (select case when g = 90000 then "
				  "pg_terminate_backend(pg_backend_pid()) end "
				  "from generate_series(1, 1000000) g) to stdout",
				  &seen, &rows));
	assert_in_range(seen.pieces, 1, 999999);
	assert_int_equal(-1, rows);
	assert_says(db, "terminat");
	assert_false(db_is_ready(db));
	assert_err(ERR_NONE, db_wait(db, 5000));
	buf_done(&seen.bytes);
	db_close(db);
}

static void what_does_not_begin(void **state)
{
	static const struct {
		const char *text, *words;
		enum err err;
	} cases[] = {
		{ "copy (select 1 / 0) to stdout", "division by zero", ERR_INPUT },
		{ "copy (select 1; select 2) to stdout", "syntax error", ERR_BUSY },
		{ "copy (select 1) to stdout; select 2", "multiple commands", ERR_BUSY },
		{ "copy no.such to stdout", "does not exist", ERR_BUSY },
		{ "copy pg_class from stdin", "no copy to stdout", ERR_INPUT },
		{ "select 1", "no copy to stdout", ERR_INPUT },
	};
	struct db *db = connected(false);
	struct seen seen = { 0 };
	int64_t rows = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_err(ERR_NONE, db_wait(db, 5000));
		assert_err(cases[i].err, copy(db, cases[i].text, &seen, &rows));
		assert_says(db, cases[i].words);
	}
	assert_int_equal(0, seen.pieces);
	assert_int_equal(-1, rows);
	db_drop(db);
	assert_err(ERR_BUSY, copy(db, "copy (select 1) to stdout", &seen, &rows));
	db_close(db);
}

/* Does another session run a statement with this word? */
static bool is_running(struct db *db, const char *word)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	bool found = false;

	assert_err(
		ERR_NONE,
		db_run(db,
		       "create or replace function pg_temp.running(word text) returns boolean "
		       "language sql as $$ "
		       "select exists (select from pg_stat_activity where pid <> pg_backend_pid() "
		       "and state = 'active' and strpos(query, word) > 0) $$"));
	db_arg_text(args, str_of(word));
	assert_err(ERR_NONE, db_call(db, "pg_temp.running", args, 5000, &rows));
	found = str_is(db_cell(rows, 0, 0), "t");
	db_rows_free(rows);
	db_args_free(args);
	return found;
}

static void assert_ends(struct db *other, const char *word)
{
	int64_t until = clock_ms() + 10000;

	while (is_running(other, word))
		if (clock_ms() > until)
			fail_msg("the server still works on %s", word);
}

/* At any moment an abort also ends the statement at the server. */
static void stopping(void **state)
{
	struct db *db = connected(false), *other = connected(false);
	struct seen seen = { 0 };
	int64_t rows = -1, begun;
	int pipes[2];

	(void)state;
	assert_int_equal(0, pipe(pipes));
	seen.stop_fd = pipes[1];
	seen.stop_at = 10;
	assert_err(ERR_BUSY,
		   db_copy(db, "copy (select generate_series(1, 1000000000) as endless) to stdout",
			   pipes[0], look, &seen, &rows));
	assert_says(db, "stopped");
	assert_in_range(seen.pieces, 10, 1000000);
	assert_false(db_is_ready(db));
	assert_ends(other, "endless");

	/* the byte is in the pipe already: it stops before the first row */
	begun = clock_ms();
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_err(ERR_BUSY, db_copy(db, "copy (select pg_sleep(3600) as asleep) to stdout",
				     pipes[0], look, &seen, &rows));
	assert_in_range(clock_ms() - begun, 0, 5000);
	assert_ends(other, "asleep");
	assert_int_equal(-1, rows);

	/* and when the sink refuses more */
	seen = (struct seen){ .bytes = seen.bytes, .fail_at = 5 };
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_err(ERR_TOO_BIG,
		   copy(db, "copy (select generate_series(1, 1000000000) as unwanted) to stdout",
			&seen, &rows));
	assert_int_equal(5, seen.pieces);
	assert_ends(other, "unwanted");
	close(pipes[0]);
	close(pipes[1]);
	buf_done(&seen.bytes);
	db_close(db);
	db_close(other);
}

static void a_statement_is_described(void **state)
{
	(void)state;
	for (int pooled = 0; pooled < 2; pooled++) {
		struct db *db = connected(pooled);
		struct db_rows *rows = NULL;

		assert_err(ERR_NONE,
			   db_describe(
				   db,
				   "select 1 as a, pg_terminate_backend(pg_backend_pid()), 2 as a;",
				   5000, &rows));
		assert_int_equal(3, db_rows_columns(rows));
		assert_int_equal(0, db_rows_count(rows));
		assert_string_equal("a", db_column(rows, 0));
		assert_string_equal("a", db_column(rows, 2));
		db_rows_free(rows);
		rows = NULL;
		assert_err(ERR_NONE, db_describe(db, "create table x (y int)", 5000, &rows));
		assert_int_equal(0, db_rows_columns(rows));
		db_rows_free(rows);
		assert_true(db_is_ready(db));
		db_close(db);
	}
}

static void a_statement_that_is_none(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "select 1; select 2", "multiple commands" },
		{ "select 1) to program 'x' --", "syntax error at or near \")\" (line 1)" },
		{ "select 1) to program 'x' where (true",
		  "syntax error at or near \")\" (line 1)" },
		{ "select '\xc3\xa9\n\xe2\x8f\xb1',\n fro", "\"fro\" does not exist (line 3)" },
		{ "select 1 /* ", "unterminated /* comment" },
		{ "select 'x", "unterminated quoted string" },
		{ "select * from no.such", "does not exist (line 1)" },
		{ "select '\xff'", "invalid byte sequence" },
	};
	struct db *db = connected(false);
	struct db_rows *rows = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_err(ERR_INPUT, db_describe(db, cases[i].text, 5000, &rows));
		assert_says(db, cases[i].words);
		assert_true(db_is_ready(db));
	}
	assert_null(rows);
	db_drop(db);
	assert_err(ERR_BUSY, db_describe(db, "select 1", 5000, &rows));
	db_close(db);
}

static void a_verifier_is_no_password(void **state)
{
	struct db *db = connected(false);
	struct buf one = { 0 }, two = { 0 };

	(void)state;
	assert_err(ERR_NONE, db_verifier(db, "analyst", "open sesame", &one));
	assert_err(ERR_NONE, db_verifier(db, "analyst", "open sesame", &two));
	assert_true(str_starts(buf_str(&one), "SCRAM-SHA-256$4096:"));
	assert_lacks(&one, "sesame");
	assert_false(str_equal(buf_str(&one), buf_str(&two))); /* salted */
	db_drop(db);
	assert_err(ERR_BUSY, db_verifier(db, "analyst", "open sesame", &two));
	buf_done(&one);
	buf_done(&two);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_as_they_are),
		cmocka_unit_test(many_and_large_rows),
		cmocka_unit_test(a_failure_in_the_middle),
		cmocka_unit_test(what_does_not_begin),
		cmocka_unit_test(stopping),
		cmocka_unit_test(a_statement_is_described),
		cmocka_unit_test(a_statement_that_is_none),
		cmocka_unit_test(a_verifier_is_no_password),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("db_copy", tests, cluster_up, cluster_down);
}
