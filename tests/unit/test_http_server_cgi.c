/* SPDX-License-Identifier: ISC */
/* Plain CGI is a function of the environment and standard input. Each request is a process with
   pipes, as a web server starts it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/clock.h"
#include "http/http_server.h"

enum { BODY_MAX = 100000, TIMEOUT_MS = 300 };

/* The bytes on standard input. */
enum stdin_kind { PIPE_ENDS, PIPE_STAYS_OPEN, SOCKET_STAYS_OPEN };

/* Answers a request to /tell with the client and the request, as text. */
static void tell(struct http_req *req)
{
	struct buf user = { 0 }, password = { 0 }, out = { 0 };
	struct ip_networks trusted = { 0 };
	struct ip_address client;
	bool has_basic = http_basic(req, &user, &password);

	if (ip_networks_read(&trusted, LIT("10.0.0.0/8 127.0.0.1"), &out))
		_exit(5);
	http_peer(req, &trusted, &client);
	buf_addf(&out, "basic=%d user=%s password=%s query=%.*s client=", has_basic,
		 buf_text(&user), buf_text(&password), (int)http_query(req).len,
		 http_query(req).at ? http_query(req).at : "");
	ip_write(&client, &out);
	if (str_is(http_method(req), "DELETE"))
		http_answer_as(req, 204, "text/plain", NULL, LIT("no body"));
	else
		http_answer_as(req, 429, "text/plain; charset=utf-8",
			       "Retry-After: 5\r\nX-Other: a b", buf_str(&out));
	ip_networks_done(&trusted);
	buf_done(&user);
	buf_done(&password);
	buf_done(&out);
}

/* The program: answers with its request. */
static void serve(void)
{
	struct http_options options = { .base_path = "/base",
					.batch_max = 100,
					.batch_max_bytes = 1 << 20,
					.body_max = BODY_MAX,
					.timeout_ms = TIMEOUT_MS,
					.connections_max = 10 };
	struct http *http = http_open(-1, &options);
	struct buf json = { 0 };

	if (!http_is_cgi(http))
		_exit(3);
	while (http_gather(http, NULL, 0, -1)) {
		struct http_req *req = http_at(http, 0);

		if (http_count(http) != 1)
			_exit(4);
		if (str_is(http_method(req), "QUIET"))
			continue;
		if (str_is(http_path(req), "/tell")) {
			tell(req);
			continue;
		}
		buf_addf(&json, "flaw=%d body=%zu path=%.*s type=%.*s sum=", (int)http_flaw(req),
			 http_body(req).len, (int)http_path(req).len,
			 http_path(req).at ? http_path(req).at : "", (int)http_type(req).len,
			 http_type(req).at ? http_type(req).at : "");
		if (http_body(req).len <= 64)
			buf_add_str(&json, http_body(req));
		http_answer(req, http_flaw(req) ? 400 : 200, NULL, buf_str(&json));
		if (str_is(http_method(req), "FLUSH")) {
			http_flush(http);
			usleep(3000000);
		}
	}
	http_close(http);
	buf_done(&json);
	_exit(0);
}

/* Starts it with the variables (name, value, …, NULL) and the bytes on standard input;
   returns its output and its duration. */
static int64_t ask(const char *const *variables, struct str input, enum stdin_kind kind,
		   struct buf *answer)
{
	int in[2], out[2], status = 0;
	int64_t begun = clock_ms(), took;
	char piece[4096];
	ssize_t got;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(0, pipe(out));
	assert_int_equal(0, kind == SOCKET_STAYS_OPEN ? socketpair(AF_UNIX, SOCK_STREAM, 0, in)
						      : pipe(in));
	pid = fork();
	if (pid == 0) {
		clearenv();
		for (; variables[0]; variables += 2)
			setenv(variables[0], variables[1], 1);
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]), close(in[1]), close(out[0]), close(out[1]);
		serve();
	}
	close(out[1]);
	close(in[0]);
	while (input.len) {
		ssize_t put = write(in[1], input.at, input.len);

		if (put < 0)
			break; /* it did not want to read all */
		input.at += put;
		input.len -= (size_t)put;
	}
	if (kind == PIPE_ENDS)
		close(in[1]);
	buf_clear(answer);
	while ((got = read(out[0], piece, sizeof(piece))) > 0)
		buf_add(answer, piece, (size_t)got);
	took = clock_ms() - begun;
	if (kind != PIPE_ENDS)
		close(in[1]);
	close(out[0]);
	if (!strstr(buf_text(answer), "flaw=0 body=5 path=/flush"))
		assert_int_equal(pid, waitpid(pid, &status, 0));
	else
		kill(pid, SIGKILL), waitpid(pid, NULL, 0);
	assert_int_equal(0, status);
	return took;
}

static const char *const *post(const char *length)
{
	static const char *variables[12];

	memcpy(variables,
	       (const char *[]){ "REQUEST_METHOD", "POST", "REQUEST_URI", "/base/hook/%41?x",
				 "CONTENT_TYPE", "application/json", NULL },
	       7 * sizeof(char *));
	if (length) {
		variables[6] = "CONTENT_LENGTH";
		variables[7] = length;
		variables[8] = NULL;
	}
	return variables;
}

static void a_request_is_read_and_answered(void **state)
{
	struct buf answer = { 0 };

	(void)state;
	ask(post("5"), LIT("12345"), PIPE_ENDS, &answer);
	assert_string_equal(
		"Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 58\r\n"
		"Cache-Control: no-store\r\n\r\n"
		"flaw=0 body=5 path=/hook/A type=application/json sum=12345",
		buf_text(&answer));
	buf_done(&answer);
}

/* Some servers keep the pipe open after the body: the program must not wait for more. */
static void input_is_read_to_its_length_only(void **state)
{
	struct buf answer = { 0 };

	(void)state;
	for (enum stdin_kind kind = PIPE_STAYS_OPEN; kind <= SOCKET_STAYS_OPEN; kind++) {
		assert_true(ask(post("5"), LIT("12345"), kind, &answer) < TIMEOUT_MS);
		assert_has(&answer, "flaw=0 body=5 path=/hook/A");
		assert_true(ask(post("5"), LIT("12345and more"), kind, &answer) < TIMEOUT_MS);
		assert_has(&answer, "flaw=0 body=5 ");
		assert_has(&answer, "sum=12345");
		assert_true(ask(post("0"), LIT(""), kind, &answer) < TIMEOUT_MS);
		assert_has(&answer, "flaw=0 body=0 ");
	}
	buf_done(&answer);
}

static void wrong_lengths_are_reported(void **state)
{
	struct buf answer = { 0 };
	static const char *const wrong[] = { "-1", "+5",  "five",
					     "5 ", "0x5", "18446744073709551621",
					     "6" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask(post(wrong[i]), LIT("12345"), PIPE_ENDS, &answer);
		if (!strstr(buf_text(&answer), "Status: 400 Bad Request\r\n") ||
		    !strstr(buf_text(&answer), "flaw=3 "))
			fail_msg("length %s: %s", wrong[i], buf_text(&answer));
	}
	/* without a length: up to the end */
	ask(post(NULL), LIT("12345"), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=0 body=5 ");
	ask(post(""), LIT("12345"), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=0 body=5 ");
	ask(post(NULL), LIT(""), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=1 ");
	buf_done(&answer);
}

static void large_bodies(void **state)
{
	struct buf body = { 0 }, answer = { 0 };

	(void)state;
	for (int i = 0; i < BODY_MAX; i++)
		buf_add_char(&body, 'x');
	ask(post("100000"), buf_str(&body), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=0 body=100000 ");
	ask(post(NULL), buf_str(&body), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=0 body=100000 ");
	buf_add_char(&body, 'x');
	ask(post("100001"), buf_str(&body), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=2 ");
	ask(post(NULL), buf_str(&body), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=2 ");
	ask(post("9223372036854775807"), LIT("12345"), PIPE_STAYS_OPEN, &answer);
	assert_has(&answer, "flaw=2 ");
	buf_done(&body);
	buf_done(&answer);
}

static void who_is_silent_is_given_up(void **state)
{
	struct buf answer = { 0 };
	int64_t took = ask(post("5"), LIT("123"), PIPE_STAYS_OPEN, &answer);

	(void)state;
	assert_has(&answer, "flaw=3 body=3 ");
	assert_in_range(took, TIMEOUT_MS - 20, TIMEOUT_MS + 2000);
	took = ask(post(NULL), LIT(""), PIPE_STAYS_OPEN, &answer);
	assert_has(&answer, "flaw=1 ");
	assert_in_range(took, TIMEOUT_MS - 20, TIMEOUT_MS + 2000);
	buf_done(&answer);
}

static void what_nobody_answers_is_a_fault(void **state)
{
	const char *const variables[] = { "REQUEST_METHOD", "QUIET", NULL };
	struct buf answer = { 0 };

	(void)state;
	ask(variables, LIT(""), PIPE_ENDS, &answer);
	assert_has(&answer, "Status: 500 Internal Server Error\r\n");
	buf_done(&answer);
}

/* The answer is sent before the process does other work. */
static void a_flushed_answer_does_not_wait(void **state)
{
	const char *const variables[] = { "REQUEST_METHOD", "FLUSH", "REQUEST_URI", "/base/flush",
					  "CONTENT_LENGTH", "5",     NULL };
	struct buf answer = { 0 };

	(void)state;
	assert_true(ask(variables, LIT("12345"), PIPE_ENDS, &answer) < 2000);
	assert_has(&answer, "Status: 200 OK");
	buf_done(&answer);
}

static void the_client_is_reported(void **state)
{
	static const struct {
		const char *variables[11];
		const char *says;
	} cases[] = {
		{ { "REQUEST_URI", "/base/tell?a=1&b=%2B?c" },
		  "basic=0 user= password= query=a=1&b=%2B?c client=127.0.0.1" },
		{ { "REQUEST_URI", "/base/tell", "HTTP_AUTHORIZATION", "Basic dG9rZW46YXBpX3Rva2Vu",
		    "REMOTE_ADDR", "203.0.113.7" },
		  "basic=1 user=token password=api_token query= client=203.0.113.7" },
		{ { "REQUEST_URI", "/base/tell?", "REDIRECT_HTTP_AUTHORIZATION",
		    "Basic dG9rZW46YXBpX3Rva2Vu", "REMOTE_ADDR", "::1" },
		  "basic=1 user=token password=api_token query= client=::1" },
		{ { "REQUEST_URI", "/base/tell", "HTTP_AUTHORIZATION",
		    "Bearer dG9rZW4=", "REMOTE_ADDR", "10.0.0.1", "HTTP_X_FORWARDED_FOR",
		    "198.51.100.1, 203.0.113.7:4711" },
		  "basic=0 user= password= query= client=203.0.113.7" },
		{ { "REQUEST_URI", "/base/tell", "REMOTE_ADDR", "203.0.113.7",
		    "HTTP_X_FORWARDED_FOR", "198.51.100.1" },
		  "client=203.0.113.7" },
		{ { "REQUEST_URI", "/base/tell", "REMOTE_ADDR", "unix:", "HTTP_X_FORWARDED_FOR",
		    "198.51.100.1" },
		  "client=198.51.100.1" },
	};
	struct buf answer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].variables, LIT(""), PIPE_ENDS, &answer);
		assert_has(&answer, "Status: 429 Too Many Requests\r\nContent-Type: text/plain; "
				    "charset=utf-8\r\n");
		assert_has(
			&answer,
			"Cache-Control: no-store\r\nRetry-After: 5\r\nX-Other: a b\r\n\r\nbasic=");
		assert_has(&answer, cases[i].says);
	}
	buf_done(&answer);
}

/* Other methods have bodies too; HEAD and 204 are answered without one. */
static void other_methods(void **state)
{
	static const char *const methods[] = { "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD" };
	const char *variables[] = { "REQUEST_METHOD", NULL, "REQUEST_URI", "/base/x",
				    "CONTENT_LENGTH", "5",  NULL };
	struct buf answer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		variables[1] = methods[i];
		ask(variables, LIT("12345"), PIPE_ENDS, &answer);
		assert_has(&answer, "Status: 200 OK\r\n");
		assert_has(&answer, "Content-Length: 37\r\n");
		if (strcmp(methods[i], "HEAD") != 0)
			assert_has(&answer, "\r\n\r\nflaw=0 body=5 path=/x type= sum=12345");
		else
			assert_lacks(&answer, "flaw");
	}
	variables[1] = "DELETE";
	variables[3] = "/base/tell";
	ask(variables, LIT("12345"), PIPE_ENDS, &answer);
	assert_string_equal("Status: 204 No Content\r\nCache-Control: no-store\r\n\r\n",
			    buf_text(&answer));
	buf_done(&answer);
}

static void nothing_at_all_is_a_request_too(void **state)
{
	const char *const variables[] = { NULL };
	struct buf answer = { 0 };

	(void)state;
	ask(variables, LIT(""), PIPE_ENDS, &answer);
	assert_has(&answer, "flaw=1 body=0 path= type= ");
	buf_done(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_and_answered),
		cmocka_unit_test(input_is_read_to_its_length_only),
		cmocka_unit_test(wrong_lengths_are_reported),
		cmocka_unit_test(large_bodies),
		cmocka_unit_test(who_is_silent_is_given_up),
		cmocka_unit_test(what_nobody_answers_is_a_fault),
		cmocka_unit_test(a_flushed_answer_does_not_wait),
		cmocka_unit_test(the_client_is_reported),
		cmocka_unit_test(other_methods),
		cmocka_unit_test(nothing_at_all_is_a_request_too),
	};

	return cmocka_run_group_tests_name("http_cgi", tests, NULL, NULL);
}
