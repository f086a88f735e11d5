/* SPDX-License-Identifier: ISC */
#include "ledger/signed_request.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/http_client.h"
#include "base/json.h"
#include "ledger/signer.h"

static void put_raw(struct buf *out, const char *key, struct str raw)
{
	if (!raw.len)
		return;
	json_key(out, key);
	buf_add_str(out, raw);
}

void signed_request_write(struct buf *out, const struct signed_request_body *body, int64_t now_us)
{
	buf_add_char(out, '{');
	put_raw(out, "event_id", body->event_id);
	put_raw(out, "created_at", body->created_at);
	put_raw(out, "creator_id", body->creator_id);
	put_raw(out, "metadata", body->metadata);
	put_raw(out, "payload", body->payload);
	json_put_int(out, "subscription_id", body->subscription_id);
	json_key(out, "timestamp");
	buf_add_char(out, '"');
	clock_write(out, now_us);
	buf_add_char(out, '"');
	json_put_text(out, "url_callback", body->url_callback);
	if (body->validation_code.len) {
		json_put_text(out, "validation_code", body->validation_code);
		json_put_text(out, "validation_code_url", body->validation_code_url);
	}
	buf_add_char(out, '}');
}

void signed_request_sign(const struct signed_request *sending, int64_t now_us,
			 struct signed_request_headers *headers)
{
	struct buf value = { 0 };
	int64_t now_s = now_us / 1000000;

	snprintf(headers->text[0], SIGNED_REQUEST_HEADER_MAX, "Content-Type: application/json");
	signer_write_toggl(sending->signer, sending->body, &value);
	snprintf(headers->text[1], SIGNED_REQUEST_HEADER_MAX, "X-Webhook-Signature-256: %s",
		 buf_text(&value));
	snprintf(headers->text[2], SIGNED_REQUEST_HEADER_MAX, "webhook-id: %.*s",
		 (int)sending->id.len, sending->id.at);
	snprintf(headers->text[3], SIGNED_REQUEST_HEADER_MAX, "webhook-timestamp: %" PRId64, now_s);
	buf_clear(&value);
	signer_write_standard(sending->signer, sending->id, now_s, sending->body, &value);
	if (sending->before) {
		buf_add_char(&value, ' ');
		signer_write_standard(sending->before, sending->id, now_s, sending->body, &value);
	}
	snprintf(headers->text[4], SIGNED_REQUEST_HEADER_MAX, "webhook-signature: %s",
		 buf_text(&value));
	for (size_t i = 0; i < SIGNED_REQUEST_HEADERS; i++)
		headers->lines[i] = headers->text[i];
	headers->lines[SIGNED_REQUEST_HEADERS] = NULL;
	buf_done(&value);
}

enum err signed_request_start(struct http_client *client, const struct signed_request *sending,
			      int64_t now_us)
{
	struct signed_request_headers headers;

	signed_request_sign(sending, now_us, &headers);
	return http_client_add(client, &(struct http_client_request){
					       .url = sending->url,
					       .headers = headers.lines,
					       .body = sending->body,
					       .timeout_ms = sending->timeout_ms,
					       .is_sent_once = sending->is_sent_once,
					       .user = sending->user,
				       });
}
