/* SPDX-License-Identifier: ISC */
/* What a request of the admin page brings, and the gates that it passes before anything
   is asked of the database: the proof that the page itself sent what changes something,
   the query, the body. Who may do what is said in SQL (admin.operation). */
#include "admin/admin.h"

#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "http/cookie.h"
#include "http/http_server.h"
#include "http/json_server.h"
#include "http/uri.h"
#include "ledger/catalog.h"

enum { TOKEN_MAX = 200 };

static void read_session(const struct admin *admin, struct http_req *req, struct visit *visit)
{
	unsigned char digest[DIGEST_BYTES];
	struct ip_address from;

	visit->has_two = cookie_find(http_header(req, "HTTP_COOKIE"), admin_cookie(admin->conf),
				     &visit->token) > 1;
	if (visit->token.len > TOKEN_MAX)
		visit->token = (struct str){ 0 };
	crypto_digest(visit->token.at ? visit->token : str_of(""), digest);
	http_peer(req, &admin->trusted, &from);
	ip_write(&from, &visit->client);
	buf_add(&visit->session, digest, sizeof(digest));
	buf_add(&visit->session, visit->client.at, visit->client.len);
}

void admin_network(const struct visit *visit, struct buf *out)
{
	static const unsigned char ipv4[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_address from;

	if (ip_read(buf_str(&visit->client), &from))
		buf_add(out, from.at,
			memcmp(from.at, ipv4, sizeof(ipv4)) == 0 ? sizeof(from.at)
								 : sizeof(from.at) / 2);
}

/* The parts of the path as an object, by the names that the row gives them. */
static void read_path(const struct route_match *match, struct buf *json)
{
	const char *at = match->row->path;
	size_t place = 0;

	json_begin(json, NULL);
	while ((at = strchr(at, '{'))) {
		const char *end = strchr(at, '}');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(end - at - 1), at + 1);
		json_put_text(json, name, match->values[place++]);
		at = end;
	}
	json_end(json);
}

void admin_visit_done(struct visit *visit)
{
	buf_done(&visit->session);
	buf_done(&visit->client);
	buf_done(&visit->path);
	buf_done(&visit->query);
}

/* ---- the gates */

static bool only_looks(const struct http_req *req)
{
	return str_is(http_method(req), "GET") || str_is(http_method(req), "HEAD");
}

/* A page of another origin can make a browser send the cookie, but neither read
   what belongs into X-HL-CSRF nor set a header at all. Where a browser says
   itself who sends a request (Fetch Metadata), it is believed too. */
static bool is_forged(struct http_req *req, const struct admin_row *row, const struct visit *visit)
{
	struct str site = http_header(req, "HTTP_SEC_FETCH_SITE"),
		   brought = http_header(req, "HTTP_X_HL_CSRF");
	struct buf wanted = { 0 };
	bool fine;

	if (only_looks(req))
		return false;
	if (site.at && !str_is(site, "same-origin"))
		return true;
	if (row->is_open)
		return false;
	admin_csrf(visit->token.at ? visit->token : str_of(""), &wanted);
	fine = visit->token.at && brought.len == wanted.len &&
	       crypto_equal((const unsigned char *)brought.at, (const unsigned char *)wanted.at,
			    wanted.len);
	buf_done(&wanted);
	return !fine;
}

/* Begins the code of what is wrong with the query; a request that needs no login may have
   any, as monitors and their like send it. */
static bool is_query_wrong(struct http_req *req, const struct admin_row *row, struct buf *message)
{
	const char *known = row->query ? row->query : "";
	struct buf name = { 0 };
	bool is_wrong;

	is_wrong = !row->is_open && uri_unknown(http_query(req), known, &name) == ERR_NONE;
	if (is_wrong) {
		catalog_begin(message, "query.unknown");
		json_put_text(message, "name", buf_str(&name));
		if (*known)
			json_put_text(message, "known", str_of(known));
	}
	buf_done(&name);
	return is_wrong;
}

/* The body is missing, or a JSON object; 0, or the status to refuse it with and *message begun. */
static int find_flaw(struct http_req *req, struct visit *visit, struct buf *message)
{
	size_t where = 0;
	enum json_body flaw = json_server_body(req, &where);

	if ((flaw == JSON_BODY_TYPE || flaw == JSON_BODY_SYNTAX) &&
	    (only_looks(req) || http_body(req).len == 0))
		return 0;
	switch (flaw) {
	case JSON_BODY_FINE:
		if (!only_looks(req))
			visit->given = http_body(req);
		break;
	case JSON_BODY_TOO_BIG:
		catalog_begin(message, "body.too_big");
		break;
	case JSON_BODY_CUT_SHORT:
		catalog_begin(message, "body.cut_short");
		break;
	case JSON_BODY_TYPE:
		catalog_begin(message, "body.other_type");
		break;
	case JSON_BODY_SYNTAX:
		catalog_begin(message, "body.malformed");
		json_put_int(message, "byte", (int64_t)where);
		break;
	}
	return json_server_status(flaw);
}

bool admin_visit_read(const struct admin *admin, struct http_req *req,
		      const struct route_match *match, struct visit *visit)
{
	const struct admin_row *row = (const struct admin_row *)match->row;
	struct buf message = { 0 };
	bool fine = false;
	int status;

	read_session(admin, req, visit);
	read_path(match, &visit->path);
	if (visit->has_two)
		admin_refuse(req, 400, "session.two_cookies");
	else if (is_forged(req, row, visit))
		admin_refuse(req, 403, visit->token.at ? "request.forged" : "session.none");
	else if (uri_query_json(http_query(req), &visit->query))
		admin_refuse(req, 400, "query.malformed");
	else if ((status = is_query_wrong(req, row, &message) ? 400
							      : find_flaw(req, visit, &message))) {
		json_end(&message);
		admin_refuse_message(req, status, NULL, buf_str(&message));
	} else {
		fine = true;
	}
	buf_done(&message);
	return fine;
}
