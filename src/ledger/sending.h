/* SPDX-License-Identifier: ISC */
/* What goes to a subscriber, an event or a ping: its body, the headers that show
   that it is genuine, and the request. Knows nothing of when, and nothing of what
   came of it. */
#ifndef HL_LEDGER_SENDING_H
#define HL_LEDGER_SENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct fetch;
struct signer;

/* Members of the body: those of the first line are JSON, written as they are. What
   has no bytes is left out. */
struct sending_body {
	struct str event_id, created_at, creator_id, metadata, payload;
	int64_t subscription_id;
	struct str url_callback;
	struct str validation_code, validation_code_url;
};

/* Appends the body in the order and shape of Toggl's, with the time of now. */
void sending_write(struct buf *out, const struct sending_body *body, int64_t now_us);

struct sending {
	const char *url;
	struct str id;		/* webhook-id: the same at each attempt, of nothing else; without a full stop */
	struct str body;	/* borrowed until the outcome is given out */
	struct signer *signer, *before;	/* before: also signs while a secret is rotated; NULL: none */
	int64_t timeout_ms;
	bool is_sent_once;	/* of struct fetch_request, and likewise: */
	void *user;
};

enum { SENDING_HEADERS = 5, SENDING_HEADER_MAX = 512 };

/* The headers of a request, as fetch takes them: points into itself. */
struct sending_headers {
	const char *lines[SENDING_HEADERS + 1];
	char text[SENDING_HEADERS][SENDING_HEADER_MAX];
};

/* Content-Type, Toggl's signature, and the three headers of Standard Webhooks. */
void sending_sign(const struct sending *sending, int64_t now_us, struct sending_headers *headers);

/* Signs it and starts the request. Errors of fetch_add(). */
MUST_USE enum err sending_start(struct fetch *fetch, const struct sending *sending, int64_t now_us);

#endif
