/* SPDX-License-Identifier: ISC */
/* SQL text that an operator gave on the command line: what columns it returns, and its rows
   as a stream. Everything else calls functions by name (base/db.h). */
#ifndef HL_BASE_DB_COPY_H
#define HL_BASE_DB_COPY_H

#include <stdint.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"

/* The columns that one statement returns, as *rows without rows (db_rows_columns(),
   db_column()). Does not run the statement. ERR_INPUT when the text is not exactly one whole
   statement, or names something that does not exist; db_problem() names the line. */
MUST_USE enum err db_describe(struct db *db, const char *text, int64_t wait_ms,
			      struct db_rows **rows);

/* Takes one row with its line end, borrowed until the sink returns. An error ends the
   stream. The sink must not use the connection. */
typedef enum err db_sink(void *user, struct str row);

/* Runs one `copy … to stdout` and gives each row to the sink, one row in memory at a time.
   There is no deadline. When `stop_fd` (-1: none) becomes readable, or the sink fails, cancels
   the statement and closes the connection: ERR_BUSY, or the sink's error. ERR_NONE: the sink
   got all rows, and *rows is their number. */
MUST_USE enum err db_copy(struct db *db, const char *text, int stop_fd, db_sink *sink, void *user,
			  int64_t *rows);

#endif
