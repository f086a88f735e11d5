/* SPDX-License-Identifier: ISC */
/* An endpoint as text: JSON for scripts, a row of a table, a page for people.
   Never its secrets. Rows are those of the operator's functions. */
#ifndef HL_CLI_ENDPOINT_TEXT_H
#define HL_CLI_ENDPOINT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct conf;
struct db_rows;
struct table;

/* The members of one row of operator.endpoint_list(), without the braces. */
void endpoint_put_json(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		       size_t row);
void endpoint_put_row(struct table *table, const struct db_rows *rows, size_t row);

/* More members: secret_list(), and what of refusals() is of this endpoint. */
void endpoint_put_state(struct buf *out, const struct db_rows *secrets,
			const struct db_rows *refusals, int64_t id);

/* All of the first of `rows` for people. */
void endpoint_put_text(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		       const struct db_rows *secrets, const struct db_rows *refusals);

#endif
