/* SPDX-License-Identifier: ISC */
/* FastCGI over a socket, written byte by byte. Client and server are the same process, so no
   test waits for another process. Plain CGI is in test_http_server_cgi. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_server.h"
#include "http/listener.h"
#include "scratch.h"
#include "wire.h"

enum { BODY_MAX = 100000, BATCH = 8, TIMEOUT_MS = 30000 };

static struct http *http;
static int listen_fd;

static struct http_options standard(void)
{
	return (struct http_options){ .base_path = NULL,
				      .batch_max = BATCH,
				      .batch_max_bytes = 1 << 20,
				      .body_max = BODY_MAX,
				      .timeout_ms = TIMEOUT_MS,
				      .connections_max = 1000 };
}

static void serve_as(struct http_options options)
{
	struct buf address = { 0 }, problem = { 0 };

	scratch_make();
	buf_addf(&address, "unix:%s", scratch_path("socket"));
	assert_err(ERR_NONE, listener_open(buf_text(&address), &listen_fd, &problem));
	http = http_open(listen_fd, &options);
	assert_false(http_is_cgi(http));
	buf_done(&address);
	buf_done(&problem);
}

static int serving(void **state)
{
	(void)state;
	serve_as(standard());
	return 0;
}

static int served(void **state)
{
	(void)state;
	http_close(http);
	close(listen_fd);
	scratch_remove();
	return 0;
}

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scratch_path("socket"));
	assert_int_equal(0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void send_str(int fd, struct str bytes)
{
	assert_int_equal(bytes.len, send(fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int client_sends(const struct buf *bytes)
{
	int fd = client();

	send_str(fd, buf_str(bytes));
	return fd;
}

/* Gathers until there is a request, for at most half a second. */
static size_t gather(void)
{
	int64_t until = clock_ms() + 500;

	do {
		assert_true(http_gather(http, NULL, 0, 20));
		if (http_count(http))
			return http_count(http);
	} while (clock_ms() < until);
	return 0;
}

/* All work is done: there is no request to gather. */
static void settle(void)
{
	for (int i = 0; i < 3; i++)
		assert_true(http_gather(http, NULL, 0, 0));
}

static void assert_answer(int fd, const char *text)
{
	struct buf raw = { 0 }, out = { 0 };
	int64_t until = clock_ms() + 1000;

	while (!wire_answer(fd, &raw, &out) && clock_ms() < until)
		usleep(1000);
	if (!strstr(buf_text(&out), text))
		fail_msg("\"%s\" is not in the answer \"%s\"", text, buf_text(&out));
	close(fd);
	buf_done(&raw);
	buf_done(&out);
}

/* The server has closed this connection without an answer. */
static bool is_closed(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void a_request_is_read_and_answered(void **state)
{
	struct buf bytes = { 0 };
	struct http_req *req;
	int fd;

	(void)state;
	wire_post(&bytes, "/hook/abc?x=1", LIT("{\"a\":\"\0\"}"), -2);
	fd = client_sends(&bytes);
	assert_int_equal(1, gather());
	req = http_at(http, 0);
	assert_str(http_method(req), "POST");
	assert_str(http_path(req), "/hook/abc");
	assert_str(http_type(req), "application/json");
	assert_str(http_header(req, "REQUEST_URI"), "/hook/abc?x=1");
	assert_null(http_header(req, "REQUEST").at);
	assert_null(http_header(req, "HTTP_X_WEBHOOK_SIGNATURE_256").at);
	assert_int_equal(HTTP_WHOLE, http_flaw(req));
	assert_true(str_equal(http_body(req), LIT("{\"a\":\"\0\"}")));
	http_answer(req, 405, "Allow: POST", LIT("{\"error\":\"x\"}"));
	assert_true(http_gather(http, NULL, 0, 0));
	assert_answer(fd, "Status: 405 Method Not Allowed\r\nContent-Type: application/json\r\n"
			  "Content-Length: 13\r\nCache-Control: no-store\r\nAllow: POST\r\n\r\n"
			  "{\"error\":\"x\"}");
	buf_done(&bytes);
}

static void what_nobody_answers_is_a_fault(void **state)
{
	struct buf bytes = { 0 };
	int fd;

	(void)state;
	wire_post(&bytes, "/", LIT("x"), -2);
	fd = client_sends(&bytes);
	assert_int_equal(1, gather());
	assert_true(http_gather(http, NULL, 0, 0));
	assert_answer(fd, "Status: 500 Internal Server Error\r\n");
	buf_done(&bytes);
}

/* The request without its last byte comes one byte at a time; another client in between
   never waits. */
static void a_dripping_sender_stops_nobody(void **state)
{
	struct buf slow = { 0 }, quick = { 0 };
	int slow_fd, quick_fd;
	size_t served_meanwhile = 0;

	(void)state;
	wire_post(&slow, "/slow", LIT("{\"slow\":true}"), -2);
	wire_post(&quick, "/quick", LIT("{}"), -2);
	slow_fd = client();
	for (size_t i = 0; i < slow.len; i++) {
		send_str(slow_fd, (struct str){ slow.at + i, 1 });
		if (i == slow.len - 1)
			break;
		assert_true(http_gather(http, NULL, 0, 0));
		assert_int_equal(0, http_count(http));
		if (i % 10)
			continue;
		quick_fd = client_sends(&quick);
		assert_int_equal(1, gather());
		assert_str(http_path(http_at(http, 0)), "/quick");
		http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
		assert_true(http_gather(http, NULL, 0, 0));
		assert_answer(quick_fd, "Status: 200");
		served_meanwhile++;
	}
	assert_true(served_meanwhile > 10);
	assert_int_equal(1, gather());
	assert_str(http_path(http_at(http, 0)), "/slow");
	assert_str(http_body(http_at(http, 0)), "{\"slow\":true}");
	http_answer(http_at(http, 0), 200, NULL, LIT("{\"status\":\"OK\"}"));
	settle();
	assert_answer(slow_fd, "{\"status\":\"OK\"}");
	buf_done(&slow);
	buf_done(&quick);
}

static void a_request_may_come_in_two_pieces(void **state)
{
	struct buf bytes = { 0 };

	(void)state;
	wire_post(&bytes, "/hook/abc", LIT("{\"event_id\":1}"), -2);
	for (size_t cut = 1; cut < bytes.len; cut++) {
		int fd = client();

		send_str(fd, (struct str){ bytes.at, cut });
		assert_true(http_gather(http, NULL, 0, 0));
		assert_int_equal(0, http_count(http));
		send_str(fd, (struct str){ bytes.at + cut, bytes.len - cut });
		assert_int_equal(1, gather());
		assert_int_equal(HTTP_WHOLE, http_flaw(http_at(http, 0)));
		assert_str(http_body(http_at(http, 0)), "{\"event_id\":1}");
		http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
		settle();
		assert_answer(fd, "Status: 200");
	}
	buf_done(&bytes);
}

/* Sends while the server reads; false: the server stopped reading. */
static bool push(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t put = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0 && errno != EAGAIN)
			return false;
		if (put > 0) {
			bytes.at += put;
			bytes.len -= (size_t)put;
		}
		if (http_count(http))
			return true;
		assert_true(http_gather(http, NULL, 0, 0));
	}
	return true;
}

static void large_bodies_arrive_whole(void **state)
{
	static const size_t sizes[] = { 8191, 8192, 60000, 65536, 70000, BODY_MAX - 1, BODY_MAX };
	struct buf body = { 0 };

	(void)state;
	for (int i = 0; i < BODY_MAX; i++)
		buf_add_char(&body, (char)(i * 31 >> 3));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct str want = { body.at, sizes[i] };
		struct buf bytes = { 0 };
		int fd = client();

		wire_post(&bytes, "/hook/abc", want, i % 2 ? -1 : -2);
		assert_true(push(fd, buf_str(&bytes)));
		if (!http_count(http))
			assert_int_equal(1, gather());
		assert_int_equal(HTTP_WHOLE, http_flaw(http_at(http, 0)));
		assert_true(str_equal(want, http_body(http_at(http, 0))));
		http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
		settle();
		assert_answer(fd, "Status: 200");
		buf_done(&bytes);
	}
	buf_done(&body);
}

static void a_body_over_the_limit_is_answered(void **state)
{
	static const struct {
		size_t size;
		int64_t length;
	} cases[] = {
		{ 10, BODY_MAX + 1 }, /* announced */
		{ 10, INT64_MAX },    { BODY_MAX + 1, -2 },
		{ BODY_MAX + 1, -1 }, /* not announced */
		{ BODY_MAX + 1, 5 },  /* announced as small */
		{ 3000000, -1 },      /* far beyond what is ever read */
		{ 3000000, 3000000 }, { 3000000, 10 },
	};
	struct buf body = { 0 };

	(void)state;
	for (int i = 0; i < 3000000; i++)
		buf_add_char(&body, 'x');
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf bytes = { 0 };
		int fd = client();

		wire_post(&bytes, "/hook/abc", (struct str){ body.at, cases[i].size },
			  cases[i].length);
		assert_true(push(fd, buf_str(&bytes)));
		if (!http_count(http))
			assert_int_equal(1, gather());
		assert_int_equal(HTTP_TOO_BIG, http_flaw(http_at(http, 0)));
		http_answer(http_at(http, 0), 413, NULL, LIT("{\"error\":\"too large\"}"));
		settle();
		assert_answer(fd, "Status: 413 Content Too Large\r\n");
		settle();
		buf_done(&bytes);
	}
	buf_done(&body);
}

static void wrong_lengths_are_reported(void **state)
{
	static const struct {
		const char *body, *length;
		enum http_flaw flaw;
	} cases[] = {
		{ "12345", "5", HTTP_WHOLE },
		{ "12345", "05", HTTP_WHOLE },
		{ "", "0", HTTP_WHOLE },
		{ "12345", "", HTTP_WHOLE }, /* chunked, and the web server took that off */
		{ "", "", HTTP_NO_LENGTH },
		{ "12345", "4", HTTP_CUT_SHORT },
		{ "12345", "6", HTTP_CUT_SHORT },
		{ "12345", "0", HTTP_CUT_SHORT },
		{ "", "1", HTTP_CUT_SHORT },
		{ "12345", "-5", HTTP_CUT_SHORT },
		{ "12345", "+5", HTTP_CUT_SHORT },
		{ "12345", "5 ", HTTP_CUT_SHORT },
		{ "12345", "5,5", HTTP_CUT_SHORT },
		{ "12345", "0x5", HTTP_CUT_SHORT },
		{ "12345", "five", HTTP_CUT_SHORT },
		{ "12345", "18446744073709551621", HTTP_CUT_SHORT },
		{ "12345", "9223372036854775807", HTTP_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf bytes = { 0 }, params = { 0 };
		int fd;

		wire_param(&params, "REQUEST_METHOD", LIT("POST"));
		wire_param(&params, "CONTENT_LENGTH", str_of(cases[i].length));
		wire_begin(&bytes, 1, 0);
		wire_record(&bytes, WIRE_PARAMS, 1, buf_str(&params), 0);
		wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		if (*cases[i].body)
			wire_record(&bytes, WIRE_STDIN, 1, str_of(cases[i].body), 0);
		wire_record(&bytes, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		fd = client_sends(&bytes);
		assert_int_equal(1, gather());
		if (http_flaw(http_at(http, 0)) != cases[i].flaw)
			fail_msg("length \"%s\" for \"%s\" gave %d", cases[i].length, cases[i].body,
				 (int)http_flaw(http_at(http, 0)));
		assert_null(http_path(http_at(http, 0)).at);
		settle();
		assert_answer(fd, "Status: 500");
		buf_done(&bytes);
		buf_done(&params);
	}
}

static void paths_are_decoded_once(void **state)
{
	static const struct {
		const char *base, *uri;
		struct str path; /* at NULL: none */
	} cases[] = {
		{ "", "/hook/abc", { "/hook/abc", 9 } },
		{ "", "/hook/abc?a=/b?c", { "/hook/abc", 9 } },
		{ "", "/hook/%61b%63", { "/hook/abc", 9 } },
		{ "", "/hook/%2541", { "/hook/%41", 9 } },
		{ "", "/hook/%c3%A9", { "/hook/\xc3\xa9", 8 } },
		{ "", "/hook/a+b", { "/hook/a+b", 9 } },
		{ "", "/hook%2Fabc", { "/hook/abc", 9 } },
		{ "", "/../hook/abc", { "/../hook/abc", 12 } },
		{ "", "/%0a%0d%1b", { "/\n\r\x1b", 4 } },
		{ "", "/a%00b", { NULL, 0 } },
		{ "", "/a%", { NULL, 0 } },
		{ "", "/a%4", { NULL, 0 } },
		{ "", "/a%zz", { NULL, 0 } },
		{ "", "/a%+1", { NULL, 0 } },
		{ "", "", { NULL, 0 } },
		{ "", "?x", { NULL, 0 } },
		{ "", "hook/abc", { NULL, 0 } },
		{ "", "*", { NULL, 0 } },
		{ "/base", "/base/hook/abc", { "/hook/abc", 9 } },
		{ "/base", "/base/%68ook/abc", { "/hook/abc", 9 } },
		{ "/base", "/base", { NULL, 0 } },
		{ "/base", "/based/hook/abc", { NULL, 0 } },
		{ "/base", "/hook/abc", { NULL, 0 } },
		{ "/base", "/bas", { NULL, 0 } },
		{ "/base", "/other/base/hook/abc", { NULL, 0 } },
		{ "/base", "/base?/hook/abc", { NULL, 0 } },
		{ "/~user/hl", "/~user/hl/hook/abc", { "/hook/abc", 9 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_options options = standard();
		struct buf bytes = { 0 };
		struct str path;
		int fd;

		options.base_path = cases[i].base;
		serve_as(options);
		wire_post(&bytes, cases[i].uri, LIT("{}"), -2);
		fd = client_sends(&bytes);
		assert_int_equal(1, gather());
		path = http_path(http_at(http, 0));
		if (!str_equal(path, cases[i].path) || !path.at != !cases[i].path.at)
			fail_msg("%s below \"%s\" gave \"%.*s\"", cases[i].uri, cases[i].base,
				 (int)path.len, path.at ? path.at : "nothing");
		close(fd);
		served(NULL);
		buf_done(&bytes);
	}
}

static void nonsense(struct buf *out, int which)
{
	struct buf params = { 0 };

	wire_param(&params, "REQUEST_METHOD", LIT("POST"));
	switch (which) {
	case 0: /* another protocol */
		buf_add_text(out, "POST /hook/abc HTTP/1.1\r\nHost: a\r\n\r\n{}");
		break;
	case 1: /* another version */
		wire_begin(out, 1, 0);
		out->at[0] = 2;
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 2: /* aborted */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 1, buf_str(&params), 0);
		wire_record(out, WIRE_ABORT, 1, (struct str){ 0 }, 0);
		break;
	case 3: /* no beginning */
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 4: /* a role that nobody asked for */
		wire_begin(out, 9, 0);
		wire_record(out, WIRE_PARAMS, 1, buf_str(&params), 0);
		wire_record(out, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 5: /* the body ends before the parameters do */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 1, buf_str(&params), 0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 6: /* a name and a value longer than all that follows */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 1,
			    LIT("\xff\xff\xff\xff\xff\xff\xff\xff"
				"ab"),
			    0);
		wire_record(out, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 7: /* cut in the middle of a length */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 1, LIT("\x80\x00"), 0);
		wire_record(out, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 8: /* a request to the application itself, and nothing else */
		wire_record(out, 9, 0,
			    LIT("\x0e\x00"
				"FCGI_MAX_CONNS"),
			    0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 9: /* of somebody else */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 2, buf_str(&params), 0);
		wire_record(out, WIRE_STDIN, 2, (struct str){ 0 }, 0);
		break;
	case 10: /* a begin record that is too short */
		wire_record(out, WIRE_BEGIN, 1, LIT("\0\1"), 0);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 11: /* records of unknown types */
		for (int type = 12; type < 256; type += 50)
			wire_record(out, type, 1, LIT("what"), 5);
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		break;
	case 12: /* two beginnings */
		wire_begin(out, 1, 0);
		wire_begin(out, 1, 0);
		break;
	case 13: /* parameters after their end */
		wire_begin(out, 1, 0);
		wire_record(out, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		wire_record(out, WIRE_PARAMS, 1, buf_str(&params), 0);
		break;
	default: { /* noise */
		uint32_t seed = (uint32_t)which * 2654435761u;

		for (int i = 0; i < 400; i++) {
			seed = seed * 1664525 + 1013904223;
			buf_add_char(out, i % 8 == 0 ? 1 : i % 8 == 4 ? 0 : (char)(seed >> 24));
		}
		wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
	}
	}
	buf_done(&params);
}

/* Any invalid bytes, whole or in pieces: none is a request, other clients are not affected, and
   no descriptor stays open. */
static void nonsense_is_hung_up_on(void **state)
{
	struct buf good = { 0 };
	size_t before;

	(void)state;
	wire_post(&good, "/good", LIT("{}"), -2);
	settle();
	before = open_descriptors();
	for (int which = 0; which < 60; which++) {
		for (int piecewise = 0; piecewise < 2; piecewise++) {
			struct buf bytes = { 0 };
			int64_t begun = clock_ms();
			int fd = client(), good_fd;

			nonsense(&bytes, which);
			if (piecewise) {
				send_str(fd, (struct str){ bytes.at, bytes.len / 2 });
				assert_true(http_gather(http, NULL, 0, 0));
				assert_int_equal(0, http_count(http));
				if (send(fd, bytes.at + bytes.len / 2, bytes.len - bytes.len / 2,
					 MSG_NOSIGNAL) < 0)
					assert_int_equal(EPIPE, errno);
			} else {
				send_str(fd, buf_str(&bytes));
			}
			good_fd = client_sends(&good);
			if (gather() != 1)
				fail_msg("%zu requests after nonsense %d, %s", http_count(http),
					 which, piecewise ? "in two pieces" : "at once");
			assert_str(http_path(http_at(http, 0)), "/good");
			http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
			settle();
			assert_answer(good_fd, "Status: 200");
			/* and the server did not wait for its end */
			assert_true(clock_ms() - begun < 900);
			if (!is_closed(fd))
				fail_msg("still connected after nonsense %d", which);
			close(fd);
			settle();
			buf_done(&bytes);
		}
	}
	assert_int_equal(before, open_descriptors());
	buf_done(&good);
}

static void who_hangs_up_is_forgotten(void **state)
{
	struct buf bytes = { 0 };
	size_t before;

	(void)state;
	wire_post(&bytes, "/hook/abc", LIT("{}"), -2);
	settle();
	before = open_descriptors();
	for (size_t len = 0; len < bytes.len; len += 7) {
		int fd = client();

		if (len)
			send_str(fd, (struct str){ bytes.at, len });
		if (len % 2)
			settle();
		close(fd);
		settle();
		assert_int_equal(0, http_count(http));
	}
	/* and before its answer */
	for (int i = 0; i < 20; i++) {
		int fd = client_sends(&bytes);

		assert_int_equal(1, gather());
		close(fd);
		http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
		settle();
	}
	assert_int_equal(before, open_descriptors());
	buf_done(&bytes);
}

static void many_at_once_are_batches(void **state)
{
	enum { MANY = 100 };
	int fds[MANY];
	size_t answered = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct buf bytes = { 0 };
		char uri[32];

		snprintf(uri, sizeof(uri), "/hook/%d", i);
		wire_post(&bytes, uri, str_of(uri), -2);
		fds[i] = client();
		/* half of them in two pieces */
		send_str(fds[i], (struct str){ bytes.at, i % 2 ? bytes.len : 40 });
		buf_done(&bytes);
	}
	settle(); /* these are answered 500 */
	for (int i = 0; i < MANY; i += 2) {
		struct buf bytes = { 0 };
		char uri[32];

		snprintf(uri, sizeof(uri), "/hook/%d", i);
		wire_post(&bytes, uri, str_of(uri), -2);
		send_str(fds[i], (struct str){ bytes.at + 40, bytes.len - 40 });
		buf_done(&bytes);
	}
	while (gather()) {
		assert_in_range(http_count(http), 1, BATCH);
		for (size_t k = 0; k < http_count(http); k++) {
			struct http_req *req = http_at(http, k);
			struct buf json = { 0 };

			assert_true(str_equal(http_path(req), http_body(req)));
			buf_add_str(&json, http_path(req));
			buf_add_char(&json, '!');
			http_answer(req, 200, NULL, buf_str(&json));
			buf_done(&json);
			answered++;
		}
	}
	assert_in_range(answered, MANY - 3 * BATCH, MANY);
	for (int i = 0; i < MANY; i++) {
		struct buf raw = { 0 }, text = { 0 };
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "/hook/%d!", i);
		assert_true(wire_answer(fds[i], &raw, &text));
		if (!strstr(buf_text(&text), "Status: 500"))
			assert_has(&text, wanted);
		close(fds[i]);
		buf_done(&raw);
		buf_done(&text);
	}
}

static void a_batch_is_bounded_in_bytes(void **state)
{
	struct http_options options = standard();
	struct buf body = { 0 }, bytes = { 0 };
	int fds[6];
	size_t all = 0;

	(void)state;
	options.batch_max_bytes = 25000;
	serve_as(options);
	for (int i = 0; i < 10000; i++)
		buf_add_char(&body, 'x');
	wire_post(&bytes, "/", buf_str(&body), -2);
	for (int i = 0; i < 6; i++)
		fds[i] = client_sends(&bytes);
	while (gather()) {
		assert_in_range(http_count(http), 1, 3);
		all += http_count(http);
	}
	assert_int_equal(6, all);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	served(NULL);
	buf_done(&body);
	buf_done(&bytes);
}

static void who_is_silent_is_given_up(void **state)
{
	struct http_options options = standard();
	struct buf bytes = { 0 };
	int silent, slow;
	int64_t begun;

	(void)state;
	options.timeout_ms = 100;
	serve_as(options);
	wire_post(&bytes, "/", LIT("{}"), -2);
	begun = clock_ms();
	silent = client();
	slow = client();
	send_str(slow, (struct str){ bytes.at, 30 });
	while (!is_closed(silent) || !is_closed(slow)) {
		assert_true(http_gather(http, NULL, 0, 5000));
		assert_true(clock_ms() - begun < 3000);
		if (clock_ms() - begun < 90)
			send(slow, bytes.at + 30, 1,
			     MSG_NOSIGNAL); /* the total counts, not the pause */
	}
	assert_true(clock_ms() - begun >= 95);
	close(silent);
	close(slow);
	served(NULL);
	buf_done(&bytes);
}

static void connections_are_bounded(void **state)
{
	struct http_options options = standard();
	struct buf bytes = { 0 };
	int idle[3], fd;

	(void)state;
	options.connections_max = 3;
	serve_as(options);
	wire_post(&bytes, "/", LIT("{}"), -2);
	for (int i = 0; i < 3; i++)
		idle[i] = client();
	settle();
	fd = client_sends(&bytes);
	assert_int_equal(0, gather()); /* waits in the kernel's queue */
	close(idle[1]);
	assert_int_equal(1, gather());
	close(idle[0]);
	close(idle[2]);
	close(fd);
	served(NULL);
	buf_done(&bytes);
}

static void a_descriptor_of_the_caller_wakes(void **state)
{
	struct pollfd also[2] = { { .fd = -1 }, { .events = POLLIN } };
	int64_t begun = clock_ms();
	int ends[2];

	(void)state;
	assert_int_equal(0, pipe(ends));
	also[1].fd = ends[0];
	assert_true(http_gather(http, also, 2, 30));
	assert_true(clock_ms() - begun >= 29);
	assert_int_equal(0, also[1].revents);
	assert_int_equal(1, write(ends[1], "x", 1));
	begun = clock_ms();
	assert_true(http_gather(http, also, 2, 10000));
	assert_true(clock_ms() - begun < 5000);
	assert_int_equal(POLLIN, also[1].revents);
	assert_int_equal(0, also[0].revents);
	close(ends[0]);
	close(ends[1]);
}

/* The server does not keep connections: each ends after its answer. */
static void the_wish_to_keep_is_not_granted(void **state)
{
	struct buf bytes = { 0 }, params = { 0 }, two = { 0 }, raw = { 0 };
	int fd;

	(void)state;
	wire_param(&params, "REQUEST_METHOD", LIT("GET"));
	wire_begin(&bytes, 1, 1);
	wire_record(&bytes, WIRE_PARAMS, 1, buf_str(&params), 0);
	wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
	wire_record(&bytes, WIRE_STDIN, 1, (struct str){ 0 }, 0);
	/* with a second request behind the first */
	buf_add_str(&two, buf_str(&bytes));
	buf_add_str(&bytes, buf_str(&two));
	fd = client_sends(&bytes);
	assert_int_equal(1, gather());
	assert_int_equal(HTTP_NO_LENGTH, http_flaw(http_at(http, 0)));
	http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
	settle();
	assert_true(wire_answer(fd, &raw, &two));
	assert_has(&two, "Status: 200");
	close(fd);
	buf_done(&bytes);
	buf_done(&params);
	buf_done(&two);
	buf_done(&raw);
}

/* Some clients send nearly all of a large body and then stop: memory stays limited, and later
   clients are served. */
static void tapes_are_bounded(void **state)
{
	enum { HOARDERS = 20, HUGE = 8 * 1024 * 1024 };
	struct http_options options = standard();
	struct buf body = { 0 }, bytes = { 0 }, heard = { 0 };
	int fds[HOARDERS], last;
	size_t closed = 0;

	(void)state;
	options.body_max = HUGE;
	serve_as(options);
	for (int i = 0; i < HUGE - 100; i++)
		buf_add_char(&body, 'x');
	wire_post(&bytes, "/", buf_str(&body), -2);
	scratch_hush();
	for (int i = 0; i < HOARDERS; i++) {
		fds[i] = client();
		push(fds[i], (struct str){ bytes.at, bytes.len - 20 });
	}
	last = client();
	push(last, buf_str(&bytes));
	assert_true(http_count(http) == 1 || gather() == 1);
	assert_true(str_equal(buf_str(&body), http_body(http_at(http, 0))));
	settle();
	scratch_heard(&heard);
	assert_has(&heard, "event=slow_request_dropped");
	for (int i = 0; i < HOARDERS; i++) {
		closed += is_closed(fds[i]);
		close(fds[i]);
	}
	assert_in_range(closed, HOARDERS - 8, HOARDERS - 1);
	close(last);
	served(NULL);
	buf_done(&body);
	buf_done(&bytes);
	buf_done(&heard);
}

/* No descriptor is left: the server logs it, and serves again later. */
static void no_descriptor_is_lost_when_there_are_none(void **state)
{
	struct buf bytes = { 0 }, heard = { 0 };
	struct rlimit before, few;
	int fd, taken[64], count = 0;
	size_t open_before;

	(void)state;
	wire_post(&bytes, "/", LIT("{}"), -2);
	settle();
	open_before = open_descriptors();
	fd = client();
	send_str(fd, (struct str){ bytes.at, bytes.len - 1 });
	settle(); /* in a spill file now */
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	few.rlim_cur = 64;
	send_str(fd, (struct str){ bytes.at + bytes.len - 1, 1 });
	scratch_hush();
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &few));
	while (count < 64 && (taken[count] = dup(0)) >= 0)
		count++;
	for (int i = 0; i < 5; i++)
		assert_true(http_gather(http, NULL, 0, 0));
	while (count)
		close(taken[--count]);
	setrlimit(RLIMIT_NOFILE, &before);
	scratch_heard(&heard);
	close(fd);
	settle();
	assert_int_equal(open_before, open_descriptors());
	fd = client_sends(&bytes);
	assert_int_equal(1, gather());
	close(fd);
	buf_done(&bytes);
	buf_done(&heard);
}

static void a_signal_ends_it_after_what_it_holds(void **state)
{
	struct buf bytes = { 0 };
	int half, whole;
	size_t count = 0;

	(void)state;
	wire_post(&bytes, "/hook/abc", LIT("{}"), -2);
	half = client();
	send_str(half, (struct str){ bytes.at, 50 });
	settle();
	whole = client_sends(&bytes);
	kill(getpid(), SIGTERM);
	assert_true(http_gather(http, NULL, 0, 1000));
	count += http_count(http);
	if (count)
		http_answer(http_at(http, 0), 200, NULL, LIT("{}"));
	send_str(half, (struct str){ bytes.at + 50, bytes.len - 50 });
	while (http_gather(http, NULL, 0, -1)) {
		for (size_t i = 0; i < http_count(http); i++, count++)
			http_answer(http_at(http, i), 200, NULL, LIT("{}"));
	}
	assert_int_equal(2, count);
	assert_answer(whole, "Status: 200");
	assert_answer(half, "Status: 200");
	buf_done(&bytes);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, serving, served)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(a_request_is_read_and_answered),
		SERVED(what_nobody_answers_is_a_fault),
		SERVED(a_dripping_sender_stops_nobody),
		SERVED(a_request_may_come_in_two_pieces),
		SERVED(large_bodies_arrive_whole),
		SERVED(a_body_over_the_limit_is_answered),
		SERVED(wrong_lengths_are_reported),
		cmocka_unit_test(paths_are_decoded_once),
		SERVED(nonsense_is_hung_up_on),
		SERVED(who_hangs_up_is_forgotten),
		SERVED(many_at_once_are_batches),
		cmocka_unit_test(a_batch_is_bounded_in_bytes),
		cmocka_unit_test(who_is_silent_is_given_up),
		cmocka_unit_test(connections_are_bounded),
		SERVED(a_descriptor_of_the_caller_wakes),
		SERVED(the_wish_to_keep_is_not_granted),
		cmocka_unit_test(tapes_are_bounded),
		SERVED(no_descriptor_is_lost_when_there_are_none),
		SERVED(a_signal_ends_it_after_what_it_holds),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
