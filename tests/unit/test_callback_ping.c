/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/http_client.h"
#include "base/json.h"
#include "delivery/callback_ping.h"

static struct callback_ping ping(const char *code)
{
	return (struct callback_ping){
		.subscription_id = 10710,
		.user_id = 9000001,
		.url = "https://hooks.example.org/hook/\"x\"",
		.code = str_of(code),
		.code_url = code ? LIT("https://example.org/validate/1/10710/abc")
				 : (struct str){ 0 },
	};
}

static void a_ping_has_the_shape_of_toggl(void **state)
{
	struct callback_ping one = ping("abc");
	struct buf out = { 0 };

	(void)state;
	callback_ping_write(&out, &one, INT64_C(1784285860959597));
	assert_string_equal(
		buf_text(&out),
		"{\"event_id\":0,\"created_at\":\"2026-07-17T10:57:40.959597Z\",\"creator_id\":"
		"9000001,"
		"\"metadata\":{\"request_type\":\"POST\",\"event_user_id\":9000001},\"payload\":"
		"\"ping\","
		"\"subscription_id\":10710,\"timestamp\":\"2026-07-17T10:57:40.959597Z\","
		"\"url_callback\":\"https://hooks.example.org/hook/"
		"\\\"x\\\"\",\"validation_code\":\"abc\","
		"\"validation_code_url\":\"https://example.org/validate/1/10710/abc\"}");
	buf_done(&out);
}

static void a_validated_one_carries_no_code(void **state)
{
	struct callback_ping one = ping(NULL);
	struct buf out = { 0 };

	(void)state;
	callback_ping_write(&out, &one, 0);
	assert_lacks(&out, "validation_code");
	assert_err(ERR_NONE, json_scan(buf_str(&out), NULL, NULL, 0, NULL));
	buf_done(&out);
}

static bool proves(int status, const char *body, const char *code)
{
	struct http_client_result outcome = { .status = status, .body = str_of(body) };

	return callback_ping_is_answered(&outcome, str_of(code));
}

static void the_code_proves_an_address(void **state)
{
	(void)state;
	assert_true(proves(200, "{\"validation_code\":\"abc\"}", "abc"));
	assert_true(proves(204, " {\"x\":[], \"validation_code\" : \"a\\u0062c\"} ", "abc"));
	assert_false(proves(200, "{\"validation_code\":\"abd\"}", "abc"));
	assert_false(proves(200, "{\"validation_code\":\"abcd\"}", "abc"));
	assert_false(proves(200, "{\"validation_code\":\"\"}", "abc"));
	assert_false(proves(200, "{\"validation_code\":null}", "abc"));
	assert_false(proves(200, "{\"status\":\"OK\"}", "abc"));
	assert_false(proves(200, "abc", "abc"));
	assert_false(proves(200, "{\"validation_code\":\"abc\"", "abc"));
	assert_false(proves(200, "", "abc"));
	assert_false(proves(500, "{\"validation_code\":\"abc\"}", "abc"));
	assert_false(proves(0, "", "abc"));
	/* without a code an answer proves nothing */
	assert_false(proves(200, "{\"validation_code\":\"\"}", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_has_the_shape_of_toggl),
		cmocka_unit_test(a_validated_one_carries_no_code),
		cmocka_unit_test(the_code_proves_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
