/* SPDX-License-Identifier: ISC */
#include "http/cgi_response.h"

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Internal Server Error";
}

static void add_status(struct buf *out, int status)
{
	buf_addf(out, "Status: %d %s\r\n", status, phrase(status));
}

static void add_rest(struct buf *out, const char *headers)
{
	buf_add_text(out, "Cache-Control: no-store\r\n");
	if (headers)
		buf_addf(out, "%s\r\n", headers);
	buf_add_text(out, "\r\n");
}

void cgi_response_write_head(struct buf *out, int status, const char *type, const char *headers)
{
	add_status(out, status);
	buf_addf(out, "Content-Type: %s\r\n", type);
	add_rest(out, headers);
}

void cgi_response_write(struct buf *out, int status, const char *type, const char *headers,
			struct str body, bool is_head)
{
	/* RFC 9110, 8.6: these responses have no body and no Content-Length */
	bool is_bare = status == 204 || status == 304;

	add_status(out, status);
	if (!is_bare)
		buf_addf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.len);
	add_rest(out, headers);
	/* RFC 3875, 4.3.3: the program leaves the body out for HEAD */
	if (!is_bare && !is_head)
		buf_add_str(out, body);
}
