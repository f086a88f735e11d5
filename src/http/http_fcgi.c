/* SPDX-License-Identifier: ISC */
/* libfcgi's only user. fcgi_conn receives a request; when it is complete, libfcgi gets the
   descriptor of the connection, or of the spill file in place of it, and reads without ever
   blocking. What libfcgi writes to a spill file, fcgi_conn sends. */
#include "http/http_internal.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/fcgi_conn.h"

enum { SEND_AT_ONCE = 64 * 1024 }; /* a socket takes about 200 KB that the peer has not read */

void http_fcgi_init(void)
{
	if (FCGX_Init())
		abort();
}

void http_fcgi_new_req(struct http_req *req)
{
	req->fcgi = mem_zero(1, sizeof(*req->fcgi));
	FCGX_InitRequest(req->fcgi, -1, 0);
}

static size_t read_piece(struct http_req *req, char *into, size_t len)
{
	int got = FCGX_GetStr(into, (int)len, req->fcgi->in);

	return got > 0 ? (size_t)got : 0;
}

/* Closing a connection with unread input resets it, and the web server may drop the response. */
static void read_to_end(struct http_req *req)
{
	char piece[16384];

	while (read_piece(req, piece, sizeof(piece)) > 0)
		;
}

/* Gives libfcgi a descriptor (the connection or its spill file) with a complete request. false:
   it is no valid request, and libfcgi has closed the descriptor. */
static bool accept_fd(struct http_req *req, int fd)
{
	/* With keepConnection, FCGX_Accept_r cleans up the last request but keeps ipcFd, and
	   reads the next request from it. */
	req->fcgi->ipcFd = fd;
	req->fcgi->keepConnection = 1;
	req->fcgi->in = NULL;
	/* Without detaching, libfcgi waits up to two seconds for the peer to close when it reads
	   something that is no request. */
	FCGX_Detach(req->fcgi);
	if (FCGX_Accept_r(req->fcgi) < 0)
		return false;
	req->env = req->fcgi->envp;
	req->is_answered = false;
	http_read_path(req);
	return true;
}

/* A request that fits into the socket's buffer. */
static void take_conn(struct http *http, int fd)
{
	struct http_req *req = http->reqs[http->count];

	req->fd = req->spill = -1;
	if (!accept_fd(req, fd))
		return;
	http_read_body(req, read_piece);
	read_to_end(req);
	req->has_input_left = false;
	http->count++;
}

/* A request in a spill file. libfcgi reads it and writes the response behind it. */
static void take_spill(struct http *http, const struct fcgi_conn_request *request)
{
	struct http_req *req = http->reqs[http->count];
	int spill = request->spill;

	req->spill = fcntl(spill, F_DUPFD_CLOEXEC, 0);
	req->fd = request->fd;
	if (req->spill < 0 || lseek(spill, 0, SEEK_SET) != 0) {
		close(spill);
		spill = -1;
	}
	if (spill < 0 || !accept_fd(req, spill)) {
		if (req->spill >= 0)
			close(req->spill);
		close(req->fd);
		req->fd = req->spill = -1;
		return;
	}
	http_read_body(req, read_piece);
	/* fcgi_conn hands an incomplete request over when it is larger than we read. */
	if (!request->is_whole)
		req->flaw = HTTP_TOO_BIG;
	req->has_input_left = !request->is_whole;
	http->count++;
}

void http_fcgi_take(struct http *http, const struct fcgi_conn_request *request)
{
	if (request->spill < 0)
		take_conn(http, request->fd);
	else
		take_spill(http, request);
}

void http_fcgi_begin_spill(struct http_req *req)
{
	int spill, second;

	if (req->spill < 0 && (spill = memfd_create("answer", MFD_CLOEXEC)) >= 0) {
		if ((second = fcntl(spill, F_DUPFD_CLOEXEC, 0)) < 0) {
			close(spill);
		} else {
			req->fd = req->fcgi->ipcFd;
			req->fcgi->ipcFd = spill;
			req->spill = second;
		}
	}
	if (req->spill >= 0)
		req->from = lseek(req->spill, 0, SEEK_CUR);
}

void http_fcgi_send(struct http_req *req, struct str response)
{
	if (response.len > SEND_AT_ONCE || req->spill >= 0)
		http_fcgi_begin_spill(req);
	FCGX_PutStr(response.at, (int)response.len, req->fcgi->out);
}

bool http_fcgi_put(struct http_req *req, struct str piece)
{
	/* pieces are a few hundred kilobytes: an int holds their length */
	return FCGX_PutStr(piece.at, (int)piece.len, req->fcgi->out) >= 0 &&
	       FCGX_FFlush(req->fcgi->out) >= 0;
}

void http_fcgi_finish(struct http_req *req)
{
	/* Without detaching, FCGX_Finish_r waits until the web server closes (measured: 5,200
	   instead of 13,800 requests a second). */
	req->fcgi->keepConnection = 0;
	FCGX_Detach(req->fcgi);
	FCGX_Finish_r(req->fcgi);
	req->env = NULL;
	if (req->spill < 0)
		return;
	fcgi_conn_send(req->http->conns, req->fd, req->spill, req->from,
		       lseek(req->spill, 0, SEEK_CUR), req->has_input_left);
	req->fd = req->spill = -1;
}

/* libfcgi ends the request normally, but its output is discarded. nginx takes the end of the
   connection for the end of the response, so it gets an invalid record first (FastCGI
   specification, 3.3: the version is 1). */
void http_fcgi_abort(struct http_req *req)
{
	static const char invalid_record[8];

	if (req->spill >= 0 &&
	    send(req->fd, invalid_record, sizeof(invalid_record), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		req->has_input_left = false; /* the web server has closed already */
	if (req->spill < 0)
		shutdown(req->fcgi->ipcFd, SHUT_RDWR);
	req->fcgi->keepConnection = 0;
	FCGX_Detach(req->fcgi);
	FCGX_Finish_r(req->fcgi);
	req->env = NULL;
	if (req->spill < 0)
		return;
	close(req->spill);
	close(req->fd);
	req->fd = req->spill = -1;
}
