/* SPDX-License-Identifier: ISC */
#include "bin/judge.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/db.h"
#include "bin/pages.h"

struct one {
	int64_t secret_id;
	struct mac *mac;	/* NULL: it did not open */
};

struct judge {
	struct one *secrets;	/* by number */
	size_t count, unopened;
};

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	for (size_t i = 0; i < judge->count; i++)
		mac_free(judge->secrets[i].mac);
	free(judge->secrets);
	free(judge);
}

static void add(struct judge *judge, const struct sealer *sealer, const struct db_rows *rows,
                size_t row)
{
	struct one *one = &judge->secrets[judge->count++];
	struct buf sealed = { 0 }, plain = { 0 };

	*one = (struct one){ .secret_id = db_int(rows, row, "secret_id") };
	db_bytes(rows, row, "sealed", &sealed);
	if (seal_open(sealer, db_str(rows, row, "address"), buf_str(&sealed), &plain) == ERR_NONE)
		one->mac = mac_new(buf_str(&plain));
	else
		judge->unopened++;
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	buf_done(&sealed);
}

struct judge *judge_new(struct db *db, const struct sealer *sealer)
{
	struct judge *judge = mem_zero(1, sizeof(*judge));
	struct pages pages = { .function = "operator.secret_read", .number = "secret_id" };

	while (pages_next(&pages, db)) {
		size_t count = db_rows_count(pages.rows);

		judge->secrets = mem_grow(judge->secrets, judge->count + count, sizeof(struct one));
		for (size_t i = 0; i < count; i++)
			add(judge, sealer, pages.rows, i);
	}
	if (!pages.err)
		return judge;
	judge_free(judge);
	return NULL;
}

size_t judge_count(const struct judge *judge)
{
	return judge->count;
}

size_t judge_unopened(const struct judge *judge)
{
	return judge->unopened;
}

static int by_id(const void *a, const void *b)
{
	const struct one *left = a, *right = b;

	return (left->secret_id > right->secret_id) - (left->secret_id < right->secret_id);
}

enum judged judge_bytes(struct judge *judge, int64_t secret_id, struct str body,
                        struct str signature)
{
	struct one wanted = { .secret_id = secret_id };
	const struct one *found = NULL;

	if (judge->count)
		found = bsearch(&wanted, judge->secrets, judge->count, sizeof(struct one), by_id);
	return genuine_judge(found ? found->mac : NULL, body, signature);
}
