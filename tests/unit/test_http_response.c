/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/http_response.h"

static const char *const wanted[] = { "Retry-After", "X-Empty", "x-long", NULL };

static void wanted_headers_are_kept(void **state)
{
	const struct http_response_options options = { .body_max = 10, .wanted = wanted };
	struct buf line = { 0 };
	struct http_response answer;

	(void)state;
	http_response_init(&answer, &options);
	assert_null(http_response_find(&answer, "Retry-After").at);
	assert_true(http_response_add_line(&answer, LIT("HTTP/1.1 200 OK\r\n")));
	assert_true(http_response_add_line(&answer, LIT("retry-AFTER: \t120 \r\n")));
	assert_true(http_response_add_line(&answer, LIT("Retry-After: 7\r\n")));
	assert_true(http_response_add_line(&answer, LIT("X-Other: a: b\r\n")));
	assert_true(http_response_add_line(&answer, LIT("\r\n")));
	assert_true(http_response_add_line(&answer, LIT("")));
	assert_str(http_response_find(&answer, "Retry-After"), "120");
	assert_str(http_response_find(&answer, "retry-after"), "120");
	assert_null(http_response_find(&answer, "X-Other").at);
	assert_null(http_response_find(&answer, "X-Empty").at);
	http_response_clear(&answer);
	assert_null(http_response_find(&answer, "Retry-After").at);
	/* it exists and is empty */
	assert_true(http_response_add_line(&answer, LIT("X-Empty:\n")));
	assert_non_null(http_response_find(&answer, "X-Empty").at);
	assert_str(http_response_find(&answer, "X-Empty"), "");
	/* of the maximum length, and longer */
	for (size_t i = 0; i < HTTP_RESPONSE_HEADER_MAX; i++)
		buf_add_char(&line, 'x');
	buf_add_text(&line, "x\r\n");
	line.at[0] = 'X';
	memcpy(line.at, "X-Long:", 7);
	assert_true(http_response_add_line(&answer, buf_str(&line)));
	assert_int_equal(HTTP_RESPONSE_HEADER_MAX + 1 - 7,
			 http_response_find(&answer, "X-Long").len);
	http_response_clear(&answer);
	buf_add_text(&line, "1234567\r\n");
	line.at[line.len - 10] = line.at[line.len - 11] = 'x';
	assert_true(http_response_add_line(&answer, buf_str(&line)));
	assert_null(http_response_find(&answer, "X-Long").at);
	http_response_done(&answer);
	buf_done(&line);
}

static void an_answer_before_the_answer_is_forgotten(void **state)
{
	const struct http_response_options options = { .body_max = 10, .wanted = wanted };
	struct http_response answer;

	(void)state;
	http_response_init(&answer, &options);
	assert_true(http_response_add_line(&answer, LIT("HTTP/1.1 103 Early Hints\r\n")));
	assert_true(http_response_add_line(&answer, LIT("Retry-After: 1\r\n")));
	assert_true(http_response_add_line(&answer, LIT("\r\n")));
	assert_true(http_response_add_line(&answer, LIT("HTTP/1.1 429 Too Many Requests\r\n")));
	assert_null(http_response_find(&answer, "Retry-After").at);
	http_response_done(&answer);
}

static void headers_have_a_limit(void **state)
{
	const struct http_response_options options = { .body_max = 10 };
	struct http_response answer;
	size_t lines = 0;

	(void)state;
	http_response_init(&answer, &options);
	while (http_response_add_line(&answer, LIT("HTTP/1.1 100 Continue: and so on\r\n")))
		lines++;
	assert_in_range(lines, 1000, HTTP_RESPONSE_HEADERS_MAX / 30);
	assert_non_null(answer.problem);
	assert_false(answer.is_over);
	http_response_clear(&answer);
	assert_null(answer.problem);
	assert_true(http_response_add_line(&answer, LIT("A: b\r\n")));
	http_response_done(&answer);
}

static void bodies_have_a_limit(void **state)
{
	const struct http_response_options options = { .body_max = 10 };
	struct http_response answer;

	(void)state;
	http_response_init(&answer, &options);
	assert_true(http_response_add_body(&answer, LIT("")));
	assert_true(http_response_add_body(&answer, LIT("12345")));
	assert_true(http_response_add_body(&answer, LIT("67890")));
	assert_str(buf_str(&answer.body), "1234567890");
	assert_false(answer.is_cut);
	assert_false(http_response_add_body(&answer, LIT("1")));
	assert_non_null(answer.problem);
	assert_true(answer.is_cut);
	assert_str(buf_str(&answer.body), "1234567890");
	http_response_done(&answer);
}

static void bodies_are_cut(void **state)
{
	static const char piece[1024];
	const struct http_response_options options = { .body_max = 10, .cuts = true };
	struct http_response answer;

	(void)state;
	http_response_init(&answer, &options);
	assert_true(http_response_add_body(&answer, LIT("123456789012")));
	assert_true(answer.is_cut);
	assert_str(buf_str(&answer.body), "1234567890");
	while (http_response_add_body(&answer, (struct str){ piece, sizeof(piece) }))
		;
	assert_true(answer.is_over);
	assert_null(answer.problem);
	assert_in_range(answer.body_bytes, HTTP_RESPONSE_DROPPED_MAX,
			HTTP_RESPONSE_DROPPED_MAX + 2 * sizeof(piece));
	assert_str(buf_str(&answer.body), "1234567890");
	http_response_clear(&answer);
	assert_true(http_response_add_body(&answer, LIT("1234567890")));
	assert_false(answer.is_cut);
	assert_false(answer.is_over);
	http_response_done(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_headers_are_kept),
		cmocka_unit_test(an_answer_before_the_answer_is_forgotten),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(bodies_have_a_limit),
		cmocka_unit_test(bodies_are_cut),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
