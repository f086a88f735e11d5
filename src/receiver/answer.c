/* SPDX-License-Identifier: ISC */
/* What Toggl gets back: 200, a ping's validation code, or a refusal with its reason. */
#include "receiver/receiver.h"

#include "base/json.h"
#include "http/http_server.h"
#include "ledger/counters.h"

void answer_ok(struct http_req *req)
{
	http_answer(req, 200, NULL, str_of("{\"status\":\"OK\"}"));
}

void answer_ping(struct http_req *req, const struct callback *cb)
{
	struct buf json = { 0 };

	if (!cb->validation_code.at) {
		answer_ok(req);
		return;
	}
	buf_add_char(&json, '{');
	json_key(&json, "validation_code");
	buf_add_str(&json, cb->validation_code);
	buf_add_char(&json, '}');
	http_answer(req, 200, NULL, buf_str(&json));
	buf_done(&json);
}

struct refusal {
	int status;
	const char *header;
	const char *text; /* what is wrong and what to do; never what was sent */
};

static const struct refusal refusals[REASON_COUNT] = {
	[REASON_METHOD] = { 405, "Allow: POST", "callbacks are sent with POST" },
	[REASON_ADDRESS] = { 404, NULL, "there is no such callback address" },
	[REASON_TYPE] = { 415, NULL, "the Content-Type must be application/json" },
	[REASON_LENGTH] = { 411, NULL, "the request has no Content-Length" },
	[REASON_SIZE] = { 413, NULL, "the body is larger than this server takes" },
	[REASON_SIGNATURE] = { 401, NULL,
			       "X-Webhook-Signature-256 must be sha256= and the HMAC-SHA-256 of "
			       "the body with the secret of this address" },
	[REASON_JSON] = { 400, NULL, "the body is no JSON object that can be recorded" },
	[REASON_EVENT] = { 400, NULL, "the body lacks a field of an event" },
	[REASON_WORKSPACE] = { 400, NULL, "the event is of another workspace than this address" },
	[REASON_REVOKED] = { 401, NULL, "the secret was revoked or has run out" },
	[REASON_UNAVAILABLE] = { 503, "Retry-After: 60",
				 "nothing was recorded; please send it again later" },
};

/* Answers as `reason` says, with `detail` (or NULL) in place of its text, and counts `counted`. */
static void refuse(struct receiver *r, struct http_req *req, enum reason reason,
		   enum reason counted, int64_t endpoint_id, const char *detail)
{
	const struct refusal *refusal = &refusals[reason];
	struct buf json = { 0 };

	buf_add_char(&json, '{');
	json_put_text(&json, "error", str_of(detail ? detail : refusal->text));
	buf_add_char(&json, '}');
	http_answer(req, refusal->status, refusal->header, buf_str(&json));
	buf_done(&json);
	counters_add(r->counters, counted, endpoint_id);
	if (log_gate_passes(&r->refusals, 10)) {
		log_write(LOG_WARN, "refused",
			  (struct log_field[]){ log_text("reason", reason_word(counted)),
						log_num("status", refusal->status),
						log_num("endpoint", endpoint_id),
						log_str("from", http_header(req, "REMOTE_ADDR")),
						log_num("bytes", (int64_t)http_body(req).len),
						log_num("suppressed", r->refusals.held),
						log_end() });
		r->refusals.held = 0;
	}
}

void answer_refuse(struct receiver *r, struct http_req *req, enum reason reason,
		   int64_t endpoint_id, const char *detail)
{
	refuse(r, req, reason, reason, endpoint_id, detail);
}

void answer_refuse_as(struct receiver *r, struct http_req *req, enum reason reason,
		      enum reason counted, int64_t endpoint_id)
{
	refuse(r, req, reason, counted, endpoint_id, NULL);
}

void answer_verdict(struct receiver *r, struct http_req *req, const struct callback *cb,
		    enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RECORDED:
		answer_ok(req);
		break;
	case VERDICT_DUPLICATE:
		answer_ok(req);
		counters_add(r->counters, REASON_DUPLICATE, cb->endpoint_id);
		break;
	case VERDICT_HORIZON:
		answer_ok(req);
		counters_add(r->counters, REASON_HORIZON, cb->endpoint_id);
		break;
	case VERDICT_ABSENT:
		answer_refuse(r, req, REASON_ADDRESS, cb->endpoint_id, NULL);
		break;
	case VERDICT_REVOKED:
		answer_refuse(r, req, REASON_REVOKED, cb->endpoint_id, NULL);
		break;
	case VERDICT_WORKSPACE:
		answer_refuse(r, req, REASON_WORKSPACE, cb->endpoint_id, NULL);
		break;
	case VERDICT_REFUSED:
		answer_refuse(r, req, REASON_JSON, cb->endpoint_id, NULL);
		break;
	case VERDICT_UNKNOWN:
		answer_refuse(r, req, REASON_UNAVAILABLE, cb->endpoint_id, NULL);
		break;
	}
}
