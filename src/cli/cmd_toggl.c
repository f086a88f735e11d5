/* SPDX-License-Identifier: ISC */
/* Our subscriptions at Toggl, after `connect`: the list, how they differ from what we want,
   and the changes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/toggl_jobs.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"
#include "toggl/toggl_conf.h"

static struct {
	const char *filters, *description;
	int64_t workspace;
	bool json, wait, refresh;
} given;

/* ---- one subscription */

static const char NOUN[] = "the number of a subscription";

static bool open_jobs(struct toggl_jobs *jobs, struct cli *cli)
{
	bool fine = toggl_jobs_open(jobs, cli);

	jobs->waits = given.wait;
	jobs->json = given.json;
	return fine;
}

/* Runs one job with the options that were given. `subscription` 0: none; `enable` NULL: no
   change; `address`: of the endpoint, for a new secret. */
static int run_job(struct cli *cli, const char *kind, int64_t subscription, const bool *enable,
		   struct str address)
{
	struct toggl_jobs jobs = { 0 };
	struct buf json = { 0 };
	int status = CLI_USAGE;

	buf_add_char(&json, '{');
	if (subscription)
		json_put_int(&json, "subscription", subscription);
	if (enable)
		json_put_bool(&json, "enabled", *enable);
	if (given.filters)
		json_put_text(&json, "filters", str_of(given.filters));
	if (given.description)
		json_put_text(&json, "description", str_of(given.description));
	if (given.workspace)
		json_put_int(&json, "workspace", given.workspace);
	buf_add_char(&json, '}');
	if (open_jobs(&jobs, cli))
		status = toggl_jobs_run(&jobs, &(struct toggl_job){ .kind = kind,
								    .parameters = buf_str(&json),
								    .address = address,
								    .is_interactive = true });
	toggl_jobs_close(&jobs);
	buf_done(&json);
	return status;
}

static int run_for_one(struct cli *cli, const char *word, const char *kind, const bool *enable)
{
	int64_t id;

	return input_id(word, NOUN, &id) ? run_job(cli, kind, id, enable, (struct str){ 0 })
					 : CLI_USAGE;
}

static int run_edit(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	if (!given.filters && !given.description) {
		term_problem("nothing to change: give --filters or --description");
		return CLI_USAGE;
	}
	return run_for_one(cli, argv[0], "change", NULL);
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return run_for_one(cli, argv[0], "change", &(bool){ true });
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return run_for_one(cli, argv[0], "change", &(bool){ false });
}

static int run_ping(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return run_for_one(cli, argv[0], "ping", NULL);
}

static int run_validate(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return run_for_one(cli, argv[0], "validate", NULL);
}

static int run_delete(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return run_for_one(cli, argv[0], "delete", NULL);
}

static bool check_public_url(const struct cli *cli)
{
	if (!cli->conf->public_url)
		term_problem("public_url is not set, so there is no address that Toggl could call");
	return cli->conf->public_url != NULL;
}

static int run_adopt(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return check_public_url(cli) ? run_for_one(cli, argv[0], "adopt", NULL) : CLI_USAGE;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	if (!given.workspace)
		term_problem("say for which workspace: --workspace ID");
	if (!given.workspace || !check_public_url(cli))
		return CLI_USAGE;
	if (!given.description)
		given.description = "hookledger";
	return run_job(cli, "subscribe", 0, NULL, (struct str){ 0 });
}

/* The new secret is bound to the address of the endpoint. */
static int run_rotate(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	if (!cli_call(cli->db, "operator.toggl_subscription_find", args, &rows))
		status = run_job(cli, "rotate", id, NULL, db_str(rows, 0, "address"));
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* ---- all subscriptions */

static int run_for_all(struct cli *cli, const char *kind, const char *parameters)
{
	struct toggl_jobs jobs = { 0 };
	int status = CLI_USAGE;

	if (open_jobs(&jobs, cli))
		status = toggl_jobs_run_all(&jobs, kind, str_of(parameters));
	toggl_jobs_close(&jobs);
	return status;
}

/* All subscriptions, and how many of them differ from what we want. NULL: said on stderr. */
static struct db_rows *find_all(struct cli *cli, size_t *differing)
{
	struct db_rows *rows = NULL;

	if (cli_call(cli->db, "operator.toggl_subscription_list", NULL, &rows))
		return NULL;
	for (size_t i = 0; i < db_rows_count(rows); i++)
		*differing += !db_is_null(rows, i, "mend");
	return rows;
}

/* With --refresh: asks Toggl first, without output that is JSON. */
static int refresh(struct cli *cli, const char *kind)
{
	bool json = given.json;
	int status;

	if (!given.refresh)
		return CLI_FINE;
	given.json = false;
	status = run_for_all(cli, kind, "{}");
	given.json = json;
	return status;
}

static bool write_rows(const char *name, bool json, const struct db_rows *rows)
{
	struct list list = { .name = name, .json = json };

	list_add(&list, rows, db_rows_count(rows));
	return list_write(&list);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL, *jobs = NULL;
	size_t differing = 0;
	int status = refresh(cli, "refresh");

	(void)argc, (void)argv;
	if (status)
		return status;
	rows = find_all(cli, &differing);
	if (!rows || !write_rows("subscriptions", given.json, rows))
		status = CLI_FAILED;
	if (status || given.json || cli_call(cli->db, "operator.toggl_job_list", NULL, &jobs))
		goto done;
	if (differing)
		fprintf(stderr,
			"%zu differ from what we want; `hookledger` and what stands under MEND "
			"puts it right.\n",
			differing);
	if (db_rows_count(jobs)) {
		puts("\nNot ended yet (`hookledger toggl continue JOB_ID`, or the courier, goes "
		     "on):");
		fflush(stdout);
		status = write_rows("jobs", false, jobs) ? CLI_FINE : CLI_FAILED;
	}
done:
	db_rows_free(rows);
	db_rows_free(jobs);
	return status;
}

static int run_refresh(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_for_all(cli, "refresh", "{}");
}

/* Exit status 1 also when a subscription still differs from what we want. */
static int check(struct cli *cli, const char *parameters)
{
	struct db_rows *rows;
	size_t differing = 0;
	int status = run_for_all(cli, "check", parameters);

	rows = status ? NULL : find_all(cli, &differing);
	if (!status && (!rows || differing))
		status = CLI_FAILED;
	db_rows_free(rows);
	return status;
}

static int run_check(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return check(cli, "{}");
}

static int run_repair(struct cli *cli, int argc, char **argv)
{
	return argc ? run_for_one(cli, argv[0], "repair", NULL) : check(cli, "{\"repair\":true}");
}

static int run_load(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return given.workspace ? run_job(cli, "load", 0, NULL, (struct str){ 0 })
			       : run_for_all(cli, "load", "{}");
}

static int run_quota(struct cli *cli, int argc, char **argv)
{
	int status = refresh(cli, "quota");

	(void)argc, (void)argv;
	return status ? status
		      : cli_list(cli, "operator.toggl_quota_list", NULL,
				 (struct list){ .name = "windows", .json = given.json });
}

static int run_plan(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of a workspace", &id);
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	if (cli_call(cli->db, "operator.toggl_plan", args, &rows))
		goto done;
	status = CLI_FINE;
	if (!db_rows_count(rows) && !given.json)
		puts("Nothing is left to subscribe to: your subscriptions have all of it, or the "
		     "plan allows none.");
	else if (!write_rows("proposals", given.json, rows))
		status = CLI_FAILED;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* Continues one job, or all that have waited long enough; then checks Toggl's side when
   that is due. No person waits for the latter, so they leave the reserve of the quota. */
static int run_continue(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf json = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	if (!open_jobs(&jobs, cli))
		goto done;
	if (argc) {
		if (!input_id(argv[0], "the number of a job", &id))
			goto done;
		buf_addf(&json, "{\"job\":%lld}", (long long)id);
		status = toggl_jobs_run(&jobs, &(struct toggl_job){ .kind = "resume",
								    .parameters = buf_str(&json),
								    .is_interactive = true });
		goto done;
	}
	status = CLI_FAILED;
	db_arg_int(args, toggl_conf(cli->conf)->check_hours);
	db_arg_int(args, toggl_conf(cli->conf)->compare_days);
	db_arg_int(args, toggl_conf(cli->conf)->prove_hours);
	db_arg_int(args, toggl_conf(cli->conf)->load_hours);
	if (cli_call(cli->db, "operator.toggl_due", args, &rows))
		goto done;
	status = CLI_FINE;
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		char *kind = mem_dup(db_str(rows, i, "kind"));
		struct toggl_job task = { .connection_id = db_int(rows, i, "connection_id"),
					  .kind = kind,
					  .parameters = db_str(rows, i, "parameters") };
		int one = toggl_jobs_run(&jobs, &task);

		free(kind);
		status = one > status ? one : status;
	}
	if (!db_rows_count(rows))
		puts("Nothing is waiting that could go on now.");
done:
	buf_done(&json);
	db_rows_free(rows);
	db_args_free(args);
	toggl_jobs_close(&jobs);
	return status;
}

static int run_disconnect(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = NULL;
	int64_t id = 0, left;
	enum err err;

	if (argc && !input_id(argv[0], "the number of a connection", &id))
		return CLI_USAGE;
	args = db_args_new();
	cli_arg_int(args, argc > 0, id);
	err = cli_call_number(cli->db, "operator.toggl_disconnect", args, &left);
	db_args_free(args);
	if (err)
		return CLI_FAILED;
	puts("The API token is forgotten.");
	if (left)
		printf("%lld subscription%s of ours stay%s at Toggl, and events go on coming.\n",
		       (long long)left, term_s(left), left == 1 ? "s" : "");
	return CLI_FINE;
}

static const struct cli_option job_options[] = {
	{ "wait", OPTION_FLAG, &given.wait, NULL,
	  "when the quota is spent, wait for its next window" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option add_options[] = {
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "the workspace" },
	{ "filters", OPTION_TEXT, &given.filters, "LIST",
	  "such as time_entry:*,project:* (default: what the planner proposes)" },
	{ "description", OPTION_TEXT, &given.description, "TEXT",
	  "its description at Toggl (hookledger)" },
	{ 0 },
};

static const struct cli_option edit_options[] = {
	{ "filters", OPTION_TEXT, &given.filters, "LIST", "other filters" },
	{ "description", OPTION_TEXT, &given.description, "TEXT", "another description" },
	{ 0 },
};

static const struct cli_option load_options[] = {
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "only this workspace" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "refresh", OPTION_FLAG, &given.refresh, NULL,
	  "ask Toggl first (one request, and one a workspace)" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

#define AT_TOGGL(verb, function, operand, text) \
	{ \
		.name = "toggl " verb, .need = NEED_OPERATOR, .run = function, \
		.operands = operand, .options = job_options, .help = text \
	}

const struct command cmd_toggl[] = {
	{ .name = "toggl list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list the subscriptions at Toggl, and how they differ from what we want",
	  .more = "Shows what Toggl answered last; SEEN says how long ago." },
	{ .name = "toggl add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .options = add_options,
	  .also = job_options,
	  .help = "create one more subscription" },
	{ .name = "toggl edit",
	  .need = NEED_OPERATOR,
	  .run = run_edit,
	  .operands = "ID",
	  .options = edit_options,
	  .also = job_options,
	  .help = "change filters or description of one" },
	AT_TOGGL("enable", run_enable, "ID", "enable one"),
	AT_TOGGL("disable", run_disable, "ID", "disable one: Toggl sends nothing"),
	AT_TOGGL("ping", run_ping, "ID", "let Toggl ping its address"),
	AT_TOGGL("validate", run_validate, "ID", "validate its address again"),
	AT_TOGGL("rotate", run_rotate, "ID",
		 "give it a new secret; the old one stays valid for a day"),
	AT_TOGGL("delete", run_delete, "ID", "delete one at Toggl, and check that it is gone"),
	AT_TOGGL("adopt", run_adopt, "ID",
		 "take over one that was created elsewhere: set our address and secret"),
	AT_TOGGL("repair", run_repair, "[ID]", "repair one, or all, that differ from what we want"),
	AT_TOGGL("check", run_check, NULL, "compare all with what we want, now"),
	AT_TOGGL("refresh", run_refresh, NULL,
		 "ask Toggl for workspaces, limits and subscriptions"),
	{ .name = "toggl load",
	  .need = NEED_OPERATOR,
	  .run = run_load,
	  .options = load_options,
	  .also = job_options,
	  .help = "load users, clients, projects, tags and tasks into the tables" },
	AT_TOGGL("continue", run_continue, "[JOB_ID]",
		 "continue jobs that wait for the quota, and check Toggl when that is due (cron)"),
	{ .name = "toggl quota",
	  .need = NEED_OPERATOR,
	  .run = run_quota,
	  .options = list_options,
	  .help = "show how many requests Toggl still takes" },
	{ .name = "toggl plan",
	  .need = NEED_OPERATOR,
	  .run = run_plan,
	  .operands = "WORKSPACE_ID",
	  .options = json_options,
	  .help = "show the filters that the plan allows, and what they leave out" },
	{ .name = "toggl disconnect",
	  .need = NEED_OPERATOR,
	  .run = run_disconnect,
	  .operands = "[CONNECTION_ID]",
	  .options = no_options,
	  .help = "forget the API token" },
	{ 0 },
};
