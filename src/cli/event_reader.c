/* SPDX-License-Identifier: ISC */
#include "cli/event_reader.h"

#include "base/db.h"
#include "cli/cmd.h"

/* A page of bodies that any client can hold, and worth its round trip. */
enum { PAGE_BYTES = 8 * 1024 * 1024, QUIET_WAIT_MS = 60000 };

void event_reader_init(struct event_reader *reader, struct db *db, const struct filter *filter,
		       const char *after, const char *before)
{
	*reader = (struct event_reader){ .db = db, .filter = filter };
	buf_add_str(&reader->after, str_of(after));
	buf_add_str(&reader->before, str_of(before));
}

void event_reader_done(struct event_reader *reader)
{
	buf_done(&reader->after);
	buf_done(&reader->before);
}

static void add_cursor(struct db_args *args, const struct buf *cursor)
{
	db_arg_text(args, cursor->len ? buf_str(cursor) : (struct str){ 0 });
}

static void add_id(struct db_args *args, int64_t id)
{
	if (id)
		db_arg_int(args, id);
	else
		db_arg_null(args);
}

static void add_time(struct db_args *args, int64_t us)
{
	if (us)
		db_arg_time(args, us);
	else
		db_arg_null(args);
}

/* The last seven arguments of every function that takes a filter. */
static void add_filter(struct db_args *args, const struct filter *filter)
{
	add_id(args, filter->workspace);
	db_arg_text(args, str_of(filter->model));
	db_arg_text(args, str_of(filter->action));
	add_id(args, filter->entity);
	add_id(args, filter->user);
	add_time(args, filter->since_us);
	add_time(args, filter->until_us);
}

enum err event_reader_stop_here(struct event_reader *reader)
{
	struct db_rows *rows = NULL;
	enum err err = cli_call(reader->db, "operator.event_end", NULL, &rows);

	if (!err) {
		buf_clear(&reader->before);
		buf_add_str(&reader->before, db_cell(rows, 0, 0));
	}
	db_rows_free(rows);
	return err;
}

enum err event_reader_count(struct event_reader *reader, int64_t *count)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	add_cursor(args, &reader->after);
	add_cursor(args, &reader->before);
	add_filter(args, reader->filter);
	err = cli_call(reader->db, "operator.event_count", args, &rows);
	if (!err)
		*count = db_int(rows, 0, "event_count");
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

enum err event_reader_next(struct event_reader *reader, int64_t most, bool quietly,
			   struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	struct db_rows *page = NULL;
	enum err err;

	add_cursor(args, &reader->after);
	add_cursor(args, &reader->before);
	db_arg_int(args, most);
	db_arg_int(args, PAGE_BYTES);
	add_filter(args, reader->filter);
	if (quietly)
		err = db_call(reader->db, "operator.event_read", args, QUIET_WAIT_MS, &page);
	else
		err = cli_call(reader->db, "operator.event_read", args, &page);
	if (!err) {
		size_t count = db_rows_count(page);

		if (count) {
			buf_clear(&reader->after);
			buf_add_str(&reader->after, db_str(page, count - 1, "cursor"));
		}
		*rows = page;
	}
	db_args_free(args);
	return err;
}

enum err event_reader_newest(struct db *db, const struct filter *filter, const char *before,
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
