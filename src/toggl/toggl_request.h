/* SPDX-License-Identifier: ISC */
/* One HTTP request to Toggl, and its answer. The database says what is sent; this module adds the
   secrets, and reads the quota from the headers of the answer. When a request may be sent is
   decided in SQL (ledger.toggl_turn(), which calls ledger.toggl_admit()). */
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
	int64_t remaining, resets_in, retry_after; /* headers; -1: missing */
	struct buf answer, problem;
	struct buf headers; /* that SQL reads: a JSON object; empty: no answer came */
};

/* For http_client_options. */
extern const char *const toggl_request_headers[];

/* Wipes the request; its answer stays. toggl_request_done() wipes both. */
void toggl_request_clear(struct toggl_request *request);
void toggl_request_done(struct toggl_request *request);

/* Fills the request from the row of toggl_turn(). An error: a sealed secret does not open with this
   master key. */
MUST_USE enum err toggl_request_prepare(struct toggl_request *request,
					const struct toggl_client_options *options,
					const struct db_rows *rows);

/* Sends it; `user` comes back with the result. ERR_INPUT: the URL in the settings is no http
   or https URL. */
MUST_USE enum err toggl_request_send(const struct toggl_request *request,
				     const struct toggl_client_options *options,
				     struct http_client *client, void *user);

/* Copies the answer from `result`, the last one that http_client_take() gave. */
void toggl_request_take(struct toggl_request *request, const struct http_client *client,
			const struct http_client_result *result);

/* Sets an answer without a status, for a request that was not sent. */
void toggl_request_fail(struct toggl_request *request, const char *problem);

/* Appends the seven arguments of toggl_turn() that describe the answer; all null without one. */
void toggl_request_add_answer(const struct toggl_request *request, struct db_args *args);

#endif
