/* SPDX-License-Identifier: ISC */
/* One plain CGI request: its body on stdin, its response on stdout. */
#include "http/http_internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

enum { PIECE_MAX = 4096 }; /* a writable pipe takes so many bytes without blocking */

bool http_cgi_write(struct str bytes)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	size_t done = 0;

	while (done < bytes.len) {
		int ready = poll(&fd, 1, HTTP_STALL_MS);
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

static size_t read_piece(struct http_req *req, char *into, size_t len)
{
	struct str length = http_header(req, "CONTENT_LENGTH");
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t left = req->http->end_at - clock_ms(), announced;
	ssize_t got;

	/* RFC 3875, 4.2: a program must not read beyond CONTENT_LENGTH; some servers keep the
	   pipe open. Without a length the body ends with the pipe. */
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

bool http_cgi_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	struct http_req *req = http->reqs[0];

	http_finish_all(http);
	if (http->is_cgi_done) {
		if (http->held && poll(also, count, timeout_ms) < 0)
			for (size_t i = 0; i < count; i++)
				also[i].revents = 0;
		return http->held > 0;
	}
	http->is_cgi_done = true;
	http->end_at = clock_ms() + http->options.timeout_ms;
	req->env = environ;
	req->is_answered = false;
	http_read_path(req);
	http_read_body(req, read_piece);
	http->count = 1;
	return true;
}
