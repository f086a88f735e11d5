/* SPDX-License-Identifier: ISC */
/* A table of methods and paths, and the search for the row of a request. Rows are structs of the
   caller that begin with a struct route, so that everything about an endpoint is in one row. */
#ifndef HL_HTTP_ROUTE_H
#define HL_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum { ROUTE_VALUES_MAX = 4 };

struct route {
	const char *method;
	/* "/subscriptions/{workspace_id}": a part in braces matches one segment that is not
	   empty. A name that ends in "_id" matches a 64-bit integer without sign and leading
	   zeros. At most ROUTE_VALUES_MAX parts in braces. */
	const char *path;
};

/* Rows of `stride` bytes. If several paths match, the first counts. */
struct route_table {
	const struct route *first;
	size_t stride, count;
};

enum route_end {
	ROUTE_FOUND,
	ROUTE_ABSENT,	    /* no row has this path: 404 */
	ROUTE_OTHER_METHOD, /* its rows have other methods: 405 */
};

struct route_match {
	const struct route *row;
	struct str values[ROUTE_VALUES_MAX]; /* in the order of the path */
	size_t count;
};

/* Finds the row of a request. `path` is decoded already (http_path()), and is not decoded again;
 *match borrows from it. HEAD matches rows with GET. *match is untouched unless ROUTE_FOUND. */
enum route_end route_find(const struct route_table *table, struct str method, struct str path,
			  struct route_match *match);

/* The value of a part in braces; a name that the path does not have aborts. route_int() is for
   names that end in "_id". */
struct str route_text(const struct route_match *match, const char *name);
int64_t route_int(const struct route_match *match, const char *name);

/* Appends the value of the header Allow for this path: "GET, HEAD, POST"; nothing when no row
   has it. */
void route_write_allow(const struct route_table *table, struct str path, struct buf *out);

#endif
