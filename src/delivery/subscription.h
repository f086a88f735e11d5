/* SPDX-License-Identifier: ISC */
/* Makes, changes or pings a subscription of our own subscribers, for the API and the admin
   page: checks the request, pings the callback, writes the result. No transaction is open
   while the ping is in flight; the program holds its HTTP request for so long. */
#ifndef HL_DELIVERY_SUBSCRIPTION_H
#define HL_DELIVERY_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct http_client;
struct http_client_result;
struct sealer;
struct subscription_change;

/* What the database does in turn: each program has an own way to ask it. */
enum subscription_step {
	SUBSCRIPTION_CHECK,	/* POST, PUT and PATCH, before the ping */
	SUBSCRIPTION_WRITE,	/* and after it */
	SUBSCRIPTION_GIVE_UP,	/* the callback did not answer as it should */
	SUBSCRIPTION_PING_FIND, /* a ping only, before the ping */
	SUBSCRIPTION_VALIDATE,	/* and after it */
	SUBSCRIPTION_STEPS,
};

/* What a step is given; each takes what it needs. */
struct subscription_step_args {
	struct str session; /* that of the request */
	int64_t account_id, workspace_id;
	int64_t subscription_id; /* 0: it has none yet */
	const char *method;
	struct str given;  /* JSON */
	struct str sealed; /* another secret; at == NULL: none */
	struct str url, code;
	bool is_validated;
};

/* What it gives: members of what a step does not give stay empty. */
struct subscription_step_result {
	int status; /* 200, or with what to refuse, and why: */
	struct buf problem;
	int64_t subscription_id;
	struct buf url, code, ping_code, sealed, sealed_before;
	bool has_secret, must_ping;
	struct buf secret; /* that was given, in the clear; wiped by who called */
};

/* Does a step. Errors of the database. */
typedef enum err subscription_call(void *caller, enum subscription_step step,
				   const struct subscription_step_args *args,
				   struct subscription_step_result *result);

/* Borrowed while a ping is in flight. */
struct subscription_context {
	const struct conf *conf;
	const struct sealer *sealer;
	struct http_client *client;
	subscription_call *call;
	void *caller;
	const char *const *names; /* of the steps, for the log */
};

struct subscription_request {
	struct str session;	     /* for the steps */
	int64_t account_id, user_id; /* on whose behalf */
	int64_t workspace_id;
	int64_t subscription_id; /* not for "POST" */
	const char *method; /* "POST", "PUT" or "PATCH", as in Toggl's API; NULL: a ping only */
	struct str given;   /* the body of such a request: JSON */
	void *user;	    /* of the outcome that subscription_continue() needs */
};

/* The result. */
struct subscription_result {
	int status; /* 200, or with what to refuse; 0: the step of that name failed with `err` */
	struct buf words; /* why it is refused: in those of Toggl's API */
	const char *function;
	enum err err;
	int64_t subscription_id;
	struct buf secret; /* that was made up for a new one; wiped by subscription_result_done() */
	bool is_asked;	   /* a ping was sent */
	bool has_sent_code; /* with a validation code: its address is not valid yet */
	bool is_proven;	    /* and its answer held that code */
	int callback_status;
	int64_t duration_us;
};

/* Begins. NULL: it has ended, *end is the result. Otherwise a ping is in flight: give the
   result of http_client_take() whose user is request->user to subscription_continue().
   Copies the request. */
struct subscription_change *subscription_begin(const struct subscription_context *options,
					       const struct subscription_request *request,
					       struct subscription_result *end);

/* Goes on after the answer to the ping, to the end; frees `change`. */
void subscription_continue(const struct subscription_context *options,
			   struct subscription_change *change,
			   const struct http_client_result *outcome,
			   struct subscription_result *end);

void subscription_result_done(struct subscription_result *end);

#endif
