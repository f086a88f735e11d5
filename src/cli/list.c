/* SPDX-License-Identifier: ISC */
#include "cli/list.h"

#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/table.h"
#include "cli/term.h"
#include "ledger/catalog.h"

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), tail = strlen(end);

	return len > tail && strcmp(name + len - tail, end) == 0;
}

/* ---- the columns of rows that have no description */

/* "created_us": CREATED */
static void add_head(struct table *table, const char *name)
{
	size_t len = strlen(name) - (ends_with(name, "_us") ? 3 : 0);
	struct buf head = { 0 };

	for (size_t i = 0; i < len; i++)
		buf_add_char(&head, name[i] == '_'		       ? ' '
				    : name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32)
								       : name[i]);
	table_text(table, buf_str(&head));
	buf_done(&head);
}

/* "created_us": created_at */
static void add_member_name(struct buf *out, const char *name)
{
	if (ends_with(name, "_us")) {
		buf_add(out, name, strlen(name) - 2);
		buf_add_text(out, "at");
	} else {
		buf_add_text(out, name);
	}
}

/* ---- one value */

static bool is_null(const struct list_column *column, const struct db_rows *rows, size_t row)
{
	return !column->add && db_is_null(rows, row, column->column);
}

/* The value as JSON and CSV have it: of jsonb the sentence that it is the code of. */
static void add_value(struct buf *out, const struct list_column *column, const void *context,
		      const struct db_rows *rows, size_t row)
{
	if (column->add) {
		column->add(out, rows, row, context);
	} else if (column->form == LIST_HEX) {
		struct buf bytes = { 0 };

		db_bytes(rows, row, column->column, &bytes);
		buf_add_hex(out, bytes.at, bytes.len);
		buf_done(&bytes);
	} else if (column->form == LIST_CODED) {
		catalog_write_json(db_str(rows, row, column->column), out);
	} else if (ends_with(column->column, "_us")) {
		clock_write(out, db_int(rows, row, column->column));
	} else if (column->form != LIST_TEXT && db_is_json(rows, column->column)) {
		catalog_write_json(db_str(rows, row, column->column), out);
	} else {
		buf_add_str(out, db_str(rows, row, column->column));
	}
}

/* ---- table */

static void add_cell(struct table *table, const struct list_column *column, const void *context,
		     const struct db_rows *rows, size_t row)
{
	const char *name = column->column;
	struct buf text = { 0 };
	bool is_number = false;

	if (is_null(column, rows, row))
		buf_add_text(&text, column->absent ? column->absent : "-");
	else if (column->add || column->form == LIST_TEXT || column->form == LIST_HEX ||
		 column->form == LIST_CODED)
		add_value(&text, column, context, rows, row);
	else if (column->form == LIST_TIME)
		term_add_time(&text, db_int(rows, row, name));
	else if (column->form == LIST_SIZE)
		term_add_size(&text, db_int(rows, row, name));
	else if (ends_with(name, "_us"))
		term_add_ago(&text, db_int(rows, row, name));
	else if (db_is_flag(rows, name))
		buf_add_text(&text, db_bool(rows, row, name) ? "yes" : "no");
	else if (db_is_number(rows, name))
		is_number = true;
	else
		add_value(&text, column, context, rows, row);
	if (is_number)
		table_int(table, db_int(rows, row, name));
	else
		table_text(table, buf_str(&text));
	buf_done(&text);
}

static struct table *new_table(const struct list *list, const struct db_rows *rows)
{
	struct table *table;
	size_t count = 0;

	if (!list->columns) {
		table = table_new(db_rows_columns(rows));
		for (size_t i = 0; i < db_rows_columns(rows); i++)
			add_head(table, db_column(rows, i));
		return table;
	}
	for (const struct list_column *c = list->columns; c->column; c++)
		count += c->head != NULL;
	table = table_new(count);
	for (const struct list_column *c = list->columns; c->column; c++)
		if (c->head)
			table_text(table, str_of(c->head));
	return table;
}

static void add_row(struct list *list, const struct db_rows *rows, size_t row)
{
	if (!list->columns) {
		for (size_t i = 0; i < db_rows_columns(rows); i++)
			add_cell(list->table, &(struct list_column){ .column = db_column(rows, i) },
				 NULL, rows, row);
		return;
	}
	for (const struct list_column *c = list->columns; c->column; c++)
		if (c->head)
			add_cell(list->table, c, list->context, rows, row);
}

/* ---- JSON */

/* Line ends can stand only between the tokens of valid JSON, so a blank says the same. */
static void add_on_one_line(struct buf *out, struct str json)
{
	for (size_t i = 0; i < json.len; i++)
		buf_add_char(out, json.at[i] == '\n' || json.at[i] == '\r' ? ' ' : json.at[i]);
}

static void add_member(struct buf *out, const struct list_column *column, const void *context,
		       const struct db_rows *rows, size_t row)
{
	const char *member = column->member, *name = column->column;
	struct buf text = { 0 };

	if (is_null(column, rows, row)) {
		json_put_text(out, member, (struct str){ 0 });
	} else if (column->form == LIST_JSON) {
		json_key(out, member);
		add_on_one_line(out, db_str(rows, row, name));
	} else if (!column->add && column->form != LIST_TEXT && db_is_flag(rows, name)) {
		json_put_bool(out, member, db_bool(rows, row, name));
	} else if (!column->add && column->form != LIST_TEXT && db_is_number(rows, name) &&
		   !ends_with(name, "_us") && !ends_with(name, "_id")) {
		json_put_int(out, member, db_int(rows, row, name));
	} else {
		add_value(&text, column, context, rows, row);
		json_put_text(out, member, text.len ? buf_str(&text) : str_of(""));
	}
	buf_done(&text);
}

void list_add_members(struct buf *out, const struct list_column *columns, const void *context,
		      const struct db_rows *rows, size_t row)
{
	struct buf member = { 0 };

	for (const struct list_column *c = columns; c && c->column; c++)
		if (c->member)
			add_member(out, c, context, rows, row);
	for (size_t i = 0; !columns && i < db_rows_columns(rows); i++) {
		buf_clear(&member);
		add_member_name(&member, db_column(rows, i));
		add_member(out,
			   &(struct list_column){ .column = db_column(rows, i),
						  .member = buf_text(&member) },
			   NULL, rows, row);
	}
	buf_done(&member);
}

static void begin_array(struct list *list)
{
	buf_add_char(&list->text, '{');
	json_key(&list->text, list->name);
	buf_add_char(&list->text, '[');
}

static void add_object(struct buf *out, bool is_first, const struct list_column *columns,
		       const void *context, const struct db_rows *rows, size_t row)
{
	buf_add_text(out, is_first ? "{" : ",{");
	list_add_members(out, columns, context, rows, row);
	buf_add_char(out, '}');
}

void list_add_array(struct buf *out, const char *name, const struct list_column *columns,
		    const struct db_rows *rows)
{
	json_key(out, name);
	buf_add_char(out, '[');
	for (size_t row = 0; row < db_rows_count(rows); row++)
		add_object(out, row == 0, columns, NULL, rows, row);
	buf_add_char(out, ']');
}

/* ---- lists */

void list_add(struct list *list, const struct db_rows *rows, size_t count)
{
	if (list->json && !list->text.len)
		begin_array(list);
	if (!list->json && !list->table)
		list->table = new_table(list, rows);
	for (size_t row = 0; row < count; row++)
		if (list->json)
			add_object(&list->text, list->text.at[list->text.len - 1] == '[',
				   list->columns, list->context, rows, row);
		else
			add_row(list, rows, row);
}

struct buf *list_end(struct list *list)
{
	if (!list->text.len)
		begin_array(list);
	if (!list->is_ended)
		buf_add_char(&list->text, ']');
	list->is_ended = true;
	return &list->text;
}

bool list_write(struct list *list)
{
	bool fine;

	if (list->json) {
		buf_add_text(list_end(list), "}\n");
		fine = term_write(buf_str(&list->text));
	} else {
		if (!list->table)
			list->table = new_table(list, NULL);
		fine = table_write(list->table);
	}
	list_done(list);
	return fine;
}

void list_done(struct list *list)
{
	table_free(list->table);
	list->table = NULL;
	buf_done(&list->text);
}

/* ---- CSV */

/* Quoted where RFC 4180 asks for it. An empty text is quoted too: so it differs from
   null, as in PostgreSQL's own CSV. */
static void add_csv_cell(struct buf *out, struct str cell)
{
	bool is_plain = cell.len > 0;

	for (size_t i = 0; i < cell.len && is_plain; i++)
		is_plain = !strchr("\",\r\n", cell.at[i]);
	if (is_plain) {
		buf_add_str(out, cell);
		return;
	}
	buf_add_char(out, '"');
	while (cell.len) {
		const char *quote = memchr(cell.at, '"', cell.len);
		size_t len = quote ? (size_t)(quote - cell.at) + 1 : cell.len;

		buf_add(out, cell.at, len);
		if (quote)
			buf_add_char(out, '"');
		cell.at += len;
		cell.len -= len;
	}
	buf_add_char(out, '"');
}

void list_add_csv_head(struct buf *out, const struct list_column *columns)
{
	for (const struct list_column *c = columns; c->column; c++)
		buf_addf(out, "%s%s", c == columns ? "" : ",", c->member);
	buf_add_text(out, "\r\n");
}

void list_add_csv(struct buf *out, const struct list_column *columns, const struct db_rows *rows,
		  size_t row)
{
	struct buf value = { 0 };

	for (const struct list_column *c = columns; c->column; c++) {
		if (c != columns)
			buf_add_char(out, ',');
		if (is_null(c, rows, row))
			continue;
		buf_clear(&value);
		add_value(&value, c, NULL, rows, row);
		add_csv_cell(out, buf_str(&value));
	}
	buf_add_text(out, "\r\n");
	buf_done(&value);
}
