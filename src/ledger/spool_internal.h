/* SPDX-License-Identifier: ISC */
/* What the parts of the spool share: its state, its files and the format of a record. Only
   spool*.c includes this header.

   Files of the folder:
     lock                     locked while a process checks the limits and appends
     callbacks-*.spool        verified callbacks, and signed ones that are no event
     unverified-*.spool       callbacks that came before any secret was known
     retry-*.spool            one record each: it failed alone, or is costly and waits behind
			      the others
     *.aside                  one record each: it failed alone again and again
     recorded                 empty; its time says when the database last recorded something
     *.damaged                files with an unreadable part, kept for the operator
   The spool ignores anything else under such a name (a pipe, a link, a folder, a file of
   another user or larger than we write any), and logs it.

   A file is a head (magic, how far it is drained, a salt) and records. A record is its length,
   its fields and the first bytes of a salted SHA-256 over all of it. A record that was being
   written when the machine stopped does not fit its digest, was never acknowledged, and is
   skipped. Because of the salt, a sender cannot hide a record inside a body: the search behind
   an unreadable part would find it. */
#ifndef HL_LEDGER_SPOOL_INTERNAL_H
#define HL_LEDGER_SPOOL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"
#include "ledger/callback.h"
#include "ledger/spool.h"

enum {
	SPOOL_MAGIC_BYTES = 8,
	SPOOL_SALT_BYTES = 16,
	SPOOL_SALT_AT = SPOOL_MAGIC_BYTES + 8, /* behind how far the file is drained */
	SPOOL_HEAD_BYTES = SPOOL_SALT_AT + SPOOL_SALT_BYTES,
	SPOOL_CHECK_BYTES = 8,
	/* of a record, in front of address and body */
	SPOOL_FIXED_BYTES = 4 + 4 + 1 + 1 + 2 + 8 + 8 + 8 + MAC_BYTES,
	SPOOL_RECORD_MAX = 128 * 1024 * 1024, /* above any body_max_bytes */
	SPOOL_FILE_MAX = 64 * 1024 * 1024,    /* a writer starts a new file above this */
};

/* A file that this process has locked. */
struct spool_file {
	int fd; /* -1: none */
	char *name;
	int64_t size;
	unsigned char salt[SPOOL_SALT_BYTES];
};

struct spool {
	char *dir, *keyring_path;
	int64_t max_bytes, unverified_max_bytes;
	bool shared_files;
	int dir_fd, lock_fd;
	struct spool_file verified, unverified; /* this process appends to them */
	struct spool_file source;		/* this process drains it */
	int64_t source_at, source_next;		/* records before source_at are settled */
	bool source_is_damaged;
	int64_t unverified_after_ms;			 /* clock_ms() */
	int64_t retry_ms, retry_after_ms, note_after_ms; /* the latter two by clock_ms() */
	int64_t retry_before_us; /* by hand: records that failed before this are due; else 0 */
	bool has_retries;	 /* this process saw or made a file retry-* */
	int moved_back;		 /* costly records moved since spool_read() returned one */
	struct buf out, in;
};

/* ---- spool_file.c: the folder and its files */

bool spool_is_spool_file(const char *name);
bool spool_is_unverified(const char *name);
bool spool_is_retry(const char *name);
bool spool_is_aside(const char *name);

/* All names that `wanted` accepts, in no order, into *names, which spool_list_free() frees.
   ERR_FAULT: the folder cannot be read, and there are none. */
enum err spool_list(const struct spool *spool, bool (*wanted)(const char *), char ***names,
		    size_t *count);
void spool_list_free(char **names, size_t count);
int spool_by_age(const void *a, const void *b); /* for qsort() of such names */

/* Bytes of all files that wait, and of the unverified ones among them. */
MUST_USE enum err spool_sizes(const struct spool *spool, int64_t *all, int64_t *unverified);

/* -1: the file is not one of ours, or gone. Never waits, as opening a pipe would. */
int spool_open_file(const struct spool *spool, const char *name, int flags, struct stat *facts);

/* Opens and locks a file. false: another process has locked it, or it is gone. */
bool spool_claim(const struct spool *spool, const char *name, struct spool_file *file);

/* Makes and locks a new file. On an error errno says why. */
MUST_USE enum err spool_create_file(struct spool *spool, const char *prefix,
				    struct spool_file *file);
void spool_file_close(struct spool_file *file);

/* Gives a file that root made to the owner of the folder. */
void spool_give_to_owner(const struct spool *spool, int fd);

/* How far the head says that the file is drained. */
int64_t spool_drained_to(const struct spool_file *file);
bool spool_write_all(int fd, const char *at, size_t len, int64_t offset);

enum err spool_log_unusable(const char *path); /* errno says why; ERR_FAULT */

/* ---- spool_record.c: the format of a record */

extern const char spool_file_magic[SPOOL_MAGIC_BYTES + 1];
extern const uint32_t spool_record_magic;

uint32_t spool_u32(const char *at);
int64_t spool_i64(const char *at);

/* Appends a record. Its digest needs the salt of the file: spool_write_checks() adds the
   digests of all records in *out. */
void spool_write_record(struct buf *out, enum spool_kind kind, const struct callback *cb);
void spool_write_checks(struct buf *out, const unsigned char salt[SPOOL_SALT_BYTES]);

/* The length of the whole record at `at`; 0: there is none. */
size_t spool_record_length(const struct spool_file *file, const char *at, size_t left);
void spool_read_record(const char *at, size_t len, struct callback *cb, enum spool_kind *kind);

/* ---- spool_retry.c: records that wait alone */

/* From the name of such a file: when the record failed, and how often while others were
   recorded; 0 times: it did not fail, it only let others go first. */
void spool_read_retry_name(const char *name, int64_t *failed_us, int *failures);

/* Copies the record at source_at, up to source_next, to a file of its own, and drains the
   source behind it only when the copy is on disk. */
MUST_USE enum err spool_copy_to_retry(struct spool *spool, int failures);

#endif
