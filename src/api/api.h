/* SPDX-License-Identifier: ISC */
/* hookledger-api: the types and functions that its files share. */
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

/* ---- answering (response.c) */

/* Answers with a JSON text and the headers of every answer to this caller (NULL: the
   caller is not known). */
void api_answer(struct api *api, struct http_req *req, const struct caller *caller, int status,
		struct str json);

/* The same with more headers: lines "Name: value", separated by \n; empty: none. */
void api_answer_with(struct api *api, struct http_req *req, const struct caller *caller, int status,
		     struct str lines, struct str json);

/* Answers with an error: a JSON string, as Toggl's errors are. */
void api_refuse(struct api *api, struct http_req *req, const struct caller *caller, int status,
		const char *problem);

/* Calls a function of the interface schema. On an error it answers 500 or 503. */
MUST_USE enum err api_call(struct api *api, struct http_req *req, const struct caller *caller,
			   const char *function, const struct db_args *args, struct db_rows **rows);

/* Answers 500 or 503 after a failed call of the interface schema, and logs it. */
void api_refuse_failed(struct api *api, struct http_req *req, const struct caller *caller,
		       const char *function, enum err err);

/* Answers a request with a method that the path does not have; answers a browser's
   preflight request (CORS). */
void api_refuse_method(struct api *api, struct http_req *req, const char *allow);
void api_answer_preflight(struct api *api, struct http_req *req);

/* ---- subscriptions (subscription.c) */

/* Each answers the request at once, or later, when the callback has answered. */
void api_subscription_list(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match);
void api_subscription_write(struct api *api, struct http_req *req, const struct caller *caller,
			    const struct route_match *match);
void api_subscription_delete(struct api *api, struct http_req *req, const struct caller *caller,
			     const struct route_match *match);
void api_subscription_ping(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match);

/* Runs a round of the courier (tick.c). */
void api_tick(struct api *api, struct http_req *req, const struct caller *caller,
	      const struct route_match *match);

#endif
