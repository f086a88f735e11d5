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
	int64_t account_id, user_id, workspace_id, subscription_id;
	const char *method;
	bool is_new, has_new_secret;
	void *user;
	struct buf session, given, url, code, ping_code, sealed, sealed_before, secret, body;
};

static struct subscription_change *new_asking(const struct subscription_request *order)
{
	struct subscription_change *asking = mem_zero(1, sizeof(*asking));

	asking->account_id = order->account_id;
	asking->user_id = order->user_id;
	asking->workspace_id = order->workspace_id;
	asking->subscription_id = order->subscription_id;
	asking->method = order->method;
	asking->is_new = order->method && strcmp(order->method, "POST") == 0;
	asking->user = order->user;
	buf_add_str(&asking->session, order->session);
	buf_add_str(&asking->given, order->given);
	return asking;
}

static void free_asking(struct subscription_change *asking)
{
	/* both may hold a secret in the clear */
	mem_wipe(asking->secret.at, asking->secret.len);
	mem_wipe(asking->given.at, asking->given.len);
	buf_done(&asking->session);
	buf_done(&asking->given);
	buf_done(&asking->url);
	buf_done(&asking->code);
	buf_done(&asking->ping_code);
	buf_done(&asking->sealed);
	buf_done(&asking->sealed_before);
	buf_done(&asking->secret);
	buf_done(&asking->body);
	free(asking);
}

void subscription_result_done(struct subscription_result *end)
{
	mem_wipe(end->secret.at, end->secret.len);
	buf_done(&end->secret);
	buf_done(&end->words);
}

/* ---- asking the database */

/* A step that gives a status. false: it failed or refused, and *end says so. */
static bool run(const struct subscription_context *options, enum subscription_step step,
		const struct subscription_change *asking, struct subscription_step_result *result,
		struct subscription_result *end)
{
	struct subscription_step_args args = {
		.session = buf_str(&asking->session),
		.account_id = asking->account_id,
		.workspace_id = asking->workspace_id,
		.subscription_id = asking->subscription_id,
		.method = asking->method,
		.given = buf_str(&asking->given),
		.sealed = asking->has_new_secret ? buf_str(&asking->sealed) : (struct str){ 0 },
		.url = buf_str(&asking->url),
		.code = buf_str(step == SUBSCRIPTION_VALIDATE ? &asking->ping_code : &asking->code),
		.is_validated = end->is_proven,
	};

	end->err = options->call(options->caller, step, &args, result);
	end->function = options->names[step];
	if (end->err)
		return false;
	end->status = result->status;
	if (end->status == 200)
		return true;
	buf_add_str(&end->words, buf_str(&result->problem));
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
		      const struct subscription_change *asking, const char *message)
{
	struct subscription_step_result result = { 0 };
	struct subscription_result end = { 0 };

	(void)run(options, step, asking, &result, &end);
	if (end.err)
		log_write(LOG_WARN, message,
			  (struct log_field[]){ log_num("subscription", asking->subscription_id),
						log_end() });
	result_done(&result);
	subscription_result_done(&end);
}

static void give_up(const struct subscription_context *options,
		    const struct subscription_change *asking)
{
	/* It goes by itself after a few minutes when this fails. */
	if (asking->method)
		run_aside(options, SUBSCRIPTION_GIVE_UP, asking, "half_made_subscription_left");
}

static void refuse(struct subscription_result *end, int status, const char *words)
{
	end->status = status;
	buf_add_text(&end->words, words);
}

/* ---- asking the callback */

/* Sends the ping. Errors of fetch. */
static enum err ask(const struct subscription_context *options, struct subscription_change *asking)
{
	const struct conf *conf = options->conf;
	struct buf secret = { 0 }, before = { 0 }, code_url = { 0 }, place = { 0 };
	struct callback_ping shake = {
		.subscription_id = asking->subscription_id,
		.user_id = asking->user_id,
		.url = buf_text(&asking->url),
		.code = buf_str(&asking->ping_code),
		.timeout_ms = delivery_conf(conf)->handshake_timeout_ms,
		.user = asking->user,
	};
	enum err err = sealing_subscription_open(options->sealer, asking->subscription_id,
						 buf_str(&asking->sealed), &secret);

	if (err)
		goto done;
	/* without the one before, the new one does */
	if (asking->sealed_before.len &&
	    !sealing_subscription_open(options->sealer, asking->subscription_id,
				       buf_str(&asking->sealed_before), &before))
		shake.secret_before = buf_str(&before);
	buf_addf(&place, "%lld/%lld/%s", (long long)asking->workspace_id,
		 (long long)asking->subscription_id, buf_text(&asking->code));
	conf_public_url(conf, "/webhooks/api/v1/validate/", buf_str(&place), &code_url);
	shake.secret = buf_str(&secret);
	shake.code_url = buf_str(&code_url);
	err = callback_ping_send(options->client, &shake, &asking->body);
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
static bool is_being_asked(const struct subscription_context *options,
			   struct subscription_change *asking, struct subscription_result *end)
{
	switch (ask(options, asking)) {
	case ERR_NONE:
		return true;
	case ERR_PACE:
		refuse(end, 503,
		       "Too many callbacks are being asked right now; please try again in a "
		       "moment");
		break;
	case ERR_INPUT:
		end->status = 400;
		buf_addf(&end->words,
			 "URL endpoint %s request failed with error: it must be an http or https "
			 "URL "
			 "without a name and a password",
			 buf_text(&asking->url));
		break;
	default:
		refuse(end, 500, "Internal Server Error");
	}
	give_up(options, asking);
	return false;
}

/* The callback's answer in the words of Toggl's API; false when it is as it
   should be. */
static bool is_bad_answer(const struct subscription_change *asking,
			  const struct http_client_result *outcome, struct buf *words)
{
	bool takes_any = asking->method && strcmp(asking->method, "PUT") == 0;

	if (!outcome->status) {
		log_write(LOG_INFO, "callback_not_reached",
			  (struct log_field[]){ log_num("subscription", asking->subscription_id),
						log_text("why", outcome->problem), log_end() });
		buf_addf(words, "URL endpoint %s request failed with error: %s",
			 buf_text(&asking->url), http_client_explain(outcome));
	} else if (takes_any ? outcome->status < 200 || outcome->status > 299
			     : outcome->status != 200) {
		buf_addf(words, "URL endpoint %s responded with status %d instead of %s",
			 buf_text(&asking->url), outcome->status, takes_any ? "2xx" : "200");
	}
	return words->len > 0;
}

/* ---- both halves */

/* Second half of POST, PUT and PATCH. */
static void write(const struct subscription_context *options, struct subscription_change *asking,
		  struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };

	if (run(options, SUBSCRIPTION_WRITE, asking, &result, end))
		buf_add_str(&end->secret, buf_str(&asking->secret));
	result_done(&result);
}

/* The sealed secret: one that was given, the one it had, or a new one. */
static enum err seal_secret(const struct subscription_context *options,
			    const struct subscription_step_result *result,
			    struct subscription_change *asking)
{
	const struct buf *secret = &asking->secret;

	if (result->has_secret)
		secret = &result->secret;
	else if (asking->is_new)
		sealing_new_secret(&asking->secret);
	if (!secret->len)
		return ERR_NONE;
	buf_clear(&asking->sealed);
	buf_clear(&asking->sealed_before);
	asking->has_new_secret = true;
	return sealing_subscription(options->sealer, asking->subscription_id, buf_str(secret),
				    &asking->sealed);
}

static void take_place(struct subscription_change *asking,
		       const struct subscription_step_result *result)
{
	buf_add_str(&asking->url, buf_str(&result->url));
	buf_add_str(&asking->code, buf_str(&result->code));
	buf_add_str(&asking->sealed, buf_str(&result->sealed));
	buf_add_str(&asking->sealed_before, buf_str(&result->sealed_before));
}

/* First half of POST, PUT and PATCH. true: the callback is to be asked. */
static bool check(const struct subscription_context *options, struct subscription_change *asking,
		  struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };
	bool must_ping = false;

	if (!run(options, SUBSCRIPTION_CHECK, asking, &result, end))
		goto done;
	asking->subscription_id = result.subscription_id;
	take_place(asking, &result);
	buf_add_str(&asking->ping_code, buf_str(&result.ping_code));
	must_ping = result.must_ping;
	if (seal_secret(options, &result, asking)) {
		refuse(end, 500, "Internal Server Error");
		give_up(options, asking);
		must_ping = false;
	} else if (!must_ping) {
		write(options, asking, end);
	}
done:
	result_done(&result);
	return must_ping;
}

/* Where the ping goes. */
static bool find(const struct subscription_context *options, struct subscription_change *asking,
		 struct subscription_result *end)
{
	struct subscription_step_result result = { 0 };
	bool is_found = run(options, SUBSCRIPTION_PING_FIND, asking, &result, end);

	if (is_found) {
		take_place(asking, &result);
		buf_add_str(&asking->ping_code, buf_str(&result.code));
	}
	result_done(&result);
	return is_found;
}

struct subscription_change *subscription_begin(const struct subscription_context *options,
					       const struct subscription_request *order,
					       struct subscription_result *end)
{
	struct subscription_change *asking = new_asking(order);
	bool is_due = asking->method ? check(options, asking, end) : find(options, asking, end);

	if (is_due && is_being_asked(options, asking, end))
		return asking;
	end->subscription_id = asking->subscription_id;
	free_asking(asking);
	return NULL;
}

void subscription_continue(const struct subscription_context *options,
			   struct subscription_change *asking,
			   const struct http_client_result *outcome,
			   struct subscription_result *end)
{
	end->subscription_id = asking->subscription_id;
	end->is_asked = true;
	end->has_sent_code = asking->ping_code.len > 0;
	end->is_proven = callback_ping_is_answered(
		outcome, asking->ping_code.len ? buf_str(&asking->ping_code) : (struct str){ 0 });
	end->callback_status = outcome->status;
	end->duration_us = outcome->duration_us;
	if (is_bad_answer(asking, outcome, &end->words)) {
		end->status = 400;
		give_up(options, asking);
	} else if (asking->method) {
		write(options, asking, end);
	} else {
		if (end->is_proven)
			run_aside(options, SUBSCRIPTION_VALIDATE, asking, "not_validated");
		end->status = 200;
	}
	free_asking(asking);
}
