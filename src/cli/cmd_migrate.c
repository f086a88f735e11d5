/* SPDX-License-Identifier: ISC */
/* The schema of the database: `migrate` creates or updates it, `housekeep` creates the
   partitions of the next months, `restored` begins a new epoch after a restore. */
#include <stdio.h>

#include "base/conf.h"
#include "base/db.h"
#include "cli/cmd.h"
#include "ledger/ledger_conf.h"
#include "ledger/migration.h"
#include "cli/term.h"
#include "ledger/monitor.h"

static struct {
	bool dry_run;
} given;

static void print_line(const char *line)
{
	puts(line);
}

static int run_migrate(struct cli *cli, int argc, char **argv)
{
	struct migration migration = {
		.db = cli->db, .conf = cli->conf, .dry_run = given.dry_run, .print = print_line
	};
	enum migration_end end = migration_run(&migration);

	(void)argc, (void)argv;
	if (migration.problem.len)
		term_problem("%s", buf_text(&migration.problem));
	if (migration.partitions)
		printf("made %lld partition%s\n", (long long)migration.partitions,
		       term_s(migration.partitions));
	if (migration.needs_rebuild)
		puts("the tables of schema toggl do not have all that is recorded: run `hookledger "
		     "rebuild`");
	buf_done(&migration.problem);
	return end == MIGRATION_DONE	   ? CLI_FINE
	       : end == MIGRATION_NO_FILES ? CLI_USAGE
					   : CLI_FAILED;
}

static int run_housekeep(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	int status = CLI_FAILED;
	int64_t made;

	(void)argc, (void)argv;
	monitor_put_host(cli->conf, args);
	if (cli_call(cli->db, "operator.host_seen", args, NULL))
		goto done;
	db_args_clear(args);
	db_arg_int(args, ledger_conf(cli->conf)->counters_keep_days);
	if (!cli_call_number(cli->db, "operator.housekeep", args, &made)) {
		printf("made %lld partition%s\n", (long long)made, term_s(made));
		status = CLI_FINE;
	}
done:
	db_args_free(args);
	return status;
}

static int run_restored(struct cli *cli, int argc, char **argv)
{
	int64_t epoch;

	(void)argc, (void)argv;
	if (cli_call_number(cli->db, "operator.restored", NULL, &epoch))
		return CLI_FAILED;
	printf("This database counts as restored: epoch %lld begins.\n"
	       "Programs that go on from a cursor (`event tail`, exports) read what is recorded\n"
	       "from now on, whatever the numbers of transactions were before.\n"
	       "What came after the backup is compared with Toggl and filled in, where hookledger\n"
	       "is connected; `hookledger findings` and the admin page show it until then.\n",
	       (long long)epoch);
	return CLI_FINE;
}

static const struct cli_option migrate_options[] = {
	{ "dry-run", OPTION_FLAG, &given.dry_run, NULL, "say what would be done, do nothing" },
	{ 0 },
};

const struct command cmd_migrate[] = {
	{ .name = "migrate",
	  .need = NEED_OWNER,
	  .run = run_migrate,
	  .options = migrate_options,
	  .help = "install or update the schema of the database",
	  .more = "Connects as database.owner. It may be repeated, and run while receivers work: "
		  "callbacks\n"
		  "that they cannot record meanwhile wait in the spool." },
	{ .name = "housekeep",
	  .need = NEED_OPERATOR,
	  .run = run_housekeep,
	  .options = no_options,
	  .help = "prepare the partitions of the next months (monthly, from cron)" },
	{ .name = "restored",
	  .need = NEED_OPERATOR,
	  .run = run_restored,
	  .options = no_options,
	  .help = "declare that the database was restored from a backup",
	  .more = "Run it once, after the restore and before the receivers start." },
	{ 0 },
};
