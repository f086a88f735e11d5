/* SPDX-License-Identifier: ISC */
/* A subscription of our subscribers being made, changed or pinged, for whichever
   program serves the request: what is asked for is judged, the callback is asked,
   and what came of it is written. No transaction is open while the callback is
   asked; who serves the request holds it so long. */
#ifndef HL_DELIVERY_SUBSCRIPTION_H
#define HL_DELIVERY_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db;
struct http_client;
struct http_client_result;
struct sealer;
struct subscription_change;

/* The functions of the program's door by name: those of schema api, or others that
   take a session before the same arguments. */
struct subscription_functions {
	const char *check, *write, *give_up, *validate, *ping_find;
};

/* Borrowed as long as a callback is being asked. */
struct subscription_context {
	const struct conf *conf;
	struct db *db;
	const struct sealer *sealer;
	struct http_client *client;
	const struct subscription_functions *functions;
};

struct subscription_request {
	struct str session;	     /* at == NULL: the functions of the door take none */
	int64_t account_id, user_id; /* on whose behalf */
	int64_t workspace_id;
	int64_t subscription_id; /* not for "POST" */
	const char *method; /* "POST", "PUT" or "PATCH", as in Toggl's API; NULL: a ping only */
	struct str given;   /* the body of such a request: JSON */
	void *user;	    /* of the outcome that subscription_continue() needs */
};

/* How it ended. */
struct subscription_result {
	int status;	  /* 200, or with what to refuse; 0: `function` failed with `err` */
	struct buf words; /* why it is refused: in those of Toggl's API */
	const char *function;
	enum err err;
	int64_t subscription_id;
	struct buf secret; /* that was made up for a new one; wiped by subscription_result_done() */
	bool is_asked;	   /* the callback was asked */
	bool has_sent_code; /* with a validation code: its address is not valid yet */
	bool is_proven;	    /* and its answer held that */
	int callback_status;
	int64_t duration_us;
};

/* Begins. NULL: it has ended, *end says how. Else the callback is being asked: give
   the outcome of fetch whose user is order->user to subscription_continue(). Copies the
   order. */
struct subscription_change *subscription_begin(const struct subscription_context *options,
					       const struct subscription_request *order,
					       struct subscription_result *end);

/* The callback has answered: goes on to the end, and frees `asking`. */
void subscription_continue(const struct subscription_context *options,
			   struct subscription_change *asking,
			   const struct http_client_result *outcome,
			   struct subscription_result *end);

void subscription_result_done(struct subscription_result *end);

#endif
