/* SPDX-License-Identifier: ISC */
/* Writes the typed tables again from the ledger, a range of entities in each transaction,
   while receivers record. The database keeps the position: after a stop the next run goes
   on from there. */
#include <stdio.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"

/* Events in a transaction: about 0.1 s. A receiver that records a change of the same
   entities may wait that long. */
enum { STEP_EVENTS = 5000 };

static struct {
	bool restart, json;
} given;

struct outcome {
	int64_t events, removed, before; /* before: events done by an earlier run */
	int64_t ms;
};

static enum err begin(struct db *db, struct outcome *outcome, int64_t *total)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_bool(args, given.restart);
	err = cli_call(db, "operator.rebuild_begin", args, &rows);
	if (err)
		goto done;
	outcome->before = db_int(rows, 0, "events_done");
	*total = db_int(rows, 0, "events");
	if (db_bool(rows, 0, "goes_on"))
		fprintf(stderr,
			"going on with a rebuild that was not finished (%lld event%s done); "
			"--restart begins again\n",
			(long long)outcome->before, term_s(outcome->before));
done:
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static enum err run_steps(struct db *db, struct progress *progress, struct outcome *outcome)
{
	struct db_args *args = db_args_new();
	bool finished = false;
	enum err err = ERR_NONE;

	db_arg_int(args, STEP_EVENTS);
	while (!err && !finished) {
		struct db_rows *rows = NULL;

		err = cli_call(db, "operator.rebuild_step", args, &rows);
		if (!err) {
			finished = db_bool(rows, 0, "finished");
			outcome->events = db_int(rows, 0, "events_done");
			outcome->removed += db_int(rows, 0, "removed");
			progress_to(progress, outcome->events - outcome->before);
		}
		db_rows_free(rows);
	}
	db_args_free(args);
	return err;
}

static bool print_outcome(const struct outcome *outcome)
{
	struct buf out = { 0 };
	int64_t done = outcome->events - outcome->before;

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_int(&out, "events", outcome->events);
		json_put_int(&out, "removed", outcome->removed);
		json_put_int(&out, "ms", outcome->ms);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out,
			 "The tables of schema toggl are written again, from %lld event%s "
			 "(%lld a second).\n",
			 (long long)outcome->events, term_s(outcome->events),
			 (long long)(outcome->ms > 0 ? done * 1000 / outcome->ms : done));
		if (outcome->removed)
			buf_addf(&out,
				 "Rows that came from no recorded event, now removed or right: "
				 "%lld.\n",
				 (long long)outcome->removed);
	}
	return term_write_buf(&out);
}

static int run_rebuild(struct cli *cli, int argc, char **argv)
{
	struct outcome outcome = { 0 };
	struct progress progress;
	int64_t total = 0, started_ms = clock_ms();
	enum err err;

	(void)argc, (void)argv;
	if (begin(cli->db, &outcome, &total))
		return CLI_FAILED;
	progress = progress_start("events", total - outcome.before);
	err = run_steps(cli->db, &progress, &outcome);
	progress_end(&progress);
	outcome.ms = clock_ms() - started_ms;
	if (err) {
		term_problem("the rebuild is not finished; `hookledger rebuild` goes on where it "
			     "stopped");
		return CLI_FAILED;
	}
	return print_outcome(&outcome) ? CLI_FINE : CLI_FAILED;
}

static const struct cli_option options[] = {
	{ "restart", OPTION_FLAG, &given.restart, NULL,
	  "begin again, whatever an earlier run has done" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_rebuild[] = {
	{ .name = "rebuild",
	  .need = NEED_OPERATOR,
	  .run = run_rebuild,
	  .options = options,
	  .help = "write the typed tables again from the ledger",
	  .more = "Needed once when a ledger had events before it had tables (`migrate` and "
		  "`doctor`\n"
		  "say so); otherwise only when a table was damaged. Receivers go on recording. It "
		  "may\n"
		  "be stopped at any time: run again, it goes on. Two at once share the work." },
	{ 0 },
};
