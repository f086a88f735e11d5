/* SPDX-License-Identifier: ISC */
/* A response of unknown length, sent piece by piece to a held request. */
#include "http/http_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/cgi_response.h"

void http_stream_begin(struct http_req *req, int status, const char *type, const char *headers)
{
	struct buf head = { 0 };

	req->is_answered = true;
	cgi_response_write_head(&head, status, type, headers);
	if (!req->http->is_cgi)
		http_fcgi_begin_spill(req);
	(void)http_stream_put(req, buf_str(&head));
	buf_done(&head);
}

void http_stream_abort(struct http_req *req)
{
	req->is_aborted = true;
}

size_t http_stream_pending(const struct http_req *req)
{
	off_t end = req->spill < 0 ? 0 : lseek(req->spill, 0, SEEK_CUR);

	return end > req->from ? (size_t)(end - req->from) : 0;
}

bool http_stream_send(struct http_req *req)
{
	int64_t now = clock_ms();
	char piece[16384];
	size_t left;

	while (req->spill >= 0 && (left = http_stream_pending(req)) > 0) {
		ssize_t got = pread(req->spill, piece, left < sizeof(piece) ? left : sizeof(piece),
				    req->from),
			put;

		if (got <= 0)
			return false;
		put = send(req->fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0)
			return (errno == EAGAIN || errno == EINTR) && now < req->stalls_at;
		req->from += put;
		req->stalls_at = now + HTTP_STALL_MS;
	}
	/* Everything is sent: empty the spill file, which would grow to the stream's length. */
	if (req->spill >= 0 && req->from > 0 && ftruncate(req->spill, 0) == 0)
		req->from = lseek(req->spill, 0, SEEK_SET);
	req->stalls_at = now + HTTP_STALL_MS;
	return true;
}

bool http_stream_put(struct http_req *req, struct str piece)
{
	if (req->http->is_cgi)
		return http_cgi_write(piece);
	return http_fcgi_put(req, piece) && http_stream_send(req);
}

int http_stream_poll(const struct http_req *req, struct pollfd *fd)
{
	bool waits = http_stream_pending(req) > 0;

	*fd = (struct pollfd){ .fd = waits ? req->fd : -1, .events = POLLOUT };
	return waits ? clock_within(-1, req->stalls_at - clock_ms()) : -1;
}
