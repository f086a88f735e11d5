/* SPDX-License-Identifier: ISC */
/* hookledger-api from the inside: what its two halves share. */
#ifndef HL_API_API_H
#define HL_API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/route.h"

struct conf;
struct db;
struct db_args;
struct db_rows;
struct http_client;
struct http_client_result;
struct http;
struct http_req;
struct sealer;

/* The caller of a request, as api.admit() returns it. */
struct caller {
	int64_t account_id, user_id;
	bool has_quota;
	int64_t remaining, resets_in, retry_after;
};

struct api {
	const struct conf *conf;
	struct http *web;
	struct db *db;
	struct sealer *sealer;
	struct http_client *client;
	struct ip_networks trusted, allowed;
};

/* ---- answering (api_answer.c) */

/* Answers with a JSON text, and the headers that belong to every answer of this
   caller (may be NULL: not known). */
void api_answer(struct api *api, struct http_req *req, const struct caller *caller, int status,
		struct str json);

/* An error: a JSON string, as Toggl's are. */
void api_refuse(struct api *api, struct http_req *req, const struct caller *caller, int status,
		const char *words);

/* Calls a function of the interface schema; an error is answered (500 or 503). */
MUST_USE enum err api_call(struct api *api, struct http_req *req, const struct caller *caller,
			   const char *function, const struct db_args *args, struct db_rows **rows);

/* Answers what a call of the interface schema failed with (500 or 503), and logs it. */
void api_refuse_failed(struct api *api, struct http_req *req, const struct caller *caller,
		       const char *function, enum err err);

/* A method that the path does not have; a browser's question before a request of
   another origin. */
void api_refuse_method(struct api *api, struct http_req *req, const char *allow);
void api_answer_preflight(struct api *api, struct http_req *req);

/* ---- subscriptions (api_subscription.c) */

/* Each answers the request, at once or when the callback has been asked. */
void api_subscription_list(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match);
void api_subscription_write(struct api *api, struct http_req *req, const struct caller *caller,
			    const struct route_match *match);
void api_subscription_delete(struct api *api, struct http_req *req, const struct caller *caller,
			     const struct route_match *match);
void api_subscription_ping(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match);

/* A round of the courier (api_tick.c). */
void api_tick(struct api *api, struct http_req *req, const struct caller *caller,
	      const struct route_match *match);

#endif
