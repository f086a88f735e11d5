/* SPDX-License-Identifier: ISC */
/* Subscribers, as far as the admin page's functions in SQL cannot do it alone:
   tokens and secrets are made here, callbacks are asked (delivery/subscription, the
   API's own path), and a replay goes on beside other requests, a thousand
   deliveries at a time. */
#include "admin/admin.h"
#include "admin/pool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "base/json.h"
#include "delivery/delivery_conf.h"
#include "ledger/catalog.h"
#include "ledger/sealing.h"
#include "delivery/subscription.h"

enum {
	REPLAY_PAGE = 1000, /* as admin.subscription_replay() has it */
	REPLAY_MS = 20000,  /* less than web servers wait for an answer */
};

/* ---- tokens and secrets */

/* Makes a token, which is shown this once; its digest is kept. */
void admin_account_write(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	unsigned char digest[DIGEST_BYTES];
	struct buf token = { 0 }, made = { 0 };

	crypto_token(&token, digest);
	json_begin(&made, NULL);
	json_put_bytes(&made, "digest", (struct str){ (const char *)digest, sizeof(digest) });
	json_end(&made);
	admin_answer_new(admin, req, visit, admin_operation_of(match), &made, "token",
			 buf_str(&token));
	mem_wipe(token.at, token.len);
	buf_done(&token);
	buf_done(&made);
}

/* Made or changed; of plan enterprise with the numbers of the settings. */
void admin_organization_write(struct admin *admin, struct http_req *req, const struct visit *visit,
			      const struct route_match *match)
{
	struct buf made = { 0 };

	json_begin(&made, NULL);
	json_put_int(&made, "enterprise_requests", delivery_conf(admin->conf)->enterprise_requests);
	json_put_int(&made, "enterprise_user_requests",
		     delivery_conf(admin->conf)->enterprise_user_requests);
	json_end(&made);
	admin_answer_call(admin, req, visit, admin_operation_of(match), &made);
	buf_done(&made);
}

void admin_subscription_rotate(struct admin *admin, struct http_req *req, const struct visit *visit,
			       const struct route_match *match)
{
	struct buf secret = { 0 }, sealed = { 0 }, made = { 0 };

	sealing_new_secret(&secret);
	if (sealing_row(admin->sealer, SEALING_SUBSCRIPTION, route_int(match, "subscription_id"),
			buf_str(&secret), &sealed)) {
		admin_refuse_unsealed(req);
	} else {
		json_begin(&made, NULL);
		json_put_bytes(&made, "sealed", buf_str(&sealed));
		json_end(&made);
		admin_answer_new(admin, req, visit, admin_operation_of(match), &made, "secret",
				 buf_str(&secret));
	}
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&made);
}

/* ---- making, changing, pinging */

static const char *const step_names[SUBSCRIPTION_STEPS] = {
	[SUBSCRIPTION_CHECK] = "subscription_check",
	[SUBSCRIPTION_WRITE] = "subscription_write",
	[SUBSCRIPTION_GIVE_UP] = "subscription_give_up",
	[SUBSCRIPTION_PING_FIND] = "ping_find",
	[SUBSCRIPTION_VALIDATE] = "subscription_validate",
};

/* The steps of the API, by an operator on behalf of an account. */
static enum err call_step(void *caller, enum subscription_step step,
			  const struct subscription_step_args *args,
			  struct subscription_step_result *result)
{
	struct db_rows *rows = NULL;
	struct buf made = { 0 };
	struct admin_call call = { .session = args->session, .operation = step_names[step] };
	enum err err;

	json_begin(&made, NULL);
	json_put_int(&made, "account_id", args->account_id);
	json_put_int(&made, "workspace_id", args->workspace_id);
	if (args->subscription_id)
		json_put_int(&made, "subscription_id", args->subscription_id);
	if (args->method) {
		json_put_text(&made, "method", str_of(args->method));
		json_put_text(&made, "given", args->given);
	}
	json_put_bytes(&made, "sealed", args->sealed);
	json_put_text(&made, "url", args->url);
	json_put_text(&made, "code", args->code);
	json_put_bool(&made, "validated", args->is_validated);
	json_end(&made);
	call.made = buf_str(&made);
	err = admin_call(caller, &call, &rows);
	if (!err) {
		result->status = (int)admin_private_int(rows, "status");
		result->subscription_id = admin_private_int(rows, "subscription_id");
		result->must_ping = admin_private_is(rows, "must_ping");
		result->has_secret = json_find(admin_private(rows), "secret").kind == JSON_STRING;
		admin_private_text(rows, "problem", &result->problem);
		admin_private_text(rows, "url", &result->url);
		admin_private_text(rows, "code", &result->code);
		admin_private_text(rows, "ping_code", &result->ping_code);
		admin_private_text(rows, "secret", &result->secret);
		admin_private_bytes(rows, "sealed", &result->sealed);
		admin_private_bytes(rows, "sealed_before", &result->sealed_before);
	}
	mem_wipe(made.at, made.len); /* the body may have a secret */
	buf_done(&made);
	db_rows_free(rows);
	return err;
}

/* What the callback's answer was worth. */
static void put_words(struct buf *json, const struct subscription_result *end)
{
	json_key(json, "words");
	catalog_begin(json, "subscription.pinged");
	json_put_int(json, "status", end->callback_status);
	json_put_int(json, "milliseconds", end->duration_us / 1000);
	if (end->is_proven || end->has_sent_code)
		json_put_bool(json, "is_proven", end->is_proven);
	json_end(json);
}

static void answer(void *caller, const struct subscription_request *request,
		   const struct subscription_result *end)
{
	struct http_req *req = request->req;
	struct buf json = { 0 };

	if (!end->status) {
		admin_refuse_failed(caller, req, end->function, end->err);
		goto done;
	}
	if (end->status != 200) {
		catalog_begin(&json, "subscription.refused");
		json_put_text(&json, "message", buf_str(&end->message));
		json_end(&json);
		/* the account lacks the right, not the operator */
		admin_refuse_message(req, end->status == 403 ? 409 : end->status, NULL,
				     buf_str(&json));
		goto done;
	}
	json_begin(&json, NULL);
	json_put_id(&json, "id", end->subscription_id);
	if (end->secret.len)
		json_put_text(&json, "secret", buf_str(&end->secret));
	if (end->is_asked) {
		json_put_int(&json, "status", end->callback_status);
		json_put_int(&json, "milliseconds", end->duration_us / 1000);
		json_put_bool(&json, "validated", end->is_proven || !end->has_sent_code);
		put_words(&json, end);
	}
	json_end(&json);
	admin_answer(req, request->method && str_is(str_of(request->method), "POST") ? 201 : 200,
		     NULL, buf_str(&json));
done:
	mem_wipe(json.at, json.len);
	buf_done(&json);
}

static void hold(void *caller, struct http_req *req)
{
	admin_hold(caller, req);
}

static void release(void *caller, struct http_req *req)
{
	admin_release(caller, req);
}

void admin_subscription_ask(struct admin *admin, struct http_req *req, const struct visit *visit,
			    const struct route_match *match)
{
	struct db_rows *rows = NULL;
	struct buf method = { 0 }, given = { 0 };
	struct subscription_context context = {
		.conf = admin->conf,
		.sealer = admin->sealer,
		.client = admin->client,
		.names = step_names,
		.caller = admin,
		.call = call_step,
		.hold = hold,
		.release = release,
		.answer = answer,
	};
	struct subscription_request request = { .req = req, .session = buf_str(&visit->session) };

	if (admin_ask(admin, req, visit, admin_operation_of(match), NULL, &rows))
		goto done;
	admin_private_text(rows, "method", &method);
	admin_private_text(rows, "asked", &given);
	request.account_id = admin_private_int(rows, "account_id");
	request.user_id = admin_private_int(rows, "user_id");
	request.workspace_id = admin_private_int(rows, "workspace_id");
	request.subscription_id = admin_private_int(rows, "subscription_id");
	request.method = subscription_method(buf_str(&method));
	request.given = buf_str(&given);
	subscription_serve(&context, &request);
done:
	mem_wipe(given.at, given.len);
	buf_done(&method);
	buf_done(&given);
	db_rows_free(rows);
}

/* ---- replaying many */

struct replay {
	struct replay *next;
	struct http_req *req;
	struct buf session, path, given;
	bool has_begun;
	int64_t after, replayed, hidden, until_ms;
};

static void free_replay(struct replay *replay)
{
	buf_done(&replay->session);
	buf_done(&replay->path);
	buf_done(&replay->given);
	free(replay);
}

static void answer_replay(const struct replay *replay, bool is_done)
{
	struct buf json = { 0 }, next = { 0 };

	if (!is_done)
		buf_addf(&next, "%lld", (long long)replay->after);
	json_begin(&json, NULL);
	json_put_int(&json, "replayed", replay->replayed);
	json_put_text(&json, "next", is_done ? (struct str){ 0 } : buf_str(&next));
	json_key(&json, "words");
	catalog_begin(&json, "subscription.replayed");
	json_put_int(&json, "count", replay->replayed);
	json_put_int(&json, "hidden_count", replay->hidden);
	json_put_bool(&json, "more", !is_done);
	json_end(&json);
	json_end(&json);
	admin_answer(replay->req, 200, NULL, buf_str(&json));
	buf_done(&json);
	buf_done(&next);
}

/* Replays the next thousand deliveries. true: the request is answered. */
static bool replay_step(struct admin *admin, struct replay *replay)
{
	struct db_rows *rows = NULL;
	struct buf made = { 0 };
	struct admin_call call = {
		.session = buf_str(&replay->session),
		.operation = "subscription_replay",
		.path = buf_str(&replay->path),
		.given = replay->given.len ? buf_str(&replay->given) : (struct str){ 0 },
	};
	bool is_done = true;
	enum err err;

	json_begin(&made, NULL);
	if (replay->has_begun)
		json_put_int(&made, "after", replay->after);
	json_end(&made);
	call.made = buf_str(&made);
	err = admin_call(admin, &call, &rows);
	if (err) {
		admin_refuse_failed(admin, replay->req, call.operation, err);
		goto done;
	}
	replay->has_begun = true;
	replay->replayed += admin_private_int(rows, "replayed");
	replay->hidden += admin_private_int(rows, "hidden");
	replay->after = admin_private_int(rows, "last_id");
	is_done = admin_private_int(rows, "looked_at") < REPLAY_PAGE;
	if (is_done || clock_ms() >= replay->until_ms) {
		answer_replay(replay, is_done);
		is_done = true;
	}
done:
	buf_done(&made);
	db_rows_free(rows);
	return is_done;
}

void admin_subscription_replay(struct admin *admin, struct http_req *req, const struct visit *visit,
			       const struct route_match *match)
{
	struct replay *replay = mem_zero(1, sizeof(*replay)), **last = &admin->replays;

	(void)match;
	replay->req = req;
	replay->until_ms = clock_ms() + REPLAY_MS;
	buf_add_str(&replay->session, buf_str(&visit->session));
	buf_add_str(&replay->path, buf_str(&visit->path));
	if (visit->given.at)
		buf_add_str(&replay->given, visit->given);
	if (replay_step(admin, replay)) {
		free_replay(replay);
		return;
	}
	admin_hold(admin, req);
	while (*last)
		last = &(*last)->next;
	*last = replay;
}

bool admin_replays_go_on(struct admin *admin)
{
	struct replay *replay = admin->replays, **last = &admin->replays;

	if (!replay)
		return false;
	admin->replays = replay->next;
	replay->next = NULL;
	if (replay_step(admin, replay)) {
		admin_release(admin, replay->req);
		free_replay(replay);
	} else {
		/* those behind it are next */
		while (*last)
			last = &(*last)->next;
		*last = replay;
	}
	return admin->replays;
}
