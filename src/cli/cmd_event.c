/* SPDX-License-Identifier: ISC */
/* Recorded events: list, show, tail, export. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/event_text.h"
#include "cli/input.h"
#include "cli/secret_cache.h"
#include "cli/event_scan.h"
#include "cli/term.h"
#include "ledger/callback.h"

enum { LIST_DEFAULT = 20, PAGE = 1000, POLL_MS = 1000, RECONNECT_MS = 2000 };

static struct {
	struct event_filter filter;
	const char *after, *before, *format;
	int64_t limit; /* 0: not given */
	bool json, raw, from_start, verbatim;
} given;

/* ---- list */

/* Asks for one more than it shows: so it knows whether there are older ones. */
static int run_list(struct cli *cli, int argc, char **argv)
{
	static const struct list_column columns[] = {
		{ .column = "created_us", .head = "CREATED", .form = LIST_TIME },
		{ .column = "model", .head = "MODEL", .absent = "" },
		{ .column = "action", .head = "ACTION", .absent = "" },
		{ .column = "entity_id", .head = "ENTITY", .form = LIST_TEXT, .absent = "" },
		{ .column = "creator_id", .head = "USER", .form = LIST_TEXT, .absent = "" },
		{ .column = "workspace_id", .head = "WORKSPACE", .form = LIST_TEXT },
		{ .column = "event_id", .head = "EVENT", .form = LIST_TEXT },
		{ .column = "received_us", .head = "RECEIVED" },
		{ .column = "source", .head = "SOURCE" },
		EVENT_MEMBERS,
		{ 0 },
	};
	int64_t left = given.limit ? given.limit : LIST_DEFAULT;
	struct list list = { .name = "events", .json = given.json, .columns = columns };
	struct buf before = { 0 };
	bool more = true;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	buf_add_str(&before, str_of(given.before));
	while (left > 0 && more) {
		int64_t page = left < PAGE ? left : PAGE;
		struct db_rows *rows = NULL;
		size_t count;

		if (event_scan_newest(cli->db, &given.filter, before.len ? buf_text(&before) : NULL,
				      page + 1, &rows))
			goto done;
		count = db_rows_count(rows);
		more = count > (size_t)page;
		if (more)
			count--;
		list_add(&list, rows, count);
		if (count) {
			buf_clear(&before);
			buf_add_str(&before, db_str(rows, count - 1, "cursor"));
		}
		left -= page;
		db_rows_free(rows);
	}
	if (given.json)
		json_put_text(list_end(&list), "older",
			      more ? buf_str(&before) : (struct str){ 0 });
	if (!list_write(&list))
		goto done;
	if (!given.json && more)
		printf("older ones: --before %s\n", buf_text(&before));
	status = CLI_FINE;
done:
	list_done(&list);
	buf_done(&before);
	return status;
}

/* ---- show */

static void add_fact(struct buf *out, const char *name, struct str value)
{
	buf_addf(out, "%-12s ", name);
	term_add_safe(out, value.len ? value : str_of("-"));
	buf_add_char(out, '\n');
}

static void add_time(struct buf *out, const char *name, int64_t us)
{
	buf_addf(out, "%-12s ", name);
	term_add_time(out, us);
	buf_add_text(out, ", ");
	term_add_ago(out, us);
	buf_add_char(out, '\n');
}

static void add_text(struct buf *out, const struct db_rows *rows, size_t row,
		     enum signature_verdict verdict)
{
	static const char *const sentences[] = {
		[SIGNATURE_VALID] = "verifies now",
		[SIGNATURE_INVALID] = "DOES NOT FIT THE BODY",
		[SIGNATURE_BODY_FORGOTTEN] =
			"of the body that was here until a person was forgotten",
		[SIGNATURE_NO_SECRET] =
			"cannot be verified: its secret does not open with this master key",
	};

	add_fact(out, "event", db_str(rows, row, "event_id"));
	add_fact(out, "workspace", db_str(rows, row, "workspace_id"));
	add_time(out, "created", db_int(rows, row, "created_us"));
	add_time(out, "received", db_int(rows, row, "received_us"));
	add_fact(out, "model", db_str(rows, row, "model"));
	add_fact(out, "action", db_str(rows, row, "action"));
	add_fact(out, "entity", db_str(rows, row, "entity_id"));
	add_fact(out, "user", db_str(rows, row, "creator_id"));
	add_fact(out, "source", db_str(rows, row, "source"));
	add_fact(out, "endpoint", db_str(rows, row, "endpoint_id"));
	add_fact(out, "secret", db_str(rows, row, "secret_id"));
	add_fact(out, "cursor", db_str(rows, row, "cursor"));
	add_fact(out, "signature", str_of(sentences[verdict]));
	if (callback_cost(db_str(rows, row, "body")) > CALLBACK_COST_MAX)
		add_fact(out, "costly",
			 str_of("too many values or escapes: in no table, and not delivered"));
}

/* Keeps the line ends of the pretty JSON, and makes other control characters visible. */
static void add_body(struct buf *out, struct str body)
{
	struct buf pretty = { 0 };
	struct str rest;

	json_pretty(&pretty, body);
	rest = buf_str(&pretty);
	while (rest.len) {
		term_add_safe(out, str_cut(&rest, '\n'));
		buf_add_char(out, '\n');
	}
	buf_done(&pretty);
}

static void add_shown(struct buf *out, const struct db_rows *rows, size_t row,
		      enum signature_verdict verdict)
{
	if (given.raw) {
		buf_add_str(out, db_str(rows, row, "body"));
	} else if (given.json) {
		buf_add_char(out, '{');
		list_add_members(out, event_columns(given.verbatim), NULL, rows, row);
		json_put_text(out, "verified", str_of(signature_word(verdict)));
		json_put_bool(out, "costly",
			      callback_cost(db_str(rows, row, "body")) > CALLBACK_COST_MAX);
		buf_add_text(out, "}\n");
	} else {
		if (row)
			buf_add_char(out, '\n');
		add_text(out, rows, row, verdict);
		add_body(out, db_str(rows, row, "body"));
	}
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct sealer *sealer = sealer_new(cli->conf->master_key, cli->conf->master_key_previous);
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of an event", &id);
	struct secret_cache *cache = NULL;
	struct db_rows *rows = NULL;
	struct buf out = { 0 };
	int status = args ? CLI_FAILED : CLI_USAGE;

	(void)argc;
	if (!args)
		goto done;
	if (cli_call(cli->db, "operator.event_find", args, &rows))
		goto done;
	cache = secret_cache_new(cli->db, sealer);
	if (!cache)
		goto done;
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct buf signature = { 0 };

		db_bytes(rows, i, "signature", &signature);
		add_shown(&out, rows, i,
			  secret_cache_verify(cache, db_int(rows, i, "secret_id"),
					      db_str(rows, i, "body"), buf_str(&signature)));
		buf_done(&signature);
	}
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
done:
	secret_cache_free(cache);
	sealer_free(sealer);
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* ---- tail */

/* Where the scan starts: at the given cursor, the first event, or what is complete now. */
static enum err find_start(struct event_scan *scan)
{
	enum err err = ERR_NONE;

	if (given.after || given.from_start)
		return ERR_NONE;
	err = event_scan_stop_here(scan);
	if (!err) {
		buf_add_str(&scan->after, buf_str(&scan->before));
		buf_clear(&scan->before);
	}
	return err;
}

static bool write_page(const struct db_rows *rows, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		if (given.json)
			event_add_json(out, rows, i, given.verbatim);
		else
			event_add_line(out, rows, i);
	}
	return term_write(buf_str(out));
}

/* Waits until the database is back, and says so once. During `migrate` the functions are
   missing for a moment; that counts as away. */
static void wait_for_database(struct db *db, bool *is_away)
{
	if (!*is_away)
		term_problem("the database cannot answer (%s); trying on", db_problem(db));
	*is_away = true;
	if (db_wait(db, RECONNECT_MS))
		return;
	poll(NULL, 0, POLL_MS);
}

static int run_tail(struct cli *cli, int argc, char **argv)
{
	struct event_scan scan;
	struct buf out = { 0 };
	bool is_away = false;
	int64_t left = given.limit ? given.limit : INT64_MAX;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	event_scan_init(&scan, cli->db, &given.filter, given.after, NULL);
	if (find_start(&scan))
		goto done;
	while (left > 0) {
		struct db_rows *rows = NULL;
		enum err err = event_scan_next(&scan, left < PAGE ? left : PAGE, true, &rows);
		size_t count;
		bool fine;

		if (err == ERR_BUSY) {
			wait_for_database(cli->db, &is_away);
			continue;
		}
		if (err) {
			term_problem("%s", db_problem(cli->db));
			goto done;
		}
		is_away = false;
		count = db_rows_count(rows);
		fine = write_page(rows, &out);
		db_rows_free(rows);
		if (!fine)
			goto done;
		left -= (int64_t)count;
		if (count == 0)
			poll(NULL, 0, POLL_MS);
	}
	status = CLI_FINE;
done:
	event_scan_done(&scan);
	buf_done(&out);
	return status;
}

/* ---- export */

static bool export_page(const struct db_rows *rows, bool is_csv, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		if (is_csv)
			list_add_csv(out, event_columns(true), rows, i);
		else
			event_add_json(out, rows, i, given.verbatim);
	}
	return term_write(buf_str(out));
}

static bool export_all(struct event_scan *scan, bool is_csv, struct progress *progress)
{
	int64_t left = given.limit ? given.limit : INT64_MAX, done = 0;
	struct buf out = { 0 };
	bool fine = true;
	size_t count = 1;

	if (is_csv) {
		list_add_csv_head(&out, event_columns(true));
		fine = term_write(buf_str(&out));
	}
	while (fine && count && left > 0) {
		struct db_rows *rows = NULL;

		fine = event_scan_next(scan, left < PAGE ? left : PAGE, false, &rows) == ERR_NONE;
		if (!fine)
			break;
		count = db_rows_count(rows);
		fine = export_page(rows, is_csv, &out);
		db_rows_free(rows);
		left -= (int64_t)count;
		done += (int64_t)count;
		progress_to(progress, done);
	}
	progress->done = done;
	buf_done(&out);
	return fine;
}

static int run_export(struct cli *cli, int argc, char **argv)
{
	bool is_csv = given.format && strcmp(given.format, "csv") == 0, fine;
	struct progress progress = { 0 };
	struct event_scan scan;
	int64_t total = 0;
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	if (given.format && !is_csv && strcmp(given.format, "ndjson") != 0) {
		term_problem("--format is ndjson or csv, not \"%s\"", given.format);
		return CLI_USAGE;
	}
	event_scan_init(&scan, cli->db, &given.filter, given.after, NULL);
	if (event_scan_stop_here(&scan) ||
	    (progress_is_wanted() && event_scan_count(&scan, &total)))
		goto done;
	progress = progress_start("events",
				  given.limit && given.limit < total ? given.limit : total);
	fine = export_all(&scan, is_csv, &progress);
	progress_end(&progress);
	if (!fine)
		goto done;
	/* Without a limit the scan has read all before its end, whatever the filter. */
	fprintf(stderr, "%lld event%s; later ones: --after %s\n", (long long)progress.done,
		term_s(progress.done),
		given.limit && scan.after.len ? buf_text(&scan.after) : buf_text(&scan.before));
	status = CLI_FINE;
done:
	event_scan_done(&scan);
	return status;
}

/* ---- the table of commands */

static const struct cli_option filter_options[] = {
	{ "workspace", OPTION_COUNT, &given.filter.workspace, "ID", "of this Toggl workspace" },
	{ "model", OPTION_TEXT, &given.filter.model, "WORD",
	  "of this kind: time_entry, project, …" },
	{ "action", OPTION_TEXT, &given.filter.action, "WORD", "created, updated or deleted" },
	{ "entity", OPTION_COUNT, &given.filter.entity, "ID", "of this entity" },
	{ "user", OPTION_COUNT, &given.filter.user, "ID", "made by this Toggl user" },
	{ "since", OPTION_TIME, &given.filter.since_us, "TIME", "created then or later" },
	{ "until", OPTION_TIME, &given.filter.until_us, "TIME", "created before then" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "limit", OPTION_COUNT, &given.limit, "N", "at most N (20)" },
	{ "before", OPTION_TEXT, &given.before, "CURSOR", "recorded before this one" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts: one object with all" },
	{ 0 },
};

static const struct cli_option show_options[] = {
	{ "raw", OPTION_FLAG, &given.raw, NULL, "only the body, byte for byte" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts: one object a line" },
	{ "verbatim", OPTION_FLAG, &given.verbatim, NULL,
	  "in JSON, the body as a string of its bytes" },
	{ 0 },
};

static const struct cli_option tail_options[] = {
	{ "limit", OPTION_COUNT, &given.limit, "N", "end after N events" },
	{ "from-start", OPTION_FLAG, &given.from_start, NULL,
	  "begin with the first recorded event" },
	{ "after", OPTION_TEXT, &given.after, "CURSOR", "recorded after this one" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts: one object a line, with the body" },
	{ "verbatim", OPTION_FLAG, &given.verbatim, NULL,
	  "in JSON, the body as a string of its bytes" },
	{ 0 },
};

static const struct cli_option export_options[] = {
	{ "limit", OPTION_COUNT, &given.limit, "N", "at most N" },
	{ "after", OPTION_TEXT, &given.after, "CURSOR", "recorded after this one" },
	{ "format", OPTION_TEXT, &given.format, "FORMAT", "ndjson (default) or csv" },
	{ "verbatim", OPTION_FLAG, &given.verbatim, NULL,
	  "in NDJSON, the body as a string of its bytes" },
	{ 0 },
};

const struct command cmd_event[] = {
	{ .name = "event list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .also = filter_options,
	  .help = "list recorded events, the newest first" },
	{ .name = "event show",
	  .need = NEED_OPERATOR,
	  .run = run_show,
	  .operands = "EVENT_ID",
	  .options = show_options,
	  .help = "show one, with its body and whether its signature verifies" },
	{ .name = "event tail",
	  .need = NEED_OPERATOR,
	  .run = run_tail,
	  .options = tail_options,
	  .also = filter_options,
	  .help = "print events as they are recorded, until Ctrl-C" },
	{ .name = "event export",
	  .need = NEED_OPERATOR,
	  .run = run_export,
	  .options = export_options,
	  .also = filter_options,
	  .help = "write all events as NDJSON or CSV, in the order of recording" },
	{ 0 },
};
