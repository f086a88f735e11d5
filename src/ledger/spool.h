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
	SPOOL_EVENT = 1,	/* judged genuine, parsed; to be recorded */
	SPOOL_UNJUDGED = 2,	/* the secrets were not known; limited on its own */
	SPOOL_REFUSED = 3,	/* genuine but no event: for the quarantine */
};

struct spool_how {
	const char *dir;
	int64_t max_bytes;
	int64_t unjudged_max_bytes;
	bool shared_files;	/* plain CGI: append to any small unlocked file instead of one a process */
};

/* Makes the folder (mode 0700) if it is missing. ERR_FAULT: it cannot be used;
   the log says why. Copies `how`. */
MUST_USE enum err spool_open(struct spool **spool, const struct spool_how *how);
void spool_close(struct spool *spool);	/* gives its locks up; the files stay */

/* Writes `count` callbacks of one kind and syncs them to disk before it
   returns. All or nothing. ERR_BUSY: the limit is reached, or the disk is
   full or failed; nothing of it will ever be drained then. ERR_INPUT: an
   address longer than 65535 bytes. */
MUST_USE enum err spool_append(struct spool *spool, enum spool_kind kind,
                               const struct callback *const *callbacks, size_t count);

/* Takes up to `max` records that belong to nobody else, oldest file first,
   until `max_bytes` are exceeded: address, body, signature, received_us,
   endpoint_id, secret_id and reason are filled, borrowed until the next call.
   All of one kind, given in *kind. *count 0: nothing waits. */
MUST_USE enum err spool_read(struct spool *spool, size_t max, size_t max_bytes,
                             struct callback *records, size_t *count, enum spool_kind *kind);

/* What spool_read() gave last is recorded; it will not be read again. Without
   this call it is read once more by the next spool_read(). */
void spool_settle(struct spool *spool);

/* What spool_read() gave last cannot be judged now: its file is left as it is,
   and no unjudged one is looked at for ten seconds. */
void spool_postpone(struct spool *spool);

struct spool_status {
	int64_t files;
	int64_t records;
	int64_t bytes;
	int64_t unjudged_records;
	int64_t unjudged_bytes;
	int64_t damaged_files;
	int64_t oldest_us;	/* received_us of the oldest; 0 when none */
};
MUST_USE enum err spool_count(struct spool *spool, struct spool_status *status);

/* Path of the file for the keyring, beside the spool; owned by the spool. */
const char *spool_keyring_path(const struct spool *spool);

#endif
