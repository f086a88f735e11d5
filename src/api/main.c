/* SPDX-License-Identifier: ISC */
/* hookledger-api: Toggl's Webhooks API v1 for our own subscribers, and the part of its Track
   API v9 that a client uses before it subscribes. The web server starts it as a FastCGI or CGI
   program. A request passes these checks: path, method, then token, rate, workspace and quota in
   one call, then the body. An invalid body is found before that call, so that it costs no quota,
   and reported after it: an unauthenticated client learns only that its token is wrong, and every
   answer to an account has the rest of its quota. A request that only reads is a row of the table
   below and a function of the interface schema. */
#include "api/api.h"
#include "api/api_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_client.h"
#include "http/http_server.h"
#include "http/json_server.h"
#include "delivery/callback_ping.h"
#include "base/json.h"
#include "http/program.h"
#include "http/http_conf.h"
#include "http/uri.h"
#include "ledger/confinement.h"

#define WEBHOOKS "/webhooks/api/v1"
#define TRACK "/api/v9"
#define REPORTS "/reports/api/v3"

enum {
	ASKING_MAX = 256, /* callbacks pinged at once, by one process */
	TOKEN_MAX = 512,
	TYPE_SHOWN = 100, /* of a Content-Type that is not JSON */
};

/* The authentication that a request needs, and the quota that it uses. */
enum scope {
	OPEN,	   /* no authentication */
	FREE,	   /* a token; uses no quota */
	USER,	   /* uses the user's own window */
	WORKSPACE, /* the first part of the path is a workspace; uses its window */
};

typedef void operation(struct api *, struct http_req *, const struct caller *,
		       const struct route_match *);

static operation answer_status, answer_openapi, answer_validate, answer_logged, answer_read,
	answer_report;

struct row {
	struct route route;
	enum scope scope;
	operation *run;
	const char *function; /* of the interface schema, for answer_read */
	const char *item;     /* the part of the path that names one thing, or NULL */
	/* The text of the 403 for an account without access to the workspace; NULL: the
	   database's. */
	const char *denied;
};

/* Added to Toggl's text for wrong credentials: at Toggl e-mail and password are also
   credentials. */
#define TOKEN_WANTED \
	": this API takes an API token only, by HTTP Basic authentication with the token as the " \
	"user name " \
	"and the word api_token as the password"
#define NO_ACCESS "User does not have access to this resource." /* as the Track API has it */

static const struct row rows[] = {
	{ { "GET", WEBHOOKS "/status" }, OPEN, answer_status, NULL, NULL, NULL },
	{ { "GET", WEBHOOKS "/openapi.json" }, OPEN, answer_openapi, NULL, NULL, NULL },
	{ { "GET", WEBHOOKS "/validate/{workspace_id}/{subscription_id}/{validation_code}" },
	  OPEN,
	  answer_validate,
	  NULL,
	  NULL,
	  NULL },
	{ { "GET", WEBHOOKS "/event_filters" },
	  USER,
	  answer_read,
	  "api.event_filters",
	  NULL,
	  NULL },
	{ { "GET", WEBHOOKS "/limits/{workspace_id}" },
	  WORKSPACE,
	  answer_read,
	  "api.limits",
	  NULL,
	  NULL },
	{ { "POST", WEBHOOKS "/ping/{workspace_id}/{subscription_id}" },
	  WORKSPACE,
	  api_subscription_ping,
	  NULL,
	  NULL,
	  NULL },
	{ { "GET", WEBHOOKS "/subscriptions/{workspace_id}" },
	  WORKSPACE,
	  api_subscription_list,
	  NULL,
	  NULL,
	  NULL },
	{ { "POST", WEBHOOKS "/subscriptions/{workspace_id}" },
	  WORKSPACE,
	  api_subscription_write,
	  NULL,
	  NULL,
	  NULL },
	{ { "PUT", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" },
	  WORKSPACE,
	  api_subscription_write,
	  NULL,
	  NULL,
	  NULL },
	{ { "PATCH", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" },
	  WORKSPACE,
	  api_subscription_write,
	  NULL,
	  NULL,
	  NULL },
	{ { "DELETE", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}" },
	  WORKSPACE,
	  api_subscription_delete,
	  NULL,
	  NULL,
	  NULL },
	{ { "GET", WEBHOOKS "/subscriptions/{workspace_id}/{subscription_id}/events" },
	  WORKSPACE,
	  answer_read,
	  "api.event_list",
	  "subscription_id",
	  NULL },
	{ { "GET", "/tick/{token}" }, OPEN, api_tick, NULL, NULL, NULL },
	{ { "GET", TRACK "/me" }, USER, answer_read, "api.v9_me", NULL, NULL },
	{ { "GET", TRACK "/me/logged" }, USER, answer_logged, NULL, NULL, NULL },
	{ { "GET", TRACK "/me/quota" }, FREE, answer_read, "api.v9_quota", NULL, NULL },
	{ { "GET", TRACK "/me/workspaces" }, USER, answer_read, "api.v9_workspaces", NULL, NULL },
	{ { "GET", TRACK "/me/organizations" },
	  USER,
	  answer_read,
	  "api.v9_organizations",
	  NULL,
	  NULL },
	{ { "GET", TRACK "/me/projects" }, USER, answer_read, "api.v9_projects", NULL, NULL },
	{ { "GET", TRACK "/me/clients" }, USER, answer_read, "api.v9_clients", NULL, NULL },
	{ { "GET", TRACK "/me/tags" }, USER, answer_read, "api.v9_tags", NULL, NULL },
	{ { "GET", TRACK "/me/tasks" }, USER, answer_read, "api.v9_tasks", NULL, NULL },
	{ { "GET", TRACK "/me/time_entries" },
	  USER,
	  answer_read,
	  "api.v9_time_entries",
	  NULL,
	  NULL },
	{ { "GET", TRACK "/me/time_entries/current" },
	  USER,
	  answer_read,
	  "api.v9_current",
	  NULL,
	  NULL },
	{ { "GET", TRACK "/workspaces/{workspace_id}" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_workspace",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/users" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_users",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/workspace_users" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_workspace_users",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/projects" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_projects",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/projects/{project_id}" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_projects",
	  "project_id",
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/clients" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_clients",
	  NULL,
	  "Forbidden" },
	{ { "GET", TRACK "/workspaces/{workspace_id}/tags" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_tags",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/tasks" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_tasks",
	  NULL,
	  NO_ACCESS },
	{ { "GET", TRACK "/workspaces/{workspace_id}/project_users" },
	  WORKSPACE,
	  answer_read,
	  "api.v9_project_users",
	  NULL,
	  NO_ACCESS },
	{ { "POST", REPORTS "/workspace/{workspace_id}/search/time_entries" },
	  WORKSPACE,
	  answer_report,
	  "api.report_detailed",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/search/time_entries/totals" },
	  WORKSPACE,
	  answer_report,
	  "api.report_totals",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/weekly/time_entries" },
	  WORKSPACE,
	  answer_report,
	  "api.report_weekly",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/summary/time_entries" },
	  WORKSPACE,
	  answer_report,
	  "api.report_summary",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/filters/users" },
	  WORKSPACE,
	  answer_report,
	  "api.filter_users",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/filters/projects" },
	  WORKSPACE,
	  answer_report,
	  "api.filter_projects",
	  NULL,
	  NULL },
	{ { "POST", REPORTS "/workspace/{workspace_id}/filters/clients" },
	  WORKSPACE,
	  answer_report,
	  "api.filter_clients",
	  NULL,
	  NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void add_workspace(struct db_args *args, const struct row *row,
			  const struct route_match *match)
{
	if (row->scope == WORKSPACE)
		db_arg_int(args, route_int(match, "workspace_id"));
	else
		db_arg_null(args);
}

/* Answers with the status and body that a function of the interface schema returned. */
static void answer_rows(struct api *api, struct http_req *req, const struct caller *caller,
			const struct db_rows *found)
{
	if (db_rows_count(found) == 0)
		api_refuse(api, req, caller, 404, "Not Found");
	else
		api_answer(api, req, caller, (int)db_int(found, 0, "status"),
			   db_str(found, 0, "body"));
}

/* ---- reading */

static void answer_status(struct api *api, struct http_req *req, const struct caller *caller,
			  const struct route_match *match)
{
	(void)match;
	api_answer(api, req, caller, 200, str_of("{\"status\":\"OK\"}"));
}

/* Lets a client test credentials: only a request with valid ones gets here. */
static void answer_logged(struct api *api, struct http_req *req, const struct caller *caller,
			  const struct route_match *match)
{
	(void)match;
	api_answer(api, req, caller, 200, str_of("\"OK\""));
}

/* The lines of doc/openapi.json, made by the Makefile: the program has its description, even
   when it was copied without other files. */
static const char *const openapi[] = {
#include "openapi.inc"
};

static void answer_openapi(struct api *api, struct http_req *req, const struct caller *caller,
			   const struct route_match *match)
{
	struct buf text = { 0 };

	(void)match;
	for (size_t i = 0; i < sizeof(openapi) / sizeof(openapi[0]); i++)
		buf_add_text(&text, openapi[i]);
	api_answer(api, req, caller, 200, buf_str(&text));
	buf_done(&text);
}

static void answer_validate(struct api *api, struct http_req *req, const struct caller *caller,
			    const struct route_match *match)
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

static void answer_read(struct api *api, struct http_req *req, const struct caller *caller,
			const struct route_match *match)
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

/* A report: what is asked is in the body, and the function returns headers of the answer too. */
static void answer_report(struct api *api, struct http_req *req, const struct caller *caller,
			  const struct route_match *match)
{
	const struct row *row = (const struct row *)match->row;
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	enum err err;

	db_arg_int(args, caller->account_id);
	add_workspace(args, row, match);
	db_arg_jsonb(args, http_body(req));
	err = db_call(api->db, row->function, args, api->conf->db_deadline_ms, &found);
	if (!err)
		api_answer_with(api, req, caller, (int)db_int(found, 0, "status"),
				db_str(found, 0, "headers"), db_str(found, 0, "body"));
	else if (err == ERR_INPUT)
		/* jsonb cannot hold everything that is JSON */
		api_refuse(api, req, caller, 400,
			   "The body has a value that cannot be read: a number that is too large, "
			   "or an escape such as \\u0000");
	else
		api_refuse_failed(api, req, caller, row->function, err);
	db_rows_free(found);
	db_args_free(args);
}

/* ---- checks */

/* The SHA-256 of the API token of HTTP Basic authentication, or of an empty text: a missing
   token costs as much time as an unknown one. *is_other: there are credentials of another
   kind, such as an e-mail address and a password. */
static void read_token(struct http_req *req, unsigned char digest[DIGEST_BYTES], bool *is_other)
{
	struct buf user = { 0 }, password = { 0 };
	bool fine = http_basic(req, &user, &password) && str_is(buf_str(&password), "api_token") &&
		    user.len <= TOKEN_MAX;

	*is_other = !fine && http_authorization(req).len;
	crypto_digest(fine ? buf_str(&user) : str_of(""), digest);
	mem_wipe(user.at, user.len);
	mem_wipe(password.at, password.len);
	buf_done(&user);
	buf_done(&password);
}

static enum err admit(struct api *api, struct http_req *req, const struct row *row,
		      const struct route_match *match, bool costs, struct caller *caller)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf address = { 0 };
	struct ip_address from;
	bool is_other;
	enum err err;
	int status;

	read_token(req, digest, &is_other);
	http_peer(req, &api->trusted, &from);
	ip_write(&from, &address);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	db_arg_text(args, buf_str(&address));
	add_workspace(args, row, match);
	db_arg_bool(args, costs);
	db_arg_int(args, api_conf(api->conf)->burst);
	db_arg_int(args, api_conf(api->conf)->per_minute);
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
		struct buf problem = { 0 };

		buf_add_str(&problem, db_str(found, 0, "problem"));
		if (status == 403 && !caller->account_id && is_other)
			buf_add_text(&problem, TOKEN_WANTED);
		api_refuse(api, req, caller, status,
			   status == 403 && caller->account_id && row->denied ? row->denied
									      : buf_text(&problem));
		buf_done(&problem);
		err = ERR_DENIED;
	}
done:
	buf_done(&address);
	db_rows_free(found);
	db_args_free(args);
	return err;
}

/* The reason why a body is refused. */
static void explain(const struct http_req *req, enum json_body flaw, size_t where, struct buf *why)
{
	struct str type = http_type(req);

	switch (flaw) {
	case JSON_BODY_FINE:
		break;
	case JSON_BODY_TOO_BIG:
		buf_add_text(why, "The body is larger than this server takes");
		break;
	case JSON_BODY_CUT_SHORT:
		buf_add_text(why, "The body is not as long as Content-Length says");
		break;
	case JSON_BODY_TYPE:
		buf_add_text(why, "The Content-Type must be application/json: send the body with "
				  "the header \"Content-Type: application/json\"");
		if (!type.len)
			buf_add_text(why, "; this one came without");
		else if (type.len <= TYPE_SHOWN && utf8_is_valid(type))
			buf_addf(why, "; this one came as %.*s", (int)type.len, type.at);
		break;
	case JSON_BODY_SYNTAX:
		buf_addf(why, "The body is no valid JSON object: it goes wrong at byte %zu", where);
		break;
	}
}

static void serve(void *program, struct http_req *req, const struct route_match *match)
{
	struct api *api = program;
	const struct row *row = (const struct row *)match->row;
	struct caller caller = { 0 };
	const struct caller *known = row->scope == OPEN ? NULL : &caller;
	struct buf why = { 0 };
	size_t where = 0;
	/* other operations ignore the body */
	bool has_body = row->run == api_subscription_write || row->run == answer_report;
	enum json_body flaw = has_body ? json_server_body(req, &where) : JSON_BODY_FINE;

	if (known && admit(api, req, row, match, !flaw && row->scope != FREE, &caller))
		return;
	if (flaw) {
		explain(req, flaw, where, &why);
		api_refuse(api, req, known, json_server_status(flaw), buf_text(&why));
	} else {
		row->run(api, req, known, match);
	}
	buf_done(&why);
}

static void refuse_path(void *program, struct http_req *req)
{
	api_refuse(program, req, NULL, 404, "Not Found");
}

static void refuse_method(void *program, struct http_req *req, const char *allow)
{
	struct api *api = program;

	if (api_conf(api->conf)->cors_origin && str_is(http_method(req), "OPTIONS"))
		api_answer_preflight(api, req);
	else
		api_refuse_method(api, req, allow);
}

/* ---- the program */

static void open_parts(struct api *api, const struct program *program)
{
	const struct conf *conf = program->conf;

	api->conf = conf;
	ip_networks_reread(&api->trusted, http_conf(conf)->trusted_proxies);
	ip_networks_reread(&api->allowed, http_conf(conf)->allowed_networks);
	api->web = program_open_http(program, http_conf(conf)->api_body_max_bytes);
	api->db = program_open_db(program);
	api->client = callback_ping_client(conf, &api->allowed, ASKING_MAX);
	api->sealer = sealer_new(conf->master_key, conf->master_key_previous);
	program_await_db(program, api->web, api->db);
}

static void close_parts(struct api *api)
{
	http_client_free(api->client);
	sealer_free(api->sealer);
	db_close(api->db);
	http_close(api->web);
	ip_networks_done(&api->trusted);
	ip_networks_done(&api->allowed);
}

static int go_on(void *program, struct pollfd *fds, size_t *count)
{
	struct api *api = program;

	db_maintain(api->db);
	http_client_finish(api->client);
	*count = 2;
	return clock_sooner(db_poll(api->db, &fds[0]), http_client_poll(api->client, &fds[1]));
}

static int work(struct program *program)
{
	static const struct route_table table = { &rows[0].route, sizeof(rows[0]), ROWS };
	struct api api = { 0 };
	struct json_server server = {
		.routes = &table,
		.ignores_slashes = true,
		.program = &api,
		.go_on = go_on,
		.serve = serve,
		.refuse_path = refuse_path,
		.refuse_method = refuse_method,
	};

	open_parts(&api, program);
	confinement_enter(program->conf, true);
	server.web = api.web;
	json_server_run(&server);
	close_parts(&api);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-api",
		.schema = "api",
		.about = "Serves Toggl's Webhooks API v1 to our own subscribers. A web server "
			 "starts it by\n"
			 "FastCGI or CGI; see hookledger-api(8) and the ready configurations.\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
