/* SPDX-License-Identifier: ISC */
/* A list that may be long, page by page: function(after, most) gives the rows
   with a number above `after`, in its order. */
#ifndef HL_CLI_PAGINATION_H
#define HL_CLI_PAGINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct db_rows;

struct pagination {
	const char *function; /* "operator.endpoint_list" */
	const char *number;   /* the column by which its rows are ordered */
	/* the page that is there; NULL before the first and behind the last */
	struct db_rows *rows;
	enum err err; /* why there is none, said on stderr; ERR_NONE: it was the last */
	int64_t after;
	bool is_last;
};

/* Is there another page? It takes the place of the one before. */
MUST_USE bool pagination_next(struct pagination *pages, struct db *db);

/* For who does not go on to the end. */
void pagination_done(struct pagination *pages);

#endif
