/* SPDX-License-Identifier: ISC */
/* The one writer of lists: rows of the database as a table for people, as JSON for
   scripts, or as CSV. The columns of a list say what each of the three shows. */
#ifndef HL_CLI_LIST_H
#define HL_CLI_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct db_rows;
struct table;

enum list_form {
	/* A column ..._us is a time, ..._id is an id (in JSON a string: it has 64 bits);
	   otherwise its type decides. The table says how long ago a time was. */
	LIST_BY_TYPE,
	LIST_TEXT,  /* text, and aligned to the left */
	LIST_TIME,  /* like ..._us, but the table has the time itself */
	LIST_SIZE,  /* bytes; the table says "1.5 MiB" */
	LIST_HEX,   /* bytes of type bytea */
	LIST_JSON,  /* in JSON the value itself, on one line */
	LIST_CODED, /* a code with parameters: its sentence (ledger/catalog) */
};

struct list_column {
	const char *column; /* its name in the rows */
	const char *head;   /* its head in the table; NULL: the table has no such column */
	const char *member; /* its name in JSON and CSV; NULL: they do not have it */
	enum list_form form;
	const char *absent; /* what the table has for null; NULL: "-" */
	/* Appends the cell, which is a text then; `context` is that of the list. */
	void (*add)(struct buf *out, const struct db_rows *rows, size_t row, const void *context);
};

/* A list for standard output. The caller sets the first four; the rest is the list's. */
struct list {
	const char *name; /* of the list in JSON: {"name":[{…},…]} */
	bool json;
	/* Ended by {0}. NULL: every column of the rows under its own name; a column ..._us
	   is called ..._at in JSON. */
	const struct list_column *columns;
	const void *context; /* for add() of a column */

	struct table *table;
	struct buf text; /* the JSON */
	bool is_ended;
};

/* Adds the first `count` rows. The list keeps nothing of the rows. */
void list_add(struct list *list, const struct db_rows *rows, size_t count);

/* Ends the rows of a JSON list. The object is still open: the caller may add members. */
struct buf *list_end(struct list *list);

/* Writes the list on standard output and frees it. A table without rows is its head.
   false: said on stderr. */
bool list_write(struct list *list);

void list_done(struct list *list); /* frees a list that is not written */

/* Parts, appended to `out`. Columns NULL: as in struct list. */

/* The members of one row, without braces. */
void list_add_members(struct buf *out, const struct list_column *columns, const void *context,
		      const struct db_rows *rows, size_t row);
/* "name":[{…},…] of all rows. */
void list_add_array(struct buf *out, const char *name, const struct list_column *columns,
		    const struct db_rows *rows);
/* A line of CSV (RFC 4180); null is an empty cell, an empty text is "". */
void list_add_csv_head(struct buf *out, const struct list_column *columns);
void list_add_csv(struct buf *out, const struct list_column *columns, const struct db_rows *rows,
		  size_t row);

#endif
