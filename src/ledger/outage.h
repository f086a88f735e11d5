/* SPDX-License-Identifier: ISC */
/* The database is away, and whom to tell of it stands in the database: so they
   are kept in memory, with whether they were told. Makes the message; sends
   nothing, and has no clock of its own. That it is over the database tells. */
#ifndef HL_LEDGER_OUTAGE_H
#define HL_LEDGER_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct notice_message;
struct outage;
struct spool_status;

/* Something is told when the database has been away for so long, and told again
   after as long where it could not be. page: the admin page, or "". */
struct outage *outage_new(int64_t after_ms, struct str place, struct str page);
void outage_free(struct outage *outage);

/* Whom to tell, anew; copies. Not while somebody was told and it is not over. */
void outage_forget(struct outage *outage);
void outage_add(struct outage *outage, int64_t notice_id, struct str kind, struct str target, struct str secret_sealed);

/* How it stands with the database, every now and then. `why` is kept from the
   first time that it does not work. */
void outage_see(struct outage *outage, bool works, int64_t now_ms, const char *why);

/* When somebody is to be told; INT64_MAX: nobody. */
int64_t outage_next_at(const struct outage *outage);

/* The message that is due, for one of them: its message_id is below zero, what it
   points to is borrowed until the next call. spool: NULL, it cannot be seen from
   here. false: none is due. */
bool outage_next(struct outage *outage, int64_t now_ms, const struct spool_status *spool, struct notice_message *message);
void outage_told(struct outage *outage, int64_t message_id, bool is_sent, int64_t now_ms);

/* Was somebody told, and does the database work again? Then since when it was
   away and the words that were told, until outage_end(). */
bool outage_is_over(const struct outage *outage);
bool outage_is_told(const struct outage *outage);
int64_t outage_since_us(const struct outage *outage);
struct str outage_words(const struct outage *outage);
void outage_end(struct outage *outage);

#endif
