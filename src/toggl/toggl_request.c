/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_request.h"

#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "http/http_client.h"
#include "ledger/sealing.h"
#include "toggl/toggl_conf.h"
#include "toggl/toggl_job.h"

/* The first three are read here; SQL gets the others as they are. */
const char *const toggl_request_headers[] = { "X-Toggl-Quota-Remaining",
					      "X-Toggl-Quota-Resets-In",
					      "Retry-After",
					      "X-Next-ID",
					      "X-Next-Row-Number",
					      "X-Next-Timestamp",
					      "X-Page-Size",
					      "X-Range-Start",
					      "X-Range-End",
					      NULL };

enum { FIRST_PASSED = 3 };

static void wipe(struct buf *secret)
{
	mem_wipe(secret->at, secret->len);
	buf_done(secret);
}

void toggl_request_clear(struct toggl_request *request)
{
	buf_done(&request->method);
	buf_done(&request->url);
	wipe(&request->authorization);
	wipe(&request->body);
}

void toggl_request_done(struct toggl_request *request)
{
	toggl_request_clear(request);
	wipe(&request->answer);
	buf_done(&request->problem);
	buf_done(&request->headers);
}

/* ---- the request */

/* Basic authentication: the token is the name, the password a fixed word. */
static enum err authorize(struct toggl_request *request, const struct sealer *sealer,
			  const struct db_rows *rows)
{
	struct buf sealed = { 0 }, token = { 0 };
	enum err err;

	db_bytes(rows, 0, "token", &sealed);
	err = sealing_row_open(sealer, SEALING_TOGGL, db_int(rows, 0, "connection_id"),
			       buf_str(&sealed), &token);
	if (!err) {
		buf_add_text(&token, ":api_token");
		buf_add_text(&request->authorization, "Authorization: Basic ");
		base64_write(&request->authorization, token.at, token.len);
	}
	wipe(&token);
	buf_done(&sealed);
	return err;
}

/* The body; the row says whether it gets the secret of a callback address. */
static enum err fill_body(struct toggl_request *request, const struct sealer *sealer,
			  const struct db_rows *rows)
{
	struct str body = db_str(rows, 0, "body");
	struct buf sealed = { 0 }, secret = { 0 };
	enum err err;

	if (db_is_null(rows, 0, "sealed") || !body.len) {
		buf_add_str(&request->body, body);
		return ERR_NONE;
	}
	db_bytes(rows, 0, "sealed", &sealed);
	err = seal_open(sealer, db_str(rows, 0, "context"), buf_str(&sealed), &secret);
	if (!err) {
		json_begin(&request->body, NULL);
		json_put_members(&request->body, body);
		json_put_text(&request->body, "secret", buf_str(&secret));
		json_end(&request->body);
	}
	wipe(&secret);
	buf_done(&sealed);
	return err;
}

enum err toggl_request_prepare(struct toggl_request *request,
			       const struct toggl_client_options *options,
			       const struct db_rows *rows)
{
	const struct toggl_conf *conf = toggl_conf(options->conf);
	struct str api = db_str(rows, 0, "api");
	struct str base = str_of(str_is(api, "webhooks")  ? conf->webhooks_url
				 : str_is(api, "reports") ? conf->reports_url
							  : conf->api_url);
	enum err err;

	toggl_request_clear(request);
	while (base.len && base.at[base.len - 1] == '/')
		base.len--;
	buf_add_str(&request->url, base);
	buf_add_str(&request->url, db_str(rows, 0, "path"));
	buf_add_str(&request->method, db_str(rows, 0, "method"));
	err = authorize(request, options->sealer, rows);
	return err ? err : fill_body(request, options->sealer, rows);
}

enum err toggl_request_send(const struct toggl_request *request,
			    const struct toggl_client_options *options, struct http_client *client,
			    void *user)
{
	struct http_client_request sent = {
		.method = buf_text(&request->method),
		.url = buf_text(&request->url),
		.headers =
			(const char *const[]){
				buf_text(&request->authorization),
				request->body.len ? "Content-Type: application/json" : NULL, NULL },
		.body = request->body.len ? buf_str(&request->body) : (struct str){ 0 },
		.timeout_ms = toggl_conf(options->conf)->timeout_ms,
		/* a repeated POST would make two subscriptions, and each request counts
		   against the quota */
		.is_sent_once = true,
		.user = user,
	};

	return http_client_add(client, &sent);
}

/* ---- the answer */

void toggl_request_fail(struct toggl_request *request, const char *problem)
{
	request->has_answer = true;
	request->status = 0;
	request->remaining = request->resets_in = request->retry_after = -1;
	buf_clear(&request->answer);
	buf_clear(&request->problem);
	buf_clear(&request->headers);
	buf_add_text(&request->problem, problem);
}

static int64_t header_number(const struct http_client *client, const char *name)
{
	struct str value = http_client_header(client, name);
	int64_t number;

	return value.at && str_int(str_trim(value), &number) && number >= 0 ? number : -1;
}

/* The headers that SQL reads, as a JSON object. */
static void keep_headers(struct toggl_request *request, const struct http_client *client)
{
	json_begin(&request->headers, NULL);
	for (size_t i = FIRST_PASSED; toggl_request_headers[i]; i++) {
		const char *name = toggl_request_headers[i];
		struct str value = http_client_header(client, name);

		if (value.len && utf8_is_valid(value) && !memchr(value.at, '\0', value.len))
			json_put_text(&request->headers, name, str_trim(value));
	}
	json_end(&request->headers);
}

void toggl_request_take(struct toggl_request *request, const struct http_client *client,
			const struct http_client_result *result)
{
	toggl_request_fail(request, result->problem ? result->problem : "");
	request->status = result->status;
	request->remaining = header_number(client, toggl_request_headers[0]);
	request->resets_in = header_number(client, toggl_request_headers[1]);
	request->retry_after = header_number(client, toggl_request_headers[2]);
	keep_headers(request, client);
	/* a body that a text of PostgreSQL cannot hold is not an answer of Toggl's */
	if (result->body.len && utf8_is_valid(result->body) &&
	    !memchr(result->body.at, '\0', result->body.len))
		buf_add_str(&request->answer, result->body);
}

static void add_header(struct db_args *args, int64_t value)
{
	if (value < 0)
		db_arg_null(args);
	else
		db_arg_int(args, value);
}

void toggl_request_add_answer(const struct toggl_request *request, struct db_args *args)
{
	if (!request->has_answer) {
		for (int i = 0; i < 7; i++)
			db_arg_null(args);
		return;
	}
	db_arg_int(args, request->status);
	db_arg_text(args, (struct str){ buf_text(&request->answer), request->answer.len });
	add_header(args, request->remaining);
	add_header(args, request->resets_in);
	add_header(args, request->retry_after);
	db_arg_text(args, buf_str(&request->problem));
	if (request->headers.len)
		db_arg_jsonb(args, buf_str(&request->headers));
	else
		db_arg_null(args);
}
