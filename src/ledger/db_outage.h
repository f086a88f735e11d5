/* SPDX-License-Identifier: ISC */
/* Alerts about a database that is away. Their targets are in that database, so this keeps them
   in memory, with the state of each. Makes messages but sends none, and reads no clock. The
   database reports the end of an outage. */
#ifndef HL_LEDGER_DB_OUTAGE_H
#define HL_LEDGER_DB_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct alert_message;
struct db_outage;
struct spool_status;

/* A message is due when the database has been away for `after_ms`; one that failed is due again
   after the same time. page: the admin page, or "". */
struct db_outage *db_outage_new(int64_t after_ms, struct str place, struct str page);
void db_outage_free(struct db_outage *outage);

/* Drops the targets; db_outage_add() copies the new ones. Not while a message was sent and the
   outage is not over. */
void db_outage_forget(struct db_outage *outage);
void db_outage_add(struct db_outage *outage, int64_t alert_id, struct str kind, struct str target,
		   struct str secret_sealed);

/* Call this regularly with the state of the database. `why` is kept from the first failure. */
void db_outage_observe(struct db_outage *outage, bool works, int64_t now_ms, const char *why);

/* When the next message is due; INT64_MAX: none is. */
int64_t db_outage_next_at(const struct db_outage *outage);

/* The message that is due. Its message_id is negative; what it points to is borrowed until the
   next call. spool NULL: not readable from here. false: none is due. */
bool db_outage_next(struct db_outage *outage, int64_t now_ms, const struct spool_status *spool,
		    struct alert_message *message);
void db_outage_settle(struct db_outage *outage, int64_t message_id, bool is_sent, int64_t now_ms);

/* Was a message sent, and does the database work again? Then db_outage_since_us() and
   db_outage_summary() (a code and its parameters) describe the outage, until db_outage_end(). */
bool db_outage_is_over(const struct db_outage *outage);
bool db_outage_is_notified(const struct db_outage *outage);
int64_t db_outage_since_us(const struct db_outage *outage);
struct str db_outage_summary(const struct db_outage *outage);
void db_outage_end(struct db_outage *outage);

#endif
