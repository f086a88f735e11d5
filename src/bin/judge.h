/* SPDX-License-Identifier: ISC */
/* Was what is recorded really sent by who has the secret? Judges bodies again
   by the secret that judged them first, in use or not. */
#ifndef HL_BIN_JUDGE_H
#define HL_BIN_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "ledger/genuine.h"

struct db;
struct db_rows;
struct judge;
struct sealer;

/* Loads all secrets. NULL: said on stderr why. */
struct judge *judge_new(struct db *db, const struct sealer *sealer);
void judge_free(struct judge *judge);
size_t judge_count(const struct judge *judge);	/* all secrets */
size_t judge_unopened(const struct judge *judge);	/* secrets that did not open */

enum judged judge_bytes(struct judge *judge, int64_t secret_id, struct str body,
                        struct str signature);

#endif
