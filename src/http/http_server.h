/* SPDX-License-Identifier: ISC */
/* libfcgi's only user: requests from a web server, by FastCGI or plain CGI.
   http_gather() collects every request that has arrived whole; nobody waits
   for a sender that is slow, silent or huge. */
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
	const char *base_path;	/* taken off the front of every path; may be NULL */
	size_t batch_max;	/* requests at most in one gather */
	size_t batch_max_bytes; /* bodies at most in one gather, but for the last */
	size_t body_max;	/* larger bodies are not read */
	int64_t timeout_ms;	/* for a request to arrive whole */
	size_t connections_max;
};

/* Serves `listen_fd`, or what the web server gave as descriptor 0 when it is
   -1: its listening socket (FastCGI), else one plain CGI request. Takes over
   SIGTERM and SIGINT (finish, then end), and ignores SIGPIPE. Copies `how`. */
struct http *http_open(int listen_fd, const struct http_options *options);
void http_close(struct http *http);
bool http_is_cgi(const struct http *http);

/* Ends the requests of the last gather, then waits until at least one request
   is there whole, one of the `count` descriptors in `also` is ready (their
   revents are set), or timeout_ms (-1: for ever) is over. false: it is time to
   end, and nothing is held any more. */
bool http_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms);

/* The requests of this gather; all they give is borrowed until the next one. */
size_t http_count(const struct http *http);
struct http_req *http_at(struct http *http, size_t place);

struct str http_method(const struct http_req *req);
/* Without query and base path, percent-decoded once. at == NULL: not below the
   base path, or no valid path. */
struct str http_path(const struct http_req *req);
struct str http_query(
	const struct http_req *req); /* as it stands behind the '?' of the URI (http/uri) */
struct str http_type(const struct http_req *req); /* media type without parameters */
struct str http_header(const struct http_req *req,
		       const char *cgi_name); /* "HTTP_X_…"; at == NULL: none */
struct str http_body(const struct http_req *req);

/* The header Authorization; at == NULL or empty: none. Apache gives it to programs
   with CGIPassAuth On, or when a rule puts it into the environment (deploy/apache). */
struct str http_authorization(const struct http_req *req);

/* User and password of Basic authentication in it (http/http_auth); both append. false:
   none. */
bool http_basic(const struct http_req *req, struct buf *user, struct buf *password);

/* Whose request it is: the web server's peer, or by X-Forwarded-For whom
   `trusted` proxies had it from (http/forwarded). */
void http_peer(const struct http_req *req, const struct ip_networks *trusted,
	       struct ip_address *client);

enum http_flaw {
	HTTP_WHOLE = 0,
	HTTP_NO_LENGTH, /* neither a length nor a body: a flaw where a body is needed */
	HTTP_TOO_BIG,	/* over body_max, by its length or by its bytes */
	HTTP_CUT_SHORT, /* fewer or more bytes than its length says, or no number */
};
enum http_flaw http_flaw(const struct http_req *req);

/* Answers with a JSON body; `headers` is NULL, or more header lines with \r\n
   between them and not behind the last. Once a request; one that nobody answers
   is answered 500. For HEAD the body is left out, and its length told. */
void http_answer(struct http_req *req, int status, const char *headers, struct str json);

/* The same with another media type. */
void http_answer_as(struct http_req *req, int status, const char *type, const char *headers,
		    struct str body);

/* Takes a request out of this gather, to be answered later: what it gives stays
   good until http_release(), which ends it (answered 500 when nobody has). The
   requests behind it move up one place. Told to end, http_gather() still
   returns true until all that is held is released or timeout_ms is over. A
   held request must be released before http_close(). While it is held, one other
   thread may read and answer it; everything else here is for the thread that
   gathers. */
void http_hold(struct http_req *req);
void http_release(struct http_req *req);

/* ---- an answer of unknown length, piece by piece, to a held request */

/* Begins it. It ends whole by http_release(); http_stream_cut() before that ends
   the connection in the middle, which a web server tells its client. */
void http_stream_begin(struct http_req *req, int status, const char *type, const char *headers);
void http_stream_cut(struct http_req *req);

/* Adds a piece; sends as much as the web server takes. A plain CGI program waits
   until it took all. false: it is gone, or took nothing for 30 s. */
bool http_stream_put(struct http_req *req, struct str piece);

/* Sends more of what was put; false as above. */
bool http_stream_go_on(struct http_req *req);

/* The bytes that were put and not sent yet, and what to wait for to send them. */
size_t http_stream_left(const struct http_req *req);
int http_stream_poll(const struct http_req *req, struct pollfd *fd);

/* Sends the answer of a plain CGI request on its way before the process ends. */
void http_flush(struct http *http);

#endif
