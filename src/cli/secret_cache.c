/* SPDX-License-Identifier: ISC */
#include "cli/secret_cache.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/db.h"
#include "cli/pagination.h"

struct secret {
	int64_t secret_id;
	struct mac *mac; /* NULL: it did not open */
};

struct secret_cache {
	struct secret *secrets; /* sorted by number */
	size_t count, unopened;
};

void secret_cache_free(struct secret_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->count; i++)
		mac_free(cache->secrets[i].mac);
	free(cache->secrets);
	free(cache);
}

static void add(struct secret_cache *cache, const struct sealer *sealer, const struct db_rows *rows,
		size_t row)
{
	struct secret *secret = &cache->secrets[cache->count++];
	struct buf sealed = { 0 }, plain = { 0 };

	*secret = (struct secret){ .secret_id = db_int(rows, row, "secret_id") };
	db_bytes(rows, row, "sealed", &sealed);
	if (seal_open(sealer, db_str(rows, row, "address"), buf_str(&sealed), &plain) == ERR_NONE)
		secret->mac = mac_new(buf_str(&plain));
	else
		cache->unopened++;
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	buf_done(&sealed);
}

struct secret_cache *secret_cache_new(struct db *db, const struct sealer *sealer)
{
	struct secret_cache *cache = mem_zero(1, sizeof(*cache));
	struct pagination pages = { .function = "operator.secret_read", .number = "secret_id" };

	while (pagination_next(&pages, db)) {
		size_t count = db_rows_count(pages.rows);

		cache->secrets = mem_grow(cache->secrets, cache->count + count,
					  sizeof(struct secret));
		for (size_t i = 0; i < count; i++)
			add(cache, sealer, pages.rows, i);
	}
	if (!pages.err)
		return cache;
	secret_cache_free(cache);
	return NULL;
}

size_t secret_cache_count(const struct secret_cache *cache)
{
	return cache->count;
}

size_t secret_cache_unopened(const struct secret_cache *cache)
{
	return cache->unopened;
}

static int by_id(const void *a, const void *b)
{
	const struct secret *left = a, *right = b;

	return (left->secret_id > right->secret_id) - (left->secret_id < right->secret_id);
}

enum signature_verdict secret_cache_verify(struct secret_cache *cache, int64_t secret_id,
					   struct str body, struct str signature)
{
	struct secret wanted = { .secret_id = secret_id };
	const struct secret *found = NULL;

	if (cache->count)
		found = bsearch(&wanted, cache->secrets, cache->count, sizeof(struct secret),
				by_id);
	return signature_verify(found ? found->mac : NULL, body, signature);
}
