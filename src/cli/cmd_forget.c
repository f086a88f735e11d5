/* SPDX-License-Identifier: ISC */
/* Forgets a person, on request: replaces the personal data in all that is recorded. First
   shows what there is, then asks, then works by ranges of entities; so the command may be
   stopped, and goes on when it is run again. */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"

enum { STEP_EVENTS = 5000, ANSWER_MAX = 64 };

static struct {
	int64_t user, workspace; /* 0: not given */
	bool yes, dry_run, json;
} given;

static void add_person(struct db_args *args)
{
	db_args_clear(args);
	db_arg_int(args, given.user);
	db_arg_id(args, given.workspace);
}

/* A callback that waits in the spool would record data of the person again. */
static bool check_spool(const struct conf *conf)
{
	struct spool_status waiting = { 0 };
	int status;
	struct spool *spool = cli_spool(conf, &status);
	bool fine = !spool && status == CLI_FINE;

	if (spool && spool_count(spool, &waiting))
		term_problem("the spool %s cannot be read", ledger_conf(conf)->spool_dir);
	else if (waiting.records || waiting.aside_records)
		term_problem("callbacks in the spool %s that may be of that user: %lld; "
			     "record them first (`hookledger spool drain`)%s",
			     ledger_conf(conf)->spool_dir,
			     (long long)(waiting.records + waiting.aside_records),
			     waiting.aside_records
				     ? "; some were set aside (`hookledger spool list`)"
				     : "");
	else if (spool)
		fine = true;
	spool_close(spool);
	return fine;
}

/* ---- what there is */

static bool has_anything(const struct db_rows *found)
{
	return db_int(found, 0, "made") || db_int(found, 0, "about") ||
	       db_int(found, 0, "entries") || db_int(found, 0, "invoices") ||
	       db_int(found, 0, "quarantined") || db_int(found, 0, "accounts") ||
	       db_str(found, 0, "names").len || db_bool(found, 0, "is_begun");
}

static void add_line(struct buf *out, const char *label, int64_t count)
{
	buf_addf(out, "  %-46s %lld\n", label, (long long)count);
}

static bool print_found(const struct db_rows *found)
{
	struct buf out = { 0 };

	buf_addf(&out, "User %lld", (long long)given.user);
	if (db_str(found, 0, "names").len) {
		buf_add_text(&out, ", known as ");
		term_add_safe(&out, db_str(found, 0, "names"));
	}
	if (db_str(found, 0, "emails").len) {
		buf_add_text(&out, ", ");
		term_add_safe(&out, db_str(found, 0, "emails"));
	}
	if (given.workspace)
		buf_addf(&out, ", in workspace %lld only", (long long)given.workspace);
	buf_add_text(&out, ":\n");
	add_line(&out, "events made by the user", db_int(found, 0, "made"));
	add_line(&out, "events of others about what is the user's own", db_int(found, 0, "about"));
	add_line(&out, "time entries", db_int(found, 0, "entries"));
	add_line(&out, "entries of frozen invoices", db_int(found, 0, "invoices"));
	add_line(&out, "callbacks in quarantine", db_int(found, 0, "quarantined"));
	add_line(&out, "accounts of the API, which will be disabled", db_int(found, 0, "accounts"));
	buf_add_text(&out, "Descriptions, names, addresses and the number go; times, durations, "
			   "projects, tags, rates\n"
			   "and what is billable stay, under an alias. It cannot be undone.\n");
	if (db_int(found, 0, "mentions"))
		buf_addf(&out,
			 "Not touched: %lld event%s of others that have the name in their text.\n",
			 (long long)db_int(found, 0, "mentions"),
			 term_s(db_int(found, 0, "mentions")));
	if (db_bool(found, 0, "is_begun"))
		buf_add_text(&out, "An earlier run was not finished; this one goes on with it.\n");
	return term_write_buf(&out);
}

static bool print_found_json(const struct db_rows *found)
{
	static const char *const counts[] = { "made",	  "about",	 "mentions", "entries",
					      "invoices", "quarantined", "accounts" };
	struct buf out = { 0 };

	buf_add_char(&out, '{');
	json_put_id(&out, "user_id", given.user);
	json_put_text(&out, "names", db_str(found, 0, "names"));
	json_put_text(&out, "emails", db_str(found, 0, "emails"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_put_int(&out, counts[i], db_int(found, 0, counts[i]));
	json_put_bool(&out, "is_begun", db_bool(found, 0, "is_begun"));
	buf_add_text(&out, "}\n");
	return term_write_buf(&out);
}

static bool confirm(void)
{
	char answer[ANSWER_MAX] = "";
	struct str typed;
	int64_t id;

	if (given.yes)
		return true;
	fputs("Type the number of the user to go on: ", stderr);
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		fputc('\n', stderr);
	typed = str_of(answer);
	if (str_int(str_trim(str_cut(&typed, '\n')), &id) && id == given.user)
		return true;
	term_problem("nothing was changed (--yes goes on without the question)");
	return false;
}

/* ---- forgetting */

static enum err begin(struct db *db, int64_t *erasure, int64_t *done, int64_t *total)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	add_person(args);
	err = cli_call(db, "operator.forget_begin", args, &rows);
	if (!err) {
		*erasure = db_int(rows, 0, "erasure_id");
		*done = db_int(rows, 0, "events_done");
		*total = db_int(rows, 0, "events");
	}
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static enum err forget(struct db *db, int64_t *replaced)
{
	struct db_args *args = db_args_new();
	struct progress progress;
	int64_t erasure = 0, before = 0, total = 0;
	bool finished = false;
	enum err err = begin(db, &erasure, &before, &total);

	if (err)
		goto done;
	db_arg_int(args, erasure);
	db_arg_int(args, STEP_EVENTS);
	progress = progress_start("events", total - before);
	while (!err && !finished) {
		struct db_rows *rows = NULL;

		err = cli_call(db, "operator.forget_step", args, &rows);
		if (!err) {
			finished = db_bool(rows, 0, "finished");
			*replaced = db_int(rows, 0, "replaced");
			progress_to(&progress, db_int(rows, 0, "events_done") - before);
		}
		db_rows_free(rows);
	}
	progress_end(&progress);
	if (err)
		term_problem("not finished; the same command goes on where it stopped");
done:
	db_args_free(args);
	return err;
}

static bool print_done(int64_t replaced)
{
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_int(&out, "replaced", replaced);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out,
			 "Forgotten: %lld event%s replaced. Programs that keep a copy by cursor "
			 "load "
			 "them again.\n"
			 "Older backups still have the data. `vacuum` removes the old rows from "
			 "the disk.\n",
			 (long long)replaced, term_s(replaced));
	}
	return term_write_buf(&out);
}

static int run_forget(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	int64_t replaced = 0;
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!given.user) {
		term_problem("say which user: --user ID, the number of the user at Toggl (it is in "
			     "toggl.workspace_user)");
		goto done;
	}
	status = CLI_FAILED;
	add_person(args);
	if (cli_call(cli->db, "operator.forget_look", args, &found))
		goto done;
	if (!has_anything(found)) {
		term_problem("nothing is recorded of user %lld", (long long)given.user);
		goto done;
	}
	if ((given.dry_run || !given.json) &&
	    !(given.json ? print_found_json(found) : print_found(found)))
		goto done;
	if (given.dry_run)
		status = CLI_FINE;
	else if (check_spool(cli->conf) && confirm() && forget(cli->db, &replaced) == ERR_NONE &&
		 print_done(replaced))
		status = CLI_FINE;
done:
	db_rows_free(found);
	db_args_free(args);
	return status;
}

static const struct cli_option options[] = {
	{ "user", OPTION_COUNT, &given.user, "ID", "the number of the user at Toggl" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "only in this workspace" },
	{ "dry-run", OPTION_FLAG, &given.dry_run, NULL, "show what there is, change nothing" },
	{ "yes", OPTION_FLAG, &given.yes, NULL, "do not ask, for scripts" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_forget[] = {
	{ .name = "forget",
	  .need = NEED_OPERATOR,
	  .run = run_forget,
	  .options = options,
	  .help = "replace the personal data of a person, on request",
	  .more = "Shows what there is, and asks for the number of the user before it changes "
		  "anything.\n"
		  "The company's books stay as they are, under an alias; of each original body "
		  "its\n"
		  "SHA-256 stays. It may be stopped: run again, it goes on." },
	{ 0 },
};
