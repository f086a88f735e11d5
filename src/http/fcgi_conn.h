/* SPDX-License-Identifier: ISC */
/* Connections of a web server, until their request has arrived completely, and until their
   response is sent. A request that is incomplete at first, or larger than 64 kB, is copied to a
   file in memory, its spill file; a response is sent from one. Nothing here blocks, and nothing
   here looks into a request (http/fcgi_record finds its end). */
#ifndef HL_HTTP_FCGI_CONN_H
#define HL_HTTP_FCGI_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fcgi_conns;

/* A spill file takes at most request_bytes_max of a request, which must arrive within
   timeout_ms. */
struct fcgi_conns *fcgi_conn_new(size_t request_bytes_max, int64_t timeout_ms);
void fcgi_conn_free(struct fcgi_conns *conns); /* closes all connections */
size_t fcgi_conn_count(const struct fcgi_conns *conns);

/* A complete request. It is in the socket's buffer (spill -1), or in a spill file that is to be
   read from its beginning. The receiver of this struct owns both descriptors. */
struct fcgi_conn_request {
	int fd, spill;
	bool is_whole; /* false: it is longer than request_bytes_max, and its end did not arrive */
};

/* Takes an accepted connection over. true: its request is complete already. */
bool fcgi_conn_enter(struct fcgi_conns *conns, int fd, struct fcgi_conn_request *request);

/* Fills fds[0] to fds[fcgi_conn_count()] for poll(). Returns the time-out: until the time of a
   connection is over, and at most `wait_ms` (base/clock). */
int fcgi_conn_poll(const struct fcgi_conns *conns, struct pollfd *fds, int wait_ms);

/* Continues the connections that poll() found ready, from *left (fcgi_conn_count() before the
   first call) down, until one has a complete request: true. */
bool fcgi_conn_next(struct fcgi_conns *conns, const struct pollfd *fds, size_t *left,
		    struct fcgi_conn_request *request);

/* Closes connections whose time is over. While all spill files together are too large, closes
   those that take longest to arrive, and logs it. */
void fcgi_conn_clear(struct fcgi_conns *conns);

/* Sends the bytes from `from` to `to` of the spill file, as the peer takes them, and closes the
   connection; owns both descriptors. If the peer's input was not read completely, reads the rest
   for a while, so that the peer sees the response and not a reset. */
void fcgi_conn_send(struct fcgi_conns *conns, int fd, int spill, off_t from, off_t to,
		    bool input_is_left);

#endif
