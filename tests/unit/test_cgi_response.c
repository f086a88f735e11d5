/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/cgi_response.h"

static void an_answer_says_what_it_is(void **state)
{
	static const struct {
		int status;
		const char *headers, *body;
		bool is_head;
		const char *written;
	} cases[] = {
		{ 200, NULL, "{}", false,
		  "Status: 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\nCache-Control: "
		  "no-store\r\n\r\n{}" },
		{ 405, "Allow: GET\r\nX: y", "", false,
		  "Status: 405 Method Not Allowed\r\nContent-Type: text/x\r\nContent-Length: "
		  "0\r\nCache-Control: no-store\r\nAllow: GET\r\nX: y\r\n\r\n" },
		{ 404, NULL, "{}", true,
		  "Status: 404 Not Found\r\nContent-Type: text/x\r\nContent-Length: "
		  "2\r\nCache-Control: no-store\r\n\r\n" },
		{ 204, NULL, "{}", false,
		  "Status: 204 No Content\r\nCache-Control: no-store\r\n\r\n" },
		{ 304, "ETag: 1", "{}", true,
		  "Status: 304 Not Modified\r\nCache-Control: no-store\r\nETag: 1\r\n\r\n" },
		{ 999, NULL, "", true,
		  "Status: 999 Internal Server Error\r\nContent-Type: text/x\r\nContent-Length: "
		  "0\r\nCache-Control: no-store\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		buf_add_text(&out, "before ");
		cgi_response_write(&out, cases[i].status, "text/x", cases[i].headers,
				   str_of(cases[i].body), cases[i].is_head);
		assert_memory_equal("before ", buf_text(&out), 7);
		assert_string_equal(cases[i].written, buf_text(&out) + 7);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_says_what_it_is),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
