/* SPDX-License-Identifier: ISC */
/* Exports a table, view or query of schema toggl. The server copies it out as a stream;
   this program holds one row at a time. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/db_copy.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/list.h"
#include "cli/outfile.h"
#include "cli/term.h"

/* A long query has kilobytes. */
enum { QUERY_MAX = 1024 * 1024, DESCRIBE_WAIT_MS = 60000 };

static struct {
	const char *format, *output, *query, *query_file, *zone, *separator, *decimal;
	bool list, spreadsheet;
} given = { .format = "csv", .zone = "UTC" };

/* Without it Excel reads a file in the code page of the system. */
static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf";

static int list(struct cli *cli)
{
	static const struct list_column columns[] = {
		{ .column = "name", .head = "NAME" },
		{ .column = "kind", .head = "KIND" },
		{ .column = "about", .head = "WHAT IT IS" },
		{ 0 },
	};

	return cli_list(cli, "operator.export_list", NULL, (struct list){ .columns = columns });
}

/* ---- options */

static bool is_ndjson(void)
{
	return strcmp(given.format, "ndjson") == 0;
}

/* The separator of cells. Excel expects a semicolon where the comma is the decimal sign.
   NULL: the option has no valid name. */
static const char *separator(void)
{
	if (!given.separator)
		return given.decimal && strcmp(given.decimal, "comma") == 0 ? ";" : ",";
	if (strcmp(given.separator, "comma") == 0)
		return ",";
	if (strcmp(given.separator, "semicolon") == 0)
		return ";";
	return strcmp(given.separator, "tab") == 0 ? "\t" : NULL;
}

static const char *decimal_sign(void)
{
	if (!given.decimal || strcmp(given.decimal, "point") == 0)
		return ".";
	return strcmp(given.decimal, "comma") == 0 ? "," : NULL;
}

/* false: said on stderr. */
static bool check_options(int argc)
{
	int sources = argc + (given.query != NULL) + (given.query_file != NULL);

	if (strcmp(given.format, "csv") != 0 && strcmp(given.format, "copy") != 0 && !is_ndjson())
		term_problem("--format is csv, ndjson or copy, not \"%s\"", given.format);
	else if (given.spreadsheet && strcmp(given.format, "csv") != 0)
		term_problem("--spreadsheet is for CSV, not for --format %s", given.format);
	else if (given.separator && strcmp(given.format, "csv") != 0)
		term_problem("--separator is for CSV, not for --format %s", given.format);
	else if (given.decimal && !given.spreadsheet)
		term_problem("--decimal goes with --spreadsheet");
	else if (!separator())
		term_problem("--separator is comma, semicolon or tab, not \"%s\"", given.separator);
	else if (!decimal_sign())
		term_problem("--decimal is point or comma, not \"%s\"", given.decimal);
	else if (given.list && (sources || given.output))
		term_problem("--list goes with no other option");
	else if (!given.list && sources != 1)
		term_problem(
			sources ? "export one thing: a name, --query or --query-file"
				: "say what to export: a name (`hookledger export --list` shows "
				  "them), --query or --query-file");
	else
		return true;
	return false;
}

/* Removes the semicolon at the end: a person writes it, and COPY refuses it. */
static bool read_query(struct buf *query)
{
	if (given.query_file && !input_file(given.query_file, QUERY_MAX, query))
		return false;
	buf_add_str(query, str_of(given.query));
	while (query->len && strchr("; \t\r\n", query->at[query->len - 1]))
		query->at[--query->len] = '\0';
	if (!query->len)
		term_problem("the query is empty");
	return query->len > 0;
}

/* `columns`: those of the query, once they are known, or NULL. */
static enum err plan(struct cli *cli, const char *name, const struct buf *query,
		     const struct db_rows *columns, struct db_rows **rows)
{
	size_t count = columns ? db_rows_columns(columns) : 0;
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_text(args, str_of(name));
	db_arg_text(args, name ? (struct str){ 0 } : buf_str(query));
	db_arg_text(args, str_of(given.spreadsheet ? "spreadsheet" : given.format));
	db_arg_text(args, str_of(given.zone));
	db_array(args, DB_TEXTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, str_of(db_column(columns, i)));
	db_arg_text(args, str_of(separator()));
	db_arg_text(args, str_of(decimal_sign()));
	err = cli_call(cli->db, "operator.export_plan", args, rows);
	db_args_free(args);
	return err;
}

/* Lets the server parse the query alone, before it becomes a part of another statement.
   The server refuses a text that is not exactly one statement. */
static bool check_query(struct db *db, const struct buf *query, struct db_rows **found)
{
	struct db_rows *columns;
	const char *twin = NULL;
	bool fine = false;

	if (db_describe(db, buf_text(query), DESCRIBE_WAIT_MS, found)) {
		term_problem("the query cannot be run: %s; it must be one select", db_problem(db));
		return false;
	}
	columns = *found;
	for (size_t i = 0; i < db_rows_columns(columns); i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(db_column(columns, i), db_column(columns, j)) == 0)
				twin = db_column(columns, i);
	if (!db_rows_columns(columns))
		term_problem("the query gives no rows; it must be a select");
	else if (twin && is_ndjson())
		term_problem(
			"two columns of the query are called \"%s\"; in NDJSON each needs its own "
			"name (… as name)",
			twin);
	else
		fine = true;
	return fine;
}

/* ---- the stream */

struct flow {
	struct outfile *out;
	struct progress progress;
	enum err written; /* the result of writing; an error is said already */
};

static enum err write_piece(void *user, struct str piece)
{
	struct flow *flow = user;

	flow->written = outfile_write(flow->out, piece);
	flow->progress.bytes += (int64_t)piece.len;
	progress_to(&flow->progress, flow->progress.done + 1);
	return flow->written;
}

static void print_done(const struct flow *flow, int64_t rows)
{
	struct buf line = { 0 };

	if (!flow->progress.is_shown && !outfile_is_temporary(flow->out))
		return;
	buf_addf(&line, "%lld row%s, ", (long long)rows, term_s(rows));
	term_add_size(&line, flow->progress.bytes);
	fprintf(stderr, "%s%s%s\n", buf_text(&line), outfile_is_temporary(flow->out) ? " in " : "",
		outfile_is_temporary(flow->out) ? given.output : "");
	buf_done(&line);
}

/* The user must know that the output is not complete. */
static void print_failed(const struct flow *flow, const char *problem)
{
	if (outfile_is_temporary(flow->out))
		term_problem("%s; %s was not written", problem, given.output);
	else
		term_problem("%s%s", problem,
			     flow->progress.done ? "; the output is not complete" : "");
}

static int copy(struct db *db, const struct db_rows *plan, int stop_fd, struct flow *flow)
{
	char *copying = mem_dup(db_str(plan, 0, "copying")),
	     *closing = mem_dup(db_str(plan, 0, "closing"));
	int64_t rows = 0;
	enum err err = ERR_NONE;

	flow->progress = progress_start("rows", 0);
	if (given.spreadsheet)
		err = flow->written = outfile_write(flow->out, str_of(BYTE_ORDER_MARK));
	if (!err)
		err = db_copy(db, copying, stop_fd, write_piece, flow, &rows);
	if (!err)
		err = db_run(db, closing);
	if (!err)
		err = flow->written = outfile_finish(flow->out);
	progress_end(&flow->progress);
	if (!err)
		print_done(flow, rows);
	else if (interrupt_signal())
		print_failed(flow, "interrupted");
	else if (!flow->written)
		print_failed(flow, db_problem(db));
	free(copying);
	free(closing);
	if (interrupt_signal() && err)
		return CLI_SIGNAL + interrupt_signal();
	if (flow->written == ERR_ABSENT)
		return CLI_SIGNAL + SIGPIPE;
	return err ? CLI_FAILED : CLI_FINE;
}

static bool begin(struct db *db, const struct db_rows *plan)
{
	char *opening = mem_dup(db_str(plan, 0, "opening"));
	bool begun = db_run(db, opening) == ERR_NONE;

	if (!begun)
		term_problem("the export could not begin: %s", db_problem(db));
	free(opening);
	return begun;
}

/* A statement that checks each cell names the columns of the query, so it is planned
   again. The reader's role may not plan it: that transaction is closed first. */
static bool begin_again(struct cli *cli, const struct buf *query, const struct db_rows *columns,
			struct db_rows **rows)
{
	char *closing = mem_dup(db_str(*rows, 0, "closing"));
	bool ended = db_run(cli->db, closing) == ERR_NONE;

	free(closing);
	if (!ended) {
		term_problem("the export could not begin: %s", db_problem(cli->db));
		return false;
	}
	db_rows_free(*rows);
	*rows = NULL;
	return !plan(cli, NULL, query, columns, rows) && begin(cli->db, *rows);
}

static int run_export(struct cli *cli, int argc, char **argv)
{
	struct buf query = { 0 };
	struct db_rows *rows = NULL, *columns = NULL;
	struct flow flow = { 0 };
	int status = CLI_USAGE, stop_fd;

	if (!check_options(argc) || (!given.list && !argc && !read_query(&query)))
		goto done;
	if (given.list) {
		status = list(cli);
		goto done;
	}
	status = CLI_FAILED;
	/* write() then says when the reader of our output has gone, and the command can
	   stop the work of the server. */
	signal(SIGPIPE, SIG_IGN);
	stop_fd = interrupt_open();
	if (plan(cli, argc ? argv[0] : NULL, &query, NULL, &rows) ||
	    !(flow.out = outfile_open(given.output)))
		goto done;
	if (!begin(cli->db, rows) || (query.len && !check_query(cli->db, &query, &columns)))
		goto done;
	if (query.len && given.spreadsheet && !begin_again(cli, &query, columns, &rows))
		goto done;
	status = copy(cli->db, rows, stop_fd, &flow);
done:
	outfile_close(flow.out);
	db_rows_free(columns);
	db_rows_free(rows);
	buf_done(&query);
	return status;
}

static const struct cli_option options[] = {
	{ "format", OPTION_TEXT, &given.format, "FORMAT",
	  "csv (default), ndjson, or copy (PostgreSQL's own)" },
	{ "spreadsheet", OPTION_FLAG, &given.spreadsheet, NULL,
	  "CSV for Excel and LibreOffice; no text is a formula" },
	{ "separator", OPTION_TEXT, &given.separator, "NAME",
	  "of CSV: comma (default), semicolon or tab" },
	{ "decimal", OPTION_TEXT, &given.decimal, "NAME",
	  "with --spreadsheet: point (default), or comma, with semicolons" },
	{ "output", OPTION_TEXT, &given.output, "FILE",
	  "not standard output; the file appears when it is complete" },
	{ "query", OPTION_TEXT, &given.query, "SQL", "the rows of this select" },
	{ "query-file", OPTION_TEXT, &given.query_file, "FILE",
	  "the same, from a file; - for standard input" },
	{ "zone", OPTION_TEXT, &given.zone, "ZONE",
	  "times in this zone, such as Europe/Berlin (UTC)" },
	{ "list", OPTION_FLAG, &given.list, NULL, "list what can be exported" },
	{ 0 },
};

const struct command cmd_export[] = {
	{ .name = "export",
	  .need = NEED_OPERATOR,
	  .run = run_export,
	  .operands = "[NAME]",
	  .options = options,
	  .help = "write a table, view or query of schema toggl as CSV, NDJSON or COPY",
	  .more = "A query is run read only, as hookledger_reader when there is that role." },
	{ 0 },
};
