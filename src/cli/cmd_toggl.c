/* SPDX-License-Identifier: ISC */
/* Subscriptions at Toggl after `connect`: how they differ from what we want,
   and everything that can be done to them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/toggl_jobs.h"
#include "cli/input.h"
#include "cli/listing.h"
#include "cli/term.h"
#include "toggl/toggl_conf.h"

static struct {
	const char *filters, *description;
	int64_t workspace;
	bool json, wait, refresh;
} given = { 0 };

/* ---- one subscription */

static void put_options(struct buf *asked)
{
	if (given.filters)
		json_put_text(asked, "filters", str_of(given.filters));
	if (given.description)
		json_put_text(asked, "description", str_of(given.description));
	if (given.workspace)
		json_put_int(asked, "workspace", given.workspace);
}

static int run_task(struct cli *cli, const struct toggl_job *task)
{
	struct toggl_jobs jobs = { 0 };
	int status = CLI_USAGE;

	if (toggl_jobs_open(&jobs, cli)) {
		jobs.waits = given.wait;
		jobs.json = given.json;
		status = toggl_jobs_run(&jobs, task, NULL);
	}
	toggl_jobs_close(&jobs);
	return status;
}

/* `more`: further members of what is asked, such as ",\"enabled\":true". */
static int do_to(struct cli *cli, const char *word, const char *what, const char *more)
{
	struct buf asked = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	if (input_id(word, "the number of a subscription", &id)) {
		buf_add_char(&asked, '{');
		json_put_int(&asked, "subscription", id);
		buf_add_text(&asked, more);
		put_options(&asked);
		buf_add_char(&asked, '}');
		status = run_task(cli, &(struct toggl_job){ .what = what,
							    .asked = buf_str(&asked),
							    .is_interactive = true });
	}
	buf_done(&asked);
	return status;
}

static int run_edit(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	if (!given.filters && !given.description) {
		term_problem("nothing to change: give --filters or --description");
		return CLI_USAGE;
	}
	return do_to(cli, argv[0], "change", "");
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return do_to(cli, argv[0], "change", ",\"enabled\":true");
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return do_to(cli, argv[0], "change", ",\"enabled\":false");
}

static int run_ping(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return do_to(cli, argv[0], "ping", "");
}

static int run_validate(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return do_to(cli, argv[0], "validate", "");
}

static int run_delete(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return do_to(cli, argv[0], "delete", "");
}

static bool has_public_url(const struct cli *cli)
{
	if (!cli->conf->public_url)
		term_problem("public_url is not set, so there is no address that Toggl could call");
	return cli->conf->public_url;
}

static int run_adopt(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return has_public_url(cli) ? do_to(cli, argv[0], "adopt", "") : CLI_USAGE;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct buf asked = { 0 };
	int status;

	(void)argc, (void)argv;
	if (!given.workspace)
		term_problem("say for which workspace: --workspace ID");
	if (!given.workspace || !has_public_url(cli))
		return CLI_USAGE;
	if (!given.description)
		given.description = "hookledger";
	buf_add_char(&asked, '{');
	put_options(&asked);
	buf_add_char(&asked, '}');
	status = run_task(cli, &(struct toggl_job){ .what = "subscribe",
						    .asked = buf_str(&asked),
						    .is_interactive = true });
	buf_done(&asked);
	return status;
}

/* The new secret is bound to the address of the endpoint. */
static int run_rotate(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf asked = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of a subscription", &id))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, id);
	if (cli_call(cli->db, "operator.toggl_subscription_find", args, &rows))
		goto done;
	buf_add_char(&asked, '{');
	json_put_int(&asked, "subscription", id);
	buf_add_char(&asked, '}');
	status = run_task(cli, &(struct toggl_job){ .what = "rotate",
						    .asked = buf_str(&asked),
						    .address = db_str(rows, 0, "address"),
						    .is_interactive = true });
done:
	buf_done(&asked);
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* ---- all of them */

/* For each connection in turn. */
static int run_for_all(struct cli *cli, const char *what, const char *asked)
{
	struct toggl_jobs jobs = { 0 };
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;

	if (!toggl_jobs_open(&jobs, cli))
		goto done;
	jobs.waits = given.wait;
	jobs.json = given.json;
	status = CLI_FAILED;
	if (cli_call(cli->db, "operator.toggl_connection_list", NULL, &rows))
		goto done;
	status = CLI_FINE;
	if (!db_rows_count(rows)) {
		term_problem("there is no connection to Toggl; `hookledger connect` makes one");
		status = CLI_FAILED;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		int one = toggl_jobs_run(
			&jobs,
			&(struct toggl_job){ .connection_id = db_int(rows, i, "connection_id"),
					     .what = what,
					     .asked = str_of(asked),
					     .is_interactive = true },
			NULL);

		status = one > status ? one : status;
	}
done:
	db_rows_free(rows);
	toggl_jobs_close(&jobs);
	return status;
}

/* NULL: said why. */
static struct db_rows *find_all(struct cli *cli, size_t *to_mend)
{
	struct db_rows *rows = NULL;

	*to_mend = 0;
	if (cli_call(cli->db, "operator.toggl_subscription_list", NULL, &rows))
		return NULL;
	for (size_t i = 0; i < db_rows_count(rows); i++)
		*to_mend += !db_is_null(rows, i, "mend");
	return rows;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL, *jobs = NULL;
	size_t to_mend;
	int status = CLI_FINE;

	(void)argc, (void)argv;
	if (given.refresh) {
		bool json = given.json;

		given.json = false;
		status = run_for_all(cli, "refresh", "{}");
		given.json = json;
	}
	if (status)
		return status;
	rows = find_all(cli, &to_mend);
	status = rows && listing_write(rows, "subscriptions", given.json) ? CLI_FINE : CLI_FAILED;
	if (status || given.json || cli_call(cli->db, "operator.toggl_job_list", NULL, &jobs))
		goto done;
	if (to_mend)
		fprintf(stderr,
			"%zu differ from what we want; `hookledger` and what stands under MEND "
			"puts it right.\n",
			to_mend);
	if (db_rows_count(jobs)) {
		puts("\nNot ended yet (`hookledger toggl continue JOB_ID`, or the courier, goes "
		     "on):");
		fflush(stdout);
		status = listing_write(jobs, "jobs", false) ? CLI_FINE : CLI_FAILED;
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

/* Exit status 1 also when something is left that differs. */
static int check(struct cli *cli, const char *asked)
{
	struct db_rows *rows;
	size_t to_mend = 0;
	int status = run_for_all(cli, "check", asked);

	if (status)
		return status;
	rows = find_all(cli, &to_mend);
	status = rows && !to_mend ? CLI_FINE : CLI_FAILED;
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
	return argc ? do_to(cli, argv[0], "repair", "") : check(cli, "{\"repair\":true}");
}

static int run_load(struct cli *cli, int argc, char **argv)
{
	struct buf asked = { 0 };
	int status;

	(void)argc, (void)argv;
	buf_add_char(&asked, '{');
	put_options(&asked);
	buf_add_char(&asked, '}');
	status = given.workspace ? run_task(cli, &(struct toggl_job){ .what = "load",
								      .asked = buf_str(&asked),
								      .is_interactive = true })
				 : run_for_all(cli, "load", "{}");
	buf_done(&asked);
	return status;
}

static int run_quota(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;
	int status = CLI_FINE;

	(void)argc, (void)argv;
	if (given.refresh) {
		bool json = given.json;

		given.json = false;
		status = run_for_all(cli, "quota", "{}");
		given.json = json;
	}
	if (!status)
		status = !cli_call(cli->db, "operator.toggl_quota_list", NULL, &rows) &&
					 listing_write(rows, "windows", given.json)
				 ? CLI_FINE
				 : CLI_FAILED;
	db_rows_free(rows);
	return status;
}

static int run_plan(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of a workspace", &id))
		goto done;
	db_arg_int(args, id);
	status = cli_call(cli->db, "operator.toggl_plan", args, &rows) ? CLI_FAILED : CLI_FINE;
	if (!status && !db_rows_count(rows) && !given.json)
		puts("Nothing is left to subscribe to: your subscriptions have all of it, or the "
		     "plan allows none.");
	else if (!status && !listing_write(rows, "proposals", given.json))
		status = CLI_FAILED;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* The one that is named; or all that have waited long enough, and then the look
   at Toggl's side when it is time: nobody waits for these, so they leave the
   reserve to people. */
static int run_continue(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf asked = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	if (!toggl_jobs_open(&jobs, cli))
		goto done;
	jobs.waits = given.wait;
	jobs.json = given.json;
	if (argc) {
		if (!input_id(argv[0], "the number of a job", &id))
			goto done;
		buf_addf(&asked, "{\"job\":%lld}", (long long)id);
		status = toggl_jobs_run(&jobs,
					&(struct toggl_job){ .what = "resume",
							     .asked = buf_str(&asked),
							     .is_interactive = true },
					NULL);
		goto done;
	}
	status = CLI_FAILED;
	db_arg_int(args, toggl_conf(cli->conf)->check_hours);
	if (cli_call(cli->db, "operator.toggl_due", args, &rows))
		goto done;
	status = CLI_FINE;
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		char *what = mem_dup(db_str(rows, i, "what"));
		struct toggl_job task = { .connection_id = db_int(rows, i, "connection_id"),
					  .what = what,
					  .asked = db_str(rows, i, "asked") };
		int one = toggl_jobs_run(&jobs, &task, NULL);

		free(what);
		status = one > status ? one : status;
	}
	if (!db_rows_count(rows))
		puts("Nothing is waiting that could go on now.");
done:
	buf_done(&asked);
	db_rows_free(rows);
	db_args_free(args);
	toggl_jobs_close(&jobs);
	return status;
}

static int run_disconnect(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;
	int64_t id, left;

	if (argc && !input_id(argv[0], "the number of a connection", &id))
		goto done;
	if (argc)
		db_arg_int(args, id);
	else
		db_arg_null(args);
	if ((status = cli_call(cli->db, "operator.toggl_disconnect", args, &rows) ? CLI_FAILED
										  : CLI_FINE))
		goto done;
	left = db_int(rows, 0, "toggl_disconnect");
	puts("The API token is forgotten.");
	if (left)
		printf("%lld subscription%s of ours stay%s at Toggl, and events go on coming.\n",
		       (long long)left, term_s(left), left == 1 ? "s" : "");
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static const struct cli_option do_options[] = {
	{ "wait", OPTION_FLAG, &given.wait, NULL,
	  "when the quota is spent, wait until it begins anew" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option add_options[] = {
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "the workspace" },
	{ "filters", OPTION_TEXT, &given.filters, "LIST",
	  "such as time_entry:*,project:* (else what the planner proposes)" },
	{ "description", OPTION_TEXT, &given.description, "TEXT",
	  "what it is called at Toggl (hookledger)" },
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

#define AT_TOGGL(word, function, operand, words) \
	{ \
		.name = "toggl " word, .need = NEED_OPERATOR, .run = function, \
		.operands = operand, .options = do_options, .help = words \
	}

const struct command cmd_toggl[] = {
	{ .name = "toggl list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list the subscriptions at Toggl, and how they differ from what we want",
	  .more = "Shown is what Toggl last said; SEEN tells how long ago that was." },
	{ .name = "toggl add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .options = add_options,
	  .also = do_options,
	  .help = "make one more subscription" },
	{ .name = "toggl edit",
	  .need = NEED_OPERATOR,
	  .run = run_edit,
	  .operands = "ID",
	  .options = edit_options,
	  .also = do_options,
	  .help = "change filters or description of one" },
	AT_TOGGL("enable", run_enable, "ID", "enable one"),
	AT_TOGGL("disable", run_disable, "ID", "disable one: Toggl sends nothing"),
	AT_TOGGL("ping", run_ping, "ID", "let Toggl ping its address"),
	AT_TOGGL("validate", run_validate, "ID", "let its address prove itself again"),
	AT_TOGGL("rotate", run_rotate, "ID",
		 "give it a new secret; the old one stays good for a day"),
	AT_TOGGL("delete", run_delete, "ID", "delete one at Toggl, and see that it is gone"),
	AT_TOGGL("adopt", run_adopt, "ID",
		 "take over one that was made elsewhere: our address, our secret"),
	AT_TOGGL("repair", run_repair, "[ID]", "bring one, or all, back to what we want"),
	AT_TOGGL("check", run_check, NULL, "compare all with what we want, now"),
	AT_TOGGL("refresh", run_refresh, NULL,
		 "ask Toggl for workspaces, limits and subscriptions"),
	{ .name = "toggl load",
	  .need = NEED_OPERATOR,
	  .run = run_load,
	  .options = load_options,
	  .also = do_options,
	  .help = "load users, clients, projects, tags and tasks into the tables" },
	AT_TOGGL("continue", run_continue, "[JOB_ID]",
		 "go on with what waits for the quota, and look at Toggl when it is time (cron)"),
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
	  .help = "show the filters that a plan has room for, and what they leave out" },
	{ .name = "toggl disconnect",
	  .need = NEED_OPERATOR,
	  .run = run_disconnect,
	  .operands = "[CONNECTION_ID]",
	  .options = no_options,
	  .help = "forget the API token" },
	{ 0 },
};
