/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/delivery.h"
#include "ledger/signer.h"

enum { NOW_S = 1784288613 };	/* 2026-07-17T11:43:33Z */
static const int64_t NOW_US = NOW_S * INT64_C(1000000);

static void assert_sent(const char *body, const char *payload, const char *metadata, const char *wanted)
{
	struct delivery delivery = { 0 };

	buf_add_text(&delivery.body, body);
	buf_add_text(&delivery.payload, payload);
	buf_add_text(&delivery.metadata, metadata);
	assert_err(ERR_NONE, delivery_write(&delivery, 12, LIT("https://x.example/\"q\""), NOW_US));
	assert_string_equal(wanted, buf_text(&delivery.sent));
	delivery_done(&delivery);
}

#define TAIL ",\"subscription_id\":12,\"timestamp\":\"2026-07-17T11:43:33.000000Z\"," \
	"\"url_callback\":\"https://x.example/\\\"q\\\"\"}"

static void a_body_is_sent_byte_for_byte(void **state)
{
	(void)state;
	assert_sent("{\"event_id\" : 8023169274704072 ,\"created_at\":\"2026-07-17T11:43:32.827Z\",\"creator_id\":9,"
	            "\"metadata\":{\"action\": \"created\"},\"payload\":{\"id\":18446744073709551617, \"n\":1.10},"
	            "\"subscription_id\":1,\"timestamp\":\"x\",\"url_callback\":\"y\",\"more\":1}",
	            "", "",
	            "{\"event_id\":8023169274704072,\"created_at\":\"2026-07-17T11:43:32.827Z\",\"creator_id\":9,"
	            "\"metadata\":{\"action\": \"created\"},\"payload\":{\"id\":18446744073709551617, \"n\":1.10}" TAIL);
}

static void what_is_not_there_is_left_out(void **state)
{
	(void)state;
	assert_sent("{\"event_id\":1,\"payload\":null}", "", "", "{\"event_id\":1,\"payload\":null" TAIL);
	assert_sent("{}", "", "", "{" "\"subscription_id\":12,\"timestamp\":\"2026-07-17T11:43:33.000000Z\","
	                          "\"url_callback\":\"https://x.example/\\\"q\\\"\"}");
}

static void clean_parts_are_sent_instead(void **state)
{
	(void)state;
	assert_sent("{\"event_id\":1,\"metadata\":{\"a\":1},\"payload\":{\"api_token\":\"s\"}}", "{\"id\": 1}", "{}",
	            "{\"event_id\":1,\"metadata\":{},\"payload\":{\"id\": 1}" TAIL);
}

static void no_json_is_refused(void **state)
{
	struct delivery delivery = { 0 };

	(void)state;
	buf_add_text(&delivery.body, "{\"event_id\":1");
	assert_err(ERR_INPUT, delivery_write(&delivery, 12, LIT("https://x.example/"), NOW_US));
	delivery_done(&delivery);
}

/* The values by "openssl dgst -sha256 -hmac". */
static void it_is_signed(void **state)
{
	struct delivery delivery = { .event_id = 1203, .created_us = 1700000000000000 };
	struct signer *now = signer_new(LIT("new")), *before = signer_new(LIT("old"));
	struct delivery_headers headers;
	struct buf wanted = { 0 };

	(void)state;
	buf_add_text(&delivery.sent, "{\"event_id\":1203}");
	delivery_sign(&delivery, 12, NOW_US, now, NULL, &headers);
	assert_string_equal("Content-Type: application/json", headers.lines[0]);
	assert_string_equal("X-Webhook-Signature-256: "
	                    "sha256=b8d4e1f72096d61c54cc3c4719d23504623dc18f156a3417998f80db7968478a",
	                    headers.lines[1]);
	assert_string_equal("webhook-id: evt_1203_1700000000000000_12", headers.lines[2]);
	assert_string_equal("webhook-timestamp: 1784288613", headers.lines[3]);
	assert_null(headers.lines[5]);

	buf_add_text(&wanted, "webhook-signature: ");
	signer_write_standard(now, LIT("evt_1203_1700000000000000_12"), NOW_S, buf_str(&delivery.sent), &wanted);
	assert_string_equal(buf_text(&wanted), headers.lines[4]);
	delivery_sign(&delivery, 12, NOW_US, now, before, &headers);
	buf_add_char(&wanted, ' ');
	signer_write_standard(before, LIT("evt_1203_1700000000000000_12"), NOW_S, buf_str(&delivery.sent), &wanted);
	assert_string_equal(buf_text(&wanted), headers.lines[4]);
	signer_free(now);
	signer_free(before);
	buf_done(&wanted);
	delivery_done(&delivery);
}

static void assert_noted(struct str answer, const char *wanted)
{
	struct delivery delivery = { 0 };

	delivery_note(&delivery, 500, 1234, answer, NULL);
	assert_string_equal(wanted, buf_text(&delivery.answer));
	assert_string_equal("answered with status 500", buf_text(&delivery.problem));
	assert_int_equal(-1, delivery.pause_ms);
	delivery_done(&delivery);
}

static void answers_become_printable(void **state)
{
	(void)state;
	assert_noted(LIT(""), "");
	assert_noted(LIT("line\n\tline"), "line\n\tline");
	assert_noted(LIT("red \x1b[31m nul \0 del \x7f"), "red \\x1b[31m nul \\x00 del \\x7f");
	assert_noted(LIT("Gr\xc3\xb6\xc3\x9f" "e"), "Gr\xc3\xb6\xc3\x9f" "e");
	assert_noted(LIT("latin \xe9t\xe9 1"), "latin \\xe9t\\xe9 1");
	assert_noted(LIT("cut \xc3\xb6\xe2\x8f"), "cut \xc3\xb6");
	assert_noted(LIT("\xff\xfe"), "\\xff\\xfe");
}

static void a_status_says_all(void **state)
{
	struct delivery delivery = { 0 };
	struct buf words = { 0 };

	(void)state;
	delivery_note(&delivery, 204, 1, LIT(""), NULL);
	assert_string_equal("", buf_text(&delivery.problem));
	delivery_note(&delivery, 0, 1, LIT(""), "no answer");
	assert_string_equal("no answer", buf_text(&delivery.problem));
	for (int i = 0; i < 1000; i++)
		buf_add_char(&words, 'x');
	delivery_note(&delivery, 0, 1, LIT(""), buf_text(&words));
	assert_int_equal(300, delivery.problem.len);
	buf_done(&words);
	delivery_done(&delivery);
}

static void retry_after(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 }, { "2", 2000 }, { " 120 ", 120000 }, { "-1", -1 }, { "", -1 }, { "1.5", -1 }, { "soon", -1 },
		{ "9223372036854775807", INT64_C(1000) * INT32_MAX }, { "99999999999999999999", -1 },
		{ "Fri, 17 Jul 2026 11:44:33 GMT", 60000 },	/* a minute later */
		{ "Fri, 17 Jul 2026 11:43:00 GMT", 0 },		/* gone by */
		{ "Fri, 17 Jul 2026 11:44:33", -1 }, { "Fri, 17 Jul 2026 11:44:33 GMT+1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].ms, delivery_pause_ms(str_of(cases[i].text), NOW_US));
	assert_int_equal(-1, delivery_pause_ms((struct str){ 0 }, NOW_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_sent_byte_for_byte), cmocka_unit_test(what_is_not_there_is_left_out),
		cmocka_unit_test(clean_parts_are_sent_instead), cmocka_unit_test(no_json_is_refused),
		cmocka_unit_test(it_is_signed),                 cmocka_unit_test(answers_become_printable),
		cmocka_unit_test(a_status_says_all),            cmocka_unit_test(retry_after),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
