/* SPDX-License-Identifier: ISC */
/* Subscribers, as far as the admin page's functions in SQL cannot do it alone:
   tokens and secrets are made here, callbacks are asked (delivery/subscription, the
   API's own path), and a replay goes on beside other requests, a thousand
   deliveries at a time. */
#include "admin/admin.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "base/json.h"
#include "delivery/delivery_conf.h"
#include "ledger/sealing.h"
#include "delivery/subscription.h"

enum {
	REPLAY_PAGE = 1000, /* as admin.subscription_replay() has it */
	REPLAY_MS = 20000,  /* less than web servers wait for an answer */
};

/* ---- tokens and secrets */

static void answer_token(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const char *function)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = admin_args(visit);
	struct buf token = { 0 };

	crypto_token(&token, digest);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	admin_answer_new(admin, req, function, args, "token", buf_str(&token));
	mem_wipe(token.at, token.len);
	buf_done(&token);
	db_args_free(args);
}

void admin_account_add(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const struct route_match *match)
{
	(void)match;
	answer_token(admin, req, visit, "admin.account_add");
}

void admin_account_token(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	(void)match;
	answer_token(admin, req, visit, "admin.account_token");
}

/* Made or changed; of plan enterprise with the numbers of the settings. */
void admin_organization_write(struct admin *admin, struct http_req *req, const struct visit *visit,
			      const struct route_match *match)
{
	const struct admin_row *row = (const struct admin_row *)match->row;
	struct db_args *args = admin_args(visit);

	db_arg_int(args, delivery_conf(admin->conf)->enterprise_requests);
	db_arg_int(args, delivery_conf(admin->conf)->enterprise_user_requests);
	admin_answer_call(admin, req, row->function, args);
	db_args_free(args);
}

void admin_subscription_rotate(struct admin *admin, struct http_req *req, const struct visit *visit,
			       const struct route_match *match)
{
	struct db_args *args = admin_args(visit);
	struct buf secret = { 0 }, sealed = { 0 };

	sealing_new_secret(&secret);
	if (sealing_subscription(admin->sealer, route_int(match, "subscription_id"),
				 buf_str(&secret), &sealed)) {
		admin_refuse(req, 500, ADMIN_NO_KEY);
	} else {
		db_arg_bytes(args, buf_str(&sealed));
		admin_answer_new(admin, req, "admin.subscription_rotate", args, "secret",
				 buf_str(&secret));
	}
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	db_args_free(args);
}

/* ---- making, changing, pinging */

/* A request whose callback is being asked. */
struct held {
	struct admin_asked asked;
	struct http_req *req;
	const char *method; /* of Toggl's API; NULL: a ping only */
	struct subscription_change *asking;
};

static const struct subscription_functions functions = {
	.check = "admin.subscription_check",
	.write = "admin.subscription_write",
	.give_up = "admin.subscription_give_up",
	.validate = "admin.subscription_validate",
	.ping_find = "admin.ping_find",
};

static struct subscription_context how_of(const struct admin *admin)
{
	return (struct subscription_context){
		.conf = admin->conf,
		.db = admin->db,
		.sealer = admin->sealer,
		.client = admin->client,
		.functions = &functions,
	};
}

/* What the callback's answer was worth. */
static void add_words(struct buf *words, const struct subscription_result *end)
{
	buf_addf(words, "Its address answered %d in %lld ms", end->callback_status,
		 (long long)(end->duration_us / 1000));
	if (end->is_proven)
		buf_add_text(words, " with the validation code: the subscription is valid.");
	else if (end->has_sent_code)
		buf_add_text(words, ", but without the validation code: the subscription gets "
				    "events once its address has "
				    "answered {\"validation_code\": …} to a ping, or has called "
				    "the validation_code_url that "
				    "stands in it.");
	else
		buf_add_char(words, '.');
}

static void finish(struct admin *admin, struct http_req *req, const char *method,
		   const struct subscription_result *end)
{
	struct buf json = { 0 }, words = { 0 };

	if (!end->status) {
		admin_refuse_failed(admin, req, end->function, end->err);
		goto done;
	}
	if (end->status != 200) {
		/* who may not is the account, not the operator */
		admin_refuse(req, end->status == 403 ? 409 : end->status, buf_text(&end->words));
		goto done;
	}
	buf_add_char(&json, '{');
	json_put_id(&json, "id", end->subscription_id);
	if (end->secret.len)
		json_put_text(&json, "secret", buf_str(&end->secret));
	if (end->is_asked) {
		add_words(&words, end);
		json_put_int(&json, "status", end->callback_status);
		json_put_int(&json, "milliseconds", end->duration_us / 1000);
		json_put_bool(&json, "validated", end->is_proven || !end->has_sent_code);
		json_put_text(&json, "words", buf_str(&words));
	}
	buf_add_char(&json, '}');
	admin_answer(req, method && str_is(str_of(method), "POST") ? 201 : 200, NULL,
		     buf_str(&json));
done:
	mem_wipe(json.at, json.len);
	buf_done(&json);
	buf_done(&words);
}

static void asked(struct admin *admin, const struct http_client_result *outcome)
{
	struct held *held = outcome->user;
	struct subscription_context options = how_of(admin);
	struct subscription_result end = { 0 };

	subscription_continue(&options, held->asking, outcome, &end);
	finish(admin, held->req, held->method, &end);
	admin_release(admin, held->req);
	subscription_result_done(&end);
	free(held);
}

static const char *method_of(struct str word)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_is(word, methods[i]))
			return methods[i];
	return NULL;
}

static void begin(struct admin *admin, struct http_req *req, const struct visit *visit,
		  bool is_ping)
{
	struct db_args *args = admin_args(visit);
	struct db_rows *rows = NULL;
	struct subscription_context options = how_of(admin);
	struct subscription_result end = { 0 };
	struct subscription_request order = { .session = buf_str(&visit->session) };
	struct held *held;

	db_arg_bool(args, is_ping);
	if (admin_ask_with(admin, req, "admin.subscription_begin", args, &rows))
		goto done;
	held = mem_zero(1, sizeof(*held));
	*held = (struct held){ .asked = { asked },
			       .req = req,
			       .method = method_of(db_str(rows, 0, "method")) };
	order.account_id = db_int(rows, 0, "account_id");
	order.user_id = db_int(rows, 0, "user_id");
	order.workspace_id = db_int(rows, 0, "workspace_id");
	order.subscription_id = db_int(rows, 0, "subscription_id");
	order.method = held->method;
	order.given = db_str(rows, 0, "asked");
	order.user = held;
	held->asking = subscription_begin(&options, &order, &end);
	if (held->asking) {
		admin_hold(admin, req);
	} else {
		finish(admin, req, held->method, &end);
		free(held);
	}
	subscription_result_done(&end);
done:
	db_rows_free(rows);
	db_args_free(args);
}

void admin_subscription_write(struct admin *admin, struct http_req *req, const struct visit *visit,
			      const struct route_match *match)
{
	(void)match;
	begin(admin, req, visit, false);
}

void admin_subscription_ping(struct admin *admin, struct http_req *req, const struct visit *visit,
			     const struct route_match *match)
{
	(void)match;
	begin(admin, req, visit, true);
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
	struct buf json = { 0 }, words = { 0 }, next = { 0 };

	buf_addf(&words, "%lld deliver%s due once more. ", (long long)replay->replayed,
		 replay->replayed == 1 ? "y is" : "ies are");
	if (replay->hidden)
		buf_addf(&words,
			 "%lld %s left out: the account of the subscription may not see what they "
			 "tell. ",
			 (long long)replay->hidden, replay->hidden == 1 ? "is" : "are");
	if (!is_done) {
		buf_addf(&next, "%lld", (long long)replay->after);
		buf_add_text(&words, "There are more: go on. ");
	}
	buf_add_text(&words, "Events that came while the subscription was disabled or not "
			     "validated were never made for it, "
			     "and are not among them.");
	buf_add_char(&json, '{');
	json_put_int(&json, "replayed", replay->replayed);
	json_put_text(&json, "next", is_done ? (struct str){ 0 } : buf_str(&next));
	json_put_text(&json, "words", buf_str(&words));
	buf_add_char(&json, '}');
	admin_answer(replay->req, 200, NULL, buf_str(&json));
	buf_done(&json);
	buf_done(&words);
	buf_done(&next);
}

/* The next thousand. true: it is answered. */
static bool is_replayed(struct admin *admin, struct replay *replay)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	bool is_done = true;

	db_arg_bytes(args, buf_str(&replay->session));
	db_arg_jsonb(args, buf_str(&replay->path));
	db_arg_jsonb(args, str_of("{}"));
	db_arg_jsonb(args, buf_str(&replay->given));
	if (replay->has_begun)
		db_arg_int(args, replay->after);
	else
		db_arg_null(args);
	if (admin_ask_with(admin, replay->req, "admin.subscription_replay", args, &rows))
		goto done;
	replay->has_begun = true;
	replay->replayed += db_int(rows, 0, "replayed");
	replay->hidden += db_int(rows, 0, "hidden");
	replay->after = db_int(rows, 0, "last_id");
	is_done = db_int(rows, 0, "looked_at") < REPLAY_PAGE;
	if (is_done || clock_ms() >= replay->until_ms) {
		answer_replay(replay, is_done);
		is_done = true;
	}
done:
	db_rows_free(rows);
	db_args_free(args);
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
	if (is_replayed(admin, replay)) {
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
	if (is_replayed(admin, replay)) {
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
