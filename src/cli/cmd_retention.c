/* SPDX-License-Identifier: ISC */
/* Drops whole months of the ledger. Without --apply it only shows the plan. Each month is
   one transaction, so that the command may be stopped and repeated. */
#include <stdio.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/catalog.h"

static struct {
	const char *before;
	int64_t keep;
	bool apply, json;
} given;

struct sums {
	int64_t months, events, bytes, stay;
};

static enum err read_plan(struct db *db, struct db_rows **plan)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_text(args, str_of(given.before));
	db_arg_int(args, given.keep);
	err = cli_call(db, "operator.retention_plan", args, plan);
	db_args_free(args);
	return err;
}

static bool is_to_drop(const struct db_rows *plan, size_t row)
{
	return str_is(db_str(plan, row, "verdict"), "drop");
}

static struct sums sum_up(const struct db_rows *plan)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < db_rows_count(plan); i++) {
		if (!is_to_drop(plan, i)) {
			sums.stay++;
			continue;
		}
		sums.months++;
		sums.events += db_int(plan, i, "events");
		sums.bytes += db_int(plan, i, "bytes");
	}
	return sums;
}

/* ---- showing the plan */

static void add_outcome(struct buf *out, const struct db_rows *plan, size_t row,
			const void *context)
{
	(void)context;
	if (is_to_drop(plan, row)) {
		buf_add_text(out, "to be dropped");
	} else if (db_is_null(plan, row, "reason")) {
		buf_add_text(out, "stays, because one before it does");
	} else {
		buf_add_text(out, "stays: ");
		catalog_write_json(db_str(plan, row, "reason"), out);
	}
}

static bool write_plan(const struct db_rows *plan)
{
	static const struct list_column columns[] = {
		{ .column = "month", .head = "MONTH", .member = "month" },
		{ .column = "events", .head = "EVENTS", .member = "events" },
		{ .column = "bytes", .head = "SIZE", .member = "bytes", .form = LIST_SIZE },
		{ .column = "verdict", .member = "verdict" },
		{ .column = "reason", .head = "WHAT", .add = add_outcome },
		{ .column = "reason", .member = "reason", .form = LIST_CODED },
		{ 0 },
	};
	struct list list = { .name = "months", .json = given.json, .columns = columns };

	list_add(&list, plan, db_rows_count(plan));
	return list_write(&list);
}

static int show(const struct db_rows *plan)
{
	struct sums sums = sum_up(plan);
	struct buf size = { 0 };

	if (given.json || db_rows_count(plan))
		if (!write_plan(plan))
			return CLI_FAILED;
	if (given.json)
		return CLI_FINE;
	term_add_size(&size, sums.bytes);
	if (sums.months)
		printf("%lld month%s with %lld event%s, %s, would be dropped; of each entity its "
		       "last state "
		       "would be kept.\nNothing was changed: --apply does it.\n",
		       (long long)sums.months, term_s(sums.months), (long long)sums.events,
		       term_s(sums.events), buf_text(&size));
	else
		puts("There is nothing to drop.");
	buf_done(&size);
	return CLI_FINE;
}

/* ---- dropping */

static enum err drop(struct db *db, struct str month, int64_t *events, int64_t *kept)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_text(args, month);
	err = cli_call(db, "operator.retention_drop", args, &rows);
	if (!err) {
		*events += db_int(rows, 0, "events");
		*kept += db_int(rows, 0, "kept");
		if (!given.json)
			printf("dropped %.*s: %lld event%s; kept as the last state of their "
			       "entities: %lld\n",
			       (int)month.len, month.at, (long long)db_int(rows, 0, "events"),
			       term_s(db_int(rows, 0, "events")),
			       (long long)db_int(rows, 0, "kept"));
		fflush(stdout);
	}
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

/* Moves the horizon behind the months to drop, then drops one after the other. */
static enum err drop_all(struct db *db, const struct db_rows *plan, struct sums sums)
{
	struct db_args *args = db_args_new();
	int64_t events = 0, kept = 0;
	enum err err;

	db_arg_text(args, db_str(plan, (size_t)sums.months - 1, "month"));
	err = cli_call(db, "operator.retention_mark", args, NULL);
	for (size_t i = 0; !err && i < (size_t)sums.months; i++)
		err = drop(db, db_str(plan, i, "month"), &events, &kept);
	if (!err && given.json) {
		struct buf out = { 0 };

		buf_add_char(&out, '{');
		json_put_int(&out, "months", sums.months);
		json_put_int(&out, "events", events);
		json_put_int(&out, "kept", kept);
		json_put_int(&out, "stay", sums.stay);
		buf_add_text(&out, "}\n");
		if (!term_write(buf_str(&out)))
			err = ERR_FAULT;
		buf_done(&out);
	}
	db_args_free(args);
	return err;
}

static int apply(struct db *db, const struct db_rows *plan)
{
	struct sums sums = sum_up(plan);

	/* The months to drop come first: a month behind one that stays stays too. */
	if (!sums.months && show(plan))
		return CLI_FAILED;
	if (sums.months && drop_all(db, plan, sums)) {
		term_problem("retention is not finished; the same command goes on");
		return CLI_FAILED;
	}
	for (size_t i = 0; !given.json && sums.months && i < db_rows_count(plan); i++)
		if (!db_is_null(plan, i, "reason")) {
			struct buf reason = { 0 };

			catalog_write_json(db_str(plan, i, "reason"), &reason);
			printf("%.*s and later months stay: %s\n",
			       (int)db_str(plan, i, "month").len, db_str(plan, i, "month").at,
			       buf_text(&reason));
			buf_done(&reason);
		}
	return sums.stay ? CLI_FAILED : CLI_FINE;
}

static int run_retention(struct cli *cli, int argc, char **argv)
{
	struct db_rows *plan = NULL;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	if (!given.before == !given.keep) {
		term_problem("say what stays: --keep-months N, or --before MONTH such as 2026-05");
		return CLI_USAGE;
	}
	if (read_plan(cli->db, &plan) == ERR_NONE)
		status = given.apply ? apply(cli->db, plan) : show(plan);
	db_rows_free(plan);
	return status;
}

static const struct cli_option options[] = {
	{ "keep-months", OPTION_COUNT, &given.keep, "N",
	  "keep the current month and the N before it" },
	{ "before", OPTION_TEXT, &given.before, "MONTH",
	  "drop what is before this month (2026-05)" },
	{ "apply", OPTION_FLAG, &given.apply, NULL, "do it; otherwise the plan is only shown" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_retention[] = {
	{ .name = "retention",
	  .need = NEED_OPERATOR,
	  .run = run_retention,
	  .options = options,
	  .help = "drop whole months of events; their entities keep their last state",
	  .more = "Tables, a rebuild, and the history since then stay as they are. Months (UTC) "
		  "that an\n"
		  "invoice or a waiting delivery needs stay, and so do those after them. With "
		  "--apply\n"
		  "exit status 1 when some had to stay. It may be stopped and repeated." },
	{ 0 },
};
