/* SPDX-License-Identifier: ISC */
/* Endpoints, as far as the admin page's functions in SQL cannot do it alone:
   secrets and addresses are made here, and an endpoint is tried out as Toggl uses
   it, by a signed ping to its public URL. */
#include "admin/admin.h"
#include "admin/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "base/json.h"
#include "delivery/callback_ping.h"
#include "delivery/delivery_conf.h"
#include "ledger/catalog.h"
#include "ledger/sealing.h"

enum { CODE_RANDOM = 24 };

static void add_url(const struct admin *admin, struct str address, struct buf *out)
{
	conf_public_url(admin->conf, "/hook/", address, out);
}

void admin_endpoint_list(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct buf hook = { 0 }, made = { 0 };

	add_url(admin, str_of(""), &hook);
	json_begin(&made, NULL);
	json_put_text(&made, "hook", buf_str(&hook));
	json_end(&made);
	admin_answer_call(admin, req, visit, admin_operation_of(match), &made);
	buf_done(&hook);
	buf_done(&made);
}

/* ---- secrets */

/* Makes a secret for the address, which is shown this once, and does the operation with
   it sealed. */
static void answer_secret(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *operation, struct str address)
{
	struct buf secret = { 0 }, sealed = { 0 }, url = { 0 }, made = { 0 };

	sealing_new_secret(&secret);
	if (sealing_endpoint(admin->sealer, address, buf_str(&secret), &sealed)) {
		admin_refuse_unsealed(req);
		goto done;
	}
	add_url(admin, address, &url);
	json_begin(&made, NULL);
	json_put_text(&made, "address", address);
	json_put_bytes(&made, "sealed", buf_str(&sealed));
	json_put_text(&made, "url", buf_str(&url));
	json_end(&made);
	admin_answer_new(admin, req, visit, operation, &made, "secret", buf_str(&secret));
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&url);
	buf_done(&made);
}

void admin_endpoint_add(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct buf address = { 0 };

	sealing_new_address(&address);
	answer_secret(admin, req, visit, admin_operation_of(match), buf_str(&address));
	buf_done(&address);
}

void admin_endpoint_rotate(struct admin *admin, struct http_req *req, const struct visit *visit,
			   const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf address = { 0 };

	if (!admin_ask(admin, req, visit, "endpoint_find", NULL, &found)) {
		admin_private_text(found, "address", &address);
		answer_secret(admin, req, visit, admin_operation_of(match), buf_str(&address));
	}
	buf_done(&address);
	db_rows_free(found);
}

/* ---- trying it out */

struct trial {
	struct http_client_waiter waiter;
	struct admin *admin;
	struct http_req *req;
	bool is_enabled;
	struct buf url, code, body;
};

static void free_trial(struct trial *trial)
{
	buf_done(&trial->url);
	buf_done(&trial->code);
	buf_done(&trial->body);
	free(trial);
}

/* One word, and the code of the sentence that says what to look at. */
struct verdict {
	const char *word, *code;
};

static struct verdict of_silence(enum http_client_failure trouble)
{
	switch (trouble) {
	case HTTP_CLIENT_NAME:
		return (struct verdict){ "name", "endpoint.test_name" };
	case HTTP_CLIENT_CONNECT:
		return (struct verdict){ "unreachable", "endpoint.test_unreachable" };
	case HTTP_CLIENT_TLS:
		return (struct verdict){ "tls", "endpoint.test_tls" };
	case HTTP_CLIENT_SLOW:
		return (struct verdict){ "timeout", "endpoint.test_timeout" };
	default:
		return (struct verdict){ "broken", "endpoint.test_broken" };
	}
}

static bool holds(struct str body, const char *words)
{
	return body.len && memmem(body.at, body.len, words, strlen(words));
}

static struct verdict judge_answer(const struct trial *trial,
				   const struct http_client_result *outcome)
{
	int status = outcome->status;

	if (!status)
		return of_silence(outcome->failure);
	if (callback_ping_is_answered(outcome, buf_str(&trial->code)) && !trial->is_enabled)
		return (struct verdict){ "disabled", "endpoint.test_disabled" };
	if (callback_ping_is_answered(outcome, buf_str(&trial->code)))
		return (struct verdict){ "well", "endpoint.test_well" };
	if (status >= 200 && status < 300)
		return (struct verdict){ "other_site", "endpoint.test_other_site" };
	if (status >= 300 && status < 400)
		return (struct verdict){ "redirect", "endpoint.test_redirect" };
	if (status == 404 && holds(outcome->body, "no such callback address"))
		return trial->is_enabled
			       ? (struct verdict){ "unknown", "endpoint.test_unknown" }
			       : (struct verdict){ "disabled", "endpoint.test_disabled_404" };
	if (status == 401)
		return (struct verdict){ "secret", "endpoint.test_secret" };
	if (status == 404 || status == 405 || status == 403)
		return (struct verdict){ "wrong_path", "endpoint.test_wrong_path" };
	if (status >= 500)
		return (struct verdict){ "down", "endpoint.test_down" };
	return (struct verdict){ "refused", "endpoint.test_refused" };
}

static void tried(void *user, const struct http_client_result *outcome)
{
	struct trial *trial = user;
	struct verdict verdict = judge_answer(trial, outcome);
	struct buf json = { 0 };

	json_begin(&json, NULL);
	json_put_text(&json, "result", str_of(verdict.word));
	json_put_text(&json, "url", buf_str(&trial->url));
	if (outcome->status)
		json_put_int(&json, "status", outcome->status);
	else
		json_put_text(&json, "status", (struct str){ 0 });
	json_put_int(&json, "milliseconds", outcome->duration_us / 1000);
	json_key(&json, "words");
	catalog_begin(&json, verdict.code);
	json_end(&json);
	json_put_text(&json, "problem", str_of(outcome->problem));
	json_end(&json);
	admin_answer(trial->req, 200, NULL, buf_str(&json));
	admin_release(trial->admin, trial->req);
	buf_done(&json);
	free_trial(trial);
}

/* Sends the ping; the request is held until its answer. */
static void send(struct admin *admin, struct trial *trial, struct str secret)
{
	struct callback_ping shake = {
		.url = buf_text(&trial->url),
		.secret = secret,
		.code = buf_str(&trial->code),
		.code_url = buf_str(&trial->url),
		.timeout_ms = delivery_conf(admin->conf)->handshake_timeout_ms,
		.user = trial,
	};

	switch (callback_ping_send(admin->own, &shake, &trial->body)) {
	case ERR_NONE:
		admin_hold(admin, trial->req);
		return;
	case ERR_PACE:
		admin_refuse(trial->req, 503, "endpoint.tests_pending");
		break;
	default:
		admin_refuse(trial->req, 409, "conf.public_url_malformed");
	}
	free_trial(trial);
}

void admin_endpoint_test(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf address = { 0 }, sealed = { 0 }, secret = { 0 };
	struct trial *trial;

	(void)match;
	if (admin_ask(admin, req, visit, "endpoint_find", NULL, &found))
		return;
	admin_private_text(found, "address", &address);
	admin_private_bytes(found, "sealed", &sealed);
	if (!admin->conf->public_url) {
		admin_refuse(req, 409, "conf.public_url_unset");
	} else if (!sealed.len) {
		admin_refuse(req, 409, "endpoint.no_secret");
	} else if (sealing_endpoint_open(admin->sealer, buf_str(&address), buf_str(&sealed),
					 &secret)) {
		admin_refuse(req, 409, "endpoint.secret_unopened");
	} else {
		trial = mem_zero(1, sizeof(*trial));
		*trial = (struct trial){ .waiter = { tried },
					 .admin = admin,
					 .req = req,
					 .is_enabled = admin_private_is(found, "enabled") };
		add_url(admin, buf_str(&address), &trial->url);
		crypto_random_text(&trial->code, CODE_RANDOM);
		send(admin, trial, buf_str(&secret));
	}
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&address);
	db_rows_free(found);
}
