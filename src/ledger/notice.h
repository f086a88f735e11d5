/* SPDX-License-Identifier: ISC */
/* Sends what the owner is told: an e-mail by sendmail or by an SMTP server, a
   signed request to a webhook, or a message to a chat. One message at a time, beside other work. Knows
   nothing of what is told and when. */
#ifndef HL_LEDGER_NOTICE_H
#define HL_LEDGER_NOTICE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db_rows;
struct notice;
struct sealer;

enum { NOTICE_LEASE_MS = 120 * 1000 };	/* longer than any way of sending may take */

struct notice_message {
	int64_t message_id, lease, notice_id, made_us;
	struct str kind;	/* mail, webhook, or a chat's (ledger/chat.h) */
	struct str target;
	struct str secret_sealed;
	struct str subject, words;	/* of a mail or a chat */
	struct str status;	/* trouble, warning or well: what is so now */
	struct str body;	/* of a webhook */
};

struct notice_outcome {
	int64_t message_id, lease;
	const char *problem;	/* in words; NULL: it was taken. Borrowed until the next notice_send(). */
};

/* Borrows the settings and the sealer until notice_free(), which breaks off what
   is under way. */
struct notice *notice_new(const struct conf *conf, const struct sealer *sealer);
void notice_free(struct notice *notice);

/* A message as ledger.notice_claim() gives it, in row 0; `sealed` holds its secret. */
void notice_read(const struct db_rows *rows, struct buf *sealed, struct notice_message *message);

/* Begins; copies what it needs. Whatever is wrong is told by the outcome. */
void notice_send(struct notice *notice, const struct notice_message *message);
bool notice_is_busy(const struct notice *notice);	/* the outcome was not taken yet */

/* false: not yet, or nothing is under way. */
bool notice_take(struct notice *notice, struct notice_outcome *outcome);

/* As fetch_poll(). */
int notice_poll(const struct notice *notice, struct pollfd *fd);

/* The same with waiting. */
void notice_wait(struct notice *notice, struct notice_outcome *outcome);

/* Address of the admin page, for links; empty when public_url is not set. Appends. */
void notice_page(const struct conf *conf, struct buf *out);

#endif
