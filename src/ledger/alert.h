/* SPDX-License-Identifier: ISC */
/* Sends messages to the owner: an e-mail by sendmail or by an SMTP server, a signed request to a
   webhook, or a message to a chat. Sends one message at a time, beside other work. What is sent
   and when does not belong here (ledger/monitor, ledger.findings()). */
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
	struct str kind; /* mail, webhook, or a kind of chat (ledger/chat.h) */
	struct str target;
	struct str secret_sealed;
	struct str content; /* what alert_text_write() makes the text from */
};

struct alert_outcome {
	int64_t message_id, lease;
	/* why it failed, as text; NULL: it was sent. Borrowed until the next alert_send(). */
	const char *problem;
};

/* Borrows the settings and the sealer until alert_free(), which aborts the message in flight. */
struct alert *alert_new(const struct conf *conf, const struct sealer *sealer);
void alert_free(struct alert *alert);

/* Reads a message from row 0 of the database's claim; *sealed holds its secret. */
void alert_read(const struct db_rows *rows, struct buf *sealed, struct alert_message *message);

/* Starts to send; copies what it needs. The outcome reports every failure. */
void alert_send(struct alert *alert, const struct alert_message *message);
bool alert_is_busy(const struct alert *alert); /* the outcome was not taken yet */

/* false: not finished yet, or no message is in flight. */
bool alert_take(struct alert *alert, struct alert_outcome *outcome);

/* As http_client_poll(). */
int alert_poll(const struct alert *alert, struct pollfd *fd);

/* alert_take() that waits. */
void alert_wait(struct alert *alert, struct alert_outcome *outcome);

/* Appends the address of the admin page, for links; nothing when public_url is not set. */
void alert_page(const struct conf *conf, struct buf *out);

#endif
