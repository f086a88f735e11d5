/* SPDX-License-Identifier: ISC */
/* Sends what the owner is told: an e-mail by sendmail or by an SMTP server, a
   signed request to a webhook, or a message to a chat. One message at a time, beside other work.
   Knows nothing of what is told and when. */
#ifndef HL_LEDGER_ALERT_H
#define HL_LEDGER_ALERT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db_rows;
struct alert;
struct sealer;

enum { ALERT_LEASE_MS = 120 * 1000 }; /* longer than any way of sending may take */

struct alert_message {
	int64_t message_id, lease, alert_id, made_us;
	struct str kind; /* mail, webhook, or a chat's (ledger/chat.h) */
	struct str target;
	struct str secret_sealed;
	struct str content; /* what is told, as alert_text_write() takes it */
};

struct alert_outcome {
	int64_t message_id, lease;
	/* in words; NULL: it was taken. Borrowed until the next alert_send(). */
	const char *problem;
};

/* Borrows the settings and the sealer until alert_free(), which breaks off what
   is under way. */
struct alert *alert_new(const struct conf *conf, const struct sealer *sealer);
void alert_free(struct alert *alert);

/* A message as ledger.notice_claim() gives it, in row 0; `sealed` holds its secret. */
void alert_read(const struct db_rows *rows, struct buf *sealed, struct alert_message *message);

/* Begins; copies what it needs. Whatever is wrong is told by the outcome. */
void alert_send(struct alert *alert, const struct alert_message *message);
bool alert_is_busy(const struct alert *alert); /* the outcome was not taken yet */

/* false: not yet, or nothing is under way. */
bool alert_take(struct alert *alert, struct alert_outcome *outcome);

/* As http_client_poll(). */
int alert_poll(const struct alert *alert, struct pollfd *fd);

/* The same with waiting. */
void alert_wait(struct alert *alert, struct alert_outcome *outcome);

/* Address of the admin page, for links; empty when public_url is not set. Appends. */
void alert_page(const struct conf *conf, struct buf *out);

#endif
