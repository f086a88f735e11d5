/* SPDX-License-Identifier: ISC */
#include "ledger/handshake.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/fetch.h"
#include "base/json.h"
#include "ledger/signer.h"

void handshake_write(struct buf *out, const struct handshake *shake, int64_t now_us)
{
	struct buf now = { 0 };

	clock_write(&now, now_us);
	buf_add_char(out, '{');
	json_put_int(out, "event_id", 0);
	json_put_text(out, "created_at", buf_str(&now));
	json_put_int(out, "creator_id", shake->user_id);
	buf_addf(out, ",\"metadata\":{\"request_type\":\"POST\",\"event_user_id\":%lld}", (long long)shake->user_id);
	json_put_text(out, "payload", str_of("ping"));
	json_put_int(out, "subscription_id", shake->subscription_id);
	json_put_text(out, "timestamp", buf_str(&now));
	json_put_text(out, "url_callback", str_of(shake->url));
	if (shake->code.at) {
		json_put_text(out, "validation_code", shake->code);
		json_put_text(out, "validation_code_url", shake->code_url);
	}
	buf_add_char(out, '}');
	buf_done(&now);
}

enum err handshake_send(struct fetch *fetch, const struct handshake *shake, struct buf *body)
{
	struct signer *signer = signer_new(shake->secret);
	struct buf header = { 0 };
	enum err err;

	buf_clear(body);
	handshake_write(body, shake, clock_now_us());
	buf_add_text(&header, "X-Webhook-Signature-256: ");
	signer_write_toggl(signer, buf_str(body), &header);
	err = fetch_add(fetch, &(struct fetch_request){
				       .url = shake->url,
				       .headers = (const char *const[]){ "Content-Type: application/json",
		                                                         buf_text(&header), NULL },
				       .body = buf_str(body),
				       .timeout_ms = shake->timeout_ms,
				       .user = shake->user,
			       });
	buf_done(&header);
	signer_free(signer);
	return err;
}

bool handshake_proves(const struct fetch_outcome *outcome, struct str code)
{
	static const struct json_want want[] = { { "validation_code", NULL } };
	struct json_value found;
	struct buf text = { 0 };
	bool fine = code.at && outcome->status >= 200 && outcome->status < 300 &&
	            !json_scan(outcome->body, want, &found, 1, NULL) && !json_text(found, &text) &&
	            text.len == code.len &&
	            crypto_equal((const unsigned char *)text.at, (const unsigned char *)code.at, code.len);

	buf_done(&text);
	return fine;
}
