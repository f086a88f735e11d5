/* SPDX-License-Identifier: ISC */
/* Accounts: who may use our API. A token is shown once, when it is made; the database
   has only its SHA-256. */
#include <stdio.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"

static struct {
	const char *name, *email, *zone;
	int64_t user;
	bool admin, json;
} given;

static const char NOUN[] = "the number of an account";

static bool print_token(int64_t account, const struct buf *token)
{
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_id(&out, "account_id", account);
		json_put_text(&out, "api_token", buf_str(token));
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out,
			 "Account %lld\n  API token  %s\n"
			 "The token is not shown again. It is the user name of HTTP Basic\n"
			 "authentication; the password is the word api_token.\n",
			 (long long)account, buf_text(token));
	}
	return term_write_buf(&out);
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args;
	struct buf token = { 0 };
	int status = CLI_FAILED;
	int64_t id;

	(void)argc;
	if (!given.user) {
		term_problem("say which Toggl user it stands for: --user ID");
		return CLI_USAGE;
	}
	args = db_args_new();
	crypto_token(&token, digest);
	db_arg_text(args, str_of(argv[0]));
	db_arg_int(args, given.user);
	db_arg_text(args, str_of(given.email));
	db_arg_text(args, str_of(given.zone ? given.zone : "UTC"));
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	if (!cli_call_number(cli->db, "operator.account_add", args, &id) && print_token(id, &token))
		status = CLI_FINE;
	mem_wipe(token.at, token.len);
	buf_done(&token);
	db_args_free(args);
	return status;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.account_list", NULL,
			(struct list){ .name = "accounts", .json = given.json });
}

/* The rest of the arguments of operator.account_set(); null leaves a value as it is. */
static void arg_changes(struct db_args *args, const bool *enable, struct str digest)
{
	db_arg_text(args, str_of(given.name));
	db_arg_text(args, str_of(given.email));
	db_arg_text(args, str_of(given.zone));
	cli_arg_bool(args, enable);
	if (digest.at)
		db_arg_bytes(args, digest);
	else
		db_arg_null(args);
}

static int set(struct cli *cli, const char *word, const bool *enable, const char *outcome)
{
	int64_t id;
	struct db_args *args = cli_id_args(word, NOUN, &id);

	if (!args)
		return CLI_USAGE;
	if (!enable && !given.name && !given.email && !given.zone) {
		term_problem("nothing to change: give --name, --email or --zone");
		db_args_free(args);
		return CLI_USAGE;
	}
	arg_changes(args, enable, (struct str){ 0 });
	return cli_change(cli, "operator.account_set", args, "Account %lld is %s.", (long long)id,
			  outcome);
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set(cli, argv[0], NULL, "changed");
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set(cli, argv[0], &(bool){ true }, "enabled");
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set(cli, argv[0], &(bool){ false },
		   "disabled: its token is refused and its subscriptions get nothing");
}

static int run_rotate(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);
	unsigned char digest[DIGEST_BYTES];
	struct buf token = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	crypto_token(&token, digest);
	arg_changes(args, NULL, (struct str){ (const char *)digest, sizeof(digest) });
	if (!cli_call(cli->db, "operator.account_set", args, NULL) && print_token(id, &token))
		status = CLI_FINE;
	mem_wipe(token.at, token.len);
	buf_done(&token);
	db_args_free(args);
	return status;
}

static int set_member(struct cli *cli, char **argv, bool may_use)
{
	int64_t account, workspace;
	struct db_args *args = cli_id_args(argv[0], NOUN, &account);

	if (!args || !input_id(argv[1], "the number of a workspace", &workspace)) {
		db_args_free(args);
		return CLI_USAGE;
	}
	db_arg_int(args, workspace);
	db_arg_bool(args, may_use);
	db_arg_bool(args, given.admin);
	return cli_change(cli, "operator.member_set", args, "Account %lld %s workspace %lld%s.",
			  (long long)account,
			  may_use ? "may use" : "may not use any more:", (long long)workspace,
			  may_use && given.admin ? " as administrator" : "");
}

static int run_grant(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set_member(cli, argv, true);
}

static int run_revoke(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set_member(cli, argv, false);
}

static int run_quota(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);

	(void)argc;
	if (!args)
		return CLI_USAGE;
	return cli_list(cli, "operator.quota_list", args,
			(struct list){ .name = "windows", .json = given.json });
}

static int run_quota_reset(struct cli *cli, int argc, char **argv)
{
	int64_t id, count;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);
	enum err err;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	err = cli_call_number(cli->db, "operator.quota_reset", args, &count);
	db_args_free(args);
	if (err)
		return CLI_FAILED;
	printf("%lld window%s of account %lld begin%s anew with the next request.\n",
	       (long long)count, term_s(count), (long long)id, count == 1 ? "s" : "");
	return CLI_FINE;
}

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option account_add_options[] = {
	{ "user", OPTION_COUNT, &given.user, "ID",
	  "Toggl user it stands for: it sees what that user may see" },
	{ "email", OPTION_TEXT, &given.email, "TEXT", "e-mail address" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE",
	  "time zone of the times in its answers, such as Europe/Berlin (UTC)" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option account_set_options[] = {
	{ "name", OPTION_TEXT, &given.name, "TEXT", "another name" },
	{ "email", OPTION_TEXT, &given.email, "TEXT", "another e-mail address" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE", "another time zone" },
	{ 0 },
};

static const struct cli_option grant_options[] = {
	{ "admin", OPTION_FLAG, &given.admin, NULL,
	  "as administrator: sees everybody's time, private projects and subscriptions" },
	{ 0 },
};

const struct command cmd_account[] = {
	{ .name = "account add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .operands = "NAME",
	  .options = account_add_options,
	  .help = "make an account for the API, and its token" },
	{ .name = "account list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = json_options,
	  .help = "list the accounts" },
	{ .name = "account set",
	  .need = NEED_OPERATOR,
	  .run = run_set,
	  .operands = "ID",
	  .options = account_set_options,
	  .help = "change name, e-mail address or time zone" },
	{ .name = "account rotate",
	  .need = NEED_OPERATOR,
	  .run = run_rotate,
	  .operands = "ID",
	  .options = json_options,
	  .help = "give it a new token; the old one is refused at once" },
	{ .name = "account enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "let it use the API again" },
	{ .name = "account disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "refuse its token and deliver nothing to its subscriptions" },
	{ .name = "account grant",
	  .need = NEED_OPERATOR,
	  .run = run_grant,
	  .operands = "ID WORKSPACE_ID",
	  .options = grant_options,
	  .help = "give it access to a workspace" },
	{ .name = "account revoke",
	  .need = NEED_OPERATOR,
	  .run = run_revoke,
	  .operands = "ID WORKSPACE_ID",
	  .options = no_options,
	  .help = "take that access away" },
	{ .name = "account quota",
	  .need = NEED_OPERATOR,
	  .run = run_quota,
	  .operands = "ID",
	  .options = json_options,
	  .help = "show how many requests it has sent in its windows" },
	{ .name = "account quota-reset",
	  .need = NEED_OPERATOR,
	  .run = run_quota_reset,
	  .operands = "ID",
	  .options = no_options,
	  .help = "reset its windows" },
	{ 0 },
};
