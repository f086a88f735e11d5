/* SPDX-License-Identifier: ISC */
/* Reads, makes, changes, deletes and pings subscriptions. While a callback is pinged
   (delivery/subscription), the request is held, so that a slow callback delays no other
   request. */
#include "api/api.h"

#include <stdlib.h>

#include "base/conf.h"
#include "base/db.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "base/log.h"
#include "base/json.h"
#include "ledger/sealing.h"
#include "delivery/subscription.h"

static const char *const step_names[SUBSCRIPTION_STEPS] = {
	[SUBSCRIPTION_CHECK] = "api.subscription_check",
	[SUBSCRIPTION_WRITE] = "api.subscription_write",
	[SUBSCRIPTION_GIVE_UP] = "api.subscription_give_up",
	[SUBSCRIPTION_PING_FIND] = "api.ping_find",
	[SUBSCRIPTION_VALIDATE] = "api.subscription_validate",
};

/* ---- reading */

/* The JSON of the database, with the secret if the caller made the subscription. */
static void put_subscription(struct api *api, struct buf *out, const struct db_rows *found,
			     size_t row)
{
	struct buf sealed = { 0 }, secret = { 0 };

	json_begin(out, NULL);
	json_put_members(out, db_str(found, row, "body"));
	if (db_bool(found, row, "is_own")) {
		db_bytes(found, row, "sealed", &sealed);
		if (sealing_row_open(api->sealer, SEALING_SUBSCRIPTION,
				     db_int(found, row, "subscription_id"), buf_str(&sealed),
				     &secret))
			log_write(LOG_WARN, "secret_does_not_open",
				  (struct log_field[]){
					  log_num("subscription",
						  db_int(found, row, "subscription_id")),
					  log_end() });
		else
			json_put_text(out, "secret", buf_str(&secret));
	}
	json_end(out);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
}

/* subscription_id 0: all. */
static enum err read_subscriptions(struct api *api, struct http_req *req,
				   const struct caller *caller, int64_t workspace_id,
				   int64_t subscription_id, struct db_rows **found)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, caller->account_id);
	db_arg_int(args, workspace_id);
	db_arg_id(args, subscription_id);
	err = api_call(api, req, caller, "api.subscription_read", args, found);
	db_args_free(args);
	return err;
}

void api_subscription_list(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf out = { 0 };

	if (read_subscriptions(api, req, caller, route_int(match, "workspace_id"), 0, &found))
		return;
	json_begin_list(&out, NULL);
	for (size_t i = 0; i < db_rows_count(found); i++)
		put_subscription(api, &out, found, i);
	json_end_list(&out);
	api_answer(api, req, caller, 200, buf_str(&out));
	mem_wipe(out.at, out.len);
	buf_done(&out);
	db_rows_free(found);
}

static void answer_subscription(struct api *api, struct http_req *req, const struct caller *caller,
				int64_t workspace_id, int64_t subscription_id)
{
	struct db_rows *found = NULL;
	struct buf out = { 0 };

	if (read_subscriptions(api, req, caller, workspace_id, subscription_id, &found))
		return;
	if (db_rows_count(found)) {
		put_subscription(api, &out, found, 0);
		api_answer(api, req, caller, 200, buf_str(&out));
	} else {
		/* another request has just deleted it */
		buf_addf(&out, "subscription %lld for workspace %lld was not found",
			 (long long)subscription_id, (long long)workspace_id);
		api_refuse(api, req, caller, 404, buf_text(&out));
	}
	mem_wipe(out.at, out.len);
	buf_done(&out);
	db_rows_free(found);
}

/* Answers a request that the interface schema refused. false: it did not refuse it. */
static bool answer_refusal(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct db_rows *found)
{
	char *problem;

	if (db_int(found, 0, "status") == 200)
		return false;
	problem = mem_dup(db_str(found, 0, "problem"));
	api_refuse(api, req, caller, (int)db_int(found, 0, "status"), problem);
	free(problem);
	return true;
}

/* ---- make, change, ping */

/* A POST has no subscription yet. In other requests 0 is a number like any other, for which
   there is no subscription. */
static void add_change(struct db_args *args, const struct subscription_step_args *given)
{
	db_arg_int(args, given->account_id);
	db_arg_int(args, given->workspace_id);
	if (str_is(str_of(given->method), "POST") && !given->subscription_id)
		db_arg_null(args);
	else
		db_arg_int(args, given->subscription_id);
	db_arg_text(args, str_of(given->method));
	db_arg_json(args, given->given);
}

static void add_args(struct db_args *args, enum subscription_step step,
		     const struct subscription_step_args *given)
{
	switch (step) {
	case SUBSCRIPTION_CHECK:
		add_change(args, given);
		break;
	case SUBSCRIPTION_WRITE:
		add_change(args, given);
		if (given->sealed.at)
			db_arg_bytes(args, given->sealed);
		else
			db_arg_null(args);
		db_arg_text(args, given->url);
		db_arg_text(args, given->code);
		db_arg_bool(args, given->is_validated);
		break;
	case SUBSCRIPTION_GIVE_UP:
		db_arg_int(args, given->subscription_id);
		db_arg_text(args, given->code);
		break;
	case SUBSCRIPTION_PING_FIND:
		db_arg_int(args, given->account_id);
		db_arg_int(args, given->workspace_id);
		db_arg_int(args, given->subscription_id);
		break;
	default:
		db_arg_int(args, given->workspace_id);
		db_arg_int(args, given->subscription_id);
		db_arg_text(args, given->code);
	}
}

static void read_subscription(const struct db_rows *rows, struct subscription_step_result *result)
{
	buf_add_str(&result->url, db_str(rows, 0, "url"));
	buf_add_str(&result->code, db_str(rows, 0, "code"));
	db_bytes(rows, 0, "sealed", &result->sealed);
	db_bytes(rows, 0, "sealed_before", &result->sealed_before);
}

static enum err call_step(void *caller, enum subscription_step step,
			  const struct subscription_step_args *given,
			  struct subscription_step_result *result)
{
	struct api *api = caller;
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	add_args(args, step, given);
	err = db_call(api->db, step_names[step], args, api->conf->db_deadline_ms, &rows);
	if (err || step == SUBSCRIPTION_GIVE_UP)
		goto done;
	result->status = (int)db_int(rows, 0, "status");
	buf_add_str(&result->problem, db_str(rows, 0, "problem"));
	if (step == SUBSCRIPTION_CHECK) {
		read_subscription(rows, result);
		result->subscription_id = db_int(rows, 0, "subscription_id");
		result->must_ping = db_bool(rows, 0, "must_ping");
		result->has_secret = !db_is_null(rows, 0, "secret");
		buf_add_str(&result->ping_code, db_str(rows, 0, "ping_code"));
		buf_add_str(&result->secret, db_str(rows, 0, "secret"));
	} else if (step == SUBSCRIPTION_PING_FIND) {
		read_subscription(rows, result);
	}
done:
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static void hold(void *caller, struct http_req *req)
{
	(void)caller;
	http_hold(req);
}

static void release(void *caller, struct http_req *req)
{
	(void)caller;
	http_release(req);
}

/* The answer to a change is the changed subscription. */
static void answer(void *program, const struct subscription_request *request,
		   const struct subscription_result *end)
{
	struct api *api = program;
	const struct caller *caller = request->asker;

	if (!end->status)
		api_refuse_failed(api, request->req, caller, end->function, end->err);
	else if (end->status != 200)
		api_refuse(api, request->req, caller, end->status, buf_text(&end->message));
	else if (request->method)
		answer_subscription(api, request->req, caller, request->workspace_id,
				    end->subscription_id);
	else
		api_answer(api, request->req, caller, 200, str_of("{\"status\":\"OK\"}"));
}

/* `method` NULL: a ping only. */
static void ask(struct api *api, struct http_req *req, const struct caller *caller,
		const struct route_match *match, const char *method)
{
	struct subscription_context context = {
		.conf = api->conf,
		.sealer = api->sealer,
		.client = api->client,
		.names = step_names,
		.caller = api,
		.call = call_step,
		.hold = hold,
		.release = release,
		.answer = answer,
	};
	struct subscription_request request = {
		.req = req,
		.asker = caller,
		.asker_bytes = sizeof(*caller),
		.account_id = caller->account_id,
		.user_id = caller->user_id,
		.workspace_id = route_int(match, "workspace_id"),
		.subscription_id = match->count > 1 ? route_int(match, "subscription_id") : 0,
		.method = method,
		.given = http_body(req),
	};

	subscription_serve(&context, &request);
}

void api_subscription_write(struct api *api, struct http_req *req, const struct caller *caller,
			    const struct route_match *match)
{
	ask(api, req, caller, match, subscription_method(http_method(req)));
}

void api_subscription_ping(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match)
{
	ask(api, req, caller, match, NULL);
}

void api_subscription_delete(struct api *api, struct http_req *req, const struct caller *caller,
			     const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, caller->account_id);
	db_arg_int(args, route_int(match, "workspace_id"));
	db_arg_int(args, route_int(match, "subscription_id"));
	if (!api_call(api, req, caller, "api.subscription_delete", args, &found) &&
	    !answer_refusal(api, req, caller, found))
		answer_subscription(api, req, caller, route_int(match, "workspace_id"),
				    route_int(match, "subscription_id"));
	db_rows_free(found);
	db_args_free(args);
}
