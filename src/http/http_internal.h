/* SPDX-License-Identifier: ISC */
/* What the parts of http_server share: the state of the server and of a request. Only
   http_server.c, http_request.c, http_fcgi.c, http_cgi.c and http_stream.c include this header.
   It names libfcgi's type by its struct tag, so it needs no header of libfcgi. */
#ifndef HL_HTTP_HTTP_INTERNAL_H
#define HL_HTTP_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "http/http_server.h"

struct FCGX_Request;
struct fcgi_conns;
struct fcgi_conn_request;

enum { HTTP_STALL_MS = 30000 }; /* how long a peer may take nothing of a response */

struct http_req {
	struct http *http;
	struct FCGX_Request *fcgi; /* NULL: plain CGI */
	char **env;
	struct buf body, path;
	bool has_path;
	enum http_flaw flaw;
	int fd;	    /* the connection, while libfcgi has the spill file instead */
	int spill;  /* a second descriptor of that spill file */
	off_t from; /* where the response begins in it */
	bool is_answered, has_input_left;
	bool is_held;
	struct buf response; /* of a held request, until it is released */
	bool is_aborted;     /* a stream that ends in the middle */
	int64_t stalls_at;   /* of a stream that has bytes left to send */
};

struct http {
	struct http_options options;
	char *base_path;
	int listen_fd; /* -1: plain CGI, or closed because the program is ending */
	bool is_cgi, is_cgi_done;

	/* connections whose request is incomplete, or whose response is not sent completely */
	struct fcgi_conns *conns;
	struct pollfd *polls;
	int64_t end_at; /* 0: the program is not ending; else when it ends at the latest */

	struct http_req **reqs; /* batch_max of them; libfcgi keeps pointers to its requests */
	size_t count;
	size_t held; /* requests that the caller answers later */
	size_t gathered_bytes;
	struct buf response; /* storage of the one that is being written */
};

/* ---- http_request.c */

/* Sets the path from REQUEST_URI. */
void http_read_path(struct http_req *req);

/* Reads the body, at most body_max bytes, and sets the flaw by what was announced. `read_some`
   reads a piece and returns its length, 0 at the end. */
void http_read_body(struct http_req *req, size_t (*read_some)(struct http_req *, char *, size_t));

/* ---- http_fcgi.c */

void http_fcgi_init(void);
void http_fcgi_new_req(struct http_req *req);

/* Parses a complete request of a connection into the next free slot. */
void http_fcgi_take(struct http *http, const struct fcgi_conn_request *request);

/* From here on libfcgi writes to a file in memory, which is sent from there: libfcgi takes a
   full socket for a broken one. */
void http_fcgi_begin_spill(struct http_req *req);

void http_fcgi_send(struct http_req *req, struct str response);
bool http_fcgi_put(struct http_req *req, struct str piece); /* of a stream; false: failed */

/* Ends a request; http_fcgi_abort() breaks its connection, so that the client sees that the
   response is incomplete. */
void http_fcgi_finish(struct http_req *req);
void http_fcgi_abort(struct http_req *req);

/* ---- http_cgi.c */

/* As http_gather(): the one request, then false. */
bool http_cgi_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms);
bool http_cgi_write(struct str bytes); /* false: the web server took nothing for too long */

/* ---- http_server.c */

/* Ends the requests of the last gather. */
void http_finish_all(struct http *http);

#endif
