/* SPDX-License-Identifier: ISC */
/* Brings the database's schema to what this program needs, and keeps it so:
   migrate, housekeep, restored. */
#include <stdio.h>

#include "base/conf.h"
#include "base/db.h"
#include "cli/cmd.h"
#include "ledger/migration.h"
#include "cli/term.h"
#include "ledger/ledger_conf.h"
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
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	monitor_put_host(cli->conf, args);
	if (cli_call(cli->db, "operator.host_seen", args, NULL))
		goto done;
	db_args_clear(args);
	db_arg_int(args, ledger_conf(cli->conf)->counters_keep_days);
	if (!cli_call(cli->db, "operator.housekeep", args, &rows)) {
		int64_t made = db_int(rows, 0, "housekeep");

		printf("made %lld partition%s\n", (long long)made, term_s(made));
		status = CLI_FINE;
	}
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_restored(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "operator.restored", NULL, &rows))
		return CLI_FAILED;
	printf("This database counts as restored: epoch %lld begins.\n"
	       "Readers that go on from a cursor (`event tail`, exports) will read what is "
	       "recorded\n"
	       "from now on, whatever the numbers of transactions were before.\n",
	       (long long)db_int(rows, 0, "restored"));
	db_rows_free(rows);
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
	  .help = "make or update the database's schema",
	  .more = "Connects as database.owner. May be repeated, and run while receivers work: "
		  "what\n"
		  "they cannot record meanwhile waits in their spool." },
	{ .name = "housekeep",
	  .need = NEED_OPERATOR,
	  .run = run_housekeep,
	  .options = no_options,
	  .help = "make the partitions of the next months (monthly, from cron)" },
	{ .name = "restored",
	  .need = NEED_OPERATOR,
	  .run = run_restored,
	  .options = no_options,
	  .help = "say that the database was restored from a backup",
	  .more = "To be run once, after the restore and before the receivers start." },
	{ 0 },
};
