/* SPDX-License-Identifier: ISC */
/* Connects to Toggl: checks the API token, creates the first subscription, and loads users,
   projects and the like. Toggl pings our receiver while the subscription is created. */
#include <stdio.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "cli/toggl_jobs.h"
#include "ledger/catalog.h"

static struct {
	const char *token_file, *filters, *description;
	int64_t workspace;
	bool no_subscription, no_load, yes, wait;
} given;

static bool read_token(struct buf *token)
{
	if (given.token_file)
		return input_secret(given.token_file, token);
	if (!prompt_has_terminal()) {
		term_problem("there is no terminal to ask for the API token; give --token-file "
			     "FILE, or - for "
			     "standard input");
		return false;
	}
	puts("The API token stands at the end of https://track.toggl.com/profile");
	fflush(stdout);
	if (!prompt_secret("API token (not shown): ", token))
		return false;
	if (token->len)
		return true;
	term_problem("no token was given");
	return false;
}

static void print_workspace(const struct db_rows *rows, size_t i)
{
	struct buf line = { 0 };

	buf_addf(&line, "  %lld  ", (long long)db_int(rows, i, "workspace_id"));
	term_add_safe(&line, db_str(rows, i, "name"));
	if (!db_is_null(rows, i, "max_webhooks"))
		buf_addf(&line, "  (its plan: %lld subscription%s with %lld filters)",
			 (long long)db_int(rows, i, "max_webhooks"),
			 term_s(db_int(rows, i, "max_webhooks")),
			 (long long)db_int(rows, i, "max_filters"));
	if (!db_is_null(rows, i, "is_admin") && !db_bool(rows, i, "is_admin"))
		buf_add_text(&line,
			     "  (you are no administrator: time entries of others will not come)");
	puts(buf_text(&line));
	buf_done(&line);
}

/* The workspace of the option, the only workspace, or the one that the person types. */
static bool choose_workspace(struct cli *cli, int64_t connection, int64_t *workspace)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf line = { 0 };
	bool fine = false;

	db_arg_int(args, connection);
	if (cli_call(cli->db, "operator.toggl_workspace_list", args, &rows))
		goto done;
	puts(db_rows_count(rows) == 1 ? "Workspace:" : "Workspaces:");
	for (size_t i = 0; i < db_rows_count(rows); i++)
		print_workspace(rows, i);
	fflush(stdout);
	if (given.workspace) {
		*workspace = given.workspace;
		fine = true;
	} else if (db_rows_count(rows) == 1) {
		*workspace = db_int(rows, 0, "workspace_id");
		fine = true;
	} else if (prompt_has_terminal() && !given.yes && db_rows_count(rows)) {
		fine = prompt_line("Which one (its number)? ", &line) &&
		       input_id(buf_text(&line), "a workspace", workspace);
	} else {
		term_problem("say which workspace: --workspace ID");
	}
done:
	buf_done(&line);
	db_rows_free(rows);
	db_args_free(args);
	return fine;
}

/* Shows the filters that the planner proposes; the person may type others. */
static bool choose_filters(struct cli *cli, int64_t workspace, struct buf *filters)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf proposed = { 0 }, left_out = { 0 };
	bool fine = false;

	db_arg_int(args, workspace);
	if (given.filters) {
		buf_add_text(filters, given.filters);
		fine = true;
		goto done;
	}
	if (cli_call(cli->db, "operator.toggl_plan", args, &rows))
		goto done;
	if (!db_rows_count(rows)) {
		term_problem("nothing is left to subscribe to in workspace %lld: its subscriptions "
			     "have all of it, or the plan allows none",
			     (long long)workspace);
		goto done;
	}
	catalog_write_json(db_str(rows, 0, "words"), &proposed);
	printf("Proposed filters: %s\n", buf_text(&proposed));
	catalog_write_json(db_str(rows, 0, "left_out"), &left_out);
	if (left_out.len)
		printf("That leaves out: %s\n", buf_text(&left_out));
	fflush(stdout);
	fine = true;
	if (prompt_has_terminal() && !given.yes)
		fine = prompt_line("Enter takes them, or write others (time_entry:*,project:*): ",
				   filters);
done:
	buf_done(&proposed);
	buf_done(&left_out);
	db_rows_free(rows);
	db_args_free(args);
	return fine;
}

/* Has this workspace a subscription of ours that works? */
static bool is_subscribed(struct cli *cli, int64_t workspace)
{
	struct db_rows *rows = NULL;
	bool found = false;

	if (!cli_call(cli->db, "operator.toggl_subscription_list", NULL, &rows))
		for (size_t i = 0; i < db_rows_count(rows); i++)
			found = found || (db_int(rows, i, "workspace_id") == workspace &&
					  !db_is_null(rows, i, "endpoint_id") &&
					  str_is(db_str(rows, i, "state"), "well"));
	db_rows_free(rows);
	return found;
}

static int subscribe(struct toggl_jobs *jobs, int64_t workspace)
{
	struct toggl_job task = { .kind = "subscribe", .is_interactive = true };
	struct buf filters = { 0 }, parameters = { 0 };
	int status = CLI_FAILED;

	if (is_subscribed(jobs->cli, workspace) && !given.filters) {
		printf("A subscription of ours is there already; `hookledger toggl add` makes "
		       "another.\n");
		return CLI_FINE;
	}
	if (!choose_filters(jobs->cli, workspace, &filters))
		goto done;
	buf_add_char(&parameters, '{');
	json_put_int(&parameters, "workspace", workspace);
	json_put_text(&parameters, "description",
		      str_of(given.description ? given.description : "hookledger"));
	if (filters.len)
		json_put_text(&parameters, "filters", buf_str(&filters));
	buf_add_char(&parameters, '}');
	task.parameters = buf_str(&parameters);
	status = toggl_jobs_run(jobs, &task);
	if (status == CLI_FAILED)
		fprintf(stderr,
			"The connection is kept: `hookledger toggl add --workspace %lld` tries "
			"again.\n",
			(long long)workspace);
done:
	buf_done(&filters);
	buf_done(&parameters);
	return status;
}

static int load(struct toggl_jobs *jobs, int64_t workspace)
{
	struct buf parameters = { 0 };
	int status;

	buf_add_char(&parameters, '{');
	json_put_int(&parameters, "workspace", workspace);
	buf_add_char(&parameters, '}');
	status = toggl_jobs_run(jobs, &(struct toggl_job){ .kind = "load",
							   .parameters = buf_str(&parameters),
							   .is_interactive = true });
	buf_done(&parameters);
	return status;
}

static int run_connect(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	struct buf token = { 0 }, parameters = { 0 };
	int64_t connection = 0, workspace = 0;
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!cli->conf->public_url && !given.no_subscription) {
		term_problem("public_url is not set, so there is no address that Toggl could call; "
			     "write `public_url = "
			     "https://…` into %s",
			     cli->conf->path ? cli->conf->path : "the settings file");
		goto done;
	}
	if (!toggl_jobs_open(&jobs, cli) || !read_token(&token))
		goto done;
	jobs.waits = given.wait;
	status = CLI_FAILED;
	if (toggl_client_add_connection(jobs.toggl, str_of(""), buf_str(&token), &connection)) {
		term_problem("%s", db_problem(cli->db));
		goto done;
	}
	buf_add_text(&parameters, "{\"connect\":true");
	if (given.workspace)
		json_put_int(&parameters, "workspace", given.workspace);
	buf_add_char(&parameters, '}');
	status = toggl_jobs_run(&jobs, &(struct toggl_job){ .connection_id = connection,
							    .kind = "connect",
							    .parameters = buf_str(&parameters),
							    .is_interactive = true });
	if (status == CLI_FINE && given.no_subscription && given.no_load)
		goto done;
	if (status == CLI_FINE && !choose_workspace(cli, connection, &workspace))
		status = CLI_USAGE;
	if (status == CLI_FINE && !given.no_subscription)
		status = subscribe(&jobs, workspace);
	if (status == CLI_FINE && !given.no_load)
		status = load(&jobs, workspace);
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
	buf_done(&parameters);
	toggl_jobs_close(&jobs);
	return status;
}

static const struct cli_option options[] = {
	{ "token-file", OPTION_TEXT, &given.token_file, "FILE",
	  "the API token; - for standard input (default: asks for it)" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "the workspace to subscribe to" },
	{ "filters", OPTION_TEXT, &given.filters, "LIST",
	  "such as time_entry:*,project:* (default: what the planner proposes)" },
	{ "description", OPTION_TEXT, &given.description, "TEXT",
	  "description of the subscription at Toggl (hookledger)" },
	{ "no-subscription", OPTION_FLAG, &given.no_subscription, NULL, "only store the token" },
	{ "no-load", OPTION_FLAG, &given.no_load, NULL,
	  "do not load users, clients, projects, tags and tasks" },
	{ "wait", OPTION_FLAG, &given.wait, NULL,
	  "when the quota is spent, wait for its next window" },
	{ "yes", OPTION_FLAG, &given.yes, NULL, "accept the proposed filters without asking" },
	{ 0 },
};

const struct command cmd_connect[] = {
	{ .name = "connect",
	  .need = NEED_OPERATOR,
	  .run = run_connect,
	  .options = options,
	  .help = "connect to Toggl: subscribe to a workspace and load its entities",
	  .more = "The receiver must run and be reachable under public_url: Toggl calls it while "
		  "the\n"
		  "subscription is created. When that fails, nothing is left at Toggl." },
	{ 0 },
};
