/* SPDX-License-Identifier: ISC */
/* Rows of a list as a table for people or as JSON for scripts, by the names of
   their columns: what ends in _us is a time. */
#ifndef HL_CLI_LISTING_H
#define HL_CLI_LISTING_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct db_rows;

/* On stdout. With `json` one object: {"what":[{…},…]}, ids as strings, times
   RFC 3339 under their name without _us but with _at. false: said on stderr. */
bool listing_write(const struct db_rows *rows, const char *what, bool json);

/* Parts of such JSON, appended: the members of one row, and "what":[{…},…]. */
void listing_add_row(struct buf *out, const struct db_rows *rows, size_t row);
void listing_add(struct buf *out, const struct db_rows *rows, const char *what);

#endif
