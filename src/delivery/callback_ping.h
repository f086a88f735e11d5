/* SPDX-License-Identifier: ISC */
/* The ping that validates a subscriber's callback address, and the check of its answer. Shape:
 * Toggl's documentation of webhooks, "Validating". */
#ifndef HL_DELIVERY_CALLBACK_PING_H
#define HL_DELIVERY_CALLBACK_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct http_client;
struct http_client_result;
struct ip_networks;

struct callback_ping {
	int64_t subscription_id;
	int64_t user_id;
	const char *url;	  /* of the callback */
	struct str secret;	  /* signs the ping */
	struct str secret_before; /* signs it too, while secrets are rotated; len 0: none */
	struct str code;	  /* len 0: validated already, the ping carries none */
	struct str code_url;	  /* a GET of it validates the address too */
	int64_t timeout_ms;
	void *user; /* given back with the outcome */
};

/* The body of the ping; appends. */
void callback_ping_write(struct buf *out, const struct callback_ping *ping, int64_t now_us);

/* Sends it, signed as deliveries are. `body` holds it until the request has ended.
   Errors of http_client_add(). */
MUST_USE enum err callback_ping_send(struct http_client *client, const struct callback_ping *ping,
				     struct buf *body);

/* A client for pings: it keeps what a validation code needs of an answer. `allowed`: besides
   public addresses only these are asked; NULL: all are. Borrows both. */
struct http_client *callback_ping_client(const struct conf *conf, const struct ip_networks *allowed,
					 size_t requests_max);

/* Is the answer a JSON object with this validation_code? */
bool callback_ping_is_answered(const struct http_client_result *outcome, struct str code);

#endif
