/* SPDX-License-Identifier: ISC */
/* Time that was invoiced: keeps the entries of a range as they are, and says
   what is different since. */
#include <stdio.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/listing.h"
#include "cli/term.h"

static struct {
	const char *from, *until, *zone;
	int64_t workspace, client, project;
	bool json;
} given;

/* 0: not given. */
static void add_id(struct db_args *args, int64_t id)
{
	if (id)
		db_arg_int(args, id);
	else
		db_arg_null(args);
}

static bool say_frozen(const char *name, const struct db_rows *rows)
{
	int64_t entries = db_int(rows, 0, "entries"), seconds = db_int(rows, 0, "seconds");
	struct buf out = { 0 };
	bool fine;

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_id(&out, "invoice_id", db_int(rows, 0, "invoice_id"));
		json_put_int(&out, "entries", entries);
		json_put_int(&out, "seconds", seconds);
		buf_add_text(&out, "}\n");
	} else {
		buf_add_text(&out, "Invoice ");
		term_add_safe(&out, str_of(name));
		buf_addf(&out, " is frozen: %lld entr%s, %lld:%02d hours.\n", (long long)entries,
			 entries == 1 ? "y" : "ies", (long long)(seconds / 3600),
			 (int)(seconds / 60 % 60));
	}
	fine = term_write(buf_str(&out));
	buf_done(&out);
	return fine;
}

static int run_freeze(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;

	(void)argc;
	if (!given.from || !given.until || !given.zone) {
		term_problem("say which days, and where: --from 2026-05-01 --until 2026-06-01 "
			     "--zone Europe/Berlin");
		goto done;
	}
	status = CLI_FAILED;
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(given.from));
	db_arg_text(args, str_of(given.until));
	db_arg_text(args, str_of(given.zone));
	add_id(args, given.workspace);
	add_id(args, given.client);
	add_id(args, given.project);
	if (!cli_call(cli->db, "operator.invoice_freeze", args, &rows) && say_frozen(argv[0], rows))
		status = CLI_FINE;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	if (!cli_call(cli->db, "operator.invoice_list", NULL, &rows) &&
	    listing_write(rows, "invoices", given.json))
		status = CLI_FINE;
	db_rows_free(rows);
	return status;
}

static int run_changes(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	if (!cli_call(cli->db, "operator.invoice_changes", args, &rows) &&
	    listing_write(rows, "changes", given.json))
		status = CLI_FINE;
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_thaw(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct buf out = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	if (cli_call(cli->db, "operator.invoice_thaw", args, NULL))
		goto done;
	buf_add_text(&out, "Invoice ");
	term_add_safe(&out, str_of(argv[0]));
	buf_add_text(&out, " is forgotten; the entries themselves are as they were.\n");
	if (term_write(buf_str(&out)))
		status = CLI_FINE;
done:
	buf_done(&out);
	db_args_free(args);
	return status;
}

static const struct cli_option freeze_options[] = {
	{ "from", OPTION_TEXT, &given.from, "DATE", "the first day" },
	{ "until", OPTION_TEXT, &given.until, "DATE", "the first day that does not belong to it" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE", "where days begin: Europe/Berlin" },
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
	  .help = "keep the entries of a range as they are, because it was invoiced",
	  .more = "An entry belongs to the range when it starts in it. Nothing is locked: the "
		  "entries\n"
		  "may be changed, and `invoice changes` says so.\n"
		  "Example: hookledger invoice freeze 2026-17 --from 2026-05-01 --until "
		  "2026-06-01\n"
		  "--zone Europe/Berlin --client 5832000006" },
	{ .name = "invoice list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list what was invoiced, with its sums then and now" },
	{ .name = "invoice changes",
	  .need = NEED_OPERATOR,
	  .run = run_changes,
	  .operands = "NAME",
	  .options = list_options,
	  .help = "what was changed, added or deleted in it since" },
	{ .name = "invoice thaw",
	  .need = NEED_OPERATOR,
	  .run = run_thaw,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "forget what was kept of it" },
	{ 0 },
};
