/* SPDX-License-Identifier: ISC */
/* Values of published fields that were not of the type they should be: what
   Toggl has changed, and which columns are null because of it. */
#include "base/clock.h"
#include "base/db.h"
#include "cli/cmd.h"
#include "cli/listing.h"

enum { DAYS = 30 };

static struct {
	int64_t since_us;
	bool json;
} given;

static int run_drift(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	db_arg_time(args, given.since_us ? given.since_us
					 : clock_now_us() - (int64_t)DAYS * 86400 * 1000000);
	if (cli_call(cli->db, "operator.drift_list", args, &rows) == ERR_NONE &&
	    listing_write(rows, "drift", given.json))
		status = CLI_FINE;
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static const struct cli_option options[] = {
	{ "since", OPTION_TIME, &given.since_us, "TIME",
	  "recorded on that day (UTC) or later (30d)" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_drift[] = {
	{ .name = "drift",
	  .need = NEED_OPERATOR,
	  .run = run_drift,
	  .options = options,
	  .help = "list fields whose values were not of the type they should be",
	  .more = "Nothing is lost: the column is null, the value stands in the entity's payload.\n"
		  "found: the JSON type that came; value: the type is right and the value is not;\n"
		  "costly: the body has too many values or escapes to be taken apart: it is "
		  "recorded,\n"
		  "but in no table, and not passed on." },
	{ 0 },
};
