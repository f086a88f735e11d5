/* SPDX-License-Identifier: ISC */
/* hookledger-admin: what the admin page asks for, as JSON. A request passes these gates:
   path and method; for what changes something the proof that the page itself sent it; the
   body. Then admin.call() in SQL does the operation of the row below; the table
   admin.operation says who may. Operations that need more than the database have a
   function in another file of this folder. */
#include "admin/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "http/cookie.h"
#include "base/crypto.h"
#include "http/http_server.h"
#include "base/json.h"
#include "http/program.h"
#include "http/http_conf.h"
#include "http/uri.h"
#include "ledger/confinement.h"

#define API "/admin/api"

enum { TOKEN_MAX = 200 };

static const struct admin_row rows[] = {
	{ { "GET", API "/session" }, admin_session_get, NULL, false },
	{ { "POST", API "/session" }, admin_session_begin, NULL, true },
	{ { "DELETE", API "/session" }, admin_session_end, NULL, false },
	{ { "POST", API "/session/proof" }, admin_session_prove, NULL, false },
	{ { "GET", API "/setup" }, admin_setup_look, NULL, true },
	{ { "POST", API "/setup" }, admin_setup_do, NULL, true },
	{ { "GET", API "/overview" }, admin_operate, "overview", false },
	{ { "GET", API "/events" }, admin_operate, "event_list", false },
	{ { "GET", API "/events/new" }, admin_operate, "event_new", false },
	{ { "GET", API "/events/newer" }, admin_operate, "event_newer", false },
	{ { "GET", API "/events/export" }, admin_event_export, NULL, false },
	{ { "GET", API "/events/{workspace_id}/{event_id}/{created_at}" },
	  admin_event_read,
	  NULL,
	  false },
	{ { "GET", API "/time" }, admin_operate, "time_read", false },
	{ { "GET", API "/operators" }, admin_operate, "operator_list", false },
	{ { "POST", API "/operators" }, admin_operator_add, NULL, false },
	{ { "PATCH", API "/operators/{operator_id}" }, admin_operator_change, NULL, false },
	{ { "PATCH", API "/me" }, admin_me_change, NULL, false },
	{ { "PUT", API "/me/language" }, admin_operate, "language_set", false },
	{ { "POST", API "/me/totp" }, admin_totp_begin, NULL, false },
	{ { "PUT", API "/me/totp" }, admin_totp_confirm, NULL, false },
	{ { "DELETE", API "/me/totp" }, admin_totp_end, NULL, false },
	{ { "POST", API "/me/totp/codes" }, admin_totp_codes, NULL, false },
	{ { "GET", API "/sessions" }, admin_operate, "session_list", false },
	{ { "DELETE", API "/sessions/{session_id}" }, admin_operate, "session_remove", false },
	{ { "GET", API "/settings" }, admin_operate, "settings_read", false },
	{ { "PATCH", API "/settings" }, admin_operate, "settings_change", false },
	{ { "GET", API "/audit" }, admin_operate, "audit_list", false },
	{ { "GET", API "/subscribers" }, admin_operate, "subscriber_list", false },
	{ { "POST", API "/subscribers/accounts" }, admin_account_write, "account_add", false },
	{ { "PATCH", API "/subscribers/accounts/{account_id}" },
	  admin_operate,
	  "account_change",
	  false },
	{ { "POST", API "/subscribers/accounts/{account_id}/token" },
	  admin_account_write,
	  "account_token",
	  false },
	{ { "PUT", API "/subscribers/accounts/{account_id}/workspaces/{workspace_id}" },
	  admin_operate,
	  "member_set",
	  false },
	{ { "DELETE", API "/subscribers/accounts/{account_id}/workspaces/{workspace_id}" },
	  admin_operate,
	  "member_remove",
	  false },
	{ { "POST", API "/subscribers/organizations" },
	  admin_organization_write,
	  "organization_add",
	  false },
	{ { "PATCH", API "/subscribers/organizations/{organization_id}" },
	  admin_organization_write,
	  "organization_change",
	  false },
	{ { "PUT", API "/subscribers/workspaces/{workspace_id}" },
	  admin_operate,
	  "workspace_set",
	  false },
	{ { "POST", API "/subscribers/subscriptions" },
	  admin_subscription_ask,
	  "subscription_begin",
	  false },
	{ { "PATCH", API "/subscribers/subscriptions/{subscription_id}" },
	  admin_subscription_ask,
	  "subscription_begin",
	  false },
	{ { "DELETE", API "/subscribers/subscriptions/{subscription_id}" },
	  admin_operate,
	  "subscription_remove",
	  false },
	{ { "POST", API "/subscribers/subscriptions/{subscription_id}/ping" },
	  admin_subscription_ask,
	  "ping_begin",
	  false },
	{ { "POST", API "/subscribers/subscriptions/{subscription_id}/validate" },
	  admin_subscription_ask,
	  "ping_begin",
	  false },
	{ { "POST", API "/subscribers/subscriptions/{subscription_id}/rotate" },
	  admin_subscription_rotate,
	  NULL,
	  false },
	{ { "POST", API "/subscribers/subscriptions/{subscription_id}/replay" },
	  admin_subscription_replay,
	  NULL,
	  false },
	{ { "GET", API "/subscribers/subscriptions/{subscription_id}/deliveries" },
	  admin_operate,
	  "delivery_list",
	  false },
	{ { "GET", API "/subscribers/deliveries/{delivery_id}" },
	  admin_operate,
	  "delivery_read",
	  false },
	{ { "POST", API "/subscribers/deliveries/{delivery_id}/replay" },
	  admin_operate,
	  "delivery_replay",
	  false },
	{ { "GET", API "/endpoints" }, admin_endpoint_list, NULL, false },
	{ { "POST", API "/endpoints" }, admin_endpoint_add, NULL, false },
	{ { "PATCH", API "/endpoints/{endpoint_id}" }, admin_operate, "endpoint_change", false },
	{ { "POST", API "/endpoints/{endpoint_id}/rotate" }, admin_endpoint_rotate, NULL, false },
	{ { "DELETE", API "/endpoints/{endpoint_id}/secrets/{secret_id}" },
	  admin_operate,
	  "secret_revoke",
	  false },
	{ { "POST", API "/endpoints/{endpoint_id}/test" }, admin_endpoint_test, NULL, false },
	{ { "GET", API "/toggl" }, admin_operate, "toggl_read", false },
	{ { "GET", API "/toggl/plan" }, admin_operate, "toggl_plan", false },
	{ { "GET", API "/toggl/jobs/{job_id}" }, admin_operate, "toggl_job_read", false },
	{ { "GET", API "/toggl/event_filters" }, admin_operate, "toggl_event_filters", false },
	{ { "GET", API "/notices" }, admin_operate, "notice_list", false },
	{ { "POST", API "/notices" }, admin_alert_add, NULL, false },
	{ { "PATCH", API "/notices/{notice_id}" }, admin_operate, "notice_change", false },
	{ { "DELETE", API "/notices/{notice_id}" }, admin_operate, "notice_remove", false },
	{ { "POST", API "/notices/{notice_id}/test" }, admin_alert_test, NULL, false },
	{ { "GET", API "/ticks" }, admin_operate, "tick_list", false },
	{ { "POST", API "/ticks" }, admin_tick_add, NULL, false },
	{ { "DELETE", API "/ticks/{tick_id}" }, admin_operate, "tick_remove", false },
	{ { "GET", API "/health" }, admin_health, NULL, true },
	{ { "GET", API "/metrics" }, admin_metrics, NULL, true },
	{ { "POST", API "/toggl/connect" }, admin_toggl_connect, NULL, false },
	{ { "POST", API "/toggl/disconnect" }, admin_operate, "toggl_disconnect", false },
	{ { "POST", API "/toggl/refresh" }, admin_toggl_do, "toggl_refresh", false },
	{ { "POST", API "/toggl/load" }, admin_toggl_do, "toggl_load", false },
	{ { "POST", API "/toggl/check" }, admin_toggl_do, "toggl_check", false },
	{ { "POST", API "/toggl/jobs/{job_id}/continue" }, admin_toggl_do, "toggl_resume", false },
	{ { "POST", API "/toggl/subscriptions" }, admin_toggl_do, "toggl_subscribe", false },
	{ { "PATCH", API "/toggl/subscriptions/{subscription_id}" },
	  admin_toggl_do,
	  "toggl_change",
	  false },
	{ { "DELETE", API "/toggl/subscriptions/{subscription_id}" },
	  admin_toggl_do,
	  "toggl_delete",
	  false },
	{ { "POST", API "/toggl/subscriptions/{subscription_id}/ping" },
	  admin_toggl_do,
	  "toggl_ping",
	  false },
	{ { "POST", API "/toggl/subscriptions/{subscription_id}/validate" },
	  admin_toggl_do,
	  "toggl_validate",
	  false },
	{ { "POST", API "/toggl/subscriptions/{subscription_id}/rotate" },
	  admin_toggl_do,
	  "toggl_rotate",
	  false },
	{ { "POST", API "/toggl/subscriptions/{subscription_id}/repair" },
	  admin_toggl_do,
	  "toggl_repair",
	  false },
	{ { "POST", API "/toggl/subscriptions/{subscription_id}/adopt" },
	  admin_toggl_do,
	  "toggl_adopt",
	  false },
};

/* What the query of a URL may say; where an address is not here, nothing. Passed
   over, a filter that is mistyped would give everything. */
#define FILTERS "workspace, model, action, user, entity, since, until, text"
static const struct parameters {
	const char *path, *names;
} parameters[] = {
	{ API "/events", FILTERS ", after, limit" },
	{ API "/events/new", FILTERS ", after" },
	{ API "/events/newer", FILTERS ", after, limit" },
	{ API "/events/export", FILTERS ", format, separator, end" },
	{ API "/time", "from, until, workspace" },
	{ API "/audit", "after, limit" },
	{ API "/subscribers/subscriptions/{subscription_id}/deliveries", "state, after, limit" },
	{ API "/endpoints", "after, limit" },
	{ API "/toggl/plan", "workspace, item" },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
static const struct route_table table = { &rows[0].route, sizeof(rows[0]), ROWS };

/* What does not only call the database, or may not wait behind what does. */
static const struct {
	admin_operation *run;
	enum admin_queue_kind queue;
} queues[] = {
	{ admin_health, ADMIN_QUEUE_HEALTH },
	{ admin_metrics, ADMIN_QUEUE_METRICS },
	{ admin_session_begin, ADMIN_QUEUE_PASSWORD },
	{ admin_session_prove, ADMIN_QUEUE_PASSWORD },
	{ admin_setup_do, ADMIN_QUEUE_PASSWORD },
	{ admin_operator_add, ADMIN_QUEUE_PASSWORD },
	{ admin_operator_change, ADMIN_QUEUE_PASSWORD },
	{ admin_me_change, ADMIN_QUEUE_PASSWORD },
	{ admin_event_export, ADMIN_QUEUE_EXPORT },
	{ admin_subscription_ask, ADMIN_QUEUE_OUTBOUND },
	{ admin_subscription_replay, ADMIN_QUEUE_OUTBOUND },
	{ admin_endpoint_test, ADMIN_QUEUE_OUTBOUND },
	{ admin_alert_test, ADMIN_QUEUE_OUTBOUND },
	{ admin_toggl_do, ADMIN_QUEUE_OUTBOUND },
	{ admin_toggl_connect, ADMIN_QUEUE_OUTBOUND },
};

/* What grows with the ledger, and with what is asked for. */
static const char *const dear[] = {
	API "/events",	     API "/events/new",
	API "/events/newer", API "/events/{workspace_id}/{event_id}/{created_at}",
	API "/time",	     API "/overview",
	API "/subscribers",  API "/subscribers/subscriptions/{subscription_id}/deliveries",
};

static enum admin_queue_kind queue_of(const struct admin_row *row)
{
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (queues[i].run == row->run)
			return queues[i].queue;
	return ADMIN_QUEUE_PAGE;
}

static bool is_dear(const struct admin_row *row)
{
	for (size_t i = 0; i < sizeof(dear) / sizeof(dear[0]); i++)
		if (str_is(str_of(row->route.path), dear[i]))
			return true;
	return false;
}

/* ---- what a request brings */

static void read_session(struct admin *admin, struct http_req *req, struct visit *visit)
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

	buf_add_char(json, '{');
	while ((at = strchr(at, '{'))) {
		const char *end = strchr(at, '}');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(end - at - 1), at + 1);
		json_put_text(json, name, match->values[place++]);
		at = end;
	}
	buf_add_char(json, '}');
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

/* Says what is wrong with the query; what needs no login may be asked with anything,
   by monitors and their like. */
static bool is_query_wrong(struct http_req *req, const struct admin_row *row, struct buf *why)
{
	const char *known = "";
	struct buf name = { 0 };
	bool is_wrong;

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (only_looks(req) && str_is(str_of(row->route.path), parameters[i].path))
			known = parameters[i].names;
	is_wrong = !row->is_open && uri_unknown(http_query(req), known, &name) == ERR_NONE;
	if (is_wrong)
		buf_addf(why, "there is no parameter \"%s\" here, %s%s", buf_text(&name),
			 *known ? "only " : "and no other", known);
	buf_done(&name);
	return is_wrong;
}

/* The body is missing, or a JSON object; 0, or the status to refuse it with. */
static int find_flaw(struct http_req *req, struct visit *visit, struct buf *why)
{
	size_t where = 0;

	if (http_flaw(req) == HTTP_TOO_BIG) {
		buf_add_text(why, "the body is larger than this server takes");
		return 413;
	}
	if (http_flaw(req) == HTTP_CUT_SHORT) {
		buf_add_text(why, "the body is not as long as Content-Length says");
		return 400;
	}
	if (only_looks(req) || http_body(req).len == 0)
		return 0;
	if (!str_equal_nocase(http_type(req), "application/json")) {
		buf_add_text(why, "the Content-Type must be application/json");
		return 415;
	}
	if (json_scan(http_body(req), NULL, NULL, 0, &where)) {
		buf_addf(why, "the body is no JSON object: it goes wrong at byte %zu", where);
		return 400;
	}
	visit->given = http_body(req);
	return 0;
}

static void serve_row(struct admin *admin, struct http_req *req, const struct route_match *match)
{
	const struct admin_row *row = (const struct admin_row *)match->row;
	struct visit visit = { 0 };
	struct buf why = { 0 };
	int status;

	read_session(admin, req, &visit);
	read_path(match, &visit.path);
	if (visit.has_two) {
		admin_refuse(req, 400,
			     "two session cookies came, and one of them is not from here; delete "
			     "the cookies of this host in the browser, and log in again");
	} else if (is_forged(req, row, &visit)) {
		admin_refuse(req, 403,
			     visit.token.at ? "this request did not come from the admin page; load "
					      "the page anew and try again"
					    : "you are not logged in, or your session has ended");
	} else if (uri_query_json(http_query(req), &visit.query)) {
		admin_refuse(req, 400, "the query of the URL is not properly encoded");
	} else if (is_query_wrong(req, row, &why)) {
		admin_refuse(req, 400, buf_text(&why));
	} else if ((status = find_flaw(req, &visit, &why))) {
		admin_refuse(req, status, buf_text(&why));
	} else {
		admin_pool_give(admin->pool, req, row, queue_of(row), is_dear(row), match, &visit);
	}
	buf_done(&why);
	admin_visit_done(&visit);
}

static void refuse_method(struct http_req *req)
{
	struct buf headers = { 0 };

	buf_add_text(&headers, "Allow: ");
	route_write_allow(&table, http_path(req), &headers);
	admin_answer(req, 405, buf_text(&headers),
		     str_of("{\"error\":\"this address has other methods\"}"));
	buf_done(&headers);
}

static void serve_one(struct admin *admin, struct http_req *req)
{
	struct route_match match;
	/* what is no UTF-8 is no name of anything, and no text that the database takes */
	struct str path = utf8_is_valid(http_path(req)) ? http_path(req) : (struct str){ 0 };

	switch (route_find(&table, http_method(req), path, &match)) {
	case ROUTE_FOUND:
		serve_row(admin, req, &match);
		break;
	case ROUTE_OTHER_METHOD:
		refuse_method(req);
		break;
	case ROUTE_ABSENT:
		admin_refuse(req, 404, "there is nothing at this address");
		break;
	}
}

/* ---- the program */

static int work(struct program *program)
{
	struct pollfd fds[ADMIN_POOL_FDS];
	struct admin front = { .conf = program->conf };
	struct admin_pool *pool;
	size_t count;
	int wait_ms;

	ip_networks_reread(&front.trusted, http_conf(front.conf)->trusted_proxies);
	front.web = program_open_http(program, http_conf(front.conf)->api_body_max_bytes);
	/* threads are confined as who starts them is */
	confinement_enter(program->conf, true);
	front.pool = pool = admin_pool_new(program, front.web);
	for (;;) {
		admin_pool_go_on(pool);
		wait_ms = admin_pool_poll(pool, fds, &count);
		if (!http_gather(front.web, fds, count, wait_ms))
			break;
		/* A request that is held moves those behind it up. */
		for (size_t i = 0; i < http_count(front.web);) {
			size_t before = http_count(front.web);

			serve_one(&front, http_at(front.web, i));
			i += http_count(front.web) == before;
		}
	}
	admin_pool_free(pool);
	http_close(front.web);
	ip_networks_done(&front.trusted);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-admin",
		.schema = "admin",
		.about = "Serves the data of the admin page and does what is asked for there. A "
			 "web server\n"
			 "starts it by FastCGI or CGI; see hookledger-admin(8) and the ready "
			 "configurations.\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
