/* SPDX-License-Identifier: ISC */
#include "cli/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/term.h"

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), tail = strlen(end);

	return len > tail && strcmp(name + len - tail, end) == 0;
}

/* "created_us": CREATED */
static void add_head(struct buf *out, const char *name)
{
	size_t len = strlen(name) - (ends_with(name, "_us") ? 3 : 0);

	for (size_t i = 0; i < len; i++)
		buf_add_char(out, name[i] == '_'
					  ? ' '
					  : (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32
										    : name[i]));
	buf_add_char(out, '\0');
}

static void add_cell(struct table *table, const struct db_rows *rows, size_t row, const char *name)
{
	if (db_is_null(rows, row, name))
		table_text(table, str_of("-"));
	else if (ends_with(name, "_us"))
		table_ago(table, db_int(rows, row, name));
	else if (db_is_flag(rows, name))
		table_text(table, str_of(db_bool(rows, row, name) ? "yes" : "no"));
	else if (db_is_number(rows, name))
		table_int(table, db_int(rows, row, name));
	else
		table_text(table, db_str(rows, row, name));
}

static bool write_table(const struct db_rows *rows)
{
	size_t columns = db_rows_columns(rows), at = 0;
	const char **heads = mem_zero(columns, sizeof(*heads));
	struct buf names = { 0 };
	struct table *table;
	bool fine;

	for (size_t i = 0; i < columns; i++)
		add_head(&names, db_column(rows, i));
	for (size_t i = 0; i < columns; i++) {
		heads[i] = names.at + at;
		at += strlen(heads[i]) + 1;
	}
	table = table_new(heads, columns);
	for (size_t row = 0; row < db_rows_count(rows); row++)
		for (size_t i = 0; i < columns; i++)
			add_cell(table, rows, row, db_column(rows, i));
	fine = table_write(table);
	table_free(table);
	buf_done(&names);
	free(heads);
	return fine;
}

static void put_member(struct buf *out, const struct db_rows *rows, size_t row, const char *name)
{
	struct buf key = { 0 }, time = { 0 };

	buf_add_str(&key, str_of(name));
	if (ends_with(name, "_us")) {
		key.len -= 2;
		buf_add_text(&key, "at");
		if (!db_is_null(rows, row, name))
			clock_write(&time, db_int(rows, row, name));
		json_put_text(out, buf_text(&key), buf_str(&time));
	} else if (db_is_null(rows, row, name)) {
		json_put_text(out, name, (struct str){ 0 });
	} else if (db_is_flag(rows, name)) {
		json_put_bool(out, name, db_bool(rows, row, name));
	} else if (db_is_number(rows, name)) {
		if (ends_with(name, "_id"))
			json_put_id(out, name, db_int(rows, row, name));
		else
			json_put_int(out, name, db_int(rows, row, name));
	} else {
		json_put_text(out, name, db_str(rows, row, name));
	}
	buf_done(&key);
	buf_done(&time);
}

void listing_add_row(struct buf *out, const struct db_rows *rows, size_t row)
{
	for (size_t i = 0; i < db_rows_columns(rows); i++)
		put_member(out, rows, row, db_column(rows, i));
}

void listing_add(struct buf *out, const struct db_rows *rows, const char *what)
{
	json_key(out, what);
	buf_add_char(out, '[');
	for (size_t row = 0; row < db_rows_count(rows); row++) {
		buf_add_text(out, row ? ",{" : "{");
		listing_add_row(out, rows, row);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static bool write_json(const struct db_rows *rows, const char *what)
{
	struct buf out = { 0 };
	bool fine;

	buf_add_char(&out, '{');
	listing_add(&out, rows, what);
	buf_add_text(&out, "}\n");
	fine = term_write(buf_str(&out));
	buf_done(&out);
	return fine;
}

bool listing_write(const struct db_rows *rows, const char *what, bool json)
{
	return json ? write_json(rows, what) : write_table(rows);
}
