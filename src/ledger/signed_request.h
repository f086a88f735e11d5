/* SPDX-License-Identifier: ISC */
/* A request to a subscriber, with an event or a ping: its body, and the headers that sign it.
   When it is sent and with which result does not belong here. */
#ifndef HL_LEDGER_SIGNED_REQUEST_H
#define HL_LEDGER_SIGNED_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct http_client;
struct signer;

/* Members of the body. Those of the first line are JSON and are written unchanged. A member
   without bytes is left out. */
struct signed_request_body {
	struct str event_id, created_at, creator_id, metadata, payload;
	int64_t subscription_id;
	struct str url_callback;
	struct str validation_code, validation_code_url;
};

/* Appends the body in the order and form of Toggl's, with the current time. */
void signed_request_write(struct buf *out, const struct signed_request_body *body, int64_t now_us);

struct signed_request {
	const char *url;
	/* webhook-id: the same at each attempt, and unique; without a full stop */
	struct str id;
	struct str body; /* borrowed until the result is returned */
	struct signer *signer,
		*before; /* before: also signs while a secret is rotated; NULL: none */
	int64_t timeout_ms;
	bool is_sent_once; /* of struct http_client_request, and likewise: */
	void *user;
};

enum { SIGNED_REQUEST_HEADERS = 5, SIGNED_REQUEST_HEADER_MAX = 512 };

/* The headers of a request, as http_client takes them; points into itself. */
struct signed_request_headers {
	const char *lines[SIGNED_REQUEST_HEADERS + 1];
	char text[SIGNED_REQUEST_HEADERS][SIGNED_REQUEST_HEADER_MAX];
};

/* Content-Type, Toggl's signature, and the three headers of Standard Webhooks. */
void signed_request_sign(const struct signed_request *sending, int64_t now_us,
			 struct signed_request_headers *headers);

/* Signs the request and starts it. Errors of http_client_add(). */
MUST_USE enum err signed_request_start(struct http_client *client,
				       const struct signed_request *sending, int64_t now_us);

#endif
