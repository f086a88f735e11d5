/* SPDX-License-Identifier: ISC */
/* Any bytes as what a web server says: through the program's own listener and
   libfcgi. The first byte says in how many pieces they come. */
#include "fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http_server.h"
#include "http/listener.h"

enum { BODY_MAX = 4096 };

static struct http *http;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void look(struct http_req *req)
{
	struct str path = http_path(req), body = http_body(req);

	MUST(body.len <= BODY_MAX);
	MUST(!path.at || (path.len > 0 && path.at[0] == '/' && !memchr(path.at, '\0', path.len)));
	http_method(req);
	http_type(req);
	http_header(req, "HTTP_X_WEBHOOK_SIGNATURE_256");
	if (http_flaw(req) == HTTP_WHOLE)
		http_answer(req, 200, NULL, body.len < 100 ? body : (struct str){ 0 });
}

static void remove_socket(void)
{
	unlink(address.sun_path);
}

static void open_once(void)
{
	struct http_options options = { .base_path = "/b",
					.batch_max = 4,
					.batch_max_bytes = 10000,
					.body_max = BODY_MAX,
					.timeout_ms = 1000,
					.connections_max = 16 };
	struct buf problem = { 0 }, where = { 0 };
	int fd;

	if (http)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/hl-fuzz-%d", (int)getpid());
	buf_addf(&where, "unix:%s", address.sun_path);
	MUST(listener_open(buf_text(&where), &fd, &problem) == ERR_NONE);
	http = http_open(fd, &options);
	atexit(remove_socket);
	buf_done(&where);
	buf_done(&problem);
}

static void gather(void)
{
	MUST(http_gather(http, NULL, 0, 0));
	MUST(http_count(http) <= 4);
	for (size_t i = 0; i < http_count(http); i++)
		look(http_at(http, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t pieces, piece;
	int fd;

	if (size < 2)
		return 0;
	open_once();
	pieces = 1 + data[0] % 4;
	data++, size--;
	piece = size / pieces + 1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	while (size) {
		size_t now = piece < size ? piece : size;

		if (send(fd, data, now, MSG_NOSIGNAL) < 0)
			break;
		data += now;
		size -= now;
		gather();
	}
	shutdown(fd, SHUT_WR);
	gather();
	gather();
	close(fd);
	gather();
	return 0;
}
