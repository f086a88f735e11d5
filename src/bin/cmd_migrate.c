/* SPDX-License-Identifier: ISC */
/* Brings the database's schema to what this program needs, and keeps it so:
   migrate, housekeep, restored. */
#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/db.h"
#include "bin/cmd.h"
#include "bin/steps.h"
#include "bin/term.h"

enum { SERVER_VERSION_MIN = 140000 };

static struct {
	bool dry_run;
} given;

/* What the server must be before anything is made in it. */
static int judge_server(struct db *db)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	if (db_server_version(db) < SERVER_VERSION_MIN) {
		term_problem("PostgreSQL 14 or later is needed; this is version %d",
		             db_server_version(db) / 10000);
		goto done;
	}
	db_arg_text(args, str_of("server_encoding"));
	if (cli_call(db, "current_setting", args, &rows))
		goto done;
	if (!str_is(db_cell(rows, 0, 0), "UTF8")) {
		term_problem("the database's encoding is %.*s; make one with UTF8: "
		             "`createdb --encoding=UTF8 --template=template0 NAME`",
		             (int)db_cell(rows, 0, 0).len, db_cell(rows, 0, 0).at);
		goto done;
	}
	status = CLI_FINE;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* What was applied so far; *applied stays NULL on a database that never saw us. */
static enum err read_applied(struct db *db, struct db_rows **applied)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_text(args, str_of("ledger.migration_list()"));
	err = cli_call(db, "to_regprocedure", args, &rows);
	if (!err && db_cell(rows, 0, 0).len)
		err = cli_call(db, "ledger.migration_list", NULL, applied);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static enum err run_text(struct db *db, const char *name, const char *text)
{
	enum err err = db_run(db, text);

	if (err)
		term_problem("%s failed: %s", name, db_problem(db));
	return err;
}

/* One step, one transaction. Another migrate that was faster leaves nothing
   to do here. Says what was done. */
static enum err apply(struct db *db, const struct steps *steps, const struct step *step,
                      const char *words)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err = run_text(db, step->name, "begin");
	bool is_ours = false;

	db_arg_int(args, step->version);
	db_arg_text(args, str_of(step->checksum));
	db_arg_int(args, (int64_t)steps->count);
	if (!err)
		err = cli_call(db, "ledger.migration_begin", args, &rows);
	is_ours = !err && str_is(db_cell(rows, 0, 0), "t");
	if (!is_ours)
		goto done;
	err = run_text(db, step->name, step->text);
	db_args_clear(args);
	db_arg_int(args, step->version);
	db_arg_text(args, str_of(step->name));
	db_arg_text(args, str_of(step->checksum));
	db_arg_text(args, str_of(HL_VERSION));
	if (!err)
		err = cli_call(db, "ledger.migration_end", args, NULL);
done:
	if (!err)
		err = run_text(db, step->name, "commit");
	if (!err && is_ours)
		puts(words);
	else if (!err)
		printf("another migrate was faster with %s\n", step->name);
	else if (db_is_ready(db) && db_run(db, "rollback"))
		term_problem("the transaction could not be ended: %s", db_problem(db));
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static int judge(const struct steps_state *state)
{
	if (state->newer) {
		term_problem("the database has schema version %lld, which this program (%s) does not "
		             "know: a newer hookledger made it; install that one",
		             (long long)state->newer, HL_VERSION);
		return CLI_FAILED;
	}
	if (state->changed) {
		term_problem("%s is not the file that was applied to this database; restore it from "
		             "the release, a change needs a new file", state->changed->name);
		return CLI_FAILED;
	}
	return CLI_FINE;
}

static int say_pending(const struct steps *steps, const struct steps_state *state)
{
	for (size_t i = steps->count - state->pending; i < steps->count; i++)
		printf("would apply %s\n", steps->migrations[i].name);
	if (state->doors_pending)
		puts("would make the functions anew");
	if (!state->doors_pending)
		puts("the schema is current");
	return CLI_FINE;
}

static enum err housekeep(const struct cli *cli, int64_t *made)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_int(args, cli->conf->counters_keep_days);
	err = cli_call(cli->db, "operator.housekeep", args, &rows);
	if (!err)
		*made = db_int(rows, 0, "housekeep");
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static enum err apply_all(struct db *db, const struct steps *steps, const struct steps_state *state)
{
	enum err err = run_text(db, "setup.sql", steps->setup);

	for (size_t i = steps->count - state->pending; !err && i < steps->count; i++) {
		struct buf words = { 0 };

		buf_addf(&words, "applied %s", steps->migrations[i].name);
		err = apply(db, steps, &steps->migrations[i], buf_text(&words));
		buf_done(&words);
	}
	if (!err)
		err = apply(db, steps, &steps->doors, "made the functions anew");
	return err;
}

/* Events that were recorded before there were tables to write them to. */
static enum err say_rebuild(struct db *db)
{
	struct db_rows *rows = NULL;
	enum err err = cli_call(db, "operator.rebuild_state", NULL, &rows);

	if (!err && db_rows_count(rows) && db_is_null(rows, 0, "finished_us"))
		puts("the tables of schema toggl do not have all that is recorded: run `hookledger rebuild`");
	db_rows_free(rows);
	return err;
}

static int run_migrate(struct cli *cli, int argc, char **argv)
{
	struct steps steps = { 0 };
	struct steps_state state;
	struct db_rows *applied = NULL;
	int64_t made = 0;
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!steps_load(&steps, cli->conf))
		goto done;
	status = judge_server(cli->db);
	if (status)
		goto done;
	status = CLI_FAILED;
	if (read_applied(cli->db, &applied))
		goto done;
	state = steps_compare(&steps, applied);
	if (judge(&state))
		goto done;
	if (given.dry_run) {
		status = say_pending(&steps, &state);
		goto done;
	}
	if (state.doors_pending && apply_all(cli->db, &steps, &state))
		goto done;
	if (!state.doors_pending)
		puts("the schema is current");
	if (housekeep(cli, &made))
		goto done;
	if (made)
		printf("made %lld partition%s\n", (long long)made, term_s(made));
	if (say_rebuild(cli->db) == ERR_NONE)
		status = CLI_FINE;
done:
	db_rows_free(applied);
	steps_done(&steps);
	return status;
}

static int run_housekeep(struct cli *cli, int argc, char **argv)
{
	int64_t made = 0;

	(void)argc, (void)argv;
	if (housekeep(cli, &made))
		return CLI_FAILED;
	printf("made %lld partition%s\n", (long long)made, term_s(made));
	return CLI_FINE;
}

static int run_restored(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "operator.restored", NULL, &rows))
		return CLI_FAILED;
	printf("This database counts as restored: epoch %lld begins.\n"
	       "Readers that go on from a cursor (`event tail`, exports) will read what is recorded\n"
	       "from now on, whatever the numbers of transactions were before.\n",
	       (long long)db_int(rows, 0, "restored"));
	db_rows_free(rows);
	return CLI_FINE;
}

static const struct cli_option migrate_options[] = {
	{ "dry-run", OPTION_FLAG, &given.dry_run, NULL, "say what would be done, do nothing" },
	{ 0 },
};

static const struct cli_option no_options[] = { { 0 } };

const struct command cmd_migrate[] = {
	{ .name = "migrate",
	  .need = NEED_OWNER,
	  .run = run_migrate,
	  .options = migrate_options,
	  .help = "make or update the database's schema",
	  .more = "Connects as database.owner. May be repeated, and run while receivers work: what\n"
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
