/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/signed_request.h"
#include "ledger/signer.h"

enum { NOW_S = 1784288613 }; /* 2026-07-17T11:43:33Z */
static const int64_t NOW_US = NOW_S * INT64_C(1000000);

/* Values computed with "openssl dgst -sha256 -hmac". */
static void it_is_signed(void **state)
{
	struct signer *now = signer_new(LIT("new")), *before = signer_new(LIT("old"));
	struct signed_request_headers headers;
	struct signed_request sending = { .id = LIT("evt_1203_1700000000000000_12"),
					  .body = LIT("{\"event_id\":1203}"),
					  .signer = now };
	struct buf wanted = { 0 };

	(void)state;
	signed_request_sign(&sending, NOW_US, &headers);
	assert_string_equal("Content-Type: application/json", headers.lines[0]);
	assert_string_equal(
		"X-Webhook-Signature-256: "
		"sha256=b8d4e1f72096d61c54cc3c4719d23504623dc18f156a3417998f80db7968478a",
		headers.lines[1]);
	assert_string_equal("webhook-id: evt_1203_1700000000000000_12", headers.lines[2]);
	assert_string_equal("webhook-timestamp: 1784288613", headers.lines[3]);
	assert_null(headers.lines[5]);

	buf_add_text(&wanted, "webhook-signature: ");
	signer_write_standard(now, LIT("evt_1203_1700000000000000_12"), NOW_S, sending.body,
			      &wanted);
	assert_string_equal(buf_text(&wanted), headers.lines[4]);
	sending.before = before;
	signed_request_sign(&sending, NOW_US, &headers);
	buf_add_char(&wanted, ' ');
	signer_write_standard(before, LIT("evt_1203_1700000000000000_12"), NOW_S, sending.body,
			      &wanted);
	assert_string_equal(buf_text(&wanted), headers.lines[4]);
	signer_free(now);
	signer_free(before);
	buf_done(&wanted);
}

static void what_has_no_bytes_is_left_out(void **state)
{
	struct signed_request_body body = { .event_id = LIT("0"),
					    .payload = LIT("\"ping\""),
					    .subscription_id = 12,
					    .url_callback = LIT("https://x.example/\"q\"") };
	struct buf out = { 0 };

	(void)state;
	signed_request_write(&out, &body, NOW_US);
	assert_string_equal("{\"event_id\":0,\"payload\":\"ping\",\"subscription_id\":12,"
			    "\"timestamp\":\"2026-07-17T11:43:33.000000Z\","
			    "\"url_callback\":\"https://x.example/\\\"q\\\"\"}",
			    buf_text(&out));
	buf_clear(&out);
	body.validation_code = LIT("abc");
	body.validation_code_url = LIT("https://example.org/abc");
	signed_request_write(&out, &body, NOW_US);
	assert_has(&out, ",\"validation_code\":\"abc\",\"validation_code_url\":\"https://"
			 "example.org/abc\"}");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_signed),
		cmocka_unit_test(what_has_no_bytes_is_left_out),
	};

	return cmocka_run_group_tests_name("sending", tests, NULL, NULL);
}
