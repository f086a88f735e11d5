/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "delivery/delivery.h"

enum { NOW_S = 1784288613 }; /* 2026-07-17T11:43:33Z */
static const int64_t NOW_US = NOW_S * INT64_C(1000000);

static void assert_sent(const char *body, const char *payload, const char *metadata,
			const char *wanted)
{
	struct delivery delivery = { 0 };

	buf_add_text(&delivery.body, body);
	buf_add_text(&delivery.payload, payload);
	buf_add_text(&delivery.metadata, metadata);
	assert_err(ERR_NONE, delivery_write(&delivery, 12, LIT("https://x.example/\"q\""), NOW_US));
	assert_string_equal(wanted, buf_text(&delivery.sent));
	delivery_done(&delivery);
}

#define TAIL \
	",\"subscription_id\":12,\"timestamp\":\"2026-07-17T11:43:33.000000Z\"," \
	"\"url_callback\":\"https://x.example/\\\"q\\\"\"}"

static void a_body_is_sent_byte_for_byte(void **state)
{
	(void)state;
	assert_sent("{\"event_id\" : 8023169274704072 "
		    ",\"created_at\":\"2026-07-17T11:43:32.827Z\",\"creator_id\":9,"
		    "\"metadata\":{\"action\": "
		    "\"created\"},\"payload\":{\"id\":18446744073709551617, \"n\":1.10},"
		    "\"subscription_id\":1,\"timestamp\":\"x\",\"url_callback\":\"y\",\"more\":1}",
		    "", "",
		    "{\"event_id\":8023169274704072,\"created_at\":\"2026-07-17T11:43:32.827Z\","
		    "\"creator_id\":9,"
		    "\"metadata\":{\"action\": "
		    "\"created\"},\"payload\":{\"id\":18446744073709551617, \"n\":1.10}" TAIL);
}

static void what_is_not_there_is_left_out(void **state)
{
	(void)state;
	assert_sent("{\"event_id\":1,\"payload\":null}", "", "",
		    "{\"event_id\":1,\"payload\":null" TAIL);
	assert_sent("{}", "", "",
		    "{"
		    "\"subscription_id\":12,\"timestamp\":\"2026-07-17T11:43:33.000000Z\","
		    "\"url_callback\":\"https://x.example/\\\"q\\\"\"}");
}

static void clean_parts_are_sent_instead(void **state)
{
	(void)state;
	assert_sent("{\"event_id\":1,\"metadata\":{\"a\":1},\"payload\":{\"api_token\":\"s\"}}",
		    "{\"id\": 1}", "{}",
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

static void each_event_has_an_id_of_its_own(void **state)
{
	struct delivery delivery = { .event_id = 1203, .created_us = 1700000000000000 };
	char id[DELIVERY_ID_MAX];

	(void)state;
	assert_true(str_is(delivery_webhook_id(&delivery, 12, id), "evt_1203_1700000000000000_12"));
	delivery = (struct delivery){ .event_id = INT64_MIN, .created_us = INT64_MIN };
	assert_true(str_is(delivery_webhook_id(&delivery, INT64_MIN, id),
			   "evt_-9223372036854775808_-9223372036854775808_-9223372036854775808"));
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
	assert_noted(LIT("Gr\xc3\xb6\xc3\x9f"
			 "e"),
		     "Gr\xc3\xb6\xc3\x9f"
		     "e");
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
		{ "0", 0 },
		{ "2", 2000 },
		{ " 120 ", 120000 },
		{ "-1", -1 },
		{ "", -1 },
		{ "1.5", -1 },
		{ "soon", -1 },
		{ "9223372036854775807", INT64_C(1000) * INT32_MAX },
		{ "99999999999999999999", -1 },
		{ "Fri, 17 Jul 2026 11:44:33 GMT", 60000 }, /* a minute later */
		{ "Fri, 17 Jul 2026 11:43:00 GMT", 0 },	    /* gone by */
		{ "Fri, 17 Jul 2026 11:44:33", -1 },
		{ "Fri, 17 Jul 2026 11:44:33 GMT+1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].ms, delivery_pause_ms(str_of(cases[i].text), NOW_US));
	assert_int_equal(-1, delivery_pause_ms((struct str){ 0 }, NOW_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_sent_byte_for_byte),
		cmocka_unit_test(what_is_not_there_is_left_out),
		cmocka_unit_test(clean_parts_are_sent_instead),
		cmocka_unit_test(no_json_is_refused),
		cmocka_unit_test(each_event_has_an_id_of_its_own),
		cmocka_unit_test(answers_become_printable),
		cmocka_unit_test(a_status_says_all),
		cmocka_unit_test(retry_after),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
