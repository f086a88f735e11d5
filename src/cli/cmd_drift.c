/* SPDX-License-Identifier: ISC */
/* Drift: values of published fields whose type is not the published one. Toggl has
   changed them, and our columns are null because of it. */
#include "base/clock.h"
#include "base/db.h"
#include "cli/cmd.h"
#include "cli/list.h"

enum { DAYS = 30 };

static struct {
	int64_t since_us;
	bool json;
} given;

static int run_drift(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();

	(void)argc, (void)argv;
	db_arg_time(args, given.since_us ? given.since_us
					 : clock_now_us() - (int64_t)DAYS * 86400 * 1000000);
	return cli_list(cli, "operator.drift_list", args,
			(struct list){ .name = "drift", .json = given.json });
}

static const struct cli_option options[] = {
	{ "since", OPTION_TIME, &given.since_us, "TIME",
	  "recorded on this day (UTC) or later (30d)" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_drift[] = {
	{ .name = "drift",
	  .need = NEED_OPERATOR,
	  .run = run_drift,
	  .options = options,
	  .help = "list fields whose values had another type than Toggl publishes",
	  .more = "Nothing is lost: the column is null, the value is in the payload of the "
		  "entity.\n"
		  "FOUND is the JSON type that came. \"value\": the type is right and the value is "
		  "not.\n"
		  "\"costly\": the body has too many values or escapes to be parsed; it is "
		  "recorded, but it\n"
		  "is in no table and not delivered to subscribers." },
	{ 0 },
};
