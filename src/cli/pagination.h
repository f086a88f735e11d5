/* SPDX-License-Identifier: ISC */
/* A long list, page by page: function(after, most) returns the first rows whose number is
   above `after`, in the order of that number. */
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
	struct db_rows *rows; /* the current page; NULL before the first and after the last */
	enum err err;	      /* why there is no page, said on stderr; ERR_NONE: it was the last */
	int64_t after;
	bool is_last;
};

/* Reads the next page, which replaces the current one. false: there is none. */
MUST_USE bool pagination_next(struct pagination *pages, struct db *db);

/* Frees the page, for a caller that stops before the end. */
void pagination_done(struct pagination *pages);

#endif
