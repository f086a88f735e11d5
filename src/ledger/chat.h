/* SPDX-License-Identifier: ISC */
/* Messages to chats: makes the body that each service's incoming webhook accepts, as the service
   documents it, from one plain text. Sends nothing. */
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

/* Does this kind of alert go to a chat: slack, teams, discord, mattermost, googlechat or ntfy? */
bool chat_is_kind(struct str kind);

/* Appends the JSON body. Markup and mentions in the text have no effect. A text that is too long
   for the service is cut, and says so. `target` is the URL that the owner gave. */
void chat_write(struct str kind, struct str target, const struct chat_message *message,
		struct buf *body);

/* Appends the URL to send the body to: `target`, but for ntfy the server's root, because that is
   where ntfy accepts JSON with the topic in it. */
void chat_url(struct str kind, struct str target, struct buf *url);

/* Some services refuse with status 200: is the body of this response such a refusal? */
bool chat_is_refused(struct str kind, struct str answer);

#endif
