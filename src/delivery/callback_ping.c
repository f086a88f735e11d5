/* SPDX-License-Identifier: ISC */
#include "delivery/callback_ping.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/http_client.h"
#include "http/http_conf.h"
#include "base/json.h"
#include "ledger/signed_request.h"
#include "ledger/signer.h"

enum { ANSWER_KEEP = 4096 }; /* a validation code has 32 bytes */

void callback_ping_write(struct buf *out, const struct callback_ping *ping, int64_t now_us)
{
	struct buf now = { 0 }, user = { 0 }, metadata = { 0 };
	struct signed_request_body body = {
		.event_id = str_of("0"),
		.payload = str_of("\"ping\""),
		.subscription_id = ping->subscription_id,
		.url_callback = str_of(ping->url),
		.validation_code = ping->code,
		.validation_code_url = ping->code_url,
	};

	buf_add_char(&now, '"');
	clock_write(&now, now_us);
	buf_add_char(&now, '"');
	buf_addf(&user, "%" PRId64, ping->user_id);
	buf_addf(&metadata, "{\"request_type\":\"POST\",\"event_user_id\":%" PRId64 "}",
		 ping->user_id);
	body.created_at = buf_str(&now);
	body.creator_id = buf_str(&user);
	body.metadata = buf_str(&metadata);
	signed_request_write(out, &body, now_us);
	buf_done(&now);
	buf_done(&user);
	buf_done(&metadata);
}

enum err callback_ping_send(struct http_client *client, const struct callback_ping *ping,
			    struct buf *body)
{
	struct signer *signer = signer_new(ping->secret);
	struct signer *before = ping->secret_before.len ? signer_new(ping->secret_before) : NULL;
	int64_t now_us = clock_now_us();
	struct buf id = { 0 };
	enum err err;

	buf_clear(body);
	callback_ping_write(body, ping, now_us);
	/* each ping is a message of its own, also where two are sent at one moment */
	buf_addf(&id, "ping_%" PRId64 "_%" PRId64 "_", ping->subscription_id, now_us);
	crypto_random_text(&id, 6);
	err = signed_request_start(client,
				   &(struct signed_request){
					   .url = ping->url,
					   .id = buf_str(&id),
					   .body = buf_str(body),
					   .signer = signer,
					   .before = before,
					   .timeout_ms = ping->timeout_ms,
					   .is_sent_once = true,
					   .user = ping->user,
				   },
				   now_us);
	buf_done(&id);
	signer_free(signer);
	signer_free(before);
	return err;
}

bool callback_ping_is_answered(const struct http_client_result *outcome, struct str code)
{
	static const struct json_want want[] = { { "validation_code", NULL } };
	struct json_value found;
	struct buf text = { 0 };
	bool fine = code.at && outcome->status >= 200 && outcome->status < 300 &&
		    !json_scan(outcome->body, want, &found, 1, NULL) && !json_text(found, &text) &&
		    text.len == code.len &&
		    crypto_equal((const unsigned char *)text.at, (const unsigned char *)code.at,
				 code.len);

	buf_done(&text);
	return fine;
}

struct http_client *callback_ping_client(const struct conf *conf, const struct ip_networks *allowed,
					 size_t requests_max)
{
	struct http_client_options options = {
		.requests_max = requests_max,
		.answer_max = ANSWER_KEEP,
		.cuts_answers = true,
		.is_guarded = allowed,
		.allowed = allowed,
		.ca_file = http_conf(conf)->ca_file,
		.agent = "hookledger/" HL_VERSION,
	};

	return http_client_new(&options);
}
