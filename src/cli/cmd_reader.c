/* SPDX-License-Identifier: ISC */
/* Readers: logins of PostgreSQL for analysts, who may read schema toggl and nothing else. */
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/term.h"

/* 192 random bits: nobody finds the password by trying all against its verifier. */
enum { PASSWORD_RANDOM = 24 };

static struct {
	int64_t timeout_us, connections;
	bool json;
} given = { .timeout_us = INT64_C(60) * 1000000, .connections = 5 };

/* ---- add */

static bool print_added(const char *login, struct str database, const struct buf *password)
{
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_text(&out, "login", str_of(login));
		json_put_text(&out, "password", buf_str(password));
		json_put_text(&out, "database", database);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out, "Login %s\n  password      %s\n  database      ", login,
			 buf_text(password));
		term_add_safe(&out, database);
		buf_addf(&out, "\n  may           read schema toggl\n  a statement   ");
		if (given.timeout_us)
			buf_addf(&out, "takes at most %lld s\n",
				 (long long)(given.timeout_us / 1000000));
		else
			buf_add_text(&out, "takes as long as it takes\n");
		buf_addf(&out, "  connections   at most %lld\nThe password is not shown again.\n",
			 (long long)given.connections);
	}
	return term_write_buf(&out);
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct buf password = { 0 }, verifier = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	crypto_random_text(&password, PASSWORD_RANDOM);
	/* the server and its log see the verifier only */
	if (db_verifier(cli->db, argv[0], buf_text(&password), &verifier)) {
		term_problem("the password could not be prepared: %s", db_problem(cli->db));
		goto done;
	}
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, buf_str(&verifier));
	db_arg_int(args, given.timeout_us / 1000);
	db_arg_int(args, given.connections);
	if (cli_call(cli->db, "ledger.reader_add", args, &rows))
		goto done;
	if (print_added(argv[0], db_str(rows, 0, "reader_add"), &password))
		status = CLI_FINE;
done:
	mem_wipe(password.at, password.len);
	buf_done(&password);
	buf_done(&verifier);
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* ---- list and remove */

/* "60000" is what we set, "1min" what somebody may have set by hand. */
static void add_time_limit(struct buf *out, const struct db_rows *rows, size_t row,
			   const void *context)
{
	struct str timeout = db_str(rows, row, "timeout");
	int64_t ms = 0;

	(void)context;
	if (str_int(timeout, &ms) && ms > 0)
		buf_addf(out, "%lld s", (long long)(ms / 1000));
	else
		buf_add_str(out, timeout.len && ms == 0 && !str_is(timeout, "0") ? timeout
										 : str_of("none"));
}

static void add_connections(struct buf *out, const struct db_rows *rows, size_t row,
			    const void *context)
{
	int64_t limit = db_int(rows, row, "connections");

	(void)context;
	buf_addf(out, "%lld", (long long)db_int(rows, row, "in_use"));
	if (limit >= 0)
		buf_addf(out, " of %lld", (long long)limit);
}

static void add_maker(struct buf *out, const struct db_rows *rows, size_t row, const void *context)
{
	(void)context;
	buf_add_text(out, db_bool(rows, row, "is_ours") ? "here" : "by hand");
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const struct list_column columns[] = {
		{ .column = "login", .head = "LOGIN", .member = "login" },
		{ .column = "is_ours", .member = "made_here" },
		{ .column = "timeout", .member = "statement_timeout" },
		{ .column = "connections", .member = "connections_max" },
		{ .column = "in_use", .member = "connections" },
		{ .column = "timeout", .head = "TIME LIMIT", .add = add_time_limit },
		{ .column = "in_use", .head = "CONNECTIONS", .add = add_connections },
		{ .column = "is_ours", .head = "MADE", .add = add_maker },
		{ 0 },
	};

	(void)argc, (void)argv;
	return cli_list(cli, "ledger.reader_list", NULL,
			(struct list){ .name = "readers", .json = given.json, .columns = columns });
}

static int run_remove(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	return cli_change(cli, "ledger.reader_remove", args,
			  "Login %s is gone, and so are its connections.", argv[0]);
}

static const struct cli_option add_options[] = {
	{ "timeout", OPTION_SPAN, &given.timeout_us, "SPAN",
	  "how long a statement may take (60s); 0: no limit" },
	{ "connections", OPTION_COUNT, &given.connections, "N",
	  "how many connections it may have at once (5)" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_reader[] = {
	{ .name = "reader add",
	  .need = NEED_OWNER,
	  .run = run_add,
	  .operands = "NAME",
	  .options = add_options,
	  .help = "add a login of PostgreSQL that may read schema toggl and nothing else",
	  .more = "Needs db_roles = yes, and an owner who may create roles (CREATEROLE)." },
	{ .name = "reader list",
	  .need = NEED_OWNER,
	  .run = run_list,
	  .options = list_options,
	  .help = "list these logins" },
	{ .name = "reader remove",
	  .need = NEED_OWNER,
	  .run = run_remove,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "end the connections of such a login, and drop the login" },
	{ 0 },
};
