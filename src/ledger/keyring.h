/* SPDX-License-Identifier: ISC */
/* Which endpoint a callback address belongs to, and the secrets that verify its callbacks. Held
   in memory: verifying costs no query. */
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

/* An empty keyring that opens sealed secrets with `sealer`, which it borrows. */
struct keyring *keyring_new(const struct sealer *sealer);
void keyring_free(struct keyring *ring);

/* Was it loaded once, from the database or the file? It may be empty all the same. */
bool keyring_is_loaded(const struct keyring *ring);

/* Milliseconds since the last attempt to load it from the database; INT64_MAX before the first. */
int64_t keyring_age_ms(const struct keyring *ring);

/* Was it loaded from the database within the last `within_ms`? */
bool keyring_is_fresh(const struct keyring *ring, int64_t within_ms);

/* Does it contain what the database had at `at_ms` of clock_ms(), or later? An address that an
   older keyring lacks may be new. */
bool keyring_is_since(const struct keyring *ring, int64_t at_ms);

/* Replaces all keys by the rows of receiver.keys(); waits at most `wait_ms`. On any error the
   old keys stay in force. A secret that does not open verifies nothing and is logged. *changed
   (may be NULL): the keys differ from those before. */
MUST_USE enum err keyring_load(struct keyring *ring, struct db *db, int64_t wait_ms, bool *changed);

/* Writes the keys, still sealed, to a file of mode 0600, for the time when the database is away.
   Replaces the file completely or not at all. */
MUST_USE enum err keyring_save(const struct keyring *ring, const char *path);
MUST_USE enum err keyring_load_file(struct keyring *ring, const char *path);

/* The endpoint of an address, whatever its secrets; 0: not known here. */
int64_t keyring_endpoint(const struct keyring *ring, struct str address);

/* Checks cb->signature of cb->body with each secret of cb->address that had not expired at
   cb->received_us, in constant time. A secret is valid from the moment it is known, because our
   clock may be behind the database's. Sets endpoint_id and secret_id. ERR_ABSENT: no such
   address. ERR_DENIED: no secret matches; endpoint_id is set too, for the counters. ERR_BUSY: no
   secret matches, but one of them does not open with our master key, so the result is unknown. */
MUST_USE enum err keyring_verify(const struct keyring *ring, struct callback *cb);

#endif
