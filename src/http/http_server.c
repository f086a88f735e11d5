/* SPDX-License-Identifier: ISC */
#include "http/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "http/cgi_response.h"
#include "http/fcgi_conn.h"
#include "http/http_internal.h"

enum {
	PARAMS_MAX = 64 * 1024, /* for a request, on top of body_max */
	KEEP_MAX = 64 * 1024,	/* a larger buffer is not kept for the next body */
	END_MS = 2000,		/* for incomplete requests when the program ends */
};

static int wake_read = -1, wake_write = -1;

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	/* A full pipe is no failure: one byte in it is enough. */
	if (write(wake_write, "x", 1) < 0)
		errno = saved;
	errno = saved;
}

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
		http_fcgi_new_req(req);
	return req;
}

static void free_req(struct http_req *req)
{
	buf_done(&req->body);
	buf_done(&req->path);
	buf_done(&req->response);
	free(req->fcgi);
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
		/* FastCGI specification, 2.2: getpeername() of a listening socket fails with
		   ENOTCONN, of a pipe or a file with another error. */
		bool is_socket = getpeername(0, (struct sockaddr *)&peer, &size) < 0 &&
				 errno == ENOTCONN;

		http->is_cgi = !is_socket;
		http->listen_fd = is_socket ? 0 : -1;
	}
	if (http->is_cgi)
		http->options.batch_max = 1;
	else
		http_fcgi_init();
	/* after libfcgi, which installs handlers of its own */
	take_signals();
	http->reqs = mem_zero(http->options.batch_max, sizeof(*http->reqs));
	for (size_t i = 0; i < http->options.batch_max; i++)
		http->reqs[i] = new_req(http);
	if (!http->is_cgi) {
		fcntl(http->listen_fd, F_SETFL, fcntl(http->listen_fd, F_GETFL) | O_NONBLOCK);
		fcntl(http->listen_fd, F_SETFD, FD_CLOEXEC);
		/* a connection needs one descriptor, with a spill file two */
		fd_raise_limit(options->connections_max * 2);
	}
	return http;
}

bool http_is_cgi(const struct http *http)
{
	return http->is_cgi;
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
			http_fcgi_take(http, &request);
	}
}

static void send_response(struct http_req *req, const struct buf *response)
{
	if (req->http->is_cgi)
		(void)http_cgi_write(buf_str(response));
	else
		http_fcgi_send(req, buf_str(response));
}

void http_answer(struct http_req *req, int status, const char *headers, struct str json)
{
	http_answer_as(req, status, "application/json", headers, json);
}

void http_answer_as(struct http_req *req, int status, const char *type, const char *headers,
		    struct str body)
{
	/* Another thread may answer a held request, which therefore has its own buffer. */
	struct buf *out = req->is_held ? &req->response : &req->http->response;

	buf_clear(out);
	cgi_response_write(out, status, type, headers, body, str_is(http_method(req), "HEAD"));
	req->is_answered = true;
	if (!req->is_held)
		send_response(req, out);
}

static void finish(struct http_req *req)
{
	if (!req->is_answered)
		http_answer(req, 500, NULL, str_of("{\"error\":\"internal error\"}"));
	if (req->response.len)
		send_response(req, &req->response);
	if (!req->http->is_cgi && req->is_aborted)
		http_fcgi_abort(req);
	else if (!req->http->is_cgi)
		http_fcgi_finish(req);
}

void http_finish_all(struct http *http)
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
	size_t at = 0;

	while (http->reqs[at] != req)
		at++;
	/* The requests behind it move up, so that their order stays. */
	http->count--;
	for (size_t i = at; i < http->count; i++)
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

void http_flush(struct http *http)
{
	http_finish_all(http);
	if (http->is_cgi)
		close(STDOUT_FILENO);
}

/* Waits for the listening socket, a connection or one of the caller's descriptors. */
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

/* Accepts no more connections. The requests that are being received get a short time. */
static void stop_accepting(struct http *http)
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
		return http_cgi_gather(http, also, count, timeout_ms);
	http_finish_all(http);
	if (http->end_at && http->held == 0 &&
	    (fcgi_conn_count(http->conns) == 0 || clock_ms() >= http->end_at))
		return false;
	if (http->end_at && clock_ms() >= http->end_at + http->options.timeout_ms)
		return false;
	wait_for_any(http, also, count, timeout_ms);
	left = fcgi_conn_count(http->conns);
	while (!is_full(http) &&
	       fcgi_conn_next(http->conns, http->polls + 2 + count, &left, &request))
		http_fcgi_take(http, &request);
	if (http->listen_fd >= 0 && http->polls[0].revents)
		accept_all(http);
	fcgi_conn_clear(http->conns);
	if (!http->end_at && http->polls[1].revents)
		stop_accepting(http);
	return true;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	http_finish_all(http);
	fcgi_conn_free(http->conns);
	for (size_t i = 0; i < http->options.batch_max; i++)
		free_req(http->reqs[i]);
	free(http->reqs);
	free(http->polls);
	free(http->base_path);
	buf_done(&http->response);
	free(http);
}

size_t http_count(const struct http *http)
{
	return http->count;
}

struct http_req *http_at(struct http *http, size_t index)
{
	return http->reqs[index];
}
