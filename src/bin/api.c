/* SPDX-License-Identifier: ISC */
/* hookledger-api: Toggl's Webhooks API v1 for our own subscribers, and of its
   Track API v9 what a client asks before it subscribes. A request passes the
   gates in the order of their cost: path, method, type, size, body, then token,
   pace, workspace and quota by one call. What only reads is a row of the table
   below and a function of the door. */
#include "bin/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/fetch.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/program.h"
#include "base/uri.h"

#define WEBHOOKS "/webhooks/api/v1"
#define TRACK "/api/v9"

enum {
	ASKING_MAX = 256,	/* callbacks asked at once, by one process */
	ANSWER_KEEP = 4096,	/* of a callback's answer: a validation code has 32 bytes */
	START_MS = 1000,
	TOKEN_MAX = 512,
};

/* What a request must bring, and what it costs. */
enum scope {
	OPEN,		/* no authentication */
	FREE,		/* a token; costs nothing */
	USER,		/* counts in the user's own window */
	WORKSPACE,	/* the first part of the path is a workspace, whose window counts */
};

typedef void operation(struct api *, struct http_req *, const struct caller *, const struct route_match *);

static operation answer_status, answer_validate, answer_filters, answer_limits, answer_read;

struct row {
	struct route route;
	enum scope scope;
	operation *run;
	const char *function;	/* of the door, for answer_read */
	const char *item;	/* the part of the path that names one thing, or NULL */
};

static const struct row rows[] = {
	{ { "GET", WEBHOOKS "/status" }, OPEN, answer_status, NULL, NULL },
	{ { "GET", WEBHOOKS "/validate/{workspace_id}/{subscription_id}/{validation_code}" }, OPEN, answer_validate, NULL, NULL },
	{ { "GET", WEBHOOKS "/event_filters" }, USER, answer_filters, NULL, NULL },
	{ { "GET", WEBHOOKS "/limits/{workspace_id}" }, WORKSPACE, answer_limits, NULL, NULL },
	{ { "POST", WEBHOOKS "/ping/{workspace_id}/{subscription_id}" }, WORKSPACE, api_subscription_ping, NULL, NULL },
	{ { "GET", WEBHOOKS "/subscriptions/{workspace_id}" }, WORKSPACE, api_subscription_list, NULL, NULL },
	{ { "POST", WEBHOOKS "/subscriptions/{workspace_id}" }, WORKSPACE, api_subscription_write, NULL, NULL },
	{ { "PUT", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" }, WORKSPACE, api_subscription_write, NULL, NULL },
	{ { "PATCH", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" }, WORKSPACE, api_subscription_write, NULL, NULL },
	{ { "DELETE", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" }, WORKSPACE, api_subscription_delete, NULL, NULL },
	{ { "GET", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}/events" }, WORKSPACE, answer_read, "api.event_list", "subscription_id" },
	{ { "GET", TRACK "/me" }, USER, answer_read, "api.v9_me", NULL },
	{ { "GET", TRACK "/me/quota" }, FREE, answer_read, "api.v9_quota", NULL },
	{ { "GET", TRACK "/me/workspaces" }, USER, answer_read, "api.v9_workspaces", NULL },
	{ { "GET", TRACK "/me/organizations" }, USER, answer_read, "api.v9_organizations", NULL },
	{ { "GET", TRACK "/me/projects" }, USER, answer_read, "api.v9_projects", NULL },
	{ { "GET", TRACK "/me/clients" }, USER, answer_read, "api.v9_clients", NULL },
	{ { "GET", TRACK "/me/tags" }, USER, answer_read, "api.v9_tags", NULL },
	{ { "GET", TRACK "/me/tasks" }, USER, answer_read, "api.v9_tasks", NULL },
	{ { "GET", TRACK "/me/time_entries" }, USER, answer_read, "api.v9_time_entries", NULL },
	{ { "GET", TRACK "/me/time_entries/current" }, USER, answer_read, "api.v9_current", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}" }, WORKSPACE, answer_read, "api.v9_workspace", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/users" }, WORKSPACE, answer_read, "api.v9_users", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/workspace_users" }, WORKSPACE, answer_read, "api.v9_workspace_users", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/projects" }, WORKSPACE, answer_read, "api.v9_projects", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/projects/{project_id}" }, WORKSPACE, answer_read, "api.v9_projects", "project_id" },
	{ { "GET", TRACK "/workspaces/{workspace_id}/clients" }, WORKSPACE, answer_read, "api.v9_clients", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/tags" }, WORKSPACE, answer_read, "api.v9_tags", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/tasks" }, WORKSPACE, answer_read, "api.v9_tasks", NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}/project_users" }, WORKSPACE, answer_read, "api.v9_project_users", NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void add_workspace(struct db_args *args, const struct row *row, const struct route_match *match)
{
	if (row->scope == WORKSPACE)
		db_arg_int(args, route_int(match, "workspace_id"));
	else
		db_arg_null(args);
}

/* ---- answering */

void api_answer(struct api *api, struct http_req *req, const struct caller *caller, int status, struct str json)
{
	struct buf headers = { 0 };

	if (caller && caller->has_quota)
		buf_addf(&headers, "X-Toggl-Quota-Remaining: %lld\r\nX-Toggl-Quota-Resets-In: %lld",
		         (long long)caller->remaining, (long long)caller->resets_in);
	if (status == 429)
		buf_addf(&headers, "%sRetry-After: %lld", headers.len ? "\r\n" : "", (long long)caller->retry_after);
	if (api->conf->api_cors_origin)
		buf_addf(&headers, "%sAccess-Control-Allow-Origin: %s\r\nVary: Origin\r\n"
		                   "Access-Control-Expose-Headers: X-Toggl-Quota-Remaining, X-Toggl-Quota-Resets-In, Retry-After",
		         headers.len ? "\r\n" : "", api->conf->api_cors_origin);
	http_answer(req, status, headers.len ? buf_text(&headers) : NULL, json);
	buf_done(&headers);
}

void api_refuse(struct api *api, struct http_req *req, const struct caller *caller, int status, const char *words)
{
	struct buf json = { 0 };

	json_quote(&json, str_of(words));
	api_answer(api, req, caller, status, buf_str(&json));
	buf_done(&json);
}

enum err api_call(struct api *api, struct http_req *req, const struct caller *caller, const char *function,
                  const struct db_args *args, struct db_rows **out)
{
	struct db_rows *found = NULL;
	enum err err = db_call(api->db, function, args, api->conf->db_deadline_ms, &found);

	if (!err) {
		if (out)
			*out = found;
		else
			db_rows_free(found);
		return ERR_NONE;
	}
	log_write(LOG_ERROR, "call_failed",
	          (struct log_field[]){ log_text("function", function), log_text("why", db_problem(api->db)), log_end() });
	if (err == ERR_BUSY)
		api_refuse(api, req, caller, 503, "The database cannot answer now; please try again in a moment");
	else
		api_refuse(api, req, caller, 500, "Internal Server Error");
	return err;
}

/* The status, and the body or the problem, that a function of the door gives. */
static void answer_rows(struct api *api, struct http_req *req, const struct caller *caller, const struct db_rows *found)
{
	if (db_rows_count(found) == 0)
		api_refuse(api, req, caller, 404, "Not Found");
	else
		api_answer(api, req, caller, (int)db_int(found, 0, "status"), db_str(found, 0, "body"));
}

/* ---- what only reads */

static void answer_status(struct api *api, struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	(void)match;
	api_answer(api, req, caller, 200, str_of("{\"status\":\"OK\"}"));
}

static void answer_validate(struct api *api, struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, route_int(match, "workspace_id"));
	db_arg_int(args, route_int(match, "subscription_id"));
	db_arg_text(args, route_text(match, "validation_code"));
	if (api_call(api, req, caller, "api.subscription_validate", args, &found))
		goto done;
	if (db_int(found, 0, "status") == 200) {
		api_answer(api, req, caller, 200, str_of("\"OK\""));
	} else {
		char *problem = mem_dup(db_str(found, 0, "problem"));

		api_refuse(api, req, caller, (int)db_int(found, 0, "status"), problem);
		free(problem);
	}
done:
	db_rows_free(found);
	db_args_free(args);
}

static void answer_filters(struct api *api, struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	struct db_rows *found = NULL;

	(void)match;
	if (!api_call(api, req, caller, "api.event_filters", NULL, &found))
		api_answer(api, req, caller, 200, db_str(found, 0, "body"));
	db_rows_free(found);
}

static void answer_limits(struct api *api, struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;

	db_arg_int(args, route_int(match, "workspace_id"));
	if (!api_call(api, req, caller, "api.limits", args, &found))
		api_answer(api, req, caller, 200, db_str(found, 0, "body"));
	db_rows_free(found);
	db_args_free(args);
}

static void answer_read(struct api *api, struct http_req *req, const struct caller *caller, const struct route_match *match)
{
	const struct row *row = (const struct row *)match->row;
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf query = { 0 };

	if (uri_query_json(http_query(req), &query)) {
		api_refuse(api, req, caller, 400, "The query of the URL is not properly encoded");
		goto done;
	}
	db_arg_int(args, caller->account_id);
	add_workspace(args, row, match);
	db_arg_jsonb(args, buf_str(&query));
	if (row->item)
		db_arg_int(args, route_int(match, row->item));
	else
		db_arg_null(args);
	if (!api_call(api, req, caller, row->function, args, &found))
		answer_rows(api, req, caller, found);
done:
	buf_done(&query);
	db_rows_free(found);
	db_args_free(args);
}

/* ---- the gates */

/* The API token of HTTP Basic authentication, as its SHA-256. Without one, of
   nothing: unknown tokens and none cost the same. */
static void read_token(struct http_req *req, unsigned char digest[DIGEST_BYTES])
{
	struct buf user = { 0 }, password = { 0 };
	bool fine = http_basic(req, &user, &password) && str_is(buf_str(&password), "api_token") && user.len <= TOKEN_MAX;

	crypto_digest(fine ? buf_str(&user) : str_of(""), digest);
	mem_wipe(user.at, user.len);
	buf_done(&user);
	buf_done(&password);
}

static enum err admit(struct api *api, struct http_req *req, const struct row *row, const struct route_match *match,
                      struct caller *caller)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf address = { 0 };
	struct address from;
	enum err err;
	int status;

	read_token(req, digest);
	http_client(req, &api->trusted, &from);
	address_write(&from, &address);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	db_arg_text(args, buf_str(&address));
	add_workspace(args, row, match);
	db_arg_bool(args, row->scope != FREE);
	db_arg_int(args, api->conf->api_burst);
	db_arg_int(args, api->conf->api_per_minute);
	err = api_call(api, req, NULL, "api.admit", args, &found);
	if (err)
		goto done;
	*caller = (struct caller){
		.account_id = db_int(found, 0, "account_id"),
		.user_id = db_int(found, 0, "user_id"),
		.has_quota = db_bool(found, 0, "has_quota"),
		.remaining = db_int(found, 0, "remaining"),
		.resets_in = db_int(found, 0, "resets_in"),
		.retry_after = db_int(found, 0, "retry_after"),
	};
	status = (int)db_int(found, 0, "status");
	if (status != 200) {
		char *problem = mem_dup(db_str(found, 0, "problem"));

		api_refuse(api, req, caller, status, problem);
		free(problem);
		err = ERR_DENIED;
	}
done:
	buf_done(&address);
	db_rows_free(found);
	db_args_free(args);
	return err;
}

/* A request with a body must say that it is JSON, and be it. */
static bool has_good_body(struct api *api, struct http_req *req, const struct row *row)
{
	bool needs_body = strcmp(row->route.method, "PUT") == 0 || strcmp(row->route.method, "PATCH") == 0 ||
	                  (strcmp(row->route.method, "POST") == 0 && row->run == api_subscription_write);
	struct buf problem = { 0 };
	size_t where = 0;
	bool fine = false;

	if (http_flaw(req) == HTTP_TOO_BIG)
		api_refuse(api, req, NULL, 413, "The body is larger than this server takes");
	else if (http_flaw(req) == HTTP_CUT_SHORT)
		api_refuse(api, req, NULL, 400, "The body is not as long as Content-Length says");
	else if (!needs_body)
		fine = true;
	else if (!str_equal_nocase(http_type(req), "application/json"))
		api_refuse(api, req, NULL, 415, "The Content-Type must be application/json");
	else if (json_scan(http_body(req), NULL, NULL, 0, &where)) {
		buf_addf(&problem, "The body is no valid JSON object: it goes wrong at byte %zu", where);
		api_refuse(api, req, NULL, 400, buf_text(&problem));
	} else {
		fine = true;
	}
	buf_done(&problem);
	return fine;
}

static void answer_preflight(struct api *api, struct http_req *req)
{
	struct buf headers = { 0 };

	buf_addf(&headers,
	         "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n"
	         "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE\r\n"
	         "Access-Control-Allow-Headers: Authorization, Content-Type\r\nAccess-Control-Max-Age: 600",
	         api->conf->api_cors_origin);
	http_answer(req, 200, buf_text(&headers), str_of("\"OK\""));
	buf_done(&headers);
}

static void refuse_method(struct http_req *req, const struct route_table *table)
{
	struct buf allow = { 0 };

	buf_add_text(&allow, "Allow: ");
	route_write_allow(table, http_path(req), &allow);
	http_answer(req, 405, buf_text(&allow), str_of("\"Method Not Allowed\""));
	buf_done(&allow);
}

static void serve_one(struct api *api, struct http_req *req)
{
	static const struct route_table table = { &rows[0].route, sizeof(rows[0]), ROWS };
	struct caller caller = { 0 };
	struct route_match match;
	const struct row *row;

	switch (route_find(&table, http_method(req), http_path(req), &match)) {
	case ROUTE_FOUND:
		row = (const struct row *)match.row;
		if (has_good_body(api, req, row) && (row->scope == OPEN || !admit(api, req, row, &match, &caller)))
			row->run(api, req, row->scope == OPEN ? NULL : &caller, &match);
		break;
	case ROUTE_OTHER_METHOD:
		if (api->conf->api_cors_origin && str_is(http_method(req), "OPTIONS"))
			answer_preflight(api, req);
		else
			refuse_method(req, &table);
		break;
	case ROUTE_ABSENT:
		api_refuse(api, req, NULL, 404, "Not Found");
		break;
	}
}

/* ---- the program */

static bool open_parts(struct api *api, int listen_fd)
{
	const struct conf *conf = api->conf;
	struct http_how how = {
		.base_path = conf->base_path,
		.batch_max = (size_t)conf->batch_max,
		.batch_max_bytes = (size_t)conf->batch_max_bytes,
		.body_max = (size_t)conf->api_body_max_bytes,
		.timeout_ms = conf->request_timeout_ms,
		.connections_max = (size_t)conf->connections_max,
	};
	struct db_how db = {
		.conninfo = conf_database(conf, "api"),
		.program = "hookledger-api",
		.pooled = conf->db_pooled,
		.deadline_ms = conf->db_deadline_ms,
	};
	struct fetch_how fetch = {
		.requests_max = ASKING_MAX,
		.answer_max = ANSWER_KEEP,
		.cuts_answers = true,
		.is_guarded = true,
		.allowed = &api->allowed,
		.ca_file = conf->ca_file,
		.agent = "hookledger/" HL_VERSION,
	};
	struct buf problem = { 0 };
	bool fine = !networks_read(&api->trusted, str_of(conf->trusted_proxies), &problem) &&
	            !networks_read(&api->allowed, str_of(conf->allowed_networks), &problem);

	if (!fine)
		fprintf(stderr, "hookledger-api: %s\n", buf_text(&problem));
	buf_done(&problem);
	if (!fine)
		return false;
	api->web = http_open(listen_fd, &how);
	api->db = db_open(&db);
	api->fetch = fetch_new(&fetch);
	api->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	if (db_wait(api->db, http_is_cgi(api->web) ? conf->db_deadline_ms : START_MS))
		log_write(LOG_WARN, "database_away",
		          (struct log_field[]){ log_text("why", db_problem(api->db)), log_end() });
	return true;
}

static void close_parts(struct api *api)
{
	fetch_free(api->fetch);
	sealer_free(api->sealer);
	db_close(api->db);
	http_close(api->web);
	networks_done(&api->trusted);
	networks_done(&api->allowed);
}

static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int work(struct program *program)
{
	struct api api = { .conf = program->conf };
	struct fetch_outcome outcome;
	struct pollfd fds[2];
	int wait_ms;

	if (!open_parts(&api, program->listen_fd))
		return 2;
	for (;;) {
		db_tend(api.db);
		while (!fetch_take(api.fetch, &outcome))
			api_subscription_asked(&api, &outcome);
		wait_ms = sooner(db_poll(api.db, &fds[0]), fetch_poll(api.fetch, &fds[1]));
		if (!http_gather(api.web, fds, 2, wait_ms))
			break;
		/* A held request moves those behind it up. */
		for (size_t i = 0; i < http_count(api.web);) {
			size_t count = http_count(api.web);

			serve_one(&api, http_at(api.web, i));
			i += http_count(api.web) == count;
		}
	}
	close_parts(&api);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-api",
		.usage = "usage: hookledger-api [--conf FILE] [--listen ADDRESS] [--workers N]\n"
		         "\n"
		         "Serves Toggl's Webhooks API v1 to our own subscribers. A web server starts it by\n"
		         "FastCGI or CGI; see hookledger-api(8) and the ready configurations.\n"
		         "\n"
		         "  --conf FILE       settings (else $HOOKLEDGER_CONF)\n"
		         "  --listen ADDRESS  FastCGI on a socket of its own: unix:/path or 127.0.0.1:9000\n"
		         "  --workers N       processes behind that socket (1); one that dies is replaced\n"
		         "  --version, --help\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
