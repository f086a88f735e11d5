/* SPDX-License-Identifier: ISC */
/* All secrets of endpoints, to verify recorded events again. It has revoked secrets too. */
#ifndef HL_CLI_SECRET_CACHE_H
#define HL_CLI_SECRET_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "ledger/signature.h"

struct db;
struct db_rows;
struct secret_cache;
struct sealer;

/* Loads all secrets. NULL: said on stderr. */
struct secret_cache *secret_cache_new(struct db *db, const struct sealer *sealer);
void secret_cache_free(struct secret_cache *cache);
size_t secret_cache_count(const struct secret_cache *cache);	/* all secrets */
size_t secret_cache_unopened(const struct secret_cache *cache); /* secrets that did not open */

/* Verifies the signature of a body with the secret of that number. */
enum signature_verdict secret_cache_verify(struct secret_cache *cache, int64_t secret_id,
					   struct str body, struct str signature);

#endif
