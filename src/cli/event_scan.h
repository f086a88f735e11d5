/* SPDX-License-Identifier: ISC */
/* A scan of recorded events: page by page, in the order of recording. A cursor is the
   text by which the database names the position of an event. */
#ifndef HL_CLI_EVENT_SCAN_H
#define HL_CLI_EVENT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct db;
struct db_rows;

/* Which events. A field that is not given matches all. */
struct event_filter {
	const char *model, *action;
	int64_t workspace, entity, user; /* 0: not given */
	int64_t since_us, until_us;	 /* bounds of created_at; 0: not given */
};

struct event_scan {
	struct db *db; /* borrowed, as the filter is */
	const struct event_filter *filter;
	struct buf after;  /* the cursor; empty: from the start */
	struct buf before; /* empty: to the end of what is complete */
};

/* `after` and `before` may be NULL. */
void event_scan_init(struct event_scan *scan, struct db *db, const struct event_filter *filter,
		     const char *after, const char *before);
void event_scan_done(struct event_scan *scan);

/* Sets the end of the scan to where the ledger is complete now: so the scan ends while
   receivers record more. */
MUST_USE enum err event_scan_stop_here(struct event_scan *scan);

/* How many events are left. */
MUST_USE enum err event_scan_count(struct event_scan *scan, int64_t *count);

/* The next page (rows of operator.event_read()): at most `most` rows and 8 MiB. No rows:
   the end. Moves the cursor. With `quietly` an error is not said on stderr; db_problem()
   has it. */
MUST_USE enum err event_scan_next(struct event_scan *scan, int64_t most, bool quietly,
				  struct db_rows **rows);

/* The newest events before a cursor, the newest first, without bodies. */
MUST_USE enum err event_scan_newest(struct db *db, const struct event_filter *filter,
				    const char *before, int64_t most, struct db_rows **rows);

#endif
