/* SPDX-License-Identifier: ISC */
/* Recorded events, read on page by page in the order of recording. A cursor is
   the text that the database gives with each event. */
#ifndef HL_CLI_EVENT_READER_H
#define HL_CLI_EVENT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct db;
struct db_rows;

/* Which events; a field that is not given lets all pass. */
struct filter {
	const char *model, *action;
	int64_t workspace, entity, user; /* 0: not given */
	int64_t since_us, until_us;	 /* bounds of created_at; 0: not given */
};

struct event_reader {
	struct db *db; /* borrowed, as the filter is */
	const struct filter *filter;
	struct buf after;  /* the cursor; empty: from the start */
	struct buf before; /* empty: to what is complete by now */
};

/* `after` and `before` may be NULL. */
void event_reader_init(struct event_reader *reader, struct db *db, const struct filter *filter,
		       const char *after, const char *before);
void event_reader_done(struct event_reader *reader);

/* Lets the reader end where the ledger is complete now, so that it comes to an
   end while others record. */
MUST_USE enum err event_reader_stop_here(struct event_reader *reader);

/* How many rows there will be. */
MUST_USE enum err event_reader_count(struct event_reader *reader, int64_t *count);

/* The next page (rows of operator.event_read()), at most `most` rows and 8 MiB;
   no rows: the end. The cursor moves behind it. Says nothing on stderr when
   `quietly`: db_problem() knows. */
MUST_USE enum err event_reader_next(struct event_reader *reader, int64_t most, bool quietly,
				    struct db_rows **rows);

/* The newest events before a cursor, newest first, without bodies. */
MUST_USE enum err event_reader_newest(struct db *db, const struct filter *filter,
				      const char *before, int64_t most, struct db_rows **rows);

#endif
