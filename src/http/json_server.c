/* SPDX-License-Identifier: ISC */
#include "http/json_server.h"

#include <stdarg.h>

#include "base/json.h"
#include "http/http_server.h"
#include "http/route.h"

static void refuse_method(const struct json_server *server, struct http_req *req, struct str path)
{
	struct buf allow = { 0 };

	buf_add_text(&allow, "Allow: ");
	route_write_allow(server->routes, path, &allow);
	server->refuse_method(server->program, req, buf_text(&allow));
	buf_done(&allow);
}

static void serve_one(const struct json_server *server, struct http_req *req)
{
	struct route_match match;
	/* what is no UTF-8 is no name of anything, and no text that the database takes */
	struct str path = utf8_is_valid(http_path(req)) ? http_path(req) : (struct str){ 0 };

	while (server->ignores_slashes && path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	switch (route_find(server->routes, http_method(req), path, &match)) {
	case ROUTE_FOUND:
		server->serve(server->program, req, &match);
		break;
	case ROUTE_OTHER_METHOD:
		refuse_method(server, req, path);
		break;
	case ROUTE_ABSENT:
		server->refuse_path(server->program, req);
		break;
	}
}

void json_server_run(const struct json_server *server)
{
	struct pollfd fds[JSON_SERVER_FDS];

	for (;;) {
		size_t count = 0;
		int wait_ms = server->go_on(server->program, fds, &count);

		if (!http_gather(server->web, fds, count, wait_ms))
			break;
		/* A request that is held moves those behind it up. */
		for (size_t i = 0; i < http_count(server->web);) {
			size_t before = http_count(server->web);

			serve_one(server, http_at(server->web, i));
			i += http_count(server->web) == before;
		}
	}
}

void json_server_header(struct buf *headers, const char *format, ...)
{
	va_list values;

	if (headers->len)
		buf_add_text(headers, "\r\n");
	va_start(values, format);
	buf_addfv(headers, format, values);
	va_end(values);
}

enum json_body json_server_body(const struct http_req *req, size_t *where)
{
	if (http_flaw(req) == HTTP_TOO_BIG)
		return JSON_BODY_TOO_BIG;
	if (http_flaw(req) == HTTP_CUT_SHORT)
		return JSON_BODY_CUT_SHORT;
	if (!str_equal_nocase(http_type(req), "application/json"))
		return JSON_BODY_TYPE;
	return json_scan(http_body(req), NULL, NULL, 0, where) ? JSON_BODY_SYNTAX : JSON_BODY_FINE;
}

int json_server_status(enum json_body flaw)
{
	return flaw == JSON_BODY_FINE	   ? 0
	       : flaw == JSON_BODY_TOO_BIG ? 413
	       : flaw == JSON_BODY_TYPE	   ? 415
					   : 400;
}
