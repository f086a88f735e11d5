/* SPDX-License-Identifier: ISC */
/* This process has both ends of a connection. test_http_server has the requests that libfcgi
   reads. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/fcgi_conn.h"
#include "wire.h"

enum { REQUEST_MAX = 200000, TIMEOUT_MS = 30000, ANSWER_SIZE = 1000000 };

static struct fcgi_conns *conns;
static int ours, theirs; /* the ends of the connection; who has ours closes it */
static struct fcgi_conn_request request;

static int opened(void **state)
{
	int ends[2];

	(void)state;
	conns = fcgi_conn_new(REQUEST_MAX, TIMEOUT_MS);
	assert_int_equal(0,
			 socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	ours = ends[0];
	theirs = ends[1];
	return 0;
}

static int closed(void **state)
{
	(void)state;
	fcgi_conn_free(conns);
	close(theirs);
	return 0;
}

static size_t sends(struct str bytes)
{
	ssize_t put = send(theirs, bytes.at, bytes.len, MSG_NOSIGNAL);

	return put > 0 ? (size_t)put : 0;
}

/* Is a request complete, after all readable connections were read? */
static bool arrives(void)
{
	struct pollfd fds[4];
	size_t left = fcgi_conn_count(conns);
	int wait_ms = fcgi_conn_poll(conns, fds, 0);
	bool is_there;

	assert_int_equal(0, wait_ms);
	assert_true(poll(fds, left, 0) >= 0);
	is_there = fcgi_conn_next(conns, fds, &left, &request);
	fcgi_conn_clear(conns);
	return is_there;
}

static bool is_hung_up_on(void)
{
	char byte;
	ssize_t got = recv(theirs, &byte, 1, MSG_PEEK);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void assert_spilled(const struct buf *bytes, size_t from)
{
	struct buf spill = { 0 };
	char piece[4096];
	ssize_t got;

	assert_int_equal(from, lseek(request.spill, 0, SEEK_END));
	assert_int_equal(0, lseek(request.spill, 0, SEEK_SET));
	while ((got = read(request.spill, piece, sizeof(piece))) > 0)
		buf_add(&spill, piece, (size_t)got);
	assert_int_equal(from, spill.len);
	assert_memory_equal(bytes->at, spill.at, spill.len);
	buf_done(&spill);
	close(request.spill);
	close(request.fd);
}

static void what_is_whole_does_not_wait(void **state)
{
	struct buf bytes = { 0 };

	(void)state;
	wire_post(&bytes, "/", LIT("{}"), -2);
	assert_int_equal(bytes.len, sends(buf_str(&bytes)));
	assert_true(fcgi_conn_enter(conns, ours, &request));
	assert_int_equal(ours, request.fd);
	assert_int_equal(-1, request.spill);
	assert_true(request.is_whole);
	assert_int_equal(0, fcgi_conn_count(conns));
	close(ours);
	buf_done(&bytes);
}

/* No byte was read from a silent connection. */
static void who_was_silent_comes_whole(void **state)
{
	struct buf bytes = { 0 };

	(void)state;
	wire_post(&bytes, "/", LIT("{}"), -2);
	assert_false(fcgi_conn_enter(conns, ours, &request));
	assert_false(arrives());
	assert_int_equal(1, fcgi_conn_count(conns));
	assert_int_equal(bytes.len, sends(buf_str(&bytes)));
	assert_true(arrives());
	assert_int_equal(-1, request.spill);
	assert_int_equal(0, fcgi_conn_count(conns));
	close(request.fd);
	buf_done(&bytes);
}

static void what_comes_in_pieces_is_on_a_tape(void **state)
{
	struct buf bytes = { 0 };

	(void)state;
	wire_post(&bytes, "/", LIT("{}"), -2);
	assert_int_equal(40, sends((struct str){ bytes.at, 40 }));
	assert_false(fcgi_conn_enter(conns, ours, &request));
	for (size_t i = 40; i < bytes.len; i++) {
		assert_false(arrives());
		assert_int_equal(1, sends((struct str){ bytes.at + i, 1 }));
	}
	assert_true(arrives());
	assert_true(request.is_whole);
	assert_int_equal(ours, request.fd);
	assert_spilled(&bytes, bytes.len);
	buf_done(&bytes);
}

static void what_has_no_end_is_given_away_without(void **state)
{
	struct buf body = { 0 }, bytes = { 0 };
	size_t sent = 0;

	(void)state;
	for (int i = 0; i < 2 * REQUEST_MAX; i++)
		buf_add_char(&body, (char)i);
	wire_post(&bytes, "/", buf_str(&body), -2);
	assert_false(fcgi_conn_enter(conns, ours, &request));
	do
		sent += sends((struct str){ bytes.at + sent, bytes.len - sent });
	while (!arrives());
	assert_false(request.is_whole);
	assert_in_range(lseek(request.spill, 0, SEEK_END), REQUEST_MAX, REQUEST_MAX + 64 * 1024);
	assert_spilled(&bytes, (size_t)lseek(request.spill, 0, SEEK_END));
	buf_done(&body);
	buf_done(&bytes);
}

static void nonsense_is_hung_up_on(void **state)
{
	(void)state;
	assert_int_equal(16, sends(LIT("GET / HTTP/1.1\r\n")));
	assert_false(fcgi_conn_enter(conns, ours, &request));
	assert_int_equal(0, fcgi_conn_count(conns));
	assert_true(is_hung_up_on());
}

static void time_is_limited(void **state)
{
	struct fcgi_conns *hasty = fcgi_conn_new(REQUEST_MAX, 50);
	struct pollfd fd;
	int wait_ms;

	(void)state;
	assert_false(fcgi_conn_enter(hasty, ours, &request));
	wait_ms = fcgi_conn_poll(hasty, &fd, -1);
	assert_in_range(wait_ms, 0, 50);
	assert_int_equal(ours, fd.fd);
	assert_int_equal(POLLIN, fd.events);
	while (fcgi_conn_count(hasty)) {
		assert_int_equal(0, poll(&fd, 1, fcgi_conn_poll(hasty, &fd, -1)));
		fcgi_conn_clear(hasty);
	}
	assert_true(is_hung_up_on());
	fcgi_conn_free(hasty);
}

static int spill_of(const struct buf *bytes)
{
	int spill = memfd_create("answer", MFD_CLOEXEC);

	assert_int_equal(bytes->len, write(spill, bytes->at, bytes->len));
	return spill;
}

/* Reads the bytes that have arrived; false at the end. */
static bool hear(struct buf *heard)
{
	char piece[65536];
	ssize_t got;

	while ((got = recv(theirs, piece, sizeof(piece), 0)) > 0)
		buf_add(heard, piece, (size_t)got);
	return got < 0 && errno == EAGAIN;
}

static void an_answer_goes_as_it_is_taken(void **state)
{
	struct buf answer = { 0 }, heard = { 0 };
	struct pollfd fd;

	(void)state;
	for (int i = 0; i < ANSWER_SIZE; i++)
		buf_add_char(&answer, (char)(i * 31 >> 3));
	fcgi_conn_send(conns, ours, spill_of(&answer), 100, ANSWER_SIZE - 100, false);
	assert_int_equal(1, fcgi_conn_count(conns)); /* a socket does not take so much */
	assert_in_range(fcgi_conn_poll(conns, &fd, -1), 1, 30000);
	assert_int_equal(POLLOUT, fd.events);
	while (hear(&heard))
		assert_false(arrives());
	assert_int_equal(ANSWER_SIZE - 200, heard.len);
	assert_memory_equal(answer.at + 100, heard.at, heard.len);
	assert_int_equal(0, fcgi_conn_count(conns));
	buf_done(&answer);
	buf_done(&heard);
}

/* The whole answer arrives while the client is still sending, whatever its size. */
static void who_still_sends_sees_the_answer(void **state)
{
	static const size_t sizes[] = { 10, ANSWER_SIZE };
	struct buf answer = { 0 };

	(void)state;
	for (int i = 0; i < ANSWER_SIZE; i++)
		buf_add_char(&answer, 'x');
	for (size_t i = 0; i < 2; i++) {
		struct buf heard = { 0 };

		fcgi_conn_send(conns, ours, spill_of(&answer), 0, (off_t)sizes[i], true);
		while (hear(&heard))
			assert_false(arrives());
		assert_int_equal(sizes[i], heard.len);
		assert_int_equal(1, fcgi_conn_count(conns));
		assert_int_equal(4, sends(LIT("more")));
		assert_false(arrives());
		assert_int_equal(4, sends(LIT("more")));
		shutdown(theirs, SHUT_WR);
		assert_false(arrives());
		assert_int_equal(0, fcgi_conn_count(conns));
		buf_done(&heard);
		if (i == 0) {
			close(theirs);
			fcgi_conn_free(conns);
			opened(NULL);
		}
	}
	buf_done(&answer);
}

static void who_hangs_up_gets_no_answer(void **state)
{
	struct buf answer = { 0 };

	(void)state;
	for (int i = 0; i < ANSWER_SIZE; i++)
		buf_add_char(&answer, 'x');
	fcgi_conn_send(conns, ours, spill_of(&answer), 0, ANSWER_SIZE, false);
	assert_int_equal(1, fcgi_conn_count(conns));
	shutdown(theirs, SHUT_RDWR);
	assert_false(arrives());
	assert_int_equal(0, fcgi_conn_count(conns));
	buf_done(&answer);
}

#define WITH_ONE(test) cmocka_unit_test_setup_teardown(test, opened, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ONE(what_is_whole_does_not_wait),
		WITH_ONE(who_was_silent_comes_whole),
		WITH_ONE(what_comes_in_pieces_is_on_a_tape),
		WITH_ONE(what_has_no_end_is_given_away_without),
		WITH_ONE(nonsense_is_hung_up_on),
		WITH_ONE(time_is_limited),
		WITH_ONE(an_answer_goes_as_it_is_taken),
		WITH_ONE(who_still_sends_sees_the_answer),
		WITH_ONE(who_hangs_up_gets_no_answer),
	};

	return cmocka_run_group_tests_name("fcgi_conn", tests, NULL, NULL);
}
