/* SPDX-License-Identifier: ISC */
/* A recorded event as text: JSON, CSV (RFC 4180), or a line for people. Rows
   are those of operator.event_list(), event_read() and event_find(); numbers
   of 64 bits are strings in JSON. */
#ifndef HL_CLI_EVENT_TEXT_H
#define HL_CLI_EVENT_TEXT_H

#include <stddef.h>

#include "base/mem.h"

struct db_rows;

enum event_body {
	EVENT_NO_BODY,
	EVENT_BODY,	 /* the JSON itself, on one line */
	EVENT_BODY_TEXT, /* a string with exactly the bytes that were signed */
};

/* All append. The JSON is one object without a line end. */
void event_put_json(struct buf *out, const struct db_rows *rows, size_t row, enum event_body body);
void event_put_csv_head(struct buf *out);
void event_put_csv(struct buf *out, const struct db_rows *rows, size_t row);
void event_put_line(struct buf *out, const struct db_rows *rows, size_t row);

#endif
