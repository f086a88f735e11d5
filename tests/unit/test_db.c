/* SPDX-License-Identifier: ISC */
/* Without a server, with a silent one, and with a fake one that sends the bytes of a test
   (PostgreSQL's protocol, version 3). Then against a real server. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "cluster.h"

/* ---- a server of our own */

static int port;
static pid_t server;

/* Memory shared by the two processes. */
static struct {
	int syncs; /* calls that came to their end */
	size_t got;
	char bytes[65536]; /* all that was sent since the last sync but one */
} * seen;

static int listening(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, listen(fd, 16));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&address, &size));
	port = ntohs(address.sin_port);
	return fd;
}

static bool read_all(int fd, void *into, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = read(fd, (char *)into + done, len - done);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static uint32_t u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Accepts one client and answers each of its calls with `reply`; empty: not at all. */
static void talk(int fd, struct str reply)
{
	static const char welcome[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
	unsigned char head[5];
	char body[65536];

	if (!read_all(fd, head, 4) || !read_all(fd, body, u32(head) - 4) ||
	    write(fd, welcome, sizeof(welcome) - 1) < 0)
		return;
	for (;;) {
		size_t len;

		if (!read_all(fd, head, 5))
			return;
		len = u32(head + 1) - 4;
		if (len > sizeof(body) || !read_all(fd, body, len))
			return;
		if (head[0] == 'B') {
			memcpy(seen->bytes, body, len);
			seen->got = len;
		}
		if (head[0] != 'S')
			continue;
		seen->syncs++;
		if (reply.len && write(fd, reply.at, reply.len) < 0)
			return;
	}
}

static void serve(struct str reply)
{
	int fd = listening();

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen != MAP_FAILED);
	server = fork();
	if (server == 0) {
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			talk(client, reply);
			close(client);
		}
	}
	close(fd);
}

static void served(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	munmap(seen, sizeof(*seen));
}

static struct db *open_with(const char *conninfo, bool pooled, int64_t deadline_ms)
{
	struct db_options options = { .conninfo = conninfo,
				      .program = "unit",
				      .pooled = pooled,
				      .deadline_ms = deadline_ms };

	return db_open(&options);
}

static struct db *open_port(bool pooled, int64_t deadline_ms)
{
	char conninfo[128];

	snprintf(conninfo, sizeof(conninfo),
		 "host=127.0.0.1 port=%d user=u dbname=d sslmode=disable gssencmode=disable", port);
	return open_with(conninfo, pooled, deadline_ms);
}

/* An ErrorResponse with this SQLSTATE, then ready again. */
static struct str error_reply(const char *sqlstate)
{
	static char bytes[128];
	int len = snprintf(bytes + 5, 100, "SERROR%cC%s%cMno such luck\n%cHask again%c", 0,
			   sqlstate, 0, 0, 0) +
		  1;

	bytes[0] = 'E';
	bytes[1] = bytes[2] = bytes[3] = 0;
	bytes[4] = (char)(4 + len);
	bytes[5 + len - 1] = 0;
	memcpy(bytes + 5 + len, "Z\0\0\0\x05I", 6);
	return (struct str){ bytes, (size_t)len + 11 };
}

/* ---- no server, or one that is of no use */

static void assert_busy_within(struct db *db, int64_t wait_ms, const char *why)
{
	int64_t begun = clock_ms(), took;

	assert_err(ERR_BUSY, db_wait(db, wait_ms));
	took = clock_ms() - begun;
	assert_in_range(took, wait_ms - 1, wait_ms + 300);
	assert_false(db_is_ready(db));
	if (!strstr(db_problem(db), why))
		fail_msg("\"%s\" is not in \"%s\"", why, db_problem(db));
	assert_null(strchr(db_problem(db), '\n'));
	/* a call does not wait for a connection */
	begun = clock_ms();
	assert_err(ERR_BUSY, db_call(db, "f", NULL, 1000, NULL));
	assert_err(ERR_BUSY, db_send(db, "f", NULL));
	assert_err(ERR_BUSY, db_take(db, NULL));
	assert_err(ERR_BUSY, db_run(db, "select 1"));
	assert_true(clock_ms() - begun < 200);
	assert_false(db_is_working(db));
	assert_int_equal(0, db_server_version(db));
}

static void nobody_listens(void **state)
{
	struct db *db = open_with("host=/nowhere dbname=d", false, 1000);
	struct pollfd fd;
	int fd_of_nobody;

	(void)state;
	assert_non_null(db_problem(db));
	assert_busy_within(db, 250, "No such file or directory");
	assert_in_range(db_poll(db, &fd), 0, 2000);
	db_close(db);

	fd_of_nobody = listening(); /* a port that is free again */
	close(fd_of_nobody);
	db = open_port(false, 1000);
	assert_busy_within(db, 250, "Connection refused");
	db_close(db);
	db_close(NULL);
}

static void conninfo_is_wrong(void **state)
{
	static const char *const wrong[] = {
		"nonsense=1",	     "host",   "=", "port=x host=127.0.0.1",
		"postgresql://[::1", "host='", NULL
	};

	(void)state;
	for (size_t i = 0; wrong[i]; i++) {
		struct db *db = open_with(wrong[i], false, 1000);

		assert_err(ERR_BUSY, db_wait(db, 30));
		assert_true(strlen(db_problem(db)) > 5);
		db_close(db);
	}
}

/* libpq's error for an invalid connection string quotes parts of it. They may be parts of the
   password, because its special characters were not escaped. */
static void a_password_is_not_shown(void **state)
{
	static const char *const wrong[] = { "postgresql://app:s3cr%et@127.0.0.1/x",
					     "postgresql://app:a@s3cret@127.0.0.1/x",
					     "postgresql://app:s3cret/a@127.0.0.1/x",
					     "host=127.0.0.1 password=a s3cret",
					     "host=127.0.0.1 password=a s3cret=b",
					     "app:s3cret@127.0.0.1/x",
					     "postgres//app:s3cret@127.0.0.1/x",
					     "host=127.0.0.1 port=s3cret",
					     NULL };
	static const char *const parts[] = { "s3cr%et", "s3cret", NULL };

	(void)state;
	for (size_t i = 0; wrong[i]; i++) {
		struct db *db = open_with(wrong[i], false, 1000);

		assert_err(ERR_BUSY, db_wait(db, 30));
		for (size_t p = 0; parts[p]; p++)
			if (strstr(db_problem(db), parts[p]) ||
			    !strstr(db_problem(db), "connection string"))
				fail_msg("of \"%s\" it said: %s", wrong[i], db_problem(db));
		db_close(db);
	}
}

/* An attempt to connect has a deadline, and another attempt follows. */
static void a_silent_listener_costs_its_deadline(void **state)
{
	int fd = listening();
	struct db *db = open_port(false, 100);
	struct pollfd poll_fd;

	(void)state;
	db_maintain(db);
	assert_in_range(db_poll(db, &poll_fd), 1, 100);
	assert_true(poll_fd.fd >= 0);
	assert_busy_within(db, 350, "the server did not answer in time");
	db_close(db);
	close(fd);
}

static void a_listener_of_another_kind(void **state)
{
	int fd = listening();
	pid_t pid = fork();
	struct db *db;

	(void)state;
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		for (int i = 0;; i++) {
			int client = accept(fd, NULL, NULL);
			const char *text = i % 2 ? "HTTP/1.1 400 Bad Request\r\n\r\n" : "";

			if (write(client, text, strlen(text)) < 0)
				_exit(1);
			close(client);
		}
	}
	close(fd);
	db = open_port(false, 1000);
	assert_err(ERR_BUSY, db_wait(db, 600));
	assert_true(strlen(db_problem(db)) > 5);
	db_close(db);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_server_that_hangs_costs_its_wait(void **state)
{
	int64_t begun;

	(void)state;
	serve((struct str){ 0 });
	for (int pooled = 0; pooled < 2; pooled++) {
		struct db *db = open_port(pooled, 150);
		struct pollfd fd;

		assert_err(ERR_NONE, db_wait(db, 2000));
		begun = clock_ms();
		assert_err(ERR_BUSY, db_call(db, "f", NULL, 120, NULL));
		assert_in_range(clock_ms() - begun, 119, 400);
		assert_string_equal("the server did not answer in time", db_problem(db));
		assert_false(db_is_ready(db));

		assert_err(ERR_NONE, db_wait(db, 2000));
		begun = clock_ms();
		if (pooled) {
			assert_err(ERR_NONE, db_send(db, "f", NULL));
			assert_true(db_is_working(db));
			assert_err(ERR_PACE, db_take(db, NULL));
			assert_int_equal(-1, db_poll(db, &fd));
			assert_true(fd.fd >= 0);
			assert_err(ERR_PACE, db_take(db, NULL));
			db_drop(db);
			assert_false(db_is_working(db));
			assert_true(clock_ms() - begun < 100);
		} else {
			/* the call includes preparing */
			assert_err(ERR_BUSY, db_send(db, "f", NULL));
			assert_in_range(clock_ms() - begun, 149, 400);
		}
		db_close(db);
	}
	served();
}

/* The server does not take a cancel request either: its connection never ends. */
static void a_server_that_hangs_keeps_no_cancel_waiting(void **state)
{
	char conninfo[128];
	struct db_options options = { .conninfo = conninfo,
				      .program = "unit",
				      .pooled = true,
				      .deadline_ms = 150,
				      .cancels = true };
	struct db *db;
	int64_t begun;

	(void)state;
	serve((struct str){ 0 });
	snprintf(conninfo, sizeof(conninfo),
		 "host=127.0.0.1 port=%d user=u dbname=d sslmode=disable gssencmode=disable", port);
	db = db_open(&options);
	assert_err(ERR_NONE, db_wait(db, 2000));
	begun = clock_ms();
	assert_err(ERR_BUSY, db_call(db, "f", NULL, 120, NULL));
	assert_in_range(clock_ms() - begun, 119, 5000);
	assert_false(db_is_ready(db));
	db_close(db);
	served();
}

static void a_server_that_dies_is_noticed(void **state)
{
	struct db *db;
	struct pollfd fd;

	(void)state;
	serve((struct str){ 0 });
	db = open_port(true, 1000);
	assert_err(ERR_NONE, db_wait(db, 2000));
	assert_err(ERR_NONE, db_send(db, "f", NULL));
	kill(server, SIGKILL);
	db_poll(db, &fd);
	assert_int_equal(1, poll(&fd, 1, 1000));
	assert_err(ERR_BUSY, db_take(db, NULL));
	assert_false(db_is_ready(db));
	db_close(db);
	served();

	serve((struct str){ 0 });
	db = open_port(true, 1000);
	assert_err(ERR_NONE, db_wait(db, 2000));
	kill(server, SIGKILL);
	db_poll(db, &fd);
	assert_int_equal(1, poll(&fd, 1, 1000));
	db_maintain(db);
	assert_false(db_is_ready(db));
	db_close(db);
	served();
}

/* Only errors in the data are errors of the sender. */
static void every_sqlstate_has_its_meaning(void **state)
{
	static const struct {
		const char *sqlstate;
		enum err err;
		int calls;
		bool stays; /* the connection */
	} cases[] = {
		{ "22P02", ERR_INPUT, 1, true }, /* invalid text representation */
		{ "22P05", ERR_INPUT, 1, true }, /* untranslatable character */
		{ "22023", ERR_INPUT, 1, true },
		{ "23502", ERR_INPUT, 1, true }, /* not null */
		{ "23514", ERR_INPUT, 1, true }, /* check */
		{ "23505", ERR_CONFLICT, 1, true },
		{ "54000", ERR_INPUT, 1, true }, /* over a limit of the server */
		{ "P0001", ERR_INPUT, 1, true },
		{ "P0002", ERR_ABSENT, 1, true },
		{ "40001", ERR_BUSY, 2, false }, /* repeated once */
		{ "40P01", ERR_BUSY, 2, false },
		{ "08006", ERR_BUSY, 1, false },
		{ "0A000", ERR_BUSY, 1, false },
		{ "25006", ERR_BUSY, 1, false }, /* read only */
		{ "28000", ERR_BUSY, 1, false },
		{ "3D000", ERR_BUSY, 1, false },
		{ "42501", ERR_BUSY, 1, false }, /* no permission */
		{ "42883", ERR_BUSY, 1, false }, /* no such function */
		{ "42P01", ERR_BUSY, 1, false },
		{ "53100", ERR_BUSY, 1, false }, /* disk full */
		{ "53300", ERR_BUSY, 1, false },
		{ "55P03", ERR_BUSY, 1, false },
		{ "57014", ERR_BUSY, 1, false }, /* statement_timeout */
		{ "57P01", ERR_BUSY, 1, false }, /* shut down */
		{ "58030", ERR_BUSY, 1, false },
		{ "XX000", ERR_BUSY, 1, false },
		{ "P0000", ERR_BUSY, 1, false },
		{ "00000", ERR_BUSY, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct db_rows *rows = NULL;
		struct db *db;

		serve(error_reply(cases[i].sqlstate));
		db = open_port(true, 1000);
		assert_err(ERR_NONE, db_wait(db, 2000));
		if (db_call(db, "f", NULL, 1000, &rows) != cases[i].err)
			fail_msg("%s", cases[i].sqlstate);
		assert_null(rows);
		assert_string_equal("no such luck; ask again", db_problem(db));
		assert_int_equal(cases[i].calls, seen->syncs);
		assert_int_equal(cases[i].stays, db_is_ready(db));
		db_close(db);
		served();
	}
}

/* A failed prepare does not keep a broken connection. */
static void a_function_that_is_missing_is_busy(void **state)
{
	struct db *db;

	(void)state;
	serve(error_reply("42883"));
	db = open_port(false, 1000);
	assert_err(ERR_NONE, db_wait(db, 2000));
	assert_err(ERR_BUSY, db_call(db, "receiver.append", NULL, 1000, NULL));
	assert_false(db_is_ready(db));
	assert_int_equal(1, seen->syncs);
	db_close(db);
	served();
}

/* ---- a real server */

static struct db *real(bool pooled, const char *more)
{
	struct buf conninfo = { 0 };
	struct db *db;

	if (!cluster_given)
		skip();
	buf_addf(&conninfo, "%s %s", cluster_given, more);
	db = open_with(buf_text(&conninfo), pooled, 3000);
	buf_done(&conninfo);
	if (db_wait(db, 10000))
		fail_msg("%s: %s", cluster_given, db_problem(db));
	return db;
}

static void assert_calls(struct db *db, const char *function, const struct db_args *args,
			 const char *wanted)
{
	struct db_rows *rows = NULL;

	if (db_call(db, function, args, 5000, &rows))
		fail_msg("%s: %s", function, db_problem(db));
	assert_int_equal(1, db_rows_count(rows));
	assert_str(db_cell(rows, 0, 0), wanted);
	db_rows_free(rows);
}

static void real_arguments_arrive(void **state)
{
	(void)state;
	for (int pooled = 0; pooled < 2; pooled++) {
		struct db *db = real(pooled, "options='-c timezone=UTC'");
		struct db_args *args = db_args_new();

		assert_true(db_server_version(db) >= 140000);
		db_array(args, DB_INTS, 3);
		db_put_int(args, INT64_MIN);
		db_put_null(args);
		db_put_int(args, INT64_MAX);
		assert_calls(db, "array_to_json", args,
			     "[-9223372036854775808,null,9223372036854775807]");
		if (pooled) {
			/* the named statement has the type of its first call */
			db_args_clear(args);
			db_array(args, DB_TEXTS, 2);
			db_put_str(args, LIT("h\xc3\xa9\"\n"));
			db_put_str(args, (struct str){ 0 });
			assert_calls(db, "array_to_json", args, "[\"h\xc3\xa9\\\"\\n\",null]");
			db_args_clear(args);
			db_array(args, DB_TIMES, 2);
			db_put_time(args, INT64_C(1784288612827001));
			db_put_time(args, INT64_C(-62167219200000000));
			assert_calls(db, "array_to_json", args,
				     "[\"2026-07-17T11:43:32.827001+00:00\",\"0001-01-01T00:00:00+"
				     "00:00 BC\"]");
			db_args_clear(args);
			db_array(args, DB_BYTES, 1);
			db_put_str(args, LIT("\0\xff"));
			assert_calls(db, "array_to_json", args, "[\"\\\\x00ff\"]");
			db_args_clear(args);
			db_array(args, DB_JSONS, 1);
			db_put_str(args, LIT("{\"a\":1e200000}"));
			assert_calls(db, "array_to_json", args, "[{\"a\":1e200000}]");
			db_args_clear(args);
			db_array(args, DB_INTS, 0);
			assert_calls(db, "array_to_json", args, "[]");
		}
		db_args_clear(args);
		db_arg_text(args, LIT("it's"));
		assert_calls(db, "quote_nullable", args, "'it''s'");
		db_args_clear(args);
		db_arg_text(args, (struct str){ 0 });
		assert_calls(db, "quote_nullable", args, "NULL");
		db_args_free(args);
		db_close(db);
	}
}

/* More functions than prepared statements are kept, as on a page with many actions. */
static void real_functions_are_never_too_many(void **state)
{
	struct db *db = real(false, "");
	char name[32], text[128];

	(void)state;
	assert_int_equal(ERR_NONE, db_run(db, "create schema many"));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 120; i++) {
			struct db_args *args = db_args_new();
			struct db_rows *rows = NULL;

			snprintf(name, sizeof(name), "many.f%d", i);
			snprintf(text, sizeof(text),
				 "create function many.f%d(bigint) returns bigint language sql "
				 "return $1 + %d",
				 i, i);
			if (round == 0)
				assert_int_equal(ERR_NONE, db_run(db, text));
			db_arg_int(args, 1000);
			assert_int_equal(ERR_NONE, db_call(db, name, args, 5000, &rows));
			assert_int_equal(1000 + i, db_int(rows, 0, name + sizeof("many.") - 1));
			db_rows_free(rows);
			db_args_free(args);
		}
	}
	assert_int_equal(ERR_NONE, db_run(db, "drop schema many cascade"));
	db_close(db);
}

static void real_large_calls_go_through(void **state)
{
	struct db *db = real(false, "");
	struct db_args *args = db_args_new();
	struct buf large = { 0 };

	(void)state;
	for (int i = 0; i < 20000000; i++)
		buf_add_char(&large, (char)i);
	db_arg_bytes(args, buf_str(&large));
	assert_calls(db, "octet_length", args, "20000000");
	db_args_free(args);
	buf_done(&large);
	db_close(db);
}

static void real_failures(void **state)
{
	static const struct {
		const char *sqlstate;
		enum err err;
	} cases[] = {
		{ "22P02", ERR_INPUT }, { "23505", ERR_CONFLICT }, { "P0002", ERR_ABSENT },
		{ "P0001", ERR_INPUT }, { "40001", ERR_BUSY },	   { "42501", ERR_BUSY },
	};
	struct db *db = real(false, "");
	struct db_args *args = db_args_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_err(ERR_NONE, db_wait(db, 5000));
		assert_err(ERR_NONE,
			   db_run(db,
				  "create or replace function pg_temp.fail(code text) returns void "
				  "language plpgsql as $$ begin raise exception 'no luck' "
				  "using errcode = code, hint = 'ask again'; end $$"));
		db_args_clear(args);
		db_arg_text(args, str_of(cases[i].sqlstate));
		assert_err(cases[i].err, db_call(db, "pg_temp.fail", args, 5000, NULL));
		assert_string_equal("no luck; ask again", db_problem(db));
	}
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_err(ERR_BUSY, db_call(db, "no.such_function", NULL, 5000, NULL));
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_true(db_run(db, "select 1; nonsense") != ERR_NONE);
	assert_true(db_is_ready(db));
	db_args_free(args);
	db_close(db);
}

static void in_words(struct str code, struct str params, struct buf *out)
{
	buf_addf(out, "<%.*s> %.*s", (int)code.len, code.at, (int)params.len, params.at);
}

/* As ledger.refuse() raises it. */
static void real_codes(void **state)
{
	struct db_options how = { .conninfo = cluster_given,
				  .program = "test",
				  .deadline_ms = 3000 };
	struct db_args *args = db_args_new();
	struct db *db;

	(void)state;
	if (!cluster_given)
		skip();
	for (int has_words = 0; has_words < 2; has_words++) {
		static const char *const sentences[] = { "no such luck", "Area.what",
							 "area.what here", "42" };

		how.wording = has_words ? in_words : NULL;
		db = db_open(&how);
		assert_err(ERR_NONE, db_wait(db, 5000));
		assert_err(ERR_NONE, db_run(db, "create or replace function pg_temp.fail(words "
						"text, more text) returns void language plpgsql as "
						"$$ begin raise exception '%', words using errcode "
						"= 'P0002', detail = more; end $$"));
		db_args_clear(args);
		db_arg_text(args, LIT("area.what_2"));
		db_arg_text(args, LIT("{\"n\":1}"));
		assert_err(ERR_ABSENT, db_call(db, "pg_temp.fail", args, 5000, NULL));
		assert_str(db_code(db), "area.what_2");
		assert_str(db_params(db), "{\"n\":1}");
		assert_string_equal(has_words ? "<area.what_2> {\"n\":1}" : "area.what_2 {\"n\":1}",
				    db_problem(db));
		assert_string_equal("P0002", db_sqlstate(db));
		/* texts that are no code */
		for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
			db_args_clear(args);
			db_arg_text(args, str_of(sentences[i]));
			db_arg_text(args, LIT("{\"n\":1}"));
			assert_err(ERR_ABSENT, db_call(db, "pg_temp.fail", args, 5000, NULL));
			assert_string_equal(sentences[i], db_problem(db));
			assert_int_equal(0, db_code(db).len);
			assert_int_equal(0, db_params(db).len);
		}
		db_close(db);
	}
	db_args_free(args);
}

static void real_connections_come_back(void **state)
{
	struct db *db = real(false, "");
	struct db_args *args = db_args_new();
	int64_t begun;

	(void)state;
	db_arg_text(args, LIT("statement_timeout"));
	assert_calls(db, "current_setting", args, "3s");
	/* the server ends the connection, during a call and between two */
	assert_true(db_run(db, "select pg_terminate_backend(pg_backend_pid())") != ERR_NONE);
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_calls(db, "current_setting", args, "3s");
	/* a call that takes too long is ended, and its connection too */
	db_args_clear(args);
	db_arg_int(args, 2);
	begun = clock_ms();
	assert_err(ERR_BUSY, db_call(db, "pg_sleep", args, 200, NULL));
	assert_in_range(clock_ms() - begun, 199, 600);
	assert_false(db_is_ready(db));
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_calls(db, "pg_is_in_recovery", NULL, "f");
	db_args_free(args);
	db_close(db);
}

static void real_calls_in_two_halves(void **state)
{
	struct db *db = real(false, "");
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct pollfd fd;
	enum err err;

	(void)state;
	db_arg_text(args, LIT("x"));
	assert_err(ERR_NONE, db_send(db, "quote_literal", args));
	assert_true(db_is_working(db));
	assert_err(ERR_BUSY, db_call(db, "quote_literal", args, 100, NULL));
	while ((err = db_take(db, &rows)) == ERR_PACE) {
		db_poll(db, &fd);
		assert_int_equal(1, poll(&fd, 1, 5000));
	}
	assert_err(ERR_NONE, err);
	assert_str(db_str(rows, 0, "quote_literal"), "'x'");
	assert_true(db_is_ready(db));
	db_rows_free(rows);
	db_rows_free(NULL);
	db_args_free(args);
	db_close(db);
}

static void real_rows_are_read(void **state)
{
	struct db *db = real(false, "");
	struct db_rows *rows = NULL;
	struct buf bytes = { 0 };

	(void)state;
	for (int escape = 0; escape < 2; escape++) {
		assert_err(ERR_NONE, db_run(db, escape ? "set bytea_output = 'escape'"
						       : "set bytea_output = 'hex'"));
		assert_err(ERR_NONE, db_run(db, "create or replace function pg_temp.rows() returns "
						"table (i bigint, t text, b bytea, y boolean) "
						"language sql as $$ values (9223372036854775807, "
						"'h\xc3\xa9', '\\x00ff5c'::bytea, true), "
						"(null, null, null, null) $$"));
		assert_err(ERR_NONE, db_call(db, "pg_temp.rows", NULL, 5000, &rows));
		assert_int_equal(2, db_rows_count(rows));
		assert_int_equal(4, db_rows_columns(rows));
		assert_string_equal("b", db_column(rows, 2));
		assert_true(db_int(rows, 0, "i") == INT64_MAX);
		assert_str(db_str(rows, 0, "t"), "h\xc3\xa9");
		assert_true(db_bool(rows, 0, "y"));
		buf_clear(&bytes);
		db_bytes(rows, 0, "b", &bytes);
		assert_true(str_equal(buf_str(&bytes), LIT("\0\xff\\")));
		assert_true(db_is_null(rows, 1, "i"));
		assert_false(db_is_null(rows, 0, "i"));
		assert_int_equal(0, db_int(rows, 1, "i"));
		assert_int_equal(0, db_str(rows, 1, "t").len);
		assert_false(db_bool(rows, 1, "y"));
		db_bytes(rows, 1, "b", &bytes);
		assert_int_equal(3, bytes.len);
		db_rows_free(rows);
	}
	buf_done(&bytes);
	db_close(db);
}

/* Options of the connection string are used too. */
static void real_options_are_kept(void **state)
{
	struct db *db = real(false, "options='-c search_path=mine -c statement_timeout=1'");
	struct db_args *args = db_args_new();

	(void)state;
	db_arg_text(args, LIT("search_path"));
	assert_calls(db, "current_setting", args, "mine");
	db_args_clear(args);
	db_arg_text(args, LIT("statement_timeout"));
	assert_calls(db, "current_setting", args, "3s");
	db_args_free(args);
	db_close(db);
}

/* Settings of the database for all sessions do not change ours. */
static void real_settings_are_pinned(void **state)
{
	static const struct {
		const char *name, *hostile, *ours;
	} table[] = {
		{ "standard_conforming_strings", "off", "on" },
		{ "DateStyle", "German", "ISO, MDY" },
		{ "IntervalStyle", "sql_standard", "postgres" },
		{ "TimeZone", "Asia/Tokyo", "UTC" },
		{ "default_transaction_read_only", "on", "off" },
		{ "default_transaction_isolation", "serializable", "read committed" },
		{ "bytea_output", "escape", "hex" },
		{ "extra_float_digits", "-5", "1" },
		{ "array_nulls", "off", "on" },
		{ "transform_null_equals", "on", "off" },
		{ "quote_all_identifiers", "on", "off" },
		{ "backslash_quote", "off", "safe_encoding" },
		{ "search_path", "nowhere", "pg_catalog,public" },
		{ "client_encoding", "LATIN1", "UTF8" },
		{ "lock_timeout", "1", "0" },
		{ "idle_in_transaction_session_timeout", "1", "0" },
		{ "row_security", "off", "on" },
		{ "xmlbinary", "hex", "base64" },
		{ "statement_timeout", "1", "3s" },
		{ "check_function_bodies", "off", "on" },
	};
	struct db *db = real(false, "");
	struct db_args *args = db_args_new();
	struct buf text = { 0 };

	(void)state;
	buf_add_text(&text, "create database hostile");
	if (db_run(db, buf_text(&text)))
		fail_msg("%s", db_problem(db));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_clear(&text);
		buf_addf(&text, "alter database hostile set %s = '%s'", table[i].name,
			 table[i].hostile);
		if (db_run(db, buf_text(&text)))
			fail_msg("%s: %s", table[i].name, db_problem(db));
	}
	db_close(db);
	db = real(false, "dbname=hostile");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		db_args_clear(args);
		db_arg_text(args, str_of(table[i].name));
		assert_calls(db, "current_setting", args, table[i].ours);
	}
	db_close(db);
	/* a pooler keeps these for each client */
	db = real(true, "dbname=hostile");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, "DateStyle") && strcmp(table[i].name, "TimeZone") &&
		    strcmp(table[i].name, "client_encoding"))
			continue;
		db_args_clear(args);
		db_arg_text(args, str_of(table[i].name));
		assert_calls(db, "current_setting", args, table[i].ours);
	}
	db_close(db);
	db = real(false, "");
	assert_err(ERR_NONE, db_run(db, "drop database hostile with (force)"));
	db_close(db);
	db_args_free(args);
	buf_done(&text);
}

/* A session gets the notifications of another, also during a call. */
static void real_notifications_are_heard(void **state)
{
	struct db *db = real(false, ""), *other = real(false, "");
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct pollfd fd;
	int64_t sum = 0, session = db_session(db);

	(void)state;
	assert_false(db_take_notifications(db, &sum));
	assert_err(ERR_NONE, db_run(db, "listen news"));
	assert_err(ERR_NONE, db_run(other, "notify news, '3'; notify news, '4'; notify news, 'x'; "
					   "notify elsewhere, '9'"));
	db_poll(db, &fd);
	assert_int_equal(1, poll(&fd, 1, 5000));
	db_maintain(db);
	assert_true(db_is_ready(db));
	assert_true(db_take_notifications(db, &sum));
	assert_int_equal(7, sum);
	assert_false(db_take_notifications(db, &sum));

	assert_err(ERR_NONE, db_run(other, "notify news, '5'"));
	db_arg_text(args, LIT("search_path"));
	assert_err(ERR_NONE, db_call(db, "current_setting", args, 3000, &rows));
	db_rows_free(rows);
	assert_true(db_take_notifications(db, &sum));
	assert_int_equal(12, sum);
	/* after the largest number it does not start again at the smallest */
	assert_err(ERR_NONE, db_run(other, "notify news, '9223372036854775807'"));
	assert_err(ERR_NONE, db_call(db, "current_setting", args, 3000, NULL));
	assert_true(db_take_notifications(db, &sum));
	assert_int_equal(12, sum);
	/* another session must listen again */
	assert_int_equal(session, db_session(db));
	db_drop(db);
	assert_false(db_take_notifications(db, &sum));
	assert_err(ERR_NONE, db_wait(db, 5000));
	assert_int_equal(session + 1, db_session(db));
	db_args_free(args);
	db_close(other);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(conninfo_is_wrong),
		cmocka_unit_test(a_password_is_not_shown),
		cmocka_unit_test(a_silent_listener_costs_its_deadline),
		cmocka_unit_test(a_listener_of_another_kind),
		cmocka_unit_test(a_server_that_hangs_costs_its_wait),
		cmocka_unit_test(a_server_that_hangs_keeps_no_cancel_waiting),
		cmocka_unit_test(a_server_that_dies_is_noticed),
		cmocka_unit_test(every_sqlstate_has_its_meaning),
		cmocka_unit_test(a_function_that_is_missing_is_busy),
		cmocka_unit_test(real_arguments_arrive),
		cmocka_unit_test(real_functions_are_never_too_many),
		cmocka_unit_test(real_large_calls_go_through),
		cmocka_unit_test(real_failures),
		cmocka_unit_test(real_codes),
		cmocka_unit_test(real_connections_come_back),
		cmocka_unit_test(real_calls_in_two_halves),
		cmocka_unit_test(real_rows_are_read),
		cmocka_unit_test(real_options_are_kept),
		cmocka_unit_test(real_settings_are_pinned),
		cmocka_unit_test(real_notifications_are_heard),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("db", tests, cluster_up, cluster_down);
}
