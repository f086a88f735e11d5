/* SPDX-License-Identifier: ISC */
#include "base/db_rows.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/db_internal.h"

struct db_rows {
	PGresult *result;
};

struct db_rows *db_rows_new(PGresult *result)
{
	struct db_rows *rows = mem_zero(1, sizeof(*rows));

	rows->result = result;
	return rows;
}

void db_rows_free(struct db_rows *rows)
{
	if (!rows)
		return;
	PQclear(rows->result);
	free(rows);
}

size_t db_rows_count(const struct db_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

size_t db_rows_columns(const struct db_rows *rows)
{
	return (size_t)PQnfields(rows->result);
}

const char *db_column(const struct db_rows *rows, size_t column)
{
	return PQfname(rows->result, (int)column);
}

static int column_of(const struct db_rows *rows, size_t row, const char *column)
{
	int at = PQfnumber(rows->result, column);

	if (at < 0 || row >= db_rows_count(rows)) {
		fprintf(stderr, "no column %s or no such row\n", column);
		abort();
	}
	return at;
}

static Oid type_of(const struct db_rows *rows, const char *column)
{
	return PQftype(rows->result, PQfnumber(rows->result, column));
}

bool db_is_number(const struct db_rows *rows, const char *column)
{
	return type_of(rows, column) == DB_OID_INT8;
}

bool db_is_json(const struct db_rows *rows, const char *column)
{
	return type_of(rows, column) == DB_OID_JSONB;
}

bool db_is_flag(const struct db_rows *rows, const char *column)
{
	return type_of(rows, column) == DB_OID_BOOL;
}

bool db_is_null(const struct db_rows *rows, size_t row, const char *column)
{
	return PQgetisnull(rows->result, (int)row, column_of(rows, row, column));
}

struct str db_str(const struct db_rows *rows, size_t row, const char *column)
{
	return db_cell(rows, row, (size_t)column_of(rows, row, column));
}

struct str db_cell(const struct db_rows *rows, size_t row, size_t column)
{
	return (struct str){ .at = PQgetvalue(rows->result, (int)row, (int)column),
			     .len = (size_t)PQgetlength(rows->result, (int)row, (int)column) };
}

int64_t db_int(const struct db_rows *rows, size_t row, const char *column)
{
	int64_t value = 0;

	if (!db_is_null(rows, row, column) && !str_int(db_str(rows, row, column), &value))
		abort();
	return value;
}

bool db_bool(const struct db_rows *rows, size_t row, const char *column)
{
	return str_is(db_str(rows, row, column), "t");
}

void db_bytes(const struct db_rows *rows, size_t row, const char *column, struct buf *out)
{
	/* PQunescapeBytea() reads both text forms of the server, hex and escape */
	size_t len = 0;
	unsigned char *raw = PQunescapeBytea(
		(const unsigned char *)PQgetvalue(rows->result, (int)row,
						  column_of(rows, row, column)),
		&len);

	if (raw)
		buf_add(out, raw, len);
	PQfreemem(raw);
}
