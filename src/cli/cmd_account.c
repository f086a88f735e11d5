/* SPDX-License-Identifier: ISC */
/* Who may use our API: organizations with their plan, workspaces that are
   passed on, and accounts. A token is shown once, when it is made; the database
   has its SHA-256 only. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/listing.h"
#include "cli/term.h"
#include "delivery/delivery_conf.h"

static struct {
	const char *plan, *name, *email, *zone;
	int64_t id, organization, user, webhooks, filters, requests, user_requests;
	bool admin, json;
} given = { .webhooks = -1, .filters = -1, .requests = -1, .user_requests = -1 };

static void add_text(struct db_args *args, const char *text)
{
	db_arg_text(args, str_of(text));
}

/* 0 or below `least`: not given. */
static void add_number(struct db_args *args, int64_t number, int64_t least)
{
	if (number >= least)
		db_arg_int(args, number);
	else
		db_arg_null(args);
}

static int list(struct cli *cli, const char *function, const char *what)
{
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	if (!cli_call(cli->db, function, NULL, &rows) && listing_write(rows, what, given.json))
		status = CLI_FINE;
	db_rows_free(rows);
	return status;
}

/* ---- organizations and workspaces */

/* Its requests an hour: those that were given, or else for plan enterprise those of
   the settings; null leaves them to the plan. */
static void add_requests(struct cli *cli, struct db_args *args, const char *plan)
{
	bool is_enterprise = plan && strcmp(plan, "enterprise") == 0;

	add_number(args,
		   given.requests < 0 && is_enterprise
			   ? delivery_conf(cli->conf)->enterprise_requests
			   : given.requests,
		   0);
	add_number(args,
		   given.user_requests < 0 && is_enterprise
			   ? delivery_conf(cli->conf)->enterprise_user_requests
			   : given.user_requests,
		   0);
}

static int run_organization_add(struct cli *cli, int argc, char **argv)
{
	const char *plan = given.plan ? given.plan : "enterprise";
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	add_text(args, argv[0]);
	add_text(args, plan);
	add_number(args, given.id, 1);
	add_requests(cli, args, plan);
	if (!cli_call(cli->db, "operator.organization_add", args, &rows)) {
		printf("Organization %lld is made.\n",
		       (long long)db_int(rows, 0, "organization_add"));
		status = CLI_FINE;
	}
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_organization_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return list(cli, "operator.organization_list", "organizations");
}

static int run_organization_set(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an organization", &id))
		goto done;
	if (!given.plan && given.webhooks < 0 && given.filters < 0 && given.requests < 0 &&
	    given.user_requests < 0) {
		term_problem("nothing to change: give --plan, --webhooks, --filters, --requests or "
			     "--user-requests");
		goto done;
	}
	db_arg_int(args, id);
	add_text(args, given.plan);
	add_number(args, given.webhooks, 0);
	add_number(args, given.filters, 0);
	add_requests(cli, args, given.plan);
	status = cli_call(cli->db, "operator.organization_set", args, NULL) ? CLI_FAILED : CLI_FINE;
	if (!status)
		printf("Organization %lld is changed.\n", (long long)id);
done:
	db_args_free(args);
	return status;
}

static int run_workspace_add(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of a workspace", &id))
		goto done;
	if (!given.organization) {
		term_problem("say whose it is: --organization ID (`hookledger organization list`)");
		goto done;
	}
	db_arg_int(args, id);
	db_arg_int(args, given.organization);
	status = cli_call(cli->db, "operator.workspace_add", args, NULL) ? CLI_FAILED : CLI_FINE;
	if (!status)
		printf("Workspace %lld belongs to organization %lld; give accounts access with\n"
		       "`hookledger account grant ID %lld`.\n",
		       (long long)id, (long long)given.organization, (long long)id);
done:
	db_args_free(args);
	return status;
}

static int run_workspace_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return list(cli, "operator.workspace_list", "workspaces");
}

/* ---- accounts */

static bool say_token(int64_t account, const struct buf *token)
{
	struct buf out = { 0 };
	bool is_said;

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
	is_said = term_write(buf_str(&out));
	mem_wipe(out.at, out.len);
	buf_done(&out);
	return is_said;
}

static int run_account_add(struct cli *cli, int argc, char **argv)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf token = { 0 };
	int status = CLI_USAGE;

	(void)argc;
	if (!given.user) {
		term_problem("say which Toggl user it stands for: --user ID");
		goto done;
	}
	crypto_token(&token, digest);
	add_text(args, argv[0]);
	db_arg_int(args, given.user);
	add_text(args, given.email);
	add_text(args, given.zone ? given.zone : "UTC");
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	status = !cli_call(cli->db, "operator.account_add", args, &rows) &&
				 say_token(db_int(rows, 0, "account_add"), &token)
			 ? CLI_FINE
			 : CLI_FAILED;
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_account_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return list(cli, "operator.account_list", "accounts");
}

/* What is NULL stays as it is; `enable`: "t", "f" or NULL. */
static enum err set_account(struct cli *cli, int64_t id, const char *enable,
			    const unsigned char *digest)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, id);
	add_text(args, given.name);
	add_text(args, given.email);
	add_text(args, given.zone);
	if (enable)
		db_arg_bool(args, *enable == 't');
	else
		db_arg_null(args);
	if (digest)
		db_arg_bytes(args, (struct str){ (const char *)digest, DIGEST_BYTES });
	else
		db_arg_null(args);
	err = cli_call(cli->db, "operator.account_set", args, NULL);
	db_args_free(args);
	return err;
}

static int run_account_set(struct cli *cli, int argc, char **argv)
{
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an account", &id))
		return CLI_USAGE;
	if (!given.name && !given.email && !given.zone) {
		term_problem("nothing to change: give --name, --email or --zone");
		return CLI_USAGE;
	}
	if (set_account(cli, id, NULL, NULL))
		return CLI_FAILED;
	printf("Account %lld is changed.\n", (long long)id);
	return CLI_FINE;
}

static int enable_account(struct cli *cli, const char *word, bool is_on)
{
	int64_t id;

	if (!input_id(word, "the number of an account", &id))
		return CLI_USAGE;
	if (set_account(cli, id, is_on ? "t" : "f", NULL))
		return CLI_FAILED;
	printf("Account %lld is %s.\n", (long long)id,
	       is_on ? "enabled"
		     : "disabled: its token is refused and its subscriptions get nothing");
	return CLI_FINE;
}

static int run_account_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return enable_account(cli, argv[0], true);
}

static int run_account_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return enable_account(cli, argv[0], false);
}

static int run_account_rotate(struct cli *cli, int argc, char **argv)
{
	unsigned char digest[DIGEST_BYTES];
	struct buf token = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an account", &id))
		return CLI_USAGE;
	crypto_token(&token, digest);
	status = !set_account(cli, id, NULL, digest) && say_token(id, &token) ? CLI_FINE
									      : CLI_FAILED;
	mem_wipe(token.at, token.len);
	buf_done(&token);
	return status;
}

static int set_member(struct cli *cli, char **argv, bool may_use)
{
	struct db_args *args = db_args_new();
	int status = CLI_USAGE;
	int64_t account, workspace;

	if (!input_id(argv[0], "the number of an account", &account) ||
	    !input_id(argv[1], "the number of a workspace", &workspace))
		goto done;
	db_arg_int(args, account);
	db_arg_int(args, workspace);
	db_arg_bool(args, may_use);
	db_arg_bool(args, given.admin);
	status = cli_call(cli->db, "operator.member_set", args, NULL) ? CLI_FAILED : CLI_FINE;
	if (!status)
		printf("Account %lld %s workspace %lld%s.\n", (long long)account,
		       may_use ? "may use" : "may not use any more:", (long long)workspace,
		       may_use && given.admin ? " as administrator" : "");
done:
	db_args_free(args);
	return status;
}

static int run_account_grant(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set_member(cli, argv, true);
}

static int run_account_revoke(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set_member(cli, argv, false);
}

/* "quota" shows, "quota-reset" begins anew. */
static int run_account_quota(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an account", &id))
		goto done;
	db_arg_int(args, id);
	status = !cli_call(cli->db, "operator.quota_list", args, &rows) &&
				 listing_write(rows, "windows", given.json)
			 ? CLI_FINE
			 : CLI_FAILED;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_account_quota_reset(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an account", &id))
		goto done;
	db_arg_int(args, id);
	status = cli_call(cli->db, "operator.quota_reset", args, &rows) ? CLI_FAILED : CLI_FINE;
	if (status)
		goto done;
	printf("%lld window%s of account %lld begin%s anew with the next request.\n",
	       (long long)db_int(rows, 0, "quota_reset"), term_s(db_int(rows, 0, "quota_reset")),
	       (long long)id, db_int(rows, 0, "quota_reset") == 1 ? "s" : "");
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option organization_add_options[] = {
	{ "plan", OPTION_TEXT, &given.plan, "PLAN",
	  "enterprise (default), or free, starter, premium with Toggl's limits" },
	{ "requests", OPTION_NUMBER, &given.requests, "N",
	  "requests of an account in an hour about its workspaces" },
	{ "user-requests", OPTION_NUMBER, &given.user_requests, "N", "and about none" },
	{ "id", OPTION_COUNT, &given.id, "ID", "its number at Toggl (else the next free one)" },
	{ 0 },
};

static const struct cli_option organization_set_options[] = {
	{ "plan", OPTION_TEXT, &given.plan, "PLAN", "another plan, with its numbers" },
	{ "webhooks", OPTION_NUMBER, &given.webhooks, "N",
	  "enabled subscriptions of a user in a workspace" },
	{ "filters", OPTION_NUMBER, &given.filters, "N", "filters of a subscription" },
	{ "requests", OPTION_NUMBER, &given.requests, "N",
	  "requests of an account in an hour about its workspaces" },
	{ "user-requests", OPTION_NUMBER, &given.user_requests, "N",
	  "and about none, such as /api/v9/me" },
	{ 0 },
};

static const struct cli_option state_add_options[] = {
	{ "organization", OPTION_COUNT, &given.organization, "ID", "organization it belongs to" },
	{ 0 },
};

static const struct cli_option account_add_options[] = {
	{ "user", OPTION_COUNT, &given.user, "ID",
	  "Toggl user it stands for: it sees what that user may see" },
	{ "email", OPTION_TEXT, &given.email, "TEXT", "e-mail address" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE",
	  "time zone of the times it is told, such as Europe/Berlin (UTC)" },
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
	{ .name = "organization add",
	  .need = NEED_OPERATOR,
	  .run = run_organization_add,
	  .operands = "NAME",
	  .options = organization_add_options,
	  .help = "make an organization; its plan limits its subscribers" },
	{ .name = "organization list",
	  .need = NEED_OPERATOR,
	  .run = run_organization_list,
	  .options = json_options,
	  .help = "list organizations with their limits" },
	{ .name = "organization set",
	  .need = NEED_OPERATOR,
	  .run = run_organization_set,
	  .operands = "ID",
	  .options = organization_set_options,
	  .help = "change its plan, or numbers that differ from it" },
	{ .name = "workspace add",
	  .need = NEED_OPERATOR,
	  .run = run_workspace_add,
	  .operands = "WORKSPACE_ID",
	  .options = state_add_options,
	  .help = "let the events of a workspace be passed on" },
	{ .name = "workspace list",
	  .need = NEED_OPERATOR,
	  .run = run_workspace_list,
	  .options = json_options,
	  .help = "list the workspaces that are passed on" },
	{ .name = "account add",
	  .need = NEED_OPERATOR,
	  .run = run_account_add,
	  .operands = "NAME",
	  .options = account_add_options,
	  .help = "make an account for the API, and its token" },
	{ .name = "account list",
	  .need = NEED_OPERATOR,
	  .run = run_account_list,
	  .options = json_options,
	  .help = "list the accounts" },
	{ .name = "account set",
	  .need = NEED_OPERATOR,
	  .run = run_account_set,
	  .operands = "ID",
	  .options = account_set_options,
	  .help = "change name, e-mail address or time zone" },
	{ .name = "account rotate",
	  .need = NEED_OPERATOR,
	  .run = run_account_rotate,
	  .operands = "ID",
	  .options = json_options,
	  .help = "give it a new token; the old one is refused at once" },
	{ .name = "account enable",
	  .need = NEED_OPERATOR,
	  .run = run_account_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "let it use the API again" },
	{ .name = "account disable",
	  .need = NEED_OPERATOR,
	  .run = run_account_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "refuse its token and deliver nothing to its subscriptions" },
	{ .name = "account grant",
	  .need = NEED_OPERATOR,
	  .run = run_account_grant,
	  .operands = "ID WORKSPACE_ID",
	  .options = grant_options,
	  .help = "give it access to a workspace" },
	{ .name = "account revoke",
	  .need = NEED_OPERATOR,
	  .run = run_account_revoke,
	  .operands = "ID WORKSPACE_ID",
	  .options = no_options,
	  .help = "take that access away" },
	{ .name = "account quota",
	  .need = NEED_OPERATOR,
	  .run = run_account_quota,
	  .operands = "ID",
	  .options = json_options,
	  .help = "show how much it has asked in its windows" },
	{ .name = "account quota-reset",
	  .need = NEED_OPERATOR,
	  .run = run_account_quota_reset,
	  .operands = "ID",
	  .options = no_options,
	  .help = "begin its windows anew" },
	{ 0 },
};
