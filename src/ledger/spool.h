/* SPDX-License-Identifier: ISC */
/* Callbacks on disk while the database is away. One folder; a process appends
   to a file of its own, locked as long as it lives; any process may drain a
   file that nobody has locked. What spool_append() accepted is on disk. */
#ifndef HL_LEDGER_SPOOL_H
#define HL_LEDGER_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct callback;
struct spool;

enum spool_kind {
	SPOOL_EVENT = 1,    /* judged genuine, parsed; to be recorded */
	SPOOL_UNJUDGED = 2, /* the secrets were not known; limited on its own */
	SPOOL_REFUSED = 3,  /* genuine but no event: for the quarantine */
};

struct spool_options {
	const char *dir;
	int64_t max_bytes;
	int64_t unjudged_max_bytes;
	bool shared_files; /* plain CGI: append to any small unlocked file instead of one a process
			    */
	int64_t again_ms;  /* a record that failed alone waits so long, each time twice as long; 0:
			      10 s */
	bool again_now;	   /* for who drains by hand: each such record once, whatever it waited */
};

/* Makes the folder (mode 0700) if it is missing. ERR_FAULT: it cannot be used;
   the log says why. Copies `how`. */
MUST_USE enum err spool_open(struct spool **spool, const struct spool_options *options);
void spool_close(struct spool *spool); /* gives its locks up; the files stay */

/* Writes `count` callbacks of one kind and syncs them to disk before it
   returns. All or nothing. A folder or file that somebody has removed is made again.
   ERR_BUSY: the limit is reached, or the disk is
   full or failed; nothing of it will ever be drained then. ERR_INPUT: an
   address longer than 65535 bytes. */
MUST_USE enum err spool_append(struct spool *spool, enum spool_kind kind,
			       const struct callback *const *callbacks, size_t count);

/* Takes up to `max` records that belong to nobody else, oldest file first,
   until `max_bytes` are exceeded: address, body, signature, received_us,
   endpoint_id, secret_id and reason are filled, borrowed until the next call.
   All of one kind, given in *kind. *count 0: nothing waits. What the database takes
   long for comes behind all others, so that nobody's callbacks wait for another's. */
MUST_USE enum err spool_read(struct spool *spool, size_t max, size_t max_bytes,
			     struct callback *records, size_t *count, enum spool_kind *kind);

/* What spool_read() gave last is recorded; it will not be read again. Without
   this call it is read once more by the next spool_read(). */
void spool_settle(struct spool *spool);

/* What spool_read() gave last cannot be judged now: its file is left as it is,
   and no unjudged one is looked at for ten seconds. */
void spool_postpone(struct spool *spool);

/* The one record that spool_read() gave last failed alone: it goes out of the way,
   into a file of its own, and is read again later, when nothing else waits. After
   the third such failure with others recorded between them (spool_note_recorded())
   it is set aside: kept until a person retries it; *is_aside. A database that fails
   everything sets nothing aside, because nothing is recorded meanwhile. ERR_BUSY:
   it stays where it is. */
MUST_USE enum err spool_defer(struct spool *spool, bool *is_aside);

/* The database has recorded something. Costs next to nothing. */
void spool_note_recorded(struct spool *spool);

/* May spool_defer() not wait for a second failure, because this process will not
   be there to see it (plain CGI)? */
bool spool_is_shared(const struct spool *spool);

/* Calls `each` for every record that is set aside, the oldest first, with a name
   for spool_aside_retry(); callback and name are borrowed until it returns.
   ERR_FAULT: the folder cannot be read. */
typedef void spool_aside_sink(void *user, const char *name, const struct callback *cb);
MUST_USE enum err spool_aside_each(struct spool *spool, spool_aside_sink *each, void *user);

/* Puts it back among those that wait, as if it had never failed. ERR_ABSENT: there
   is none of that name. */
MUST_USE enum err spool_aside_retry(struct spool *spool, struct str name);

struct spool_status {
	int64_t files;
	int64_t records;
	int64_t bytes;
	int64_t unjudged_records;
	int64_t unjudged_bytes;
	int64_t damaged_files;
	int64_t aside_records; /* set aside; not among the records above, their bytes are among the
				  bytes */
	int64_t oldest_us;     /* received_us of the oldest, also of those set aside; 0 when none */
};
/* ERR_FAULT: the folder cannot be read. */
MUST_USE enum err spool_count(struct spool *spool, struct spool_status *status);

/* Path of the file for the keyring, beside the spool; owned by the spool. */
const char *spool_keyring_path(const struct spool *spool);

#endif
