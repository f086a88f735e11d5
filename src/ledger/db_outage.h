/* SPDX-License-Identifier: ISC */
/* The database is away, and whom to tell of it stands in the database: so they
   are kept in memory, with whether they were told. Makes the message; sends
   nothing, and has no clock of its own. That it is over the database tells. */
#ifndef HL_LEDGER_DB_OUTAGE_H
#define HL_LEDGER_DB_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct alert_message;
struct db_outage;
struct spool_status;

/* Something is told when the database has been away for so long, and told again
   after as long where it could not be. page: the admin page, or "". */
struct db_outage *db_outage_new(int64_t after_ms, struct str place, struct str page);
void db_outage_free(struct db_outage *outage);

/* Whom to tell, anew; copies. Not while somebody was told and it is not over. */
void db_outage_forget(struct db_outage *outage);
void db_outage_add(struct db_outage *outage, int64_t alert_id, struct str kind, struct str target,
		   struct str secret_sealed);

/* How it stands with the database, every now and then. `why` is kept from the
   first time that it does not work. */
void db_outage_observe(struct db_outage *outage, bool works, int64_t now_ms, const char *why);

/* When somebody is to be told; INT64_MAX: nobody. */
int64_t db_outage_next_at(const struct db_outage *outage);

/* The message that is due, for one of them: its message_id is below zero, what it
   points to is borrowed until the next call. spool: NULL, it cannot be seen from
   here. false: none is due. */
bool db_outage_next(struct db_outage *outage, int64_t now_ms, const struct spool_status *spool,
		    struct alert_message *message);
void db_outage_notified(struct db_outage *outage, int64_t message_id, bool is_sent, int64_t now_ms);

/* Was somebody told, and does the database work again? Then since when it was
   away and what was told (a code and its parameters), until db_outage_end(). */
bool db_outage_is_over(const struct db_outage *outage);
bool db_outage_is_notified(const struct db_outage *outage);
int64_t db_outage_since_us(const struct db_outage *outage);
struct str db_outage_write(const struct db_outage *outage);
void db_outage_end(struct db_outage *outage);

#endif
