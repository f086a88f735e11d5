/* SPDX-License-Identifier: ISC */
/* Which endpoint a callback address belongs to, and the secrets that judge its
   callbacks. Held in memory: judging costs no query. */
#ifndef HL_LEDGER_KEYRING_H
#define HL_LEDGER_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct callback;
struct db;
struct keyring;
struct sealer;

/* An empty ring that opens sealed secrets with `sealer`, which it borrows. */
struct keyring *keyring_new(const struct sealer *sealer);
void keyring_free(struct keyring *ring);

/* Has it been loaded once, from the database or the file? A ring that has may
   still be empty. */
bool keyring_is_loaded(const struct keyring *ring);

/* Milliseconds since the last load from the database was tried; INT64_MAX
   before the first. */
int64_t keyring_age_ms(const struct keyring *ring);

/* Do the keys come from the database, loaded with success within the last
   `within_ms`? */
bool keyring_is_fresh(const struct keyring *ring, int64_t within_ms);

/* Does the ring hold what the database had at `at_ms` of clock_ms(), or later? An
   address that is missing in an older ring may have been made since. */
bool keyring_is_since(const struct keyring *ring, int64_t at_ms);

/* Replaces all keys by the rows of receiver.keys(), waiting at most `wait_ms`.
   On any error the old keys stay in force. A secret that does not open judges
   nothing and is logged. *changed (may be NULL): other keys than before? */
MUST_USE enum err keyring_load(struct keyring *ring, struct db *db, int64_t wait_ms, bool *changed);

/* The same keys, still sealed, in a file of mode 0600 for the time when the
   database is away. Replaced as a whole or not at all. */
MUST_USE enum err keyring_save(const struct keyring *ring, const char *path);
MUST_USE enum err keyring_load_file(struct keyring *ring, const char *path);

/* The endpoint of an address, whatever its secrets; 0: none that is known here. */
int64_t keyring_endpoint(const struct keyring *ring, struct str address);

/* Judges cb->signature over cb->body by the secrets of cb->address that had not
   run out at cb->received_us, in constant time. A secret is good from the
   moment it is known: our clock may be behind the database's. Sets endpoint_id
   and secret_id. ERR_ABSENT: no such address. ERR_DENIED: no secret fits; endpoint_id is set
   then too, for the counters. ERR_BUSY: none fits, but one of them does not
   open with our master key, so nobody here can tell. */
MUST_USE enum err keyring_judge(const struct keyring *ring, struct callback *cb);

#endif
