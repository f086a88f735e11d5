/* SPDX-License-Identifier: ISC */
#include "cli/event_scan.h"

#include "base/db.h"
#include "cli/cli.h"

/* A page that any client can hold in memory, and that is worth its round trip. */
enum { PAGE_BYTES = 8 * 1024 * 1024, QUIET_WAIT_MS = 60000 };

void event_scan_init(struct event_scan *scan, struct db *db, const struct event_filter *filter,
		     const char *after, const char *before)
{
	*scan = (struct event_scan){ .db = db, .filter = filter };
	buf_add_str(&scan->after, str_of(after));
	buf_add_str(&scan->before, str_of(before));
}

void event_scan_done(struct event_scan *scan)
{
	buf_done(&scan->after);
	buf_done(&scan->before);
}

static void add_cursor(struct db_args *args, const struct buf *cursor)
{
	db_arg_text(args, cursor->len ? buf_str(cursor) : (struct str){ 0 });
}

/* The last seven arguments of every function that takes a filter. */
static void add_filter(struct db_args *args, const struct event_filter *filter)
{
	cli_arg_int(args, filter->workspace, filter->workspace);
	db_arg_text(args, str_of(filter->model));
	db_arg_text(args, str_of(filter->action));
	cli_arg_int(args, filter->entity, filter->entity);
	cli_arg_int(args, filter->user, filter->user);
	cli_arg_time(args, filter->since_us);
	cli_arg_time(args, filter->until_us);
}

enum err event_scan_stop_here(struct event_scan *scan)
{
	struct db_rows *rows = NULL;
	enum err err = cli_call(scan->db, "operator.event_end", NULL, &rows);

	if (!err) {
		buf_clear(&scan->before);
		buf_add_str(&scan->before, db_cell(rows, 0, 0));
	}
	db_rows_free(rows);
	return err;
}

enum err event_scan_count(struct event_scan *scan, int64_t *count)
{
	struct db_args *args = db_args_new();
	enum err err;

	add_cursor(args, &scan->after);
	add_cursor(args, &scan->before);
	add_filter(args, scan->filter);
	err = cli_call_number(scan->db, "operator.event_count", args, count);
	db_args_free(args);
	return err;
}

enum err event_scan_next(struct event_scan *scan, int64_t most, bool quietly, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	struct db_rows *page = NULL;
	enum err err;

	add_cursor(args, &scan->after);
	add_cursor(args, &scan->before);
	db_arg_int(args, most);
	db_arg_int(args, PAGE_BYTES);
	add_filter(args, scan->filter);
	if (quietly)
		err = db_call(scan->db, "operator.event_read", args, QUIET_WAIT_MS, &page);
	else
		err = cli_call(scan->db, "operator.event_read", args, &page);
	if (!err) {
		size_t count = db_rows_count(page);

		if (count) {
			buf_clear(&scan->after);
			buf_add_str(&scan->after, db_str(page, count - 1, "cursor"));
		}
		*rows = page;
	}
	db_args_free(args);
	return err;
}

enum err event_scan_newest(struct db *db, const struct event_filter *filter, const char *before,
			   int64_t most, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_text(args, str_of(before));
	db_arg_int(args, most);
	add_filter(args, filter);
	err = cli_call(db, "operator.event_list", args, rows);
	db_args_free(args);
	return err;
}
