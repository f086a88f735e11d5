/* SPDX-License-Identifier: ISC */
#include "cli/event_text.h"

#include "base/db.h"
#include "cli/term.h"

const struct list_column *event_columns(bool verbatim)
{
	static const struct list_column with_json[] = {
		EVENT_MEMBERS,
		{ .column = "signature", .member = "signature", .form = LIST_HEX },
		{ .column = "body", .member = "body", .form = LIST_JSON },
		{ 0 },
	}, with_text[] = {
		EVENT_MEMBERS,
		{ .column = "signature", .member = "signature", .form = LIST_HEX },
		{ .column = "body", .member = "body", .form = LIST_TEXT },
		{ 0 },
	};

	return verbatim ? with_text : with_json;
}

void event_add_json(struct buf *out, const struct db_rows *rows, size_t row, bool verbatim)
{
	buf_add_char(out, '{');
	list_add_members(out, event_columns(verbatim), NULL, rows, row);
	buf_add_text(out, "}\n");
}

void event_add_line(struct buf *out, const struct db_rows *rows, size_t row)
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
