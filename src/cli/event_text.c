/* SPDX-License-Identifier: ISC */
#include "cli/event_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/term.h"

enum kind { ID, TEXT, TIME, HEX, BODY };

/* What is given of an event, in this order, in JSON and in CSV. */
static const struct field {
	const char *name;
	const char *column;
	enum kind kind;
} fields[] = {
	{ "cursor", "cursor", TEXT },
	{ "workspace_id", "workspace_id", ID },
	{ "event_id", "event_id", ID },
	{ "created_at", "created_us", TIME },
	{ "received_at", "received_us", TIME },
	{ "creator_id", "creator_id", ID },
	{ "model", "model", TEXT },
	{ "action", "action", TEXT },
	{ "entity_id", "entity_id", ID },
	{ "source", "source", TEXT },
	{ "endpoint_id", "endpoint_id", ID },
	{ "secret_id", "secret_id", ID },
	{ "signature", "signature", HEX },
	{ "body", "body", BODY },
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* Line ends can stand only between the tokens of valid JSON, so a blank says
   the same and the object stays on one line. */
static void put_body(struct buf *out, struct str body)
{
	size_t from = out->len;

	json_key(out, "body");
	from = out->len;
	buf_add_str(out, body);
	for (size_t i = from; i < out->len; i++)
		if (out->at[i] == '\n' || out->at[i] == '\r')
			out->at[i] = ' ';
}

static void add_value(struct buf *value, const struct db_rows *rows, size_t row,
		      const struct field *field)
{
	buf_clear(value);
	if (field->kind == TIME) {
		clock_write(value, db_int(rows, row, field->column));
	} else if (field->kind == HEX) {
		struct buf bytes = { 0 };

		db_bytes(rows, row, field->column, &bytes);
		buf_add_hex(value, bytes.at, bytes.len);
		buf_done(&bytes);
	} else {
		buf_add_str(value, db_str(rows, row, field->column));
	}
}

void event_put_json(struct buf *out, const struct db_rows *rows, size_t row, enum event_body body)
{
	struct buf value = { 0 };

	buf_add_char(out, '{');
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &fields[i];

		if ((field->kind == BODY || field->kind == HEX) && body == EVENT_NO_BODY)
			continue;
		if (field->kind == BODY && body == EVENT_BODY) {
			put_body(out, db_str(rows, row, field->column));
		} else if (db_is_null(rows, row, field->column)) {
			json_put_text(out, field->name, (struct str){ 0 });
		} else {
			add_value(&value, rows, row, field);
			json_put_text(out, field->name, value.len ? buf_str(&value) : str_of(""));
		}
	}
	buf_add_char(out, '}');
	buf_done(&value);
}

void event_put_csv_head(struct buf *out)
{
	for (size_t i = 0; i < FIELDS; i++)
		buf_addf(out, "%s%s", i ? "," : "", fields[i].name);
	buf_add_text(out, "\r\n");
}

/* Quoted where RFC 4180 asks for it; an empty text is quoted too, so that it
   differs from null, as in PostgreSQL's own CSV. */
static void put_cell(struct buf *out, struct str cell)
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

void event_put_csv(struct buf *out, const struct db_rows *rows, size_t row)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < FIELDS; i++) {
		if (i)
			buf_add_char(out, ',');
		if (db_is_null(rows, row, fields[i].column))
			continue;
		add_value(&value, rows, row, &fields[i]);
		put_cell(out, buf_str(&value));
	}
	buf_add_text(out, "\r\n");
	buf_done(&value);
}

void event_put_line(struct buf *out, const struct db_rows *rows, size_t row)
{
	struct str model = db_str(rows, row, "model"), action = db_str(rows, row, "action");

	term_add_time(out, db_int(rows, row, "created_us"));
	buf_addf(out, "  workspace %lld  ", (long long)db_int(rows, row, "workspace_id"));
	term_add_safe(out, model.len ? model : str_of("(no model)"));
	buf_add_char(out, ' ');
	if (!db_is_null(rows, row, "entity_id"))
		buf_addf(out, "%lld ", (long long)db_int(rows, row, "entity_id"));
	term_add_safe(out, action.len ? action : str_of("(no action)"));
	if (!db_is_null(rows, row, "creator_id"))
		buf_addf(out, "  by %lld", (long long)db_int(rows, row, "creator_id"));
	buf_addf(out, "  event %lld\n", (long long)db_int(rows, row, "event_id"));
}
