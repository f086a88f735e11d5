/* SPDX-License-Identifier: ISC */
/* Operators: the people who may log in at the admin page, and their roles. */
#include <stdio.h>

#include "base/db.h"
#include "base/password.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "ledger/catalog.h"

static struct {
	const char *role, *zone, *password_file;
	bool json;
} given = { .role = "owner", .zone = "UTC" };

/* Reads the password of the operator `name` from the file of the options, or asks for it
   twice. Gives its hash. */
static bool read_password(const char *name, struct buf *hash)
{
	struct buf password = { 0 }, again = { 0 };
	const char *flaw;
	bool fine = false;

	if (given.password_file) {
		if (!input_secret(given.password_file, &password))
			goto done;
	} else if (!prompt_has_terminal()) {
		term_problem("there is no terminal to ask for the password; give "
			     "--password-file FILE, or - for standard input");
		goto done;
	} else if (!prompt_secret("Password: ", &password) ||
		   !prompt_secret("Once more: ", &again)) {
		goto done;
	} else if (!str_equal(buf_str(&password), buf_str(&again))) {
		term_problem("the two are not the same");
		goto done;
	}
	flaw = password_flaw(buf_str(&password), str_of(name));
	if (flaw) {
		term_problem("%s", catalog_find(str_of(flaw)));
		goto done;
	}
	password_keep(buf_str(&password), hash);
	fine = true;
done:
	mem_wipe(password.at, password.len);
	mem_wipe(again.at, again.len);
	buf_done(&password);
	buf_done(&again);
	return fine;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct buf hash = { 0 };
	struct db_args *args = NULL;
	int status = CLI_FAILED;
	int64_t id;

	(void)argc;
	if (!read_password(argv[0], &hash))
		goto done;
	args = db_args_new();
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(given.role));
	db_arg_text(args, str_of(given.zone));
	db_arg_text(args, buf_str(&hash));
	if (cli_call_number(cli->db, "operator.operator_add", args, &id))
		goto done;
	printf("Operator %lld, %s, may log in as %s.\n", (long long)id, argv[0], given.role);
	status = CLI_FINE;
done:
	db_args_free(args);
	buf_done(&hash);
	return status;
}

/* What is NULL stays as it is. */
static int change(struct cli *cli, const char *name, const char *role, const bool *enable,
		  struct str hash, const char *outcome)
{
	struct db_args *args = db_args_new();

	db_arg_text(args, str_of(name));
	db_arg_text(args, str_of(role));
	db_arg_null(args); /* the time zone */
	cli_arg_bool(args, enable);
	db_arg_text(args, hash);
	return cli_change(cli, "operator.operator_set", args, "Operator %s %s.", name, outcome);
}

static int run_password(struct cli *cli, int argc, char **argv)
{
	struct buf hash = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (read_password(argv[0], &hash))
		status = change(cli, argv[0], NULL, NULL, buf_str(&hash),
				"has the new password, and no session any more");
	buf_done(&hash);
	return status;
}

static int run_role(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return change(cli, argv[0], argv[1], NULL, (struct str){ 0 }, "has the role");
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return change(cli, argv[0], NULL, &(bool){ true }, (struct str){ 0 }, "may log in");
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return change(cli, argv[0], NULL, &(bool){ false }, (struct str){ 0 },
		      "may not log in any more, and has no session");
}

static int run_totp_reset(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	if (!cli_call(cli->db, "operator.totp_reset", args, &rows)) {
		printf("Operator %s logs in with the password alone %s.\n", argv[0],
		       db_bool(rows, 0, "totp_reset") ? "until new codes are set up" : "already");
		status = CLI_FINE;
	}
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static void add_state(struct buf *out, const struct db_rows *rows, size_t row, const void *context)
{
	(void)context;
	buf_add_text(out, db_bool(rows, row, "enabled") ? "enabled" : "disabled");
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const struct list_column columns[] = {
		{ .column = "operator_id", .member = "operator_id" },
		{ .column = "name", .head = "NAME", .member = "name" },
		{ .column = "role", .head = "ROLE", .member = "role" },
		{ .column = "time_zone", .head = "ZONE", .member = "zone" },
		{ .column = "enabled", .member = "enabled" },
		{ .column = "enabled", .head = "STATE", .add = add_state },
		{ .column = "totp", .head = "CODES", .member = "totp" },
		{ .column = "sessions", .head = "SESSIONS", .member = "sessions" },
		{ .column = "seen_us", .head = "LAST LOGIN", .absent = "never" },
		{ 0 },
	};

	(void)argc, (void)argv;
	return cli_list(
		cli, "operator.operator_list", NULL,
		(struct list){ .name = "operators", .json = given.json, .columns = columns });
}

#define PASSWORD_OPTION \
	{ \
		"password-file", OPTION_TEXT, &given.password_file, "FILE", \
			"the password; - for standard input (else it is asked for)" \
	}

static const struct cli_option add_options[] = {
	{ "role", OPTION_TEXT, &given.role, "ROLE",
	  "owner may change everything (default), viewer may only read" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE",
	  "time zone in which the page shows times (UTC)" },
	PASSWORD_OPTION,
	{ 0 },
};

static const struct cli_option password_options[] = { PASSWORD_OPTION, { 0 } };

static const struct cli_option list_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_operator[] = {
	{ .name = "operator add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .operands = "NAME",
	  .options = add_options,
	  .help = "let a person use the admin page" },
	{ .name = "operator list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list the people who may use the admin page" },
	{ .name = "operator password",
	  .need = NEED_OPERATOR,
	  .run = run_password,
	  .operands = "NAME",
	  .options = password_options,
	  .help = "set a new password; ends the sessions" },
	{ .name = "operator role",
	  .need = NEED_OPERATOR,
	  .run = run_role,
	  .operands = "NAME ROLE",
	  .options = no_options,
	  .help = "make an operator owner or viewer" },
	{ .name = "operator disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "keep an operator out; ends the sessions" },
	{ .name = "operator enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "let an operator in again" },
	{ .name = "operator totp-reset",
	  .need = NEED_OPERATOR,
	  .run = run_totp_reset,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "remove the second factor of an operator who has lost the app" },
	{ 0 },
};
