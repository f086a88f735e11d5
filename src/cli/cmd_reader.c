/* SPDX-License-Identifier: ISC */
/* Logins of PostgreSQL for analysts: they read schema toggl and nothing else. */
#include <stdio.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"

/* 192 random bits: what is kept of it cannot be searched. */
enum { PASSWORD_RANDOM = 24 };

static struct {
	int64_t timeout_us, connections;
	bool json;
} given = { .timeout_us = INT64_C(60) * 1000000, .connections = 5 };

/* ---- add */

static bool say_added(const char *login, struct str database, const struct buf *password)
{
	struct buf out = { 0 };
	bool is_said;

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
	is_said = term_write(buf_str(&out));
	mem_wipe(out.at, out.len);
	buf_done(&out);
	return is_said;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct buf password = { 0 }, verifier = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	crypto_random_text(&password, PASSWORD_RANDOM);
	/* the server, and its log, get to see the verifier only */
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
	if (say_added(argv[0], db_str(rows, 0, "reader_add"), &password))
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

static void put_json(struct buf *out, const struct db_rows *rows, size_t row)
{
	buf_add_text(out, row ? ",{" : "{");
	json_put_text(out, "login", db_str(rows, row, "login"));
	json_put_bool(out, "made_here", db_bool(rows, row, "is_ours"));
	json_put_text(out, "statement_timeout", db_str(rows, row, "timeout"));
	json_put_int(out, "connections_max", db_int(rows, row, "connections"));
	json_put_int(out, "connections", db_int(rows, row, "in_use"));
	buf_add_char(out, '}');
}

/* "60000" is what we set, "1min" what somebody may have. */
static void put_row(struct table *table, const struct db_rows *rows, size_t row)
{
	struct str timeout = db_str(rows, row, "timeout");
	int64_t limit = db_int(rows, row, "connections"), ms = 0;
	struct buf cell = { 0 };

	table_text(table, db_str(rows, row, "login"));
	if (str_int(timeout, &ms) && ms > 0)
		buf_addf(&cell, "%lld s", (long long)(ms / 1000));
	else
		buf_add_str(&cell, timeout.len && ms == 0 && !str_is(timeout, "0")
					   ? timeout
					   : str_of("none"));
	table_text(table, buf_str(&cell));
	buf_clear(&cell);
	buf_addf(&cell, "%lld", (long long)db_int(rows, row, "in_use"));
	if (limit >= 0)
		buf_addf(&cell, " of %lld", (long long)limit);
	table_text(table, buf_str(&cell));
	table_text(table, str_of(db_bool(rows, row, "is_ours") ? "here" : "by hand"));
	buf_done(&cell);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const char *const heads[] = { "LOGIN", "TIME LIMIT", "CONNECTIONS", "MADE" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	struct db_rows *rows = NULL;
	struct buf json = { 0 };
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "ledger.reader_list", NULL, &rows))
		goto done;
	buf_add_text(&json, "{\"readers\":[");
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		put_row(table, rows, i);
		put_json(&json, rows, i);
	}
	buf_add_text(&json, "]}\n");
	if (given.json ? term_write(buf_str(&json)) : table_write(table))
		status = CLI_FINE;
done:
	table_free(table);
	db_rows_free(rows);
	buf_done(&json);
	return status;
}

static int run_remove(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	int status = CLI_FAILED;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	if (cli_call(cli->db, "ledger.reader_remove", args, NULL))
		goto done;
	printf("Login %s is gone, and so are its connections.\n", argv[0]);
	status = CLI_FINE;
done:
	db_args_free(args);
	return status;
}

static const struct cli_option add_options[] = {
	{ "timeout", OPTION_SPAN, &given.timeout_us, "SPAN",
	  "how long a statement may take (60s); 0: no limit" },
	{ "connections", OPTION_COUNT, &given.connections, "N",
	  "how many it may have at once (5)" },
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
	  .help = "make a login of PostgreSQL that reads schema toggl and nothing else",
	  .more = "Needs db_roles = yes, and an owner who may make roles (CREATEROLE)." },
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
	  .help = "end the connections of such a login, and drop it" },
	{ 0 },
};
