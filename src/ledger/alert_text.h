/* SPDX-License-Identifier: ISC */
/* Writes an alert: the text of a mail or chat message, and the body for a webhook, of
   findings that the database (ledger.alert_write) or db_outage gives by codes. Sends
   nothing. */
#ifndef HL_LEDGER_ALERT_TEXT_H
#define HL_LEDGER_ALERT_TEXT_H

#include "base/mem.h"

struct alert_text {
	struct buf subject; /* one line */
	struct buf text;    /* of a mail or a chat */
	struct buf status;  /* trouble, warning or well: the state now */
	struct buf body;    /* of a webhook, JSON */
};

/* Writes all of it anew. `content`: a JSON object with timestamp, test, status, page (for
   links, may be empty), changes (findings with a member change: new, worse or over) and
   findings. A finding has kind, level, subject, message, since and link. heading: the code
   of another subject. */
void alert_text_write(struct alert_text *text, struct str content);
void alert_text_done(struct alert_text *text);

#endif
