/* SPDX-License-Identifier: ISC */
/* Against a test server on 127.0.0.1 with a thread for each connection; the path selects its
   behaviour. Names end in .test, and are resolved here. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/clock.h"
#include "http/http_client.h"

enum { LONG = 1000000, MEDIUM = 50000, MANY = 64, CROWD = 1000 };

static int port;
static int silent_port;	       /* takes connections, and that is all */
static atomic_int connections; /* accepted so far */
static atomic_int closed;      /* requests to /close */
static atomic_int meeting;     /* requests that wait in /meet */

/* ---- names */

static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER; /* held: hang.test stays unanswered */

/* Each name with its addresses. */
static const char *const zone[][3] = {
	{ "loop.test", "127.0.0.1", NULL },
	{ "private.test", "10.255.255.1", NULL },
	{ "both.test", "192.168.255.1", "127.0.0.1" },
	{ "hang.test", "127.0.0.1", NULL },
};

static int look_up(const char *address, const char *service, const struct addrinfo *hints,
		   struct addrinfo **found)
{
	typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	lookup *real;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(address, service, hints, found);
}

/* libcurl calls it instead of the C library's function. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	struct addrinfo **end = found;

	*found = NULL;
	if (strcmp(name, "hang.test") == 0) {
		pthread_mutex_lock(&names);
		pthread_mutex_unlock(&names);
	}
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		if (strcmp(zone[i][0], name) != 0)
			continue;
		for (size_t place = 1; place < 3 && zone[i][place]; place++) {
			if (look_up(zone[i][place], service, hints, end))
				return EAI_FAIL;
			while (*end)
				end = &(*end)->ai_next;
		}
		return 0;
	}
	return EAI_NONAME;
}

/* ---- the server */

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

static void send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

static void answer(int fd, const char *status, const char *header, struct str body)
{
	char head[300];
	int len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n",
			   status, header, body.len);

	send_all(fd, head, (size_t)len);
	send_all(fd, body.at, body.len);
}

static void answer_long(int fd, size_t len)
{
	struct str body = { mem_zero(len, 1), len };

	answer(fd, "200 OK", "", body);
	free((void *)(uintptr_t)body.at);
}

static void answer_with_headers(int fd, size_t count)
{
	struct buf headers = { 0 };

	/* an informational answer before the final one (RFC 8297) */
	send_text(fd, "HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\nX-Early: yes\r\n\r\n");
	buf_add_text(&headers, "retry-after: \t120 \r\nRetry-After: 7\r\nX-Empty:\r\nX-Long: ");
	for (size_t i = 0; i < 1001; i++)
		buf_add_char(&headers, 'x');
	buf_add_text(&headers, "\r\n");
	for (size_t i = 0; i < count; i++)
		buf_addf(&headers, "X-Number-%zu: %0100zu\r\n", i, i);
	buf_addf(&headers, "Content-Length: 2\r\n\r\nok");
	send_text(fd, "HTTP/1.1 429 Too Many Requests\r\n");
	send_all(fd, headers.at, headers.len);
	buf_done(&headers);
}

/* Until the client closes the connection. */
static void answer_without_end(int fd)
{
	static const char piece[] = "5\r\nhello\r\n";

	send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (send(fd, piece, sizeof(piece) - 1, MSG_NOSIGNAL) > 0)
		;
}

/* false: the connection ends. */
static bool serve(int fd, struct str whole, struct str path)
{
	if (str_is(path, "/hang")) {
		char byte;

		/* until the client closes the connection */
		return recv(fd, &byte, 1, 0) > 0;
	}
	if (str_is(path, "/close")) {
		atomic_fetch_add(&closed, 1);
		return false;
	}
	if (str_is(path, "/cut")) {
		send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
		return false;
	}
	if (str_is(path, "/echo")) {
		answer(fd, "200 OK", "", whole);
	} else if (str_is(path, "/long")) {
		answer_long(fd, LONG);
	} else if (str_is(path, "/medium")) {
		answer_long(fd, MEDIUM);
	} else if (str_is(path, "/headers")) {
		answer_with_headers(fd, 10);
	} else if (str_is(path, "/headers/many")) {
		answer_with_headers(fd, 1000);
	} else if (str_is(path, "/endless")) {
		answer_without_end(fd);
		return false;
	} else if (str_is(path, "/moved")) {
		answer(fd, "302 Found", "Location: /echo\r\n", str_of(""));
	} else if (str_is(path, "/meet")) {
		/* answers no request before all have arrived */
		atomic_fetch_add(&meeting, 1);
		while (atomic_load(&meeting) < MANY)
			usleep(1000);
		answer(fd, "200 OK", "", str_of("met"));
	} else {
		answer(fd, "503 Busy", "", str_of("{\"error\":\"busy\"}"));
	}
	return true;
}

/* The length of the complete request at the start of `got`; 0: it is not complete. */
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
	int fd = (int)(intptr_t)argument, yes = 1;
	struct buf got = { 0 };
	char piece[4096];
	ssize_t count;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
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

static int listen_somewhere(int *listener)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	*listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*listener, (struct sockaddr *)&at, sizeof(at)) || listen(*listener, SOMAXCONN) ||
	    getsockname(*listener, (struct sockaddr *)&at, &len))
		return -1;
	return ntohs(at.sin_port);
}

static int start_server(void **state)
{
	int listener, silent;
	pthread_t thread;

	(void)state;
	port = listen_somewhere(&listener);
	silent_port = listen_somewhere(&silent);
	if (port < 0 || silent_port < 0)
		return -1;
	return pthread_create(&thread, NULL, server, (void *)(intptr_t)listener);
}

/* ---- the client */

static const char *url(const char *path)
{
	static char text[100];

	snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", port, path);
	return text;
}

static const char *url_at(const char *host)
{
	static char text[100];

	snprintf(text, sizeof(text), "http://%s:%d/busy", host, port);
	return text;
}

static struct http_client *open_fetch(size_t requests_max)
{
	return http_client_new(&(struct http_client_options){
		.requests_max = requests_max, .answer_max = 10000, .agent = "test/1" });
}

static struct http_client_result get_url(struct http_client *client, const char *whole,
					 int64_t timeout_ms)
{
	struct http_client_result outcome = { 0 };

	assert_err(ERR_NONE,
		   http_client_add(client, &(struct http_client_request){
						   .url = whole, .timeout_ms = timeout_ms }));
	assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
	return outcome;
}

static struct http_client_result get(struct http_client *client, const char *path,
				     int64_t timeout_ms)
{
	return get_url(client, url(path), timeout_ms);
}

static bool contains(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static void test_post(void **state)
{
	struct http_client *client = open_fetch(2);
	struct http_client_result outcome;
	int user;

	(void)state;
	assert_int_equal(
		http_client_add(
			client,
			&(struct http_client_request){
				.url = url("/echo"),
				.headers = (const char *const[]){ "Content-Type: application/json",
								  "X-Mine: yes", NULL },
				.body = { "a\0b", 3 },
				.timeout_ms = 5000,
				.user = &user }),
		ERR_NONE);
	assert_int_equal(http_client_count(client), 1);
	assert_int_equal(http_client_wait(client, -1, &outcome), ERR_NONE);
	assert_int_equal(http_client_count(client), 0);
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
	/* the next request of the same slot has no value of it */
	outcome = get(client, "/echo", 5000);
	assert_true(str_starts(outcome.body, "GET /echo HTTP/1.1\r\n"));
	assert_false(contains(outcome.body, "X-Mine"));
	http_client_free(client);
}

static void test_keeps_connections(void **state)
{
	struct http_client *client = open_fetch(1);
	int before = atomic_load(&connections);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(client, "/busy", 5000).status, 503);
	assert_int_equal(atomic_load(&connections) - before, 1);
	http_client_free(client);
}

/* libcurl repeats a request when a reused connection ends without an answer. A request with a
   body is sent only once, unless a repetition does no harm. */
static void test_sends_once(void **state)
{
	struct http_client *client = open_fetch(1);
	struct http_client_request request = { .url = mem_dup(str_of(url("/close"))),
					       .body = LIT("{}"),
					       .timeout_ms = 5000 };
	struct http_client_result outcome;

	(void)state;
	for (int round = 0; round < 8; round++) {
		int before = atomic_load(&closed);
		bool twice = (round & 3) == 1 || round == 4;

		assert_int_equal(get(client, "/busy", 5000).status, 503);
		request.may_repeat = round & 1;
		request.is_sent_once = round & 2;
		/* 4 to 7: without a body; they may be repeated */
		if (round == 4) {
			request.body = (struct str){ 0 };
			request.method = "GET";
		}
		twice = twice || round == 5;
		assert_err(ERR_NONE, http_client_add(client, &request));
		assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
		assert_int_equal(outcome.status, 0);
		assert_int_equal(atomic_load(&closed) - before, twice ? 2 : 1);
		assert_int_equal(outcome.is_stale, round == 0);
		if (outcome.is_stale)
			assert_string_equal(outcome.problem, "the connection, which was kept from "
							     "before, ended without an answer");
	}
	free((void *)(uintptr_t)request.url);
	http_client_free(client);
}

static void test_does_not_follow(void **state)
{
	struct http_client *client = open_fetch(1);
	struct http_client_result outcome = get(client, "/moved", 5000);

	(void)state;
	assert_int_equal(outcome.status, 302);
	assert_null(outcome.problem);
	http_client_free(client);
}

static void test_no_proxy(void **state)
{
	struct http_client *client;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	client = open_fetch(1);
	assert_int_equal(get(client, "/busy", 5000).status, 503);
	http_client_free(client);
}

static void test_failures_have_words(void **state)
{
	static const char *const paths[] = { "/close", "/cut", "/long" };
	struct http_client *client = open_fetch(1);
	struct http_client_result outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		outcome = get(client, paths[i], 5000);
		assert_int_equal(outcome.status, 0);
		assert_non_null(outcome.problem);
		assert_true(outcome.problem[0]);
		assert_int_equal(outcome.failure, HTTP_CLIENT_BROKEN);
	}
	assert_true(outcome.body.len <= 10000);
	/* and the slot is still usable */
	assert_int_equal(get(client, "/busy", 5000).status, 503);
	http_client_free(client);
}

static void test_deadline(void **state)
{
	struct http_client *client = open_fetch(1);
	struct http_client_result outcome = get(client, "/hang", 150);

	(void)state;
	assert_int_equal(outcome.status, 0);
	assert_non_null(outcome.problem);
	assert_int_equal(outcome.failure, HTTP_CLIENT_SLOW);
	assert_in_range(outcome.duration_us, 100000, 3000000);
	http_client_free(client);
}

static void test_waits_no_longer_than_given(void **state)
{
	struct http_client *client = open_fetch(1);
	struct http_client_result outcome;

	(void)state;
	assert_int_equal(http_client_wait(client, -1, &outcome), ERR_ABSENT);
	assert_int_equal(
		http_client_add(client, &(struct http_client_request){ .url = url("/hang"),
								       .timeout_ms = 60000 }),
		ERR_NONE);
	assert_int_equal(http_client_wait(client, 50, &outcome), ERR_PACE);
	assert_int_equal(http_client_wait(client, 0, &outcome), ERR_PACE);
	/* all slots are in use; and requests in flight are aborted */
	assert_int_equal(
		http_client_add(client, &(struct http_client_request){ .url = url("/busy"),
								       .timeout_ms = 60000 }),
		ERR_PACE);
	http_client_free(client);
}

static void test_refuses_other_urls(void **state)
{
	static const char *const urls[] = {
		"file:///etc/passwd",
		"ftp://127.0.0.1/x",
		"gopher://127.0.0.1/",
		"127.0.0.1/x",
		"",
		"http://",
		"http:// /",
		"javascript:alert(1)",
		"dict://127.0.0.1:11211/stat",
		/* a user and password would reach the log, and hide the host */
		"http://user@127.0.0.1/",
		"http://user:secret@127.0.0.1/",
		"https://example.org@127.0.0.1/",
		/* hosts that become something else after conversion */
		"http://example.org／x/",
		"http://example.org＠127.0.0.1/",
		"http://a：80/",
		"http://a？b/",
		"http://exa%20mple.org/",
		"http://example.org%2F@127.0.0.1/",
		"http://a%00b/",
		"http://\xff.example/",
	};
	struct http_client *client = open_fetch(1);

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(http_client_add(client,
						 &(struct http_client_request){
							 .url = urls[i], .timeout_ms = 1000 }),
				 ERR_INPUT);
	assert_int_equal(http_client_count(client), 0);
	assert_true(http_client_can_reach("HTTPS://example.org/hook/x"));
	assert_true(http_client_can_reach("https://bücher.example/hook/x?y=ü"));
	http_client_free(client);
}

/* The server answers none of them before all have arrived. */
static void test_many_at_once(void **state)
{
	struct http_client *client = open_fetch(MANY);
	bool came[MANY] = { false };
	struct http_client_result outcome;

	(void)state;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(
			http_client_add(client, &(struct http_client_request){ .url = url("/meet"),
									       .timeout_ms = 20000,
									       .user = &came[i] }),
			ERR_NONE);
	while (http_client_wait(client, -1, &outcome) == ERR_NONE) {
		assert_int_equal(outcome.status, 200);
		assert_true(str_is(outcome.body, "met"));
		*(bool *)outcome.user = true;
	}
	for (int i = 0; i < MANY; i++)
		assert_true(came[i]);
	http_client_free(client);
}

static void test_methods(void **state)
{
	static const struct {
		const char *method;
		const char *body;	    /* NULL: none */
		const char *first, *length; /* length NULL: no Content-Length */
	} cases[] = {
		{ "PUT", "{}", "PUT /echo HTTP/1.1\r\n", "\r\nContent-Length: 2\r\n" },
		{ "PATCH", "[1]", "PATCH /echo HTTP/1.1\r\n", "\r\nContent-Length: 3\r\n" },
		{ "DELETE", NULL, "DELETE /echo HTTP/1.1\r\n", NULL },
		{ "DELETE", "{}", "DELETE /echo HTTP/1.1\r\n", "\r\nContent-Length: 2\r\n" },
		{ NULL, NULL, "GET /echo HTTP/1.1\r\n", NULL },
		{ "PUT", NULL, "PUT /echo HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		{ "POST", NULL, "POST /echo HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		{ NULL, "", "POST /echo HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
		{ "GET", NULL, "GET /echo HTTP/1.1\r\n", NULL },
	};
	struct http_client *client = open_fetch(1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_client_result outcome;

		assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
								     .method = cases[i].method,
								     .url = url("/echo"),
								     .body = str_of(cases[i].body),
								     .timeout_ms = 5000 }));
		assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
		assert_int_equal(200, outcome.status);
		assert_true(str_starts(outcome.body, cases[i].first));
		assert_true(
			contains(outcome.body, cases[i].length ? cases[i].length : "\r\nAccept:"));
		if (!cases[i].length)
			assert_false(contains(outcome.body, "Content-Length"));
	}
	http_client_free(client);
}

static void test_headers_are_lines(void **state)
{
	static const char *const wrong[] = { "X-A: b\r\nX-C: d", "X-A: b\n", "X-A: \rb" };
	struct http_client *client = open_fetch(1);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_err(
			ERR_INPUT,
			http_client_add(client,
					&(struct http_client_request){
						.url = url("/echo"),
						.headers = (const char *const[]){ "X-Fine: yes",
										  wrong[i], NULL },
						.timeout_ms = 5000 }));
	assert_int_equal(0, http_client_count(client));
	http_client_free(client);
}

static void test_answer_headers(void **state)
{
	static const char *const wanted[] = { "Retry-After", "X-Empty",	 "x-long",
					      "X-Early",     "X-Absent", NULL };
	struct http_client *client = http_client_new(&(struct http_client_options){
		.requests_max = 1, .answer_max = 10000, .wanted = wanted });

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(429, get(client, "/headers", 5000).status);
		assert_str(http_client_header(client, "Retry-After"), "120");
		assert_str(http_client_header(client, "retry-after"), "120");
		assert_str(http_client_header(client, "X-Empty"), "");
		assert_non_null(http_client_header(client, "X-Empty").at);
		assert_null(http_client_header(client, "X-Long").at);
		assert_null(http_client_header(client, "X-Early").at);
		assert_null(http_client_header(client, "X-Absent").at);
		assert_null(http_client_header(client, "Content-Length").at);
		/* the next answer has none of their values */
		assert_int_equal(503, get(client, "/busy", 5000).status);
		assert_null(http_client_header(client, "Retry-After").at);
	}
	http_client_free(client);
}

static void test_headers_have_a_limit(void **state)
{
	struct http_client *client = open_fetch(1);
	struct http_client_result outcome = get(client, "/headers/many", 5000);

	(void)state;
	assert_int_equal(0, outcome.status);
	assert_string_equal("the answer's headers are larger than allowed", outcome.problem);
	http_client_free(client);
}

static void test_cuts_answers(void **state)
{
	static const char *const paths[] = { "/long", "/endless" };
	struct http_client *client = http_client_new(&(struct http_client_options){
		.requests_max = 1, .answer_max = 1000, .cuts_answers = true });
	struct http_client_result outcome;
	int before = atomic_load(&connections);

	(void)state;
	/* a little too long: read to its end, so that the connection can be kept */
	for (int i = 0; i < 5; i++) {
		outcome = get(client, "/medium", 5000);
		assert_int_equal(200, outcome.status);
		assert_true(outcome.is_cut);
		assert_int_equal(1000, outcome.body.len);
	}
	assert_int_equal(1, atomic_load(&connections) - before);
	for (size_t i = 0; i < 2; i++) {
		outcome = get(client, paths[i], 60000);
		assert_int_equal(200, outcome.status);
		assert_null(outcome.problem);
		assert_true(outcome.is_cut);
		assert_int_equal(1000, outcome.body.len);
		assert_true(outcome.duration_us < 30000000);
	}
	outcome = get(client, "/busy", 5000);
	assert_false(outcome.is_cut);
	assert_int_equal(503, outcome.status);
	/* an answer that ends too early is still a failure */
	assert_int_equal(0, get(client, "/cut", 5000).status);
	http_client_free(client);
}

/* ---- the guard */

static struct http_client *open_guarded(const struct ip_networks *allowed)
{
	return http_client_new(&(struct http_client_options){
		.requests_max = 1, .answer_max = 10000, .is_guarded = true, .allowed = allowed });
}

static void test_guard_refuses(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1",
		"127.1",
		"2130706433",
		"0x7f000001",
		"0177.0.0.1",
		"0",
		"0.0.0.0",
		"127.255.0.1",
		"10.0.0.1",
		"169.254.169.254",
		"192.168.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"[::1]",
		"[::]",
		"[::ffff:127.0.0.1]",
		"[64:ff9b::7f00:1]",
		"[2002:7f00:1::1]",
		"[fe80::1]",
		"[fc00::1]",
		"loop.test",
		"private.test",
		"both.test",
		/* equal after IDNA and percent-encoding */
		"１２７.0.0.1",
		"127。0。0。1",
		"１２７．０．０．１",
		"127｡0.0.1",
		"①②⑦.0.0.1",
		"%31%32%37.0.0.1",
		"%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
		"０x7f000001",
		"ｌｏｏｐ.test",
		"loop。test",
		"LOOP.TEST",
		"l%6Fop.test",
		"１6９.254.169.254",
		"[::FFFF:127.0.0.1]",
		"𝟏𝟐𝟕.0.0.1",
		"lo\302\255op.test",
	};
	struct http_client *client = open_guarded(NULL);
	int before = atomic_load(&connections);
	struct http_client_result outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		outcome = get_url(client, url_at(hosts[i]), 5000);
		if (outcome.status || !outcome.is_refused ||
		    !strstr(outcome.problem, ", and not allowed"))
			fail_msg("%s: status %d, %s", hosts[i], outcome.status, outcome.problem);
	}
	assert_string_equal("127.0.0.1 is a loopback address, and not allowed",
			    get_url(client, url_at("loop.test"), 5000).problem);
	assert_string_equal("10.255.255.1 is an address of a private network, and not allowed",
			    get_url(client, url_at("private.test"), 5000).problem);
	/* a refused address looks like an unknown name to the subscriber */
	outcome = get_url(client, url_at("private.test"), 5000);
	assert_string_equal("its host has no public address", http_client_explain(&outcome));
	outcome = get_url(client, url_at("absent.test"), 5000);
	assert_string_equal("its host has no public address", http_client_explain(&outcome));
	/* this one was not refused by the filter */
	assert_false(get_url(client, url_at("absent.test"), 5000).is_refused);
	assert_int_equal(get_url(client, url_at("absent.test"), 5000).failure, HTTP_CLIENT_NAME);
	assert_int_equal(get_url(client, url_at("loop.test"), 5000).failure, HTTP_CLIENT_CONNECT);
	assert_int_equal(0, atomic_load(&connections) - before);
	http_client_free(client);
}

static void test_guard_allows_what_is_set(void **state)
{
	struct ip_networks allowed = { 0 };
	struct buf problem = { 0 };
	struct http_client_result outcome;
	struct http_client *client;

	(void)state;
	assert_err(ERR_NONE, ip_networks_read(&allowed, LIT("127.0.0.1"), &problem));
	client = open_guarded(&allowed);
	assert_int_equal(503, get_url(client, url_at("127.0.0.1"), 5000).status);
	assert_int_equal(503, get_url(client, url_at("loop.test"), 5000).status);
	/* one of its addresses is allowed, and only that one gets the request */
	assert_int_equal(503, get_url(client, url_at("both.test"), 5000).status);
	outcome = get_url(client, url_at("127.0.0.2"), 5000);
	assert_int_equal(0, outcome.status);
	assert_true(outcome.is_refused);
	/* and without a filter all addresses are allowed */
	http_client_free(client);
	client = open_fetch(1);
	assert_int_equal(503, get_url(client, url_at("loop.test"), 5000).status);
	http_client_free(client);
	ip_networks_done(&allowed);
	buf_done(&problem);
}

/* ---- waiting */

/* A silent name server delays only its own request, and not beyond its time limit. */
static void test_names_that_hang(void **state)
{
	struct http_client *client = http_client_new(&(struct http_client_options){
		.requests_max = 2, .answer_max = 10000, .connect_ms = 300 });
	struct http_client_result outcome;
	int64_t began = clock_ms();
	int user;

	(void)state;
	pthread_mutex_lock(&names);
	assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
							     .url = url_at("hang.test"),
							     .timeout_ms = 60000,
							     .user = &user }));
	assert_int_equal(503, get(client, "/busy", 5000).status);
	assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
	assert_ptr_equal(&user, outcome.user);
	assert_int_equal(0, outcome.status);
	assert_false(outcome.is_refused);
	assert_in_range(clock_ms() - began, 250, 20000);
	assert_int_equal(503, get(client, "/busy", 5000).status);
	/* closing the client does not wait for it either */
	assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
							     .url = url_at("hang.test"),
							     .timeout_ms = 60000 }));
	assert_err(ERR_PACE, http_client_wait(client, 20, &outcome));
	http_client_free(client);
	pthread_mutex_unlock(&names);
}

/* There is one descriptor to wait for, whatever requests are in flight. */
static void test_waits_with_others(void **state)
{
	struct http_client *client = open_fetch(3);
	struct http_client_result outcome;
	struct pollfd fds[2];
	bool came[2] = { false };
	char url_silent[100];
	int ends[2];

	(void)state;
	assert_int_equal(0, pipe(ends));
	assert_int_equal(-1, http_client_poll(client, &fds[0]));
	assert_int_equal(-1, fds[0].fd);
	assert_err(ERR_ABSENT, http_client_take(client, &outcome));
	snprintf(url_silent, sizeof(url_silent), "http://127.0.0.1:%d/", silent_port);
	assert_err(ERR_NONE,
		   http_client_add(client, &(struct http_client_request){ .url = url_silent,
									  .timeout_ms = 60000 }));
	for (int i = 0; i < 2; i++)
		assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
								     .url = url("/busy"),
								     .timeout_ms = 20000,
								     .user = &came[i] }));
	while (!came[0] || !came[1]) {
		int wait_ms = http_client_poll(client, &fds[0]);
		enum err err;

		assert_true(fds[0].fd >= 0);
		fds[1] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		assert_true(poll(fds, 2, wait_ms) >= 0);
		while ((err = http_client_take(client, &outcome)) == ERR_NONE) {
			assert_int_equal(503, outcome.status);
			*(bool *)outcome.user = true;
		}
		assert_err(ERR_PACE, err);
	}
	/* the silent request alone: it does not become readable, but the pipe does */
	http_client_poll(client, &fds[0]);
	assert_int_equal(0, poll(fds, 2, 50));
	assert_int_equal(1, write(ends[1], "x", 1));
	assert_int_equal(1, poll(fds, 2, 5000));
	assert_int_equal(0, fds[0].revents);
	http_client_free(client);
	close(ends[0]);
	close(ends[1]);
}

/* A thousand silent servers do not delay another one. */
static void test_crowd(void **state)
{
	struct http_client *client = open_fetch(CROWD + 1);
	struct http_client_result outcome;
	char url_silent[100];

	(void)state;
	snprintf(url_silent, sizeof(url_silent), "http://127.0.0.1:%d/", silent_port);
	for (int i = 0; i < CROWD; i++)
		assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
								     .url = url_silent,
								     .timeout_ms = 60000,
								     .user = client }));
	assert_err(ERR_PACE, http_client_wait(client, 500, &outcome));
	assert_int_equal(CROWD, http_client_count(client));
	for (int i = 0; i < 100; i++) {
		assert_err(ERR_NONE, http_client_add(client, &(struct http_client_request){
								     .url = url("/busy"),
								     .timeout_ms = 20000 }));
		assert_err(ERR_NONE, http_client_wait(client, -1, &outcome));
		assert_null(outcome.user);
		assert_int_equal(503, outcome.status);
		assert_true(outcome.duration_us < 5000000);
	}
	http_client_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_keeps_connections),
		cmocka_unit_test(test_sends_once),
		cmocka_unit_test(test_does_not_follow),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_failures_have_words),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_waits_no_longer_than_given),
		cmocka_unit_test(test_refuses_other_urls),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_headers_are_lines),
		cmocka_unit_test(test_answer_headers),
		cmocka_unit_test(test_headers_have_a_limit),
		cmocka_unit_test(test_cuts_answers),
		cmocka_unit_test(test_guard_refuses),
		cmocka_unit_test(test_guard_allows_what_is_set),
		cmocka_unit_test(test_names_that_hang),
		cmocka_unit_test(test_waits_with_others),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests_name("fetch", tests, start_server, NULL);
}
