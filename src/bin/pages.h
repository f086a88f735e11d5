/* SPDX-License-Identifier: ISC */
/* A list that may be long, page by page: function(after, most) gives the rows
   with a number above `after`, in its order. */
#ifndef HL_BIN_PAGES_H
#define HL_BIN_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct db_rows;

struct pages {
	const char *function;	/* "operator.endpoint_list" */
	const char *number;	/* the column by which its rows are ordered */
	struct db_rows *rows;	/* the page that is there; NULL before the first and behind the last */
	enum err err;		/* why there is none, said on stderr; ERR_NONE: it was the last */
	int64_t after;
	bool is_last;
};

/* Is there another page? It takes the place of the one before. */
MUST_USE bool pages_next(struct pages *pages, struct db *db);

/* For who does not go on to the end. */
void pages_done(struct pages *pages);

#endif
