/* SPDX-License-Identifier: ISC */
/* A connection from the web server is accepted here and waits in the lobby. When
   its request is there whole, libfcgi gets the descriptor, or that of the tape
   in place of it, and reads without ever blocking. What it writes on a tape is
   sent from there by the lobby. */
#include "http/http_server.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip.h"
#include "http/http_auth.h"
#include "base/clock.h"
#include "base/fd.h"
#include "http/forwarded.h"
#include "http/fcgi_conn.h"
#include "base/log.h"
#include "http/cgi_response.h"
#include "http/uri.h"

extern char **environ;

enum {
	PARAMS_MAX = 64 * 1024,	    /* on top of body_max on a tape */
	KEEP_MAX = 64 * 1024,	    /* storage of a body that is kept for the next one */
	END_MS = 2000,		    /* for requests that are on their way when we are to end */
	ANSWER_AT_ONCE = 64 * 1024, /* a socket takes about 200 KB without being read */
	STALL_MS = 30000,	    /* for a reader that takes nothing */
	PIECE_MAX = 4096, /* what a pipe that poll() calls writable takes without waiting */
};

struct http_req {
	struct http *http;
	FCGX_Request fcgi;
	char **env;
	struct buf body, path;
	bool has_path;
	enum http_flaw flaw;
	int fd;	    /* the connection, when libfcgi has the tape instead */
	int spill;  /* a second descriptor of that tape */
	off_t from; /* where the answer begins on it */
	bool is_answered, input_is_left;
	bool is_held;
	struct buf reply;  /* the answer of one that is held, until it is released */
	bool is_cut;	   /* a stream that ends before its end */
	int64_t stalls_at; /* of a stream of which something is left to send */
};

struct http {
	struct http_options options;
	char *base_path;
	int listen_fd; /* -1: plain CGI, or closed because we are to end */
	bool is_cgi, cgi_is_done;

	/* connections that are not handed over, or not answered to the end */
	struct fcgi_conns *conns;
	struct pollfd *polls;
	int64_t end_at; /* when we are to end: not later than this; 0: we are not */

	struct http_req *
		*reqs; /* batch_max of them: a stream of libfcgi's knows where its request lies */
	size_t count;
	size_t held; /* requests that the caller answers later */
	size_t gathered_bytes;
	struct buf answer; /* storage of the one that is being written */
};

static int wake_read = -1, wake_write = -1;

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	/* The pipe never fills up: one byte is enough. */
	if (write(wake_write, "x", 1) < 0)
		errno = saved;
	errno = saved;
}

/* ---- opening */

static void take_signals(void)
{
	struct sigaction on = { .sa_handler = on_signal }, off = { .sa_handler = SIG_IGN };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	wake_read = ends[0];
	wake_write = ends[1];
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGUSR1, &off, NULL);
	sigaction(SIGPIPE, &off, NULL);
}

static struct http_req *new_req(struct http *http)
{
	struct http_req *req = mem_zero(1, sizeof(*req));

	req->http = http;
	req->fd = req->spill = -1;
	if (!http->is_cgi)
		FCGX_InitRequest(&req->fcgi, -1, 0);
	return req;
}

static void free_req(struct http_req *req)
{
	buf_done(&req->body);
	buf_done(&req->path);
	buf_done(&req->reply);
	free(req);
}

struct http *http_open(int listen_fd, const struct http_options *options)
{
	struct http *http = mem_zero(1, sizeof(*http));
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	http->options = *options;
	http->base_path = mem_dup(str_of(options->base_path));
	http->conns = fcgi_conn_new(options->body_max + PARAMS_MAX, options->timeout_ms);
	http->listen_fd = listen_fd;
	if (listen_fd < 0) {
		/* FastCGI specification, 2.2: a listening socket has no peer, and
		   says so; a pipe or file says that it is no socket. */
		bool is_socket = getpeername(0, (struct sockaddr *)&peer, &size) < 0 &&
				 errno == ENOTCONN;

		http->is_cgi = !is_socket;
		http->listen_fd = is_socket ? 0 : -1;
	}
	if (http->is_cgi)
		http->options.batch_max = 1;
	else if (FCGX_Init())
		abort();
	/* after FCGX_Init(), which installs handlers of its own */
	take_signals();
	http->reqs = mem_zero(http->options.batch_max, sizeof(*http->reqs));
	for (size_t i = 0; i < http->options.batch_max; i++)
		http->reqs[i] = new_req(http);
	if (!http->is_cgi) {
		fcntl(http->listen_fd, F_SETFL, fcntl(http->listen_fd, F_GETFL) | O_NONBLOCK);
		fcntl(http->listen_fd, F_SETFD, FD_CLOEXEC);
		/* a connection needs one, with a tape two */
		fd_raise_limit(options->connections_max * 2);
	}
	return http;
}

bool http_is_cgi(const struct http *http)
{
	return http->is_cgi;
}

/* ---- handing a whole request to libfcgi */

/* REQUEST_URI without its query, less the base path, decoded: the same behind
   every web server, whatever it makes of SCRIPT_NAME and PATH_INFO. */
static void read_path(struct http_req *req)
{
	struct str uri = http_header(req, "REQUEST_URI"), path;
	size_t base = strlen(req->http->base_path);

	buf_clear(&req->path);
	path = str_cut(&uri, '?');
	req->has_path = path.len > 0 && str_starts(path, req->http->base_path) && path.len > base &&
			path.at[base] == '/' &&
			uri_decode((struct str){ path.at + base, path.len - base }, &req->path);
}

/* Reads the body as far as it may be, and compares it with what was announced.
   `some` reads a piece: 0 at the end. */
static void read_body(struct http_req *req, size_t (*some)(struct http_req *, char *, size_t))
{
	struct str length = http_header(req, "CONTENT_LENGTH");
	size_t max = req->http->options.body_max, got;
	int64_t announced = -1;
	char piece[16384];

	buf_clear(&req->body);
	req->flaw = HTTP_WHOLE;
	if (length.len && (!str_int(length, &announced) || announced < 0))
		req->flaw = HTTP_CUT_SHORT;
	else if (length.len && (uint64_t)announced > max)
		req->flaw = HTTP_TOO_BIG;
	else if (length.len)
		buf_need(&req->body, (size_t)announced);
	while (!req->flaw && (got = some(req, piece, sizeof(piece))) > 0) {
		if (got > max - req->body.len)
			req->flaw = HTTP_TOO_BIG;
		else
			buf_add(&req->body, piece, got);
	}
	if (!req->flaw && !length.len && req->body.len == 0)
		req->flaw = HTTP_NO_LENGTH;
	if (!req->flaw && length.len && req->body.len != (size_t)announced)
		req->flaw = HTTP_CUT_SHORT;
	req->http->gathered_bytes += req->body.len;
}

static size_t fcgi_some(struct http_req *req, char *into, size_t len)
{
	int got = FCGX_GetStr(into, (int)len, req->fcgi.in);

	return got > 0 ? (size_t)got : 0;
}

/* What is left unread on the connection itself would turn our close into a
   reset, and the web server might drop the answer with it. */
static void read_to_end(struct http_req *req)
{
	char piece[16384];

	while (fcgi_some(req, piece, sizeof(piece)) > 0)
		;
}

/* Gives libfcgi a descriptor (the connection or its tape) that holds a whole
   request. false: it is none, and libfcgi has closed it. */
static bool accept_fd(struct http_req *req, int fd)
{
	/* With keepConnection set, FCGX_Accept_r's clean-up of the last request
	   leaves ipcFd alone and takes it as a connection that is kept. */
	req->fcgi.ipcFd = fd;
	req->fcgi.keepConnection = 1;
	req->fcgi.in = NULL;
	/* Detached, because libfcgi would wait up to two seconds for the peer to
	   hang up when what it reads is no request. */
	FCGX_Detach(&req->fcgi);
	if (FCGX_Accept_r(&req->fcgi) < 0)
		return false;
	req->env = req->fcgi.envp;
	req->is_answered = false;
	read_path(req);
	return true;
}

/* A request in the buffer of its connection. */
static void take_conn(struct http *http, int fd)
{
	struct http_req *req = http->reqs[http->count];

	req->fd = req->spill = -1;
	if (!accept_fd(req, fd))
		return;
	read_body(req, fcgi_some);
	read_to_end(req);
	req->input_is_left = false;
	http->count++;
}

/* A request on a tape: libfcgi reads it to wherever the answer then begins. */
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
	read_body(req, fcgi_some);
	/* Handed over before its end, because it is larger than we ever read:
	   whatever its length says, the end of the tape is not its end. */
	if (!request->is_whole)
		req->flaw = HTTP_TOO_BIG;
	req->input_is_left = !request->is_whole;
	http->count++;
}

static void take(struct http *http, const struct fcgi_conn_request *request)
{
	if (request->spill < 0)
		take_conn(http, request->fd);
	else
		take_spill(http, request);
}

static bool is_full(const struct http *http)
{
	return http->count == http->options.batch_max ||
	       (http->count && http->gathered_bytes >= http->options.batch_max_bytes);
}

static void accept_all(struct http *http)
{
	static struct log_gate gate;

	while (!is_full(http) && fcgi_conn_count(http->conns) < http->options.connections_max) {
		int fd = accept4(http->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct fcgi_conn_request request;

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if (errno != EAGAIN && log_gate_passes(&gate, 1))
				log_write(LOG_ERROR, "accept_failed",
					  (struct log_field[]){ log_text("why", strerror(errno)),
								log_end() });
			return;
		}
		if (fcgi_conn_enter(http->conns, fd, &request))
			take(http, &request);
	}
}

/* ---- what is written */

/* From here on libfcgi writes to a file in memory, and what is on it is sent from
   there: libfcgi takes a connection that is full for one that failed. */
static void begin_spill(struct http_req *req)
{
	int spill, second;

	if (req->spill < 0 && (spill = memfd_create("answer", MFD_CLOEXEC)) >= 0) {
		if ((second = fcntl(spill, F_DUPFD_CLOEXEC, 0)) < 0) {
			close(spill);
		} else {
			req->fd = req->fcgi.ipcFd;
			req->fcgi.ipcFd = spill;
			req->spill = second;
		}
	}
	if (req->spill >= 0)
		req->from = lseek(req->spill, 0, SEEK_CUR);
}

/* The answer of a plain CGI request: whoever reads it may take its time, but not
   for ever. */
static bool write_out(struct str bytes)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t done = 0;

	while (done < bytes.len) {
		int ready = poll(&fd, 1, STALL_MS);
		ssize_t put = 0;

		if (ready > 0)
			put = write(STDOUT_FILENO, bytes.at + done,
				    bytes.len - done < PIECE_MAX ? bytes.len - done : PIECE_MAX);
		if (ready == 0 || ((ready < 0 || put < 0) && errno != EINTR && errno != EAGAIN))
			return false;
		done += put > 0 ? (size_t)put : 0;
	}
	return true;
}

static void send_answer(struct http_req *req, const struct buf *reply)
{
	if (req->http->is_cgi) {
		(void)write_out(buf_str(reply));
		return;
	}
	if (reply->len > ANSWER_AT_ONCE || req->spill >= 0)
		begin_spill(req);
	FCGX_PutStr(reply->at, (int)reply->len, req->fcgi.out);
}

/* ---- ending requests */

static void finish_fcgi(struct http_req *req)
{
	/* Detached, because FCGX_Finish_r would else wait until the web server
	   closes (measured: 5,200 instead of 13,800 requests a second). */
	req->fcgi.keepConnection = 0;
	FCGX_Detach(&req->fcgi);
	FCGX_Finish_r(&req->fcgi);
	req->env = NULL;
	if (req->spill < 0)
		return;
	fcgi_conn_send(req->http->conns, req->fd, req->spill, req->from,
		       lseek(req->spill, 0, SEEK_CUR), req->input_is_left);
	req->fd = req->spill = -1;
}

/* libfcgi gets rid of the request as if all was well; nobody gets what it writes.
   nginx takes a mere end of the connection for the end of the answer, so it gets
   what is no record (FastCGI specification, 3.3: the version is 1). */
static void cut_fcgi(struct http_req *req)
{
	static const char no_record[8];

	if (req->spill >= 0 &&
	    send(req->fd, no_record, sizeof(no_record), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		req->input_is_left = false; /* whoever is gone needs none */
	if (req->spill < 0)
		shutdown(req->fcgi.ipcFd, SHUT_RDWR);
	req->fcgi.keepConnection = 0;
	FCGX_Detach(&req->fcgi);
	FCGX_Finish_r(&req->fcgi);
	req->env = NULL;
	if (req->spill < 0)
		return;
	close(req->spill);
	close(req->fd);
	req->fd = req->spill = -1;
}

static void finish(struct http_req *req)
{
	if (!req->is_answered)
		http_answer(req, 500, NULL, str_of("{\"error\":\"internal error\"}"));
	if (req->reply.len)
		send_answer(req, &req->reply);
	if (!req->http->is_cgi && req->is_cut)
		cut_fcgi(req);
	else if (!req->http->is_cgi)
		finish_fcgi(req);
}

static void finish_all(struct http *http)
{
	for (size_t i = 0; i < http->count; i++) {
		finish(http->reqs[i]);
		if (http->reqs[i]->body.cap > KEEP_MAX)
			buf_done(&http->reqs[i]->body);
	}
	http->count = 0;
	http->gathered_bytes = 0;
}

void http_hold(struct http_req *req)
{
	struct http *http = req->http;
	size_t place = 0;

	while (http->reqs[place] != req)
		place++;
	/* The others keep their order; the last of this gather takes no gap. */
	http->count--;
	for (size_t i = place; i < http->count; i++)
		http->reqs[i] = http->reqs[i + 1];
	http->reqs[http->count] = new_req(http);
	http->held++;
	req->is_held = true;
}

void http_release(struct http_req *req)
{
	finish(req);
	req->http->held--;
	free_req(req);
}

/* ---- plain CGI */

static size_t cgi_some(struct http_req *req, char *into, size_t len)
{
	struct str length = http_header(req, "CONTENT_LENGTH");
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t left = req->http->end_at - clock_ms(), announced;
	ssize_t got;

	/* RFC 3875, 4.2: not beyond the announced length; some servers keep the
	   pipe open behind it. Without a length up to the end. */
	if (str_int(length, &announced)) {
		if ((uint64_t)announced <= req->body.len)
			return 0;
		if (len > (size_t)announced - req->body.len)
			len = (size_t)announced - req->body.len;
	}
	if (left <= 0 || poll(&fd, 1, (int)left) <= 0)
		return 0;
	got = read(STDIN_FILENO, into, len);
	return got > 0 ? (size_t)got : 0;
}

static bool gather_cgi(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	struct http_req *req = http->reqs[0];

	finish_all(http);
	if (http->cgi_is_done) {
		if (http->held && poll(also, count, timeout_ms) < 0)
			for (size_t i = 0; i < count; i++)
				also[i].revents = 0;
		return http->held > 0;
	}
	http->cgi_is_done = true;
	http->end_at = clock_ms() + http->options.timeout_ms;
	req->env = environ;
	req->is_answered = false;
	read_path(req);
	read_body(req, cgi_some);
	http->count = 1;
	return true;
}

void http_flush(struct http *http)
{
	finish_all(http);
	if (http->is_cgi)
		close(STDOUT_FILENO);
}

/* ---- the loop */

/* Waits for a listener, a connection or one of the caller's. */
static void wait_for_any(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	size_t n = 0, all = 2 + count + fcgi_conn_count(http->conns);
	bool accepts = http->listen_fd >= 0 &&
		       fcgi_conn_count(http->conns) < http->options.connections_max;
	int64_t now = clock_ms();

	http->polls = mem_grow(http->polls, all, sizeof(struct pollfd));
	http->polls[n++] = (struct pollfd){ .fd = accepts ? http->listen_fd : -1,
					    .events = POLLIN };
	http->polls[n++] = (struct pollfd){ .fd = http->end_at ? -1 : wake_read, .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		http->polls[n++] = also[i];
	timeout_ms = fcgi_conn_poll(http->conns, http->polls + n, timeout_ms);
	if (http->end_at)
		timeout_ms = clock_within(timeout_ms,
					  now < http->end_at
						  ? http->end_at - now
						  : http->end_at + http->options.timeout_ms - now);
	if (poll(http->polls, all, timeout_ms) < 0)
		for (size_t i = 0; i < all; i++)
			http->polls[i].revents = 0;
	for (size_t i = 0; i < count; i++)
		also[i].revents = http->polls[2 + i].revents;
}

/* No new connections; those that are here get a short time to be whole. */
static void begin_to_end(struct http *http)
{
	http->end_at = clock_ms() + END_MS;
	close(http->listen_fd);
	http->listen_fd = -1;
}

bool http_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	struct fcgi_conn_request request;
	size_t left;

	if (http->is_cgi)
		return gather_cgi(http, also, count, timeout_ms);
	finish_all(http);
	if (http->end_at && http->held == 0 &&
	    (fcgi_conn_count(http->conns) == 0 || clock_ms() >= http->end_at))
		return false;
	if (http->end_at && clock_ms() >= http->end_at + http->options.timeout_ms)
		return false;
	wait_for_any(http, also, count, timeout_ms);
	left = fcgi_conn_count(http->conns);
	while (!is_full(http) &&
	       fcgi_conn_next(http->conns, http->polls + 2 + count, &left, &request))
		take(http, &request);
	if (http->listen_fd >= 0 && http->polls[0].revents)
		accept_all(http);
	fcgi_conn_clear(http->conns);
	if (!http->end_at && http->polls[1].revents)
		begin_to_end(http);
	return true;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	finish_all(http);
	fcgi_conn_free(http->conns);
	for (size_t i = 0; i < http->options.batch_max; i++)
		free_req(http->reqs[i]);
	free(http->reqs);
	free(http->polls);
	free(http->base_path);
	buf_done(&http->answer);
	free(http);
}

/* ---- what a request says */

size_t http_count(const struct http *http)
{
	return http->count;
}

struct http_req *http_at(struct http *http, size_t place)
{
	return http->reqs[place];
}

struct str http_header(const struct http_req *req, const char *cgi_name)
{
	size_t len = strlen(cgi_name);

	for (char **env = req->env; env && *env; env++)
		if (**env == *cgi_name && strncmp(*env, cgi_name, len) == 0 && (*env)[len] == '=')
			return str_of(*env + len + 1);
	return (struct str){ 0 };
}

struct str http_method(const struct http_req *req)
{
	return http_header(req, "REQUEST_METHOD");
}

struct str http_path(const struct http_req *req)
{
	return req->has_path ? buf_str(&req->path) : (struct str){ 0 };
}

struct str http_type(const struct http_req *req)
{
	struct str all = http_header(req, "CONTENT_TYPE");

	return str_trim(str_cut(&all, ';'));
}

struct str http_query(const struct http_req *req)
{
	struct str uri = http_header(req, "REQUEST_URI");

	(void)str_cut(&uri, '?');
	return uri;
}

struct str http_authorization(const struct http_req *req)
{
	struct str header = http_header(req, "HTTP_AUTHORIZATION");

	/* Apache puts REDIRECT_ in front when a rule of rewriting handed it on. No
	   header of a client has that name: it would begin with HTTP_. */
	return header.len ? header : http_header(req, "REDIRECT_HTTP_AUTHORIZATION");
}

bool http_basic(const struct http_req *req, struct buf *user, struct buf *password)
{
	struct str header = http_authorization(req);

	return header.len && http_auth_read_basic(header, user, password);
}

void http_peer(const struct http_req *req, const struct ip_networks *trusted,
	       struct ip_address *client)
{
	struct ip_address peer;

	/* over a Unix socket the web server's own peer is on this machine */
	if (!ip_read(http_header(req, "REMOTE_ADDR"), &peer) &&
	    !ip_read(str_of("127.0.0.1"), &peer))
		abort(); /* it is one */
	*client = forwarded_client(&peer, http_header(req, "HTTP_X_FORWARDED_FOR"), trusted);
}

struct str http_body(const struct http_req *req)
{
	return buf_str(&req->body);
}

enum http_flaw http_flaw(const struct http_req *req)
{
	return req->flaw;
}

void http_answer(struct http_req *req, int status, const char *headers, struct str json)
{
	http_answer_as(req, status, "application/json", headers, json);
}

void http_answer_as(struct http_req *req, int status, const char *type, const char *headers,
		    struct str body)
{
	/* who answers one that is held may be another thread: it has a buffer of its own */
	struct buf *out = req->is_held ? &req->reply : &req->http->answer;

	buf_clear(out);
	cgi_response_write(out, status, type, headers, body, str_is(http_method(req), "HEAD"));
	req->is_answered = true;
	if (!req->is_held)
		send_answer(req, out);
}

/* ---- streams */

void http_stream_begin(struct http_req *req, int status, const char *type, const char *headers)
{
	struct buf head = { 0 };

	req->is_answered = true;
	cgi_response_write_head(&head, status, type, headers);
	if (!req->http->is_cgi)
		begin_spill(req);
	(void)http_stream_put(req, buf_str(&head));
	buf_done(&head);
}

void http_stream_cut(struct http_req *req)
{
	req->is_cut = true;
}

size_t http_stream_left(const struct http_req *req)
{
	off_t end = req->spill < 0 ? 0 : lseek(req->spill, 0, SEEK_CUR);

	return end > req->from ? (size_t)(end - req->from) : 0;
}

bool http_stream_go_on(struct http_req *req)
{
	int64_t now = clock_ms();
	char piece[16384];
	size_t left;

	while (req->spill >= 0 && (left = http_stream_left(req)) > 0) {
		ssize_t got = pread(req->spill, piece, left < sizeof(piece) ? left : sizeof(piece),
				    req->from),
			put;

		if (got <= 0)
			return false;
		put = send(req->fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0)
			return (errno == EAGAIN || errno == EINTR) && now < req->stalls_at;
		req->from += put;
		req->stalls_at = now + STALL_MS;
	}
	/* All is sent: the tape begins anew, or it would become as long as the stream. */
	if (req->spill >= 0 && req->from > 0 && ftruncate(req->spill, 0) == 0)
		req->from = lseek(req->spill, 0, SEEK_SET);
	req->stalls_at = now + STALL_MS;
	return true;
}

bool http_stream_put(struct http_req *req, struct str piece)
{
	if (req->http->is_cgi)
		return write_out(piece);
	/* pieces of a few hundred kilobytes: an int holds their length */
	if (FCGX_PutStr(piece.at, (int)piece.len, req->fcgi.out) < 0 ||
	    FCGX_FFlush(req->fcgi.out) < 0)
		return false;
	return http_stream_go_on(req);
}

int http_stream_poll(const struct http_req *req, struct pollfd *fd)
{
	bool waits = http_stream_left(req) > 0;

	*fd = (struct pollfd){ .fd = waits ? req->fd : -1, .events = POLLOUT };
	return waits ? clock_within(-1, req->stalls_at - clock_ms()) : -1;
}
