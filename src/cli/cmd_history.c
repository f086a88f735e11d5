/* SPDX-License-Identifier: ISC */
/* The time entries from before the callbacks: what a load from Toggl would take, the load, and
   what was loaded. */
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "cli/toggl_jobs.h"

static struct {
	const char *from;
	int64_t workspace;
	bool json, wait, yes;
} given;

static void write_parameters(struct buf *json)
{
	json_begin(json, NULL);
	if (given.from)
		json_put_text(json, "from", str_of(given.from));
	if (given.workspace)
		json_put_int(json, "workspace", given.workspace);
	json_end(json);
}

/* Runs a job for the workspace that was given, or for each connection. */
static int run_job(struct toggl_jobs *jobs, const char *kind)
{
	struct buf json = { 0 };
	int status;

	write_parameters(&json);
	if (given.workspace)
		status = toggl_jobs_run(jobs, &(struct toggl_job){ .kind = kind,
								   .parameters = buf_str(&json),
								   .is_interactive = true });
	else
		status = toggl_jobs_run_all(jobs, kind, buf_str(&json));
	buf_done(&json);
	return status;
}

static bool open_jobs(struct toggl_jobs *jobs, struct cli *cli)
{
	bool fine = toggl_jobs_open(jobs, cli);

	jobs->waits = given.wait;
	jobs->json = given.json;
	return fine;
}

static int run_plan(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (open_jobs(&jobs, cli))
		status = run_job(&jobs, "history_plan");
	toggl_jobs_close(&jobs);
	return status;
}

/* Asks whether to load, after the plan was shown. */
static bool confirm(void)
{
	struct buf line = { 0 };
	bool is_yes;

	if (given.yes)
		return true;
	if (!prompt_has_terminal()) {
		term_problem("nothing is loaded yet: --yes loads it");
		return false;
	}
	is_yes = prompt_line("Load it (yes or no)? ", &line) && str_is(buf_str(&line), "yes");
	buf_done(&line);
	return is_yes;
}

static int run_load(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!open_jobs(&jobs, cli))
		goto done;
	/* with --json the output is the result of the load alone */
	status = given.json && given.yes ? CLI_FINE : run_job(&jobs, "history_plan");
	if (status)
		goto done;
	status = confirm() ? run_job(&jobs, "history") : CLI_FAILED;
done:
	toggl_jobs_close(&jobs);
	return status;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.history_list", NULL,
			(struct list){ .name = "windows", .json = given.json });
}

static const struct cli_option range_options[] = {
	{ "from", OPTION_TEXT, &given.from, "DATE", "the first day, such as 2024-01-01" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID",
	  "only this workspace (default: all that are connected)" },
	{ "wait", OPTION_FLAG, &given.wait, NULL,
	  "when the quota is spent, wait for its next window" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option load_options[] = {
	{ "yes", OPTION_FLAG, &given.yes, NULL, "load without asking" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_history[] = {
	{ .name = "history plan",
	  .need = NEED_OPERATOR,
	  .run = run_plan,
	  .options = range_options,
	  .help = "ask Toggl what loading the time since a day would take; loads nothing" },
	{ .name = "history load",
	  .need = NEED_OPERATOR,
	  .run = run_load,
	  .options = range_options,
	  .also = load_options,
	  .help = "load time entries from before the callbacks from Toggl",
	  .more = "Shows the plan first. When the quota is spent, the courier goes on by itself "
		  "in its\nnext window, or --wait waits here. The newest year is loaded first." },
	{ .name = "history list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "show what was loaded, and whether its sums agree with Toggl" },
	{ 0 },
};
