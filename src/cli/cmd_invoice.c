/* SPDX-License-Identifier: ISC */
/* Invoiced time: keeps a copy of the time entries of a range, and shows what changed in
   them since. */
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/term.h"

static struct {
	const char *from, *until, *zone;
	int64_t workspace, client, project;
	bool json;
} given;

/* How many days are in a list, the first of them in `first`. */
static int64_t count_days(const struct db_rows *rows, const char *column, struct buf *first)
{
	struct str rest = db_str(rows, 0, column);
	struct json_value day;
	int64_t count = 0;

	while (json_next(&rest, &day)) {
		if (!count++ && json_text(day, first))
			buf_clear(first);
	}
	return count;
}

/* Days on which the copy may lack what Toggl has. The freeze is done all the same. */
static void warn_of_days(const struct db_rows *rows)
{
	static const struct {
		const char *column, *text;
	} kinds[] = {
		{ "unchecked", "not compared with Toggl since the day ended" },
		{ "differs", "on which the entries differ from Toggl" },
		{ "unknown", "on which it cannot be known whether Toggl has the same" },
	};
	bool is_any = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf first = { 0 };
		int64_t count = count_days(rows, kinds[i].column, &first);

		if (count)
			term_problem("of its %lld day%s %lld %s %s (the first is %s)",
				     (long long)db_int(rows, 0, "days"),
				     term_s(db_int(rows, 0, "days")), (long long)count,
				     count == 1 ? "is" : "are", kinds[i].text, buf_text(&first));
		is_any |= count > 0;
		buf_done(&first);
	}
	if (is_any)
		term_problem("`hookledger toggl compare --from %s --until ...` compares them; then "
			     "thaw and freeze again",
			     given.from);
}

static bool print_frozen(const char *name, const struct db_rows *rows)
{
	int64_t entries = db_int(rows, 0, "entries"), seconds = db_int(rows, 0, "seconds");
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_id(&out, "invoice_id", db_int(rows, 0, "invoice_id"));
		json_put_int(&out, "entries", entries);
		json_put_int(&out, "seconds", seconds);
		json_put_json(&out, "unchecked", db_str(rows, 0, "unchecked"));
		json_put_json(&out, "differs", db_str(rows, 0, "differs"));
		json_put_json(&out, "unknown", db_str(rows, 0, "unknown"));
		buf_add_text(&out, "}\n");
	} else {
		buf_add_text(&out, "Invoice ");
		term_add_safe(&out, str_of(name));
		buf_addf(&out, " is frozen: %lld entr%s, %lld:%02d hours.\n", (long long)entries,
			 entries == 1 ? "y" : "ies", (long long)(seconds / 3600),
			 (int)(seconds / 60 % 60));
		warn_of_days(rows);
	}
	return term_write_buf(&out);
}

static int run_freeze(struct cli *cli, int argc, char **argv)
{
	struct db_args *args;
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	if (!given.from || !given.until || !given.zone) {
		term_problem("say which days, and in which time zone: --from 2026-05-01 --until "
			     "2026-06-01 --zone Europe/Berlin");
		return CLI_USAGE;
	}
	args = db_args_new();
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(given.from));
	db_arg_text(args, str_of(given.until));
	db_arg_text(args, str_of(given.zone));
	cli_arg_int(args, given.workspace, given.workspace);
	cli_arg_int(args, given.client, given.client);
	cli_arg_int(args, given.project, given.project);
	if (!cli_call(cli->db, "operator.invoice_freeze", args, &rows) &&
	    print_frozen(argv[0], rows))
		status = CLI_FINE;
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.invoice_list", NULL,
			(struct list){ .name = "invoices", .json = given.json });
}

static int run_changes(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	return cli_list(cli, "operator.invoice_changes", args,
			(struct list){ .name = "changes", .json = given.json });
}

static int run_thaw(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct buf name = { 0 };
	int status;

	(void)argc;
	term_add_safe(&name, str_of(argv[0]));
	db_arg_text(args, str_of(argv[0]));
	status = cli_change(cli, "operator.invoice_thaw", args,
			    "Invoice %s is forgotten; the entries themselves are as they were.",
			    buf_text(&name));
	buf_done(&name);
	return status;
}

static const struct cli_option freeze_options[] = {
	{ "from", OPTION_TEXT, &given.from, "DATE", "the first day" },
	{ "until", OPTION_TEXT, &given.until, "DATE", "the day after the last day" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE", "the time zone of the days: Europe/Berlin" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "only entries of this workspace" },
	{ "client", OPTION_COUNT, &given.client, "ID", "only entries of this client's projects" },
	{ "project", OPTION_COUNT, &given.project, "ID", "only entries of this project" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_invoice[] = {
	{ .name = "invoice freeze",
	  .need = NEED_OPERATOR,
	  .run = run_freeze,
	  .operands = "NAME",
	  .options = freeze_options,
	  .help = "keep a copy of the time entries of a range that was invoiced",
	  .more = "An entry belongs to the range when it starts in it. Nothing is locked: the "
		  "entries\n"
		  "may change, and `invoice changes` lists the changes. Days that were not "
		  "compared\n"
		  "with Toggl, or differ from it, are named.\n"
		  "Example: hookledger invoice freeze 2026-17 --from 2026-05-01 --until "
		  "2026-06-01\n"
		  "--zone Europe/Berlin --client 5832000006" },
	{ .name = "invoice list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list the invoices, with their sums then and now" },
	{ .name = "invoice changes",
	  .need = NEED_OPERATOR,
	  .run = run_changes,
	  .operands = "NAME",
	  .options = list_options,
	  .help = "list what was changed, added or deleted since an invoice" },
	{ .name = "invoice thaw",
	  .need = NEED_OPERATOR,
	  .run = run_thaw,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "delete the copy of an invoice" },
	{ 0 },
};
