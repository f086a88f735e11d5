/* SPDX-License-Identifier: ISC */
/* Subscriptions: read, made, changed, deleted, pinged. Making one, changing its
   address and enabling it ask the callback first; the request is held meanwhile
   and no transaction is open, so that a slow callback holds up nobody else. */
#include "bin/api.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/fetch.h"
#include "base/http.h"
#include "base/log.h"
#include "base/json.h"
#include "ledger/handshake.h"
#include "ledger/sealing.h"

enum { SECRET_RANDOM = 32 };

/* A request whose callback is being asked. */
struct asking {
	struct http_req *req;
	struct caller caller;
	const char *method;	/* "POST", "PUT", "PATCH"; NULL: a ping only */
	bool is_new, has_new_secret;
	int64_t workspace_id, subscription_id;
	struct buf url, code, ping_code, sealed, body;
};

static void free_asking(struct asking *asking)
{
	buf_done(&asking->url);
	buf_done(&asking->code);
	buf_done(&asking->ping_code);
	buf_done(&asking->sealed);
	buf_done(&asking->body);
	free(asking);
}

/* ---- reading */

/* The object without its end, then the secret: its maker's only. */
static void put_subscription(struct api *api, struct buf *out, const struct db_rows *found, size_t row)
{
	struct buf sealed = { 0 }, secret = { 0 };

	buf_add_str(out, db_str(found, row, "head"));
	if (db_bool(found, row, "is_own")) {
		db_bytes(found, row, "sealed", &sealed);
		if (sealing_subscription_open(api->sealer, db_int(found, row, "subscription_id"), buf_str(&sealed), &secret))
			log_write(LOG_WARN, "secret_does_not_open",
			          (struct log_field[]){ log_num("subscription", db_int(found, row, "subscription_id")),
			                                log_end() });
		else
			json_put_text(out, "secret", buf_str(&secret));
	}
	buf_add_char(out, '}');
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
}

/* subscription_id 0: all. */
static enum err read_subscriptions(struct api *api, struct http_req *req, const struct caller *caller,
                                   int64_t workspace_id, int64_t subscription_id, struct db_rows **found)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, caller->account_id);
	db_arg_int(args, workspace_id);
	if (subscription_id)
		db_arg_int(args, subscription_id);
	else
		db_arg_null(args);
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
	buf_add_char(&out, '[');
	for (size_t i = 0; i < db_rows_count(found); i++) {
		if (i)
			buf_add_char(&out, ',');
		put_subscription(api, &out, found, i);
	}
	buf_add_char(&out, ']');
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
		/* deleted by somebody else just now */
		buf_addf(&out, "subscription %lld for workspace %lld was not found", (long long)subscription_id,
		         (long long)workspace_id);
		api_refuse(api, req, caller, 404, buf_text(&out));
	}
	mem_wipe(out.at, out.len);
	buf_done(&out);
	db_rows_free(found);
}

/* What the door refused is answered; true when it did. */
static bool is_refused(struct api *api, struct http_req *req, const struct caller *caller, const struct db_rows *found)
{
	char *problem;

	if (db_int(found, 0, "status") == 200)
		return false;
	problem = mem_dup(db_str(found, 0, "problem"));
	api_refuse(api, req, caller, (int)db_int(found, 0, "status"), problem);
	free(problem);
	return true;
}

/* ---- asking the callback */

static struct asking *new_asking(struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	struct asking *asking = mem_zero(1, sizeof(*asking));

	asking->req = req;
	asking->caller = *caller;
	asking->workspace_id = route_int(match, "workspace_id");
	asking->subscription_id = match->count > 1 ? route_int(match, "subscription_id") : 0;
	return asking;
}

/* Sends the ping; the request is held until its answer. Errors of fetch. */
static enum err ask(struct api *api, struct asking *asking)
{
	struct buf secret = { 0 }, code_url = { 0 };
	struct handshake shake = {
		.subscription_id = asking->subscription_id,
		.user_id = asking->caller.user_id,
		.url = buf_text(&asking->url),
		.code = asking->ping_code.len ? buf_str(&asking->ping_code) : (struct str){ 0 },
		.timeout_ms = api->conf->handshake_timeout_ms,
		.user = asking,
	};
	enum err err = sealing_subscription_open(api->sealer, asking->subscription_id, buf_str(&asking->sealed), &secret);

	if (err)
		goto done;
	buf_addf(&code_url, "%s%s/webhooks/api/v1/validate/%lld/%lld/%s",
	         api->conf->public_url ? api->conf->public_url : "", api->conf->base_path ? api->conf->base_path : "",
	         (long long)asking->workspace_id, (long long)asking->subscription_id, buf_text(&asking->code));
	shake.secret = buf_str(&secret);
	shake.code_url = buf_str(&code_url);
	err = handshake_send(api->fetch, &shake, &asking->body);
	if (!err)
		http_hold(asking->req);
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&code_url);
	return err;
}

static void give_up(struct api *api, const struct asking *asking)
{
	struct db_args *args = db_args_new();

	db_arg_int(args, asking->subscription_id);
	db_arg_text(args, buf_str(&asking->code));
	/* It goes by itself after a few minutes when this fails. */
	if (asking->method && db_call(api->db, "api.subscription_give_up", args, api->conf->db_deadline_ms, NULL))
		log_write(LOG_WARN, "half_made_subscription_left",
		          (struct log_field[]){ log_num("subscription", asking->subscription_id), log_end() });
	db_args_free(args);
}

/* The callback's answer in the words of Toggl's API; false when it is as it
   should be. */
static bool is_bad_answer(const struct asking *asking, const struct fetch_outcome *outcome, struct buf *words)
{
	bool takes_any = asking->method && strcmp(asking->method, "PUT") == 0;

	if (!outcome->status)
		/* which address a name has in our network is nobody's business */
		buf_addf(words, "URL endpoint %s request failed with error: %s", buf_text(&asking->url),
		         outcome->is_refused ? "its address is not a public one" : outcome->problem);
	else if (takes_any ? outcome->status < 200 || outcome->status > 299 : outcome->status != 200)
		buf_addf(words, "URL endpoint %s responded with status %d instead of %s", buf_text(&asking->url),
		         outcome->status, takes_any ? "2xx" : "200");
	return words->len > 0;
}

/* Second half of POST, PUT and PATCH. */
static void write(struct api *api, const struct asking *asking, bool is_proven)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, asking->caller.account_id);
	db_arg_int(args, asking->workspace_id);
	db_arg_int(args, asking->subscription_id);
	db_arg_text(args, str_of(asking->method));
	db_arg_json(args, http_body(asking->req));
	if (asking->has_new_secret)
		db_arg_bytes(args, buf_str(&asking->sealed));
	else
		db_arg_null(args);
	db_arg_text(args, buf_str(&asking->url));
	db_arg_text(args, buf_str(&asking->code));
	db_arg_bool(args, is_proven);
	if (!api_call(api, asking->req, &asking->caller, "api.subscription_write", args, &found) &&
	    !is_refused(api, asking->req, &asking->caller, found))
		answer_subscription(api, asking->req, &asking->caller, asking->workspace_id, asking->subscription_id);
	db_rows_free(found);
	db_args_free(args);
}

void api_subscription_asked(struct api *api, const struct fetch_outcome *outcome)
{
	struct asking *asking = outcome->user;
	struct buf words = { 0 };
	bool is_proven = handshake_proves(outcome, buf_str(&asking->ping_code));

	if (is_bad_answer(asking, outcome, &words)) {
		give_up(api, asking);
		api_refuse(api, asking->req, &asking->caller, 400, buf_text(&words));
	} else if (asking->method) {
		write(api, asking, is_proven);
	} else {
		if (is_proven) {
			struct db_args *args = db_args_new();

			db_arg_int(args, asking->workspace_id);
			db_arg_int(args, asking->subscription_id);
			db_arg_text(args, buf_str(&asking->ping_code));
			if (db_call(api->db, "api.subscription_validate", args, api->conf->db_deadline_ms, NULL))
				log_write(LOG_WARN, "not_validated",
				          (struct log_field[]){ log_num("subscription", asking->subscription_id), log_end() });
			db_args_free(args);
		}
		api_answer(api, asking->req, &asking->caller, 200, str_of("{\"status\":\"OK\"}"));
	}
	http_release(asking->req);
	buf_done(&words);
	free_asking(asking);
}

/* Asks, or says why that could not begin. Owns `asking` from here on. */
static void ask_or_refuse(struct api *api, struct asking *asking)
{
	struct buf words = { 0 };

	switch (ask(api, asking)) {
	case ERR_NONE:
		return;
	case ERR_PACE:
		api_refuse(api, asking->req, &asking->caller, 503,
		           "Too many callbacks are being asked right now; please try again in a moment");
		break;
	case ERR_INPUT:
		buf_addf(&words, "URL endpoint %s request failed with error: it must be an http or https URL "
		                "without a name and a password",
		         buf_text(&asking->url));
		api_refuse(api, asking->req, &asking->caller, 400, buf_text(&words));
		break;
	default:
		api_refuse(api, asking->req, &asking->caller, 500, "Internal Server Error");
	}
	give_up(api, asking);
	buf_done(&words);
	free_asking(asking);
}

/* ---- making and changing */

/* The sealed secret: one that was given, the one it had, or a new one. */
static enum err seal_secret(struct api *api, const struct db_rows *found, struct asking *asking)
{
	struct buf secret = { 0 };
	enum err err = ERR_NONE;

	db_bytes(found, 0, "sealed", &asking->sealed);
	if (!db_is_null(found, 0, "secret"))
		buf_add_str(&secret, db_str(found, 0, "secret"));
	else if (asking->is_new)
		crypto_random_text(&secret, SECRET_RANDOM);
	if (secret.len) {
		buf_clear(&asking->sealed);
		asking->has_new_secret = true;
		err = sealing_subscription(api->sealer, asking->subscription_id, buf_str(&secret), &asking->sealed);
	}
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return err;
}

void api_subscription_write(struct api *api, struct http_req *req, const struct caller *caller,
                            const struct route_match *match)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH" };
	struct asking *asking = new_asking(req, caller, match);
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_is(http_method(req), methods[i]))
			asking->method = methods[i];
	asking->is_new = strcmp(asking->method, "POST") == 0;
	db_arg_int(args, caller->account_id);
	db_arg_int(args, asking->workspace_id);
	if (asking->is_new)
		db_arg_null(args);
	else
		db_arg_int(args, asking->subscription_id);
	db_arg_text(args, str_of(asking->method));
	db_arg_json(args, http_body(req));
	if (api_call(api, req, caller, "api.subscription_check", args, &found) || is_refused(api, req, caller, found))
		goto done;
	asking->subscription_id = db_int(found, 0, "subscription_id");
	buf_add_str(&asking->url, db_str(found, 0, "url"));
	buf_add_str(&asking->code, db_str(found, 0, "code"));
	buf_add_str(&asking->ping_code, db_str(found, 0, "ping_code"));
	if (seal_secret(api, found, asking)) {
		api_refuse(api, req, caller, 500, "Internal Server Error");
		give_up(api, asking);
		goto done;
	}
	if (db_bool(found, 0, "must_ping")) {
		ask_or_refuse(api, asking);
		asking = NULL;
	} else {
		write(api, asking, false);
	}
done:
	if (asking)
		free_asking(asking);
	db_rows_free(found);
	db_args_free(args);
}

void api_subscription_delete(struct api *api, struct http_req *req, const struct caller *caller,
                             const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, caller->account_id);
	db_arg_int(args, route_int(match, "workspace_id"));
	db_arg_int(args, route_int(match, "subscription_id"));
	if (!api_call(api, req, caller, "api.subscription_delete", args, &found) && !is_refused(api, req, caller, found))
		answer_subscription(api, req, caller, route_int(match, "workspace_id"),
		                    route_int(match, "subscription_id"));
	db_rows_free(found);
	db_args_free(args);
}

void api_subscription_ping(struct api *api, struct http_req *req, const struct caller *caller,
                           const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, caller->account_id);
	db_arg_int(args, route_int(match, "workspace_id"));
	db_arg_int(args, route_int(match, "subscription_id"));
	if (!api_call(api, req, caller, "api.ping_find", args, &found) && !is_refused(api, req, caller, found)) {
		struct asking *asking = new_asking(req, caller, match);

		buf_add_str(&asking->url, db_str(found, 0, "url"));
		buf_add_str(&asking->code, db_str(found, 0, "code"));
		buf_add_str(&asking->ping_code, db_str(found, 0, "code"));
		db_bytes(found, 0, "sealed", &asking->sealed);
		ask_or_refuse(api, asking);
	}
	db_rows_free(found);
	db_args_free(args);
}
