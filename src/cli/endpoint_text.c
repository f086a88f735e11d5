/* SPDX-License-Identifier: ISC */
#include "cli/endpoint_text.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"

static void put_id_or_null(struct buf *out, const char *key, const struct db_rows *rows, size_t row,
			   const char *column)
{
	if (db_is_null(rows, row, column))
		json_put_text(out, key, (struct str){ 0 });
	else
		json_put_id(out, key, db_int(rows, row, column));
}

static void put_time_or_null(struct buf *out, const char *key, const struct db_rows *rows,
			     size_t row, const char *column)
{
	struct buf time = { 0 };

	if (!db_is_null(rows, row, column))
		clock_write(&time, db_int(rows, row, column));
	json_put_text(out, key, buf_str(&time));
	buf_done(&time);
}

void endpoint_put_json(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		       size_t row)
{
	struct buf url = { 0 };

	cli_callback_url(conf, db_str(rows, row, "address"), &url);
	json_put_id(out, "endpoint_id", db_int(rows, row, "endpoint_id"));
	json_put_text(out, "name", db_str(rows, row, "name"));
	put_id_or_null(out, "workspace_id", rows, row, "workspace_id");
	json_put_bool(out, "enabled", db_bool(rows, row, "enabled"));
	put_time_or_null(out, "created_at", rows, row, "created_us");
	json_put_int(out, "valid_secrets", db_int(rows, row, "valid_secrets"));
	json_put_text(out, "address", db_str(rows, row, "address"));
	json_put_text(out, "callback_url", buf_str(&url));
	buf_done(&url);
}

void endpoint_put_row(struct table *table, const struct db_rows *rows, size_t row)
{
	table_int(table, db_int(rows, row, "endpoint_id"));
	table_text(table, db_str(rows, row, "name"));
	if (db_is_null(rows, row, "workspace_id"))
		table_text(table, str_of("of the first event"));
	else
		table_text(table, db_str(rows, row, "workspace_id"));
	table_text(table, str_of(db_bool(rows, row, "enabled") ? "yes" : "no"));
	table_int(table, db_int(rows, row, "valid_secrets"));
	table_ago(table, db_int(rows, row, "created_us"));
	table_text(table, db_str(rows, row, "address"));
}

static void put_secrets(struct buf *out, const struct db_rows *secrets)
{
	json_key(out, "secrets");
	buf_add_char(out, '[');
	for (size_t i = 0; i < db_rows_count(secrets); i++) {
		buf_add_text(out, i ? ",{" : "{");
		json_put_id(out, "secret_id", db_int(secrets, i, "secret_id"));
		json_put_bool(out, "valid", db_bool(secrets, i, "is_valid"));
		put_time_or_null(out, "valid_from", secrets, i, "valid_from_us");
		put_time_or_null(out, "valid_until", secrets, i, "valid_until_us");
		put_time_or_null(out, "revoked_at", secrets, i, "revoked_us");
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void put_refusals(struct buf *out, const struct db_rows *refusals, int64_t id)
{
	json_key(out, "last_day");
	buf_add_char(out, '{');
	for (size_t i = 0; i < db_rows_count(refusals); i++) {
		struct str reason = db_str(refusals, i, "reason");
		char *key = mem_dup(reason);

		if (db_int(refusals, i, "endpoint_id") == id)
			json_put_int(out, key, db_int(refusals, i, "count"));
		free(key);
	}
	buf_add_char(out, '}');
}

static void describe_secrets(struct buf *out, const struct db_rows *secrets)
{
	for (size_t i = 0; i < db_rows_count(secrets); i++) {
		buf_addf(out, "  secret %-6lld ", (long long)db_int(secrets, i, "secret_id"));
		if (!db_is_null(secrets, i, "revoked_us")) {
			buf_add_text(out, "revoked ");
			term_add_ago(out, db_int(secrets, i, "revoked_us"));
		} else {
			buf_add_text(out, db_bool(secrets, i, "is_valid") ? "valid, made "
									  : "ran out, made ");
			term_add_ago(out, db_int(secrets, i, "valid_from_us"));
			if (!db_is_null(secrets, i, "valid_until_us")) {
				buf_add_text(out, ", until ");
				term_add_time(out, db_int(secrets, i, "valid_until_us"));
			}
		}
		buf_add_char(out, '\n');
	}
	if (db_rows_count(secrets) == 0)
		buf_add_text(out, "  no secret\n");
}

void endpoint_put_state(struct buf *out, const struct db_rows *secrets,
			const struct db_rows *refusals, int64_t id)
{
	put_secrets(out, secrets);
	put_refusals(out, refusals, id);
}

void endpoint_put_text(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		       const struct db_rows *secrets, const struct db_rows *refusals)
{
	int64_t id = db_int(rows, 0, "endpoint_id");

	buf_addf(out, "Endpoint %lld, \"", (long long)id);
	term_add_safe(out, db_str(rows, 0, "name"));
	buf_add_text(out, "\"\n  callback URL  ");
	cli_callback_url(conf, db_str(rows, 0, "address"), out);
	buf_add_text(out, "\n  workspace     ");
	if (db_is_null(rows, 0, "workspace_id"))
		buf_add_text(out, "that of the first event");
	else
		buf_add_str(out, db_str(rows, 0, "workspace_id"));
	buf_add_text(out, db_bool(rows, 0, "enabled")
				  ? "\n  enabled       yes\n  made          "
				  : "\n  enabled       no: answers 404\n  made          ");
	term_add_ago(out, db_int(rows, 0, "created_us"));
	buf_add_char(out, '\n');
	describe_secrets(out, secrets);
	for (size_t i = 0; i < db_rows_count(refusals); i++) {
		if (db_int(refusals, i, "endpoint_id") != id)
			continue;
		buf_add_text(out, "  last day      ");
		buf_add_str(out, db_str(refusals, i, "reason"));
		buf_addf(out, " %lld times\n", (long long)db_int(refusals, i, "count"));
	}
}
