/* SPDX-License-Identifier: ISC */
/* The rows that a call returned. Columns go by name, rows count from 0; a name or a row that
   does not exist aborts. */
#ifndef HL_BASE_DB_ROWS_H
#define HL_BASE_DB_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct db_rows;

void db_rows_free(struct db_rows *rows);
size_t db_rows_count(const struct db_rows *rows);
size_t db_rows_columns(const struct db_rows *rows);
const char *db_column(const struct db_rows *rows, size_t column);
bool db_is_number(const struct db_rows *rows, const char *column); /* type bigint */
bool db_is_flag(const struct db_rows *rows, const char *column);   /* type boolean */
bool db_is_json(const struct db_rows *rows, const char *column);   /* of type jsonb */
bool db_is_null(const struct db_rows *rows, size_t row, const char *column);

/* Borrowed from the rows; null is "". */
struct str db_str(const struct db_rows *rows, size_t row, const char *column);
struct str db_cell(const struct db_rows *rows, size_t row, size_t column);

int64_t db_int(const struct db_rows *rows, size_t row, const char *column); /* null is 0 */
bool db_bool(const struct db_rows *rows, size_t row, const char *column);   /* null is false */

/* Appends the bytes of a bytea column. */
void db_bytes(const struct db_rows *rows, size_t row, const char *column, struct buf *out);

#endif
