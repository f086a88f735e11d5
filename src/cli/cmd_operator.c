/* SPDX-License-Identifier: ISC */
/* Operators of the admin page: who may log in there, and as what. */
#include <stdio.h>

#include "base/db.h"
#include "base/json.h"
#include "base/password.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/prompt.h"
#include "cli/term.h"

static struct {
	const char *role, *zone, *password_file;
	bool json;
} given = { .role = "owner", .zone = "UTC" };

/* The password of the operator `name`, from where the options say, or asked for
   twice; as it is kept. */
static bool read_kept(const char *name, struct buf *kept)
{
	struct buf password = { 0 }, again = { 0 };
	const char *flaw;
	bool fine = false;

	if (given.password_file) {
		if (!input_secret(given.password_file, &password))
			goto done;
	} else if (!prompt_is_possible()) {
		term_problem("there is no terminal to ask for the password at; give "
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
		term_problem("%s", flaw);
		goto done;
	}
	password_keep(buf_str(&password), kept);
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
	struct buf kept = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	if (!read_kept(argv[0], &kept))
		goto done;
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(given.role));
	db_arg_text(args, str_of(given.zone));
	db_arg_text(args, buf_str(&kept));
	if (cli_call(cli->db, "operator.operator_add", args, &rows))
		goto done;
	printf("Operator %lld, %s, may log in as %s.\n", (long long)db_int(rows, 0, "operator_add"),
	       argv[0], given.role);
	status = CLI_FINE;
done:
	db_rows_free(rows);
	db_args_free(args);
	buf_done(&kept);
	return status;
}

/* What is NULL stays as it is. */
static int change(struct cli *cli, const char *name, const char *role, const bool *enable,
		  struct str kept, const char *words)
{
	struct db_args *args = db_args_new();
	int status = CLI_FAILED;

	db_arg_text(args, str_of(name));
	db_arg_text(args, role ? str_of(role) : (struct str){ 0 });
	db_arg_text(args, (struct str){ 0 });
	if (enable)
		db_arg_bool(args, *enable);
	else
		db_arg_null(args);
	db_arg_text(args, kept);
	if (!cli_call(cli->db, "operator.operator_set", args, NULL)) {
		printf("Operator %s %s.\n", name, words);
		status = CLI_FINE;
	}
	db_args_free(args);
	return status;
}

static int run_password(struct cli *cli, int argc, char **argv)
{
	struct buf kept = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (read_kept(argv[0], &kept))
		status = change(cli, argv[0], NULL, NULL, buf_str(&kept),
				"has the new password, and no session any more");
	buf_done(&kept);
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
		printf(db_bool(rows, 0, "totp_reset")
			       ? "Operator %s logs in with the password alone until new codes are "
				 "set up.\n"
			       : "Operator %s logs in with the password alone already.\n",
		       argv[0]);
		status = CLI_FINE;
	}
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static void put_json(struct buf *out, const struct db_rows *rows, size_t row)
{
	buf_add_text(out, row ? ",{" : "{");
	json_put_id(out, "operator_id", db_int(rows, row, "operator_id"));
	json_put_text(out, "name", db_str(rows, row, "name"));
	json_put_text(out, "role", db_str(rows, row, "role"));
	json_put_text(out, "zone", db_str(rows, row, "time_zone"));
	json_put_bool(out, "enabled", db_bool(rows, row, "enabled"));
	json_put_bool(out, "totp", db_bool(rows, row, "totp"));
	json_put_int(out, "sessions", db_int(rows, row, "sessions"));
	buf_add_char(out, '}');
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const char *const heads[] = { "NAME",  "ROLE",	  "ZONE",      "STATE",
					     "CODES", "SESSIONS", "LAST LOGIN" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	struct db_rows *rows = NULL;
	struct buf json = { 0 };
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "operator.operator_list", NULL, &rows))
		goto done;
	buf_add_text(&json, "{\"operators\":[");
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		put_json(&json, rows, i);
		table_text(table, db_str(rows, i, "name"));
		table_text(table, db_str(rows, i, "role"));
		table_text(table, db_str(rows, i, "time_zone"));
		table_text(table, str_of(db_bool(rows, i, "enabled") ? "enabled" : "disabled"));
		table_text(table, str_of(db_bool(rows, i, "totp") ? "yes" : "no"));
		table_int(table, db_int(rows, i, "sessions"));
		if (db_is_null(rows, i, "seen_us"))
			table_text(table, str_of("never"));
		else
			table_ago(table, db_int(rows, i, "seen_us"));
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

#define PASSWORD_OPTION \
	{ \
		"password-file", OPTION_TEXT, &given.password_file, "FILE", \
			"the password; - for standard input (else it is asked for)" \
	}

static const struct cli_option add_options[] = {
	{ "role", OPTION_TEXT, &given.role, "ROLE",
	  "owner may change everything (default), viewer may look" },
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
	  .help = "let somebody use the admin page" },
	{ .name = "operator list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list who may use the admin page" },
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
	  .help = "ask an operator, who has lost the app, for no codes any more" },
	{ 0 },
};
