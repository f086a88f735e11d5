/* SPDX-License-Identifier: ISC */
/* Organizations with their plans, and the workspaces whose events go to subscribers. */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/term.h"
#include "delivery/delivery_conf.h"

static struct {
	const char *plan;
	int64_t id, organization, webhooks, filters, requests, user_requests;
	bool json;
} given = { .webhooks = -1, .filters = -1, .requests = -1, .user_requests = -1 };

/* The requests an hour: the given numbers; else for plan enterprise the numbers of the
   settings; else null, and the plan decides. */
static void arg_requests(struct cli *cli, struct db_args *args, const char *plan)
{
	int64_t requests = given.requests, user_requests = given.user_requests;

	if (plan && strcmp(plan, "enterprise") == 0) {
		requests = requests < 0 ? delivery_conf(cli->conf)->enterprise_requests : requests;
		user_requests = user_requests < 0
					? delivery_conf(cli->conf)->enterprise_user_requests
					: user_requests;
	}
	cli_arg_int(args, requests >= 0, requests);
	cli_arg_int(args, user_requests >= 0, user_requests);
}

static int run_organization_add(struct cli *cli, int argc, char **argv)
{
	const char *plan = given.plan ? given.plan : "enterprise";
	struct db_args *args = db_args_new();
	int status = CLI_FAILED;
	int64_t id;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(plan));
	cli_arg_int(args, given.id, given.id);
	arg_requests(cli, args, plan);
	if (!cli_call_number(cli->db, "operator.organization_add", args, &id)) {
		printf("Organization %lld is made.\n", (long long)id);
		status = CLI_FINE;
	}
	db_args_free(args);
	return status;
}

static int run_organization_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.organization_list", NULL,
			(struct list){ .name = "organizations", .json = given.json });
}

static int run_organization_set(struct cli *cli, int argc, char **argv)
{
	struct db_args *args;
	int64_t id;

	(void)argc;
	args = cli_id_args(argv[0], "the number of an organization", &id);
	if (!args)
		return CLI_USAGE;
	if (!given.plan && given.webhooks < 0 && given.filters < 0 && given.requests < 0 &&
	    given.user_requests < 0) {
		term_problem("nothing to change: give --plan, --webhooks, --filters, --requests or "
			     "--user-requests");
		db_args_free(args);
		return CLI_USAGE;
	}
	db_arg_text(args, str_of(given.plan));
	cli_arg_int(args, given.webhooks >= 0, given.webhooks);
	cli_arg_int(args, given.filters >= 0, given.filters);
	arg_requests(cli, args, given.plan);
	return cli_change(cli, "operator.organization_set", args, "Organization %lld is changed.",
			  (long long)id);
}

static int run_workspace_add(struct cli *cli, int argc, char **argv)
{
	struct db_args *args;
	int64_t id;

	(void)argc;
	args = cli_id_args(argv[0], "the number of a workspace", &id);
	if (!args)
		return CLI_USAGE;
	if (!given.organization) {
		term_problem("say whose it is: --organization ID (`hookledger organization list`)");
		db_args_free(args);
		return CLI_USAGE;
	}
	db_arg_int(args, given.organization);
	return cli_change(cli, "operator.workspace_add", args,
			  "Workspace %lld belongs to organization %lld; give accounts access with\n"
			  "`hookledger account grant ID %lld`.",
			  (long long)id, (long long)given.organization, (long long)id);
}

static int run_workspace_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.workspace_list", NULL,
			(struct list){ .name = "workspaces", .json = given.json });
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

static const struct cli_option workspace_add_options[] = {
	{ "organization", OPTION_COUNT, &given.organization, "ID", "organization it belongs to" },
	{ 0 },
};

const struct command cmd_organization[] = {
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
	  .options = workspace_add_options,
	  .help = "let the events of a workspace be passed on" },
	{ .name = "workspace list",
	  .need = NEED_OPERATOR,
	  .run = run_workspace_list,
	  .options = json_options,
	  .help = "list the workspaces that are passed on" },
	{ 0 },
};
