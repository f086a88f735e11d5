/* SPDX-License-Identifier: ISC */
/* Makes, changes or pings a subscription of our own subscribers, for the API and the admin
   page: checks the request, pings the callback, writes the result. No transaction is open
   while the ping is in flight; the program holds its HTTP request for so long. */
#ifndef HL_DELIVERY_SUBSCRIPTION_H
#define HL_DELIVERY_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct http_client;
struct http_client_result;
struct http_req;
struct sealer;

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

struct subscription_request {
	struct http_req *req;
	const void *asker; /* of the program, copied; may be NULL */
	size_t asker_bytes;
	struct str session;	     /* for the steps */
	int64_t account_id, user_id; /* on whose behalf */
	int64_t workspace_id;
	int64_t subscription_id; /* not for "POST" */
	const char *method; /* "POST", "PUT" or "PATCH", as in Toggl's API; NULL: a ping only */
	struct str given;   /* the body of such a request: JSON */
};

/* The result. */
struct subscription_result {
	int status; /* 200, or with what to refuse; 0: the step `function` failed with `err` */
	struct buf message; /* why it is refused: an error text of Toggl's API */
	const char *function;
	enum err err;
	int64_t subscription_id;
	struct buf secret;  /* that was made up for a new one */
	bool is_asked;	    /* a ping was sent */
	bool has_sent_code; /* with a validation code: its address is not valid yet */
	bool is_proven;	    /* and its answer held that code */
	int callback_status;
	int64_t duration_us;
};

/* What a program does for it. Copied; what it points to is borrowed while a ping is
   in flight. */
struct subscription_context {
	const struct conf *conf;
	const struct sealer *sealer;
	struct http_client *client;
	const char *const *names; /* of the steps, for the log */
	void *caller;		  /* for the functions: */
	subscription_call *call;
	/* The request is held while a ping is in flight, and released when it is
	   answered. */
	void (*hold)(void *caller, struct http_req *req);
	void (*release)(void *caller, struct http_req *req);
	/* Answers the request. `given` of *request is empty by then. */
	void (*answer)(void *caller, const struct subscription_request *request,
		       const struct subscription_result *end);
};

/* The method of this name as subscription_request has it; NULL: it is none of them. */
const char *subscription_method(struct str name);

/* Serves a request, at once or when the ping is answered. What the client gives back
   begins with a struct http_client_waiter. */
void subscription_serve(const struct subscription_context *context,
			const struct subscription_request *request);

#endif
