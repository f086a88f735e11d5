/* SPDX-License-Identifier: ISC */
/* A recorded event as text: columns for JSON and CSV, and a line for people. Rows are
   those of operator.event_list(), event_read() and event_find(). */
#ifndef HL_CLI_EVENT_TEXT_H
#define HL_CLI_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "cli/list.h"

struct db_rows;

/* The columns of an event without signature and body, as list_column members. */
#define EVENT_MEMBERS \
	{ .column = "cursor", .member = "cursor" }, \
		{ .column = "workspace_id", .member = "workspace_id" }, \
		{ .column = "event_id", .member = "event_id" }, \
		{ .column = "created_us", .member = "created_at" }, \
		{ .column = "received_us", .member = "received_at" }, \
		{ .column = "creator_id", .member = "creator_id" }, \
		{ .column = "model", .member = "model" }, \
		{ .column = "action", .member = "action" }, \
		{ .column = "entity_id", .member = "entity_id" }, \
		{ .column = "source", .member = "source" }, \
		{ .column = "endpoint_id", .member = "endpoint_id" }, \
	{ \
		.column = "secret_id", .member = "secret_id" \
	}

/* All columns. The body is a JSON value on one line, or with `verbatim` a string of
   exactly the bytes that were signed. */
const struct list_column *event_columns(bool verbatim);

/* Appends one object, and a line end. */
void event_add_json(struct buf *out, const struct db_rows *rows, size_t row, bool verbatim);
void event_add_line(struct buf *out, const struct db_rows *rows, size_t row);

#endif
