/* SPDX-License-Identifier: ISC */
/* One HTTP request to Toggl: made of what the database says, with the secrets put in, and its
   answer with what Toggl's headers say about the quota. When a request may be sent is
   decided in SQL (ledger.toggl_turn). */
#ifndef HL_TOGGL_TOGGL_REQUEST_H
#define HL_TOGGL_TOGGL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct db_args;
struct db_rows;
struct http_client;
struct http_client_result;
struct toggl_client_options;

struct toggl_request {
	struct buf method, url, authorization, body;

	bool has_answer;			   /* the members below are set */
	int status;				   /* 0: no answer came; `problem` says why */
	int64_t remaining, resets_in, retry_after; /* of the headers; -1: not there */
	struct buf answer, problem;
};

/* For http_client_options. */
extern const char *const toggl_request_headers[];

/* Wipes the request; its answer stays. */
void toggl_request_clear(struct toggl_request *request);
void toggl_request_done(struct toggl_request *request);

/* Fills the request from a row of toggl_turn(). On an error a secret does not open. */
MUST_USE enum err toggl_request_prepare(struct toggl_request *request,
					const struct toggl_client_options *options,
					const struct db_rows *rows);

/* Sends it; `user` comes back with the result. ERR_INPUT: the URL of the settings is none. */
MUST_USE enum err toggl_request_send(const struct toggl_request *request,
				     const struct toggl_client_options *options,
				     struct http_client *client, void *user);

/* Sets the answer from the result that was taken last. */
void toggl_request_take(struct toggl_request *request, const struct http_client *client,
			const struct http_client_result *result);

/* Sets an answer without a status, for a request that was not sent. */
void toggl_request_fail(struct toggl_request *request, const char *problem);

/* The six arguments of toggl_turn(), null without an answer; appends. */
void toggl_request_add_answer(const struct toggl_request *request, struct db_args *args);

#endif
