/* SPDX-License-Identifier: ISC */
/* Where connections of a web server wait: until their request is there whole,
   and until their answer has gone. What is not whole at once, or larger than
   64 kB, is copied as it comes to a file in memory, its tape; an answer goes out
   from one. Nothing here blocks. What a request says is not looked at
   (http/fcgi_record has where it ends). */
#ifndef HL_HTTP_FCGI_CONN_H
#define HL_HTTP_FCGI_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fcgi_conns;

/* On a tape go at most request_bytes_max of a request, which has timeout_ms to
   come whole. */
struct fcgi_conns *fcgi_conn_new(size_t request_bytes_max, int64_t timeout_ms);
void fcgi_conn_free(struct fcgi_conns *conns); /* hangs up on all that wait */
size_t fcgi_conn_count(const struct fcgi_conns *conns);

/* A request that is there. It lies in the connection's own buffer (tape -1), or
   on a tape that is to be read from its beginning. Gives both descriptors away. */
struct fcgi_conn_request {
	int fd, spill;
	bool is_whole; /* false: it has an end beyond request_bytes_max, which was not waited for */
};

/* Keeps a connection that was accepted. true: its request is there already. */
bool fcgi_conn_enter(struct fcgi_conns *conns, int fd, struct fcgi_conn_request *request);

/* Writes what to poll into fds[0] to fds[fcgi_conn_count()]; the wait is over when
   somebody's time is, and not longer than `wait_ms` (base/clock). */
int fcgi_conn_poll(const struct fcgi_conns *conns, struct pollfd *fds, int wait_ms);

/* Goes on with those that poll() found ready, from *left (fcgi_conn_count() before
   the first call) down, until one has its request there: true. */
bool fcgi_conn_next(struct fcgi_conns *conns, const struct pollfd *fds, size_t *left,
		    struct fcgi_conn_request *request);

/* Hangs up on those whose time is over; and while all tapes are larger together
   than they may be, on whoever takes longest to arrive, which is logged. */
void fcgi_conn_clear(struct fcgi_conns *conns);

/* Sends what is on the tape between `from` and `to`, now and as the peer takes
   it, then hangs up; keeps both descriptors. Behind a sender whose input was left
   the rest is read away for a while, so that it sees the answer, not a reset. */
void fcgi_conn_send(struct fcgi_conns *conns, int fd, int spill, off_t from, off_t to,
		    bool input_is_left);

#endif
