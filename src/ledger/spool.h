/* SPDX-License-Identifier: ISC */
/* Keeps callbacks on disk while the database is not available. All processes share one folder.
   Each appends to its own file, which it locks as long as it lives; any process may drain a file
   that no process has locked. What spool_append() accepted is on disk. */
#ifndef HL_LEDGER_SPOOL_H
#define HL_LEDGER_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct callback;
struct spool;

enum spool_kind {
	SPOOL_EVENT = 1,      /* verified and parsed; to be recorded */
	SPOOL_UNVERIFIED = 2, /* the secrets were not known; has a limit of its own */
	SPOOL_REFUSED = 3,    /* verified, but no event: for the quarantine */
};

struct spool_options {
	const char *dir;
	int64_t max_bytes;
	int64_t unverified_max_bytes;
	/* plain CGI: append to any small unlocked file, not to one file a process */
	bool shared_files;
	/* the first wait of a record that failed alone, which doubles each time; 0: 10 s */
	int64_t retry_ms;
	/* a drain by hand: such a record is read once, however long it has waited */
	bool retry_now;
};

/* Makes the folder (mode 0700) if it is missing. Copies the options. ERR_FAULT: the folder
   cannot be used; the log says why. */
MUST_USE enum err spool_open(struct spool **spool, const struct spool_options *options);
void spool_close(struct spool *spool); /* releases its locks; the files stay */

/* Writes `count` callbacks of one kind and syncs them to disk before it returns: all of them or
   none. Makes a folder or a file again that was removed. ERR_BUSY: the limit is reached, or the
   disk is full or failed; none of them will ever be drained. ERR_INPUT: an address is longer
   than 65535 bytes. */
MUST_USE enum err spool_append(struct spool *spool, enum spool_kind kind,
			       const struct callback *const *callbacks, size_t count);

/* Returns up to `max` records, oldest file first, until `max_bytes` are exceeded. They belong to
   this process until it settles, postpones or defers them. Fills address, body, signature,
   received_us, endpoint_id, secret_id and reason, borrowed until the next call. All are of one
   kind, *kind. *count 0: nothing waits. Records that cost the database much time come last, so
   that no other endpoint's callbacks wait for them. */
MUST_USE enum err spool_read(struct spool *spool, size_t max, size_t max_bytes,
			     struct callback *records, size_t *count, enum spool_kind *kind);

/* The records of the last spool_read() are in the database; they are not read again. Without
   this call the next spool_read() returns them again. */
void spool_settle(struct spool *spool);

/* The records of the last spool_read() cannot be verified now. Keeps their file, and reads no
   unverified record for ten seconds. */
void spool_postpone(struct spool *spool);

/* The only record of the last spool_read() failed. Moves it to a file of its own, which is read
   later, when nothing else waits. After the third failure the record is set aside until an
   operator retries it (*is_aside). A failure counts only when the database recorded something
   since the last one (spool_note_recorded()): a database that refuses everything sets nothing
   aside. ERR_BUSY: the record stays where it is. */
MUST_USE enum err spool_defer(struct spool *spool, bool *is_aside);

/* The database has recorded something. Cheap enough for every batch. */
void spool_note_recorded(struct spool *spool);

/* Is this a plain CGI process? It ends after one request, so it must not wait for a second
   failure before it calls spool_defer(). */
bool spool_is_shared(const struct spool *spool);

/* Calls `each` for every record that is set aside, the oldest first, with a name for
   spool_aside_retry(). Callback and name are borrowed until it returns. ERR_FAULT: the folder
   cannot be read. */
typedef void spool_aside_sink(void *user, const char *name, const struct callback *cb);
MUST_USE enum err spool_aside_each(struct spool *spool, spool_aside_sink *each, void *user);

/* Puts the record back among those that wait, as if it had never failed. ERR_ABSENT: no record
   has that name. */
MUST_USE enum err spool_aside_retry(struct spool *spool, struct str name);

struct spool_status {
	int64_t files;
	int64_t records;
	int64_t bytes;
	int64_t unverified_records;
	int64_t unverified_bytes;
	int64_t damaged_files;
	int64_t aside_records; /* not among the records above; their bytes are among the bytes */
	int64_t oldest_us;     /* received_us of the oldest, set aside or not; 0: there is none */
};
/* ERR_FAULT: the folder cannot be read. */
MUST_USE enum err spool_count(struct spool *spool, struct spool_status *status);

/* Path of the keyring's file in the same folder; owned by the spool. */
const char *spool_keyring_path(const struct spool *spool);

#endif
