/* SPDX-License-Identifier: ISC */
/* Against a server of our own on 127.0.0.1: one thread a connection, and the
   path says how it behaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fetch.h"

enum { LONG = 1000000, MANY = 64 };

static int port;
static atomic_int connections;	/* accepted so far */
static atomic_int meeting;	/* requests that wait in /meet */

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		len -= (size_t)sent;
	}
}

static void answer(int fd, const char *status, const char *header, struct str body)
{
	char head[300];
	int len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
	                   header, body.len);

	send_all(fd, head, (size_t)len);
	send_all(fd, body.at, body.len);
}

/* false: the connection ends. */
static bool serve(int fd, struct str whole, struct str path)
{
	if (str_is(path, "/hang")) {
		char byte;

		/* until the other side has had enough */
		return recv(fd, &byte, 1, 0) > 0;
	}
	if (str_is(path, "/close"))
		return false;
	if (str_is(path, "/cut")) {
		send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 42);
		return false;
	}
	if (str_is(path, "/echo")) {
		answer(fd, "200 OK", "", whole);
	} else if (str_is(path, "/long")) {
		struct str body = { mem_zero(LONG, 1), LONG };

		answer(fd, "200 OK", "", body);
		free((void *)(uintptr_t)body.at);
	} else if (str_is(path, "/moved")) {
		answer(fd, "302 Found", "Location: /echo\r\n", str_of(""));
	} else if (str_is(path, "/meet")) {
		/* answers nobody before all are here */
		atomic_fetch_add(&meeting, 1);
		while (atomic_load(&meeting) < MANY)
			usleep(1000);
		answer(fd, "200 OK", "", str_of("met"));
	} else {
		answer(fd, "503 Busy", "", str_of("{\"error\":\"busy\"}"));
	}
	return true;
}

/* One whole request at the front of `got`: its length, 0 when more is to come. */
static size_t request_length(const struct buf *got)
{
	const char *end = strstr(buf_text(got), "\r\n\r\n");
	const char *field = strcasestr(buf_text(got), "\r\ncontent-length:");
	size_t len;

	if (!end)
		return 0;
	len = (size_t)(end + 4 - got->at);
	if (field && field < end)
		len += strtoul(field + 17, NULL, 10);
	return got->len >= len ? len : 0;
}

static void *connection(void *argument)
{
	int fd = (int)(intptr_t)argument;
	struct buf got = { 0 };
	char piece[4096];
	ssize_t count;

	while ((count = recv(fd, piece, sizeof(piece), 0)) > 0) {
		struct str rest, path;
		size_t len;

		buf_add(&got, piece, (size_t)count);
		len = request_length(&got);
		if (!len)
			continue;
		rest = (struct str){ got.at, len };
		(void)str_cut(&rest, ' ');
		path = str_cut(&rest, ' ');
		if (!serve(fd, (struct str){ got.at, len }, path))
			break;
		buf_clear(&got);
	}
	buf_done(&got);
	close(fd);
	return NULL;
}

static void *server(void *argument)
{
	int listener = (int)(intptr_t)argument, fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		pthread_t thread;

		atomic_fetch_add(&connections, 1);
		pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd);
		pthread_detach(thread);
	}
	return NULL;
}

static int start_server(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	(void)state;
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 256) ||
	    getsockname(listener, (struct sockaddr *)&at, &len))
		return -1;
	port = ntohs(at.sin_port);
	return pthread_create(&thread, NULL, server, (void *)(intptr_t)listener);
}

static const char *url(const char *path)
{
	static char text[100];

	snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", port, path);
	return text;
}

static struct fetch *open_fetch(size_t requests_max)
{
	return fetch_new(&(struct fetch_how){
		.requests_max = requests_max, .answer_max = 10000, .agent = "test/1" });
}

static struct fetch_outcome get(struct fetch *fetch, const char *path, int64_t timeout_ms)
{
	struct fetch_outcome outcome = { 0 };

	assert_int_equal(fetch_add(fetch, &(struct fetch_request){ .url = url(path),
		                                                   .timeout_ms = timeout_ms }),
	                 ERR_NONE);
	assert_int_equal(fetch_wait(fetch, -1, &outcome), ERR_NONE);
	return outcome;
}

static bool contains(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static void test_post(void **state)
{
	struct fetch *fetch = open_fetch(2);
	struct fetch_outcome outcome;
	int user;

	(void)state;
	assert_int_equal(
		fetch_add(fetch, &(struct fetch_request){
					 .url = url("/echo"),
					 .headers = (const char *const[]){ "Content-Type: application/json",
	                                                                   "X-Mine: yes", NULL },
					 .body = { "a\0b", 3 },
					 .timeout_ms = 5000,
					 .user = &user }),
		ERR_NONE);
	assert_int_equal(fetch_count(fetch), 1);
	assert_int_equal(fetch_wait(fetch, -1, &outcome), ERR_NONE);
	assert_int_equal(fetch_count(fetch), 0);
	assert_int_equal(outcome.status, 200);
	assert_null(outcome.problem);
	assert_ptr_equal(outcome.user, &user);
	assert_true(outcome.duration_us > 0);
	assert_true(str_starts(outcome.body, "POST /echo HTTP/1.1\r\n"));
	assert_true(contains(outcome.body, "\r\nContent-Type: application/json\r\n"));
	assert_true(contains(outcome.body, "\r\nX-Mine: yes\r\n"));
	assert_true(contains(outcome.body, "\r\nUser-Agent: test/1\r\n"));
	assert_false(contains(outcome.body, "Expect:"));
	assert_memory_equal(outcome.body.at + outcome.body.len - 3, "a\0b", 3);
	/* nothing of it is left in the next request of the same slot */
	outcome = get(fetch, "/echo", 5000);
	assert_true(str_starts(outcome.body, "GET /echo HTTP/1.1\r\n"));
	assert_false(contains(outcome.body, "X-Mine"));
	fetch_free(fetch);
}

static void test_keeps_connections(void **state)
{
	struct fetch *fetch = open_fetch(1);
	int before = atomic_load(&connections);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(fetch, "/busy", 5000).status, 503);
	assert_int_equal(atomic_load(&connections) - before, 1);
	fetch_free(fetch);
}

static void test_does_not_follow(void **state)
{
	struct fetch *fetch = open_fetch(1);
	struct fetch_outcome outcome = get(fetch, "/moved", 5000);

	(void)state;
	assert_int_equal(outcome.status, 302);
	assert_null(outcome.problem);
	fetch_free(fetch);
}

static void test_no_proxy(void **state)
{
	struct fetch *fetch;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	fetch = open_fetch(1);
	assert_int_equal(get(fetch, "/busy", 5000).status, 503);
	fetch_free(fetch);
}

static void test_failures_have_words(void **state)
{
	static const char *const paths[] = { "/close", "/cut", "/long" };
	struct fetch *fetch = open_fetch(1);
	struct fetch_outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		outcome = get(fetch, paths[i], 5000);
		assert_int_equal(outcome.status, 0);
		assert_non_null(outcome.problem);
		assert_true(outcome.problem[0]);
	}
	assert_true(outcome.body.len <= 10000);
	/* and the slot serves on */
	assert_int_equal(get(fetch, "/busy", 5000).status, 503);
	fetch_free(fetch);
}

static void test_deadline(void **state)
{
	struct fetch *fetch = open_fetch(1);
	struct fetch_outcome outcome = get(fetch, "/hang", 150);

	(void)state;
	assert_int_equal(outcome.status, 0);
	assert_non_null(outcome.problem);
	assert_in_range(outcome.duration_us, 100000, 3000000);
	fetch_free(fetch);
}

static void test_waits_no_longer_than_told(void **state)
{
	struct fetch *fetch = open_fetch(1);
	struct fetch_outcome outcome;

	(void)state;
	assert_int_equal(fetch_wait(fetch, -1, &outcome), ERR_ABSENT);
	assert_int_equal(fetch_add(fetch, &(struct fetch_request){ .url = url("/hang"),
		                                                   .timeout_ms = 60000 }),
	                 ERR_NONE);
	assert_int_equal(fetch_wait(fetch, 50, &outcome), ERR_PACE);
	assert_int_equal(fetch_wait(fetch, 0, &outcome), ERR_PACE);
	/* full; and what is under way is broken off */
	assert_int_equal(fetch_add(fetch, &(struct fetch_request){ .url = url("/busy"),
		                                                   .timeout_ms = 60000 }),
	                 ERR_PACE);
	fetch_free(fetch);
}

static void test_refuses_other_schemes(void **state)
{
	static const char *const urls[] = {
		"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "127.0.0.1/x",
		"", "http://", "http:// /", "javascript:alert(1)", "dict://127.0.0.1:11211/stat",
	};
	struct fetch *fetch = open_fetch(1);

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(fetch_add(fetch, &(struct fetch_request){ .url = urls[i],
			                                                   .timeout_ms = 1000 }),
		                 ERR_INPUT);
	assert_int_equal(fetch_count(fetch), 0);
	assert_true(fetch_can_reach("HTTPS://example.org/hook/x"));
	fetch_free(fetch);
}

/* The server answers none of them before all have come. */
static void test_many_at_once(void **state)
{
	struct fetch *fetch = open_fetch(MANY);
	bool came[MANY] = { false };
	struct fetch_outcome outcome;

	(void)state;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(fetch_add(fetch, &(struct fetch_request){ .url = url("/meet"),
			                                                   .timeout_ms = 20000,
			                                                   .user = &came[i] }),
		                 ERR_NONE);
	while (fetch_wait(fetch, -1, &outcome) == ERR_NONE) {
		assert_int_equal(outcome.status, 200);
		assert_true(str_is(outcome.body, "met"));
		*(bool *)outcome.user = true;
	}
	for (int i = 0; i < MANY; i++)
		assert_true(came[i]);
	fetch_free(fetch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_keeps_connections),
		cmocka_unit_test(test_does_not_follow),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_failures_have_words),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_waits_no_longer_than_told),
		cmocka_unit_test(test_refuses_other_schemes),
		cmocka_unit_test(test_many_at_once),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start_server, NULL);
}
