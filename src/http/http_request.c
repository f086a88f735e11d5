/* SPDX-License-Identifier: ISC */
/* What a request says: its headers, its path and its body, whichever way it came. */
#include "http/http_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "http/forwarded.h"
#include "http/http_auth.h"
#include "http/uri.h"

/* REQUEST_URI without query and base path, decoded. Web servers agree on REQUEST_URI, but not on
   SCRIPT_NAME and PATH_INFO. */
void http_read_path(struct http_req *req)
{
	struct str uri = http_header(req, "REQUEST_URI"), path;
	size_t base = strlen(req->http->base_path);

	buf_clear(&req->path);
	path = str_cut(&uri, '?');
	req->has_path = path.len > 0 && str_starts(path, req->http->base_path) && path.len > base &&
			path.at[base] == '/' &&
			uri_decode((struct str){ path.at + base, path.len - base }, &req->path);
}

void http_read_body(struct http_req *req, size_t (*read_some)(struct http_req *, char *, size_t))
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
	while (!req->flaw && (got = read_some(req, piece, sizeof(piece))) > 0) {
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

	/* Apache adds the prefix REDIRECT_ when a rewrite rule passes the header on. A client
	   cannot send it: names of its headers begin with HTTP_. */
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

	/* behind a Unix socket there is no address: the client is on this machine */
	if (!ip_read(http_header(req, "REMOTE_ADDR"), &peer) &&
	    !ip_read(str_of("127.0.0.1"), &peer))
		abort(); /* the literal address is valid */
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
