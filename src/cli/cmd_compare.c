/* SPDX-License-Identifier: ISC */
/* `hookledger toggl compare`: compares the time entries of a range of days with Toggl, records what
   is missing, and shows the result for each day. */
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/toggl_jobs.h"

static struct {
	const char *from, *until;
	int64_t workspace;
	bool json, wait;
} given;

static int run_jobs(struct toggl_jobs *jobs)
{
	struct buf json = { 0 };
	int status;

	json_begin(&json, NULL);
	if (given.from)
		json_put_text(&json, "from", str_of(given.from));
	if (given.until)
		json_put_text(&json, "until", str_of(given.until));
	if (given.workspace)
		json_put_int(&json, "workspace", given.workspace);
	json_end(&json);
	status = given.workspace
			 ? toggl_jobs_run(jobs, &(struct toggl_job){ .kind = "compare",
								     .parameters = buf_str(&json),
								     .is_interactive = true })
			 : toggl_jobs_run_all(jobs, "compare", buf_str(&json));
	buf_done(&json);
	return status;
}

static void add_text(struct db_args *args, const char *text)
{
	if (text)
		db_arg_text(args, str_of(text));
	else
		db_arg_null(args);
}

static int write_days(struct cli *cli)
{
	struct db_args *args = db_args_new();

	cli_arg_int(args, given.workspace, given.workspace);
	add_text(args, given.from);
	add_text(args, given.until);
	return cli_list(cli, "operator.completeness_list", args, (struct list){ .name = "days" });
}

static int run_compare(struct cli *cli, int argc, char **argv)
{
	struct toggl_jobs jobs = { 0 };
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (toggl_jobs_open(&jobs, cli)) {
		jobs.waits = given.wait;
		jobs.json = given.json;
		status = run_jobs(&jobs);
	}
	toggl_jobs_close(&jobs);
	return status || given.json ? status : write_days(cli);
}

static const struct cli_option options[] = {
	{ "from", OPTION_TEXT, &given.from, "DATE", "the first day (default: six days before)" },
	{ "until", OPTION_TEXT, &given.until, "DATE", "the last day (default: today)" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID",
	  "only this workspace (default: all that are connected)" },
	{ "wait", OPTION_FLAG, &given.wait, NULL,
	  "when the quota is spent, wait for its next window" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_compare[] = {
	{ .name = "toggl compare",
	  .need = NEED_OPERATOR,
	  .run = run_compare,
	  .options = options,
	  .help = "compare the time entries of some days with Toggl, and fill what is missing",
	  .more = "A day is equal, filled (it agrees since what was missing was recorded), "
		  "differs, "
		  "or unknown:\nit cannot be known. The courier does this every night for the last "
		  "days." },
	{ 0 },
};
