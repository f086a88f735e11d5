/* SPDX-License-Identifier: ISC */
/* Messages for people in chats: the body that each service's incoming webhook
   takes, as published by the service, made of one plain text. Sends nothing. */
#ifndef HL_LEDGER_CHAT_H
#define HL_LEDGER_CHAT_H

#include <stdbool.h>

#include "base/mem.h"

struct chat_message {
	struct str subject; /* one line */
	struct str text;    /* lines; UTF-8 */
	struct str status;  /* trouble, warning or well */
	struct str page;    /* URL that a click opens; may be empty */
};

/* Is this a kind of alert that goes to a chat: slack, teams, discord, mattermost,
   googlechat or ntfy? */
bool chat_is_kind(struct str kind);

/* The JSON body. Markup and mentions in the text have no effect. What is longer than
   the service takes is cut, and says so. `target` is the URL that the owner gave. Appends. */
void chat_write(struct str kind, struct str target, const struct chat_message *message,
		struct buf *body);

/* Where the body is sent: `target`, but for ntfy the server's root, because JSON goes
   there and names the topic. Appends. */
void chat_url(struct str kind, struct str target, struct buf *url);

/* Some services refuse with status 200: does this body of such an answer say so? */
bool chat_is_refused(struct str kind, struct str answer);

#endif
