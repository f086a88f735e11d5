/* SPDX-License-Identifier: ISC */
/* Requests from a web server, by FastCGI or plain CGI, in one thread. http_gather() collects all
   requests that have arrived completely, so one slow, silent or huge sender delays nobody. The
   parts: http_server.c the loop, http_request.c what a request says, http_fcgi.c (libfcgi's only
   user) and http_cgi.c the two transports, http_stream.c responses of unknown length. */
#ifndef HL_HTTP_HTTP_SERVER_H
#define HL_HTTP_HTTP_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct ip_address;
struct http;
struct http_req;
struct ip_networks;

struct http_options {
	const char *base_path;	/* removed from the front of every path; may be NULL */
	size_t batch_max;	/* requests at most in one gather */
	size_t batch_max_bytes; /* bodies at most in one gather, except the last one */
	size_t body_max;	/* larger bodies are not read */
	int64_t timeout_ms;	/* for a request to arrive completely */
	size_t connections_max;
};

/* Serves `listen_fd`. When it is -1, serves descriptor 0 as the web server gave it: a listening
   socket (FastCGI), or else one plain CGI request. Handles SIGTERM and SIGINT (finish, then
   end), and ignores SIGPIPE. Copies the options. */
struct http *http_open(int listen_fd, const struct http_options *options);
void http_close(struct http *http);
bool http_is_cgi(const struct http *http);

/* Ends the requests of the last gather. Then waits until at least one request has arrived
   completely, one of the `count` descriptors in `also` is ready (sets their revents), or
   timeout_ms (-1: for ever) is over. false: the program shall end, and no request is held. */
bool http_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms);

/* The requests of this gather; everything that they return is borrowed until the next one. */
size_t http_count(const struct http *http);
struct http_req *http_at(struct http *http, size_t index);

struct str http_method(const struct http_req *req);

/* Without query and base path, percent-decoded once. at == NULL: not below the base path, or no
   valid path. */
struct str http_path(const struct http_req *req);
struct str http_query(const struct http_req *req); /* behind the '?' of the URI, not decoded */
struct str http_type(const struct http_req *req);  /* media type without parameters */
struct str http_body(const struct http_req *req);

/* By the name in the CGI environment: "HTTP_X_…"; at == NULL: none. */
struct str http_header(const struct http_req *req, const char *cgi_name);

/* The header Authorization; at == NULL or empty: none. Apache passes it on only with
   CGIPassAuth On, or by a rewrite rule that puts it into the environment (deploy/apache). */
struct str http_authorization(const struct http_req *req);

/* Appends user and password of its Basic authentication (http/http_auth). false: none. */
bool http_basic(const struct http_req *req, struct buf *user, struct buf *password);

/* The client: the web server's peer, or the client that `trusted` proxies name in
   X-Forwarded-For (http/forwarded). */
void http_peer(const struct http_req *req, const struct ip_networks *trusted,
	       struct ip_address *client);

enum http_flaw {
	HTTP_WHOLE = 0,
	HTTP_NO_LENGTH, /* neither a length nor a body: a flaw only where a body is required */
	HTTP_TOO_BIG,	/* over body_max, by its length or by its bytes */
	HTTP_CUT_SHORT, /* more or fewer bytes than its length, or a length that is no number */
};
enum http_flaw http_flaw(const struct http_req *req);

/* Answers with a JSON body, once a request. `headers` is NULL, or more header lines with \r\n
   between them and not behind the last. A request that is not answered gets 500. For HEAD the
   body is left out, but Content-Length is the same. */
void http_answer(struct http_req *req, int status, const char *headers, struct str json);

/* The same with another media type. */
void http_answer_as(struct http_req *req, int status, const char *type, const char *headers,
		    struct str body);

/* Takes a request out of this gather, to be answered later. What it returns stays valid until
   http_release(), which ends it (with 500 if it was not answered). The index of each request
   behind it drops by one. After SIGTERM http_gather() returns true until all held requests are
   released, or timeout_ms is over. Release all held requests before http_close(). Another thread
   may read and answer a held request; all other functions are for the gathering thread. */
void http_hold(struct http_req *req);
void http_release(struct http_req *req);

/* ---- a response of unknown length, piece by piece, to a held request */

/* http_release() ends the response normally. After http_stream_abort() it breaks the connection,
   so that the client sees that the response is incomplete. */
void http_stream_begin(struct http_req *req, int status, const char *type, const char *headers);
void http_stream_abort(struct http_req *req);

/* Adds a piece, and sends as much as the web server takes without waiting. A plain CGI program
   waits until the web server took all. false: the web server closed, or took nothing for
   30 s. */
bool http_stream_put(struct http_req *req, struct str piece);

/* Sends more of the pieces; false as above. */
bool http_stream_send(struct http_req *req);

/* How many bytes are not sent yet, and which event to wait for. */
size_t http_stream_pending(const struct http_req *req);
int http_stream_poll(const struct http_req *req, struct pollfd *fd);

/* Sends the response of a plain CGI request before the process ends. */
void http_flush(struct http *http);

#endif
