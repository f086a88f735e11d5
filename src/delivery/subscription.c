/* SPDX-License-Identifier: ISC */
#include "delivery/subscription.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "http/http_client.h"
#include "base/log.h"
#include "delivery/callback_ping.h"
#include "delivery/delivery_conf.h"
#include "ledger/sealing.h"

struct subscription_change {
	struct http_client_waiter waiter;
	struct subscription_context context;
	struct http_req *req;
	char *asker;
	int64_t account_id, user_id, workspace_id, subscription_id;
	const char *method;
	bool is_new, has_new_secret;
	struct buf session, given, url, code, ping_code, sealed, sealed_before, secret, body;
};

static struct subscription_change *new_change(const struct subscription_request *request)
{
	struct subscription_change *change = mem_zero(1, sizeof(*change));

	change->account_id = request->account_id;
	change->user_id = request->user_id;
	change->workspace_id = request->workspace_id;
	change->subscription_id = request->subscription_id;
	change->method = request->method;
	change->is_new = request->method && strcmp(request->method, "POST") == 0;
	change->req = request->req;
	if (request->asker)
		change->asker = mem_dup((struct str){ request->asker, request->asker_bytes });
	buf_add_str(&change->session, request->session);
	buf_add_str(&change->given, request->given);
	return change;
}

static void free_change(struct subscription_change *change)
{
	/* both may hold a secret in the clear */
	mem_wipe(change->secret.at, change->secret.len);
	mem_wipe(change->given.at, change->given.len);
	buf_done(&change->session);
	buf_done(&change->given);
	buf_done(&change->url);
	buf_done(&change->code);
	buf_done(&change->ping_code);
	buf_done(&change->sealed);
	buf_done(&change->sealed_before);
	buf_done(&change->secret);
	buf_done(&change->body);
	free(change->asker);
	free(change);
}

static void end_done(struct subscription_result *end)
{
	mem_wipe(end->secret.at, end->secret.len);
	buf_done(&end->secret);
	buf_done(&end->message);
}

/* ---- asking the database */

/* A step that gives a status. false: it failed or refused, and *end says so. */
static bool run(const struct subscription_context *options, enum subscription_step step,
		const struct subscription_change *change, struct subscription_step_result *result,
		struct subscription_result *end)
{
	struct subscription_step_args args = {
		.session = buf_str(&change->session),
		.account_id = change->account_id,
		.workspace_id = change->workspace_id,
		.subscription_id = change->subscription_id,
		.method = change->method,
		.given = buf_str(&change->given),
		.sealed = change->has_new_secret ? buf_str(&change->sealed) : (struct str){ 0 },
		.url = buf_str(&change->url),
		.code = buf_str(step == SUBSCRIPTION_VALIDATE ? &change->ping_code : &change->code),
		.is_validated = end->is_proven,
	};

	end->err = options->call(options->caller, step, &args, result);
	end->function = options->names[step];
	if (end->err)
		return false;
	end->status = result->status;
	if (end->status == 200)
		return true;
	buf_add_str(&end->message, buf_str(&result->problem));
	return false;
}

static void result_done(struct subscription_step_result *result)
{
	mem_wipe(result->secret.at, result->secret.len);
	buf_done(&result->problem);
	buf_done(&result->url);
	buf_done(&result->code);
	buf_done(&result->ping_code);
	buf_done(&result->sealed);
	buf_done(&result->sealed_before);
	buf_done(&result->secret);
}

/* What comes of a step that nobody waits for is logged: *message, when it fails. */
static void run_aside(const struct subscription_context *options, enum subscription_step step,
		      const struct subscription_change *change, const char *message)
{
	struct subscription_step_result result = { 0 };
	struct subscription_result end = { 0 };

	(void)run(options, step, change, &result, &end);
	if (end.err)
		log_write(LOG_WARN, message,
			  (struct log_field[]){ log_num("subscription", change->subscription_id),
						log_end() });
	result_done(&result);
	end_done(&end);
}

static void give_up(const struct subscription_context *options,
		    const struct subscription_change *change)
{
	/* It goes by itself after a few minutes when this fails. */
	if (change->method)
		run_aside(options, SUBSCRIPTION_GIVE_UP, change, "half_made_subscription_left");
}

static void refuse(struct subscription_result *end, int status, const char *message)
{
	end->status = status;
	buf_add_text(&end->message, message);
}

/* ---- change the callback */

/* Sends the ping. Errors of fetch. */
static enum err send_ping(const struct subscription_context *options,
			  struct subscription_change *change)
{
	const struct conf *conf = options->conf;
	struct buf secret = { 0 }, before = { 0 }, code_url = { 0 }, place = { 0 };
	struct callback_ping ping = {
		.subscription_id = change->subscription_id,
		.user_id = change->user_id,
		.url = buf_text(&change->url),
		.code = buf_str(&change->ping_code),
		.timeout_ms = delivery_conf(conf)->handshake_timeout_ms,
		.user = change,
	};
	enum err err = sealing_row_open(options->sealer, SEALING_SUBSCRIPTION,
					change->subscription_id, buf_str(&change->sealed), &secret);

	if (err)
		goto done;
	/* without the one before, the new one does */
	if (change->sealed_before.len &&
	    !sealing_row_open(options->sealer, SEALING_SUBSCRIPTION, change->subscription_id,
			      buf_str(&change->sealed_before), &before))
		ping.secret_before = buf_str(&before);
	buf_addf(&place, "%lld/%lld/%s", (long long)change->workspace_id,
		 (long long)change->subscription_id, buf_text(&change->code));
	conf_public_url(conf, "/webhooks/api/v1/validate/", buf_str(&place), &code_url);
	ping.secret = buf_str(&secret);
	ping.code_url = buf_str(&code_url);
	err = callback_ping_send(options->client, &ping, &change->body);
done:
	mem_wipe(secret.at, secret.len);
	mem_wipe(before.at, before.len);
	buf_done(&secret);
	buf_done(&before);
	buf_done(&place);
	buf_done(&code_url);
	return err;
}

/* false: that could not begin, and *end says why. */
static bool start_ping(const struct subscription_context *options,
		       struct subscription_change *change, struct subscription_result *end)
{
	switch (send_ping(options, change)) {
	case ERR_NONE:
		return true;
	case ERR_PACE:
		refuse(end, 503,
		       "Too many callbacks are being asked right now; please try again in a "
		       "moment");
		break;
	case ERR_INPUT:
		end->status = 400;
		buf_addf(&end->message,
			 "URL endpoint %s request failed with error: it must be an http or https "
			 "URL "
			 "without a name and a password",
			 buf_text(&change->url));
		break;
	default:
		refuse(end, 500, "Internal Server Error");
	}
	give_up(options, change);
	return false;
}

/* The callback's answer in the words of Toggl's API; false when it is as it
   should be. */
static bool find_fault(const struct subscription_change *change,
		       const struct http_client_result *outcome, struct buf *message)
{
	bool takes_any = change->method && strcmp(change->method, "PUT") == 0;

	if (!outcome->status) {
		log_write(LOG_INFO, "callback_not_reached",
			  (struct log_field[]){ log_num("subscription", change->subscription_id),
						log_text("why", outcome->problem), log_end() });
		buf_addf(message, "URL endpoint %s request failed with error: %s",
			 buf_text(&change->url), http_client_explain(outcome));
	} else if (takes_any ? outcome->status < 200 || outcome->status > 299
			     : outcome->status != 200) {
		buf_addf(message, "URL endpoint %s responded with status %d instead of %s",
			 buf_text(&change->url), outcome->status, takes_any ? "2xx" : "200");
	}
	return message->len > 0;
}

/* ---- both halves */

/* Second half of POST, PUT and PATCH. */
static void write(const struct subscription_context *options, struct subscription_change *change,
		  struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };

	if (run(options, SUBSCRIPTION_WRITE, change, &result, end))
		buf_add_str(&end->secret, buf_str(&change->secret));
	result_done(&result);
}

/* The sealed secret: one that was given, the one it had, or a new one. */
static enum err seal_secret(const struct subscription_context *options,
			    const struct subscription_step_result *result,
			    struct subscription_change *change)
{
	const struct buf *secret = &change->secret;

	if (result->has_secret)
		secret = &result->secret;
	else if (change->is_new)
		sealing_new_secret(&change->secret);
	if (!secret->len)
		return ERR_NONE;
	buf_clear(&change->sealed);
	buf_clear(&change->sealed_before);
	change->has_new_secret = true;
	return sealing_row(options->sealer, SEALING_SUBSCRIPTION, change->subscription_id,
			   buf_str(secret), &change->sealed);
}

static void take_place(struct subscription_change *change,
		       const struct subscription_step_result *result)
{
	buf_add_str(&change->url, buf_str(&result->url));
	buf_add_str(&change->code, buf_str(&result->code));
	buf_add_str(&change->sealed, buf_str(&result->sealed));
	buf_add_str(&change->sealed_before, buf_str(&result->sealed_before));
}

/* First half of POST, PUT and PATCH. true: the callback is to be asked. */
static bool check(const struct subscription_context *options, struct subscription_change *change,
		  struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };
	bool must_ping = false;

	if (!run(options, SUBSCRIPTION_CHECK, change, &result, end))
		goto done;
	change->subscription_id = result.subscription_id;
	take_place(change, &result);
	buf_add_str(&change->ping_code, buf_str(&result.ping_code));
	must_ping = result.must_ping;
	if (seal_secret(options, &result, change)) {
		refuse(end, 500, "Internal Server Error");
		give_up(options, change);
		must_ping = false;
	} else if (!must_ping) {
		write(options, change, end);
	}
done:
	result_done(&result);
	return must_ping;
}

/* Where the ping goes. */
static bool find(const struct subscription_context *options, struct subscription_change *change,
		 struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };
	bool is_found = run(options, SUBSCRIPTION_PING_FIND, change, &result, end);

	if (is_found) {
		take_place(change, &result);
		buf_add_str(&change->ping_code, buf_str(&result.code));
	}
	result_done(&result);
	return is_found;
}

const char *subscription_method(struct str name)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_is(name, methods[i]))
			return methods[i];
	return NULL;
}

/* It has ended. */
static void answer(struct subscription_change *change, struct subscription_result *end)
{
	struct subscription_request request = {
		.req = change->req,
		.asker = change->asker,
		.session = buf_str(&change->session),
		.account_id = change->account_id,
		.user_id = change->user_id,
		.workspace_id = change->workspace_id,
		.subscription_id = change->subscription_id,
		.method = change->method,
	};

	end->subscription_id = change->subscription_id;
	change->context.answer(change->context.caller, &request, end);
	end_done(end);
}

/* The callback has answered: goes on to the end. */
static void asked(void *user, const struct http_client_result *outcome)
{
	struct subscription_change *change = user;
	const struct subscription_context *context = &change->context;
	struct subscription_result end = { 0 };

	end.is_asked = true;
	end.has_sent_code = change->ping_code.len > 0;
	end.is_proven = callback_ping_is_answered(
		outcome, change->ping_code.len ? buf_str(&change->ping_code) : (struct str){ 0 });
	end.callback_status = outcome->status;
	end.duration_us = outcome->duration_us;
	if (find_fault(change, outcome, &end.message)) {
		end.status = 400;
		give_up(context, change);
	} else if (change->method) {
		write(context, change, &end);
	} else {
		if (end.is_proven)
			run_aside(context, SUBSCRIPTION_VALIDATE, change, "not_validated");
		end.status = 200;
	}
	answer(change, &end);
	context->release(context->caller, change->req);
	free_change(change);
}

void subscription_serve(const struct subscription_context *context,
			const struct subscription_request *request)
{
	struct subscription_change *change = new_change(request);
	struct subscription_result end = { 0 };

	change->waiter.done = asked;
	change->context = *context;
	if ((change->method ? check(context, change, &end) : find(context, change, &end)) &&
	    start_ping(context, change, &end)) {
		context->hold(context->caller, change->req);
		return;
	}
	answer(change, &end);
	free_change(change);
}
