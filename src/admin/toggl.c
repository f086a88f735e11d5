/* SPDX-License-Identifier: ISC */
/* What the page does at Toggl. What is asked for is read and checked in SQL
   (admin.toggl_ask) and becomes jobs; the request is held until they have ended,
   or for a while: then it is answered 202 with the number of the job, which goes
   on here, or as plain CGI with the next process. */
#include "admin/admin.h"
#include "admin/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "toggl/toggl_client.h"
#include "toggl/toggl_conf.h"

enum {
	HELD_MAX = 8,	  /* requests at once in this process */
	JOBS_EACH = 8,	  /* as admin.toggl_ask() gives at most */
	TOKEN_MAX = 200,  /* an API token has 32 bytes */
	ENDING_MS = 5000, /* for the answers under way when the process is to end */
};

/* A request that waits for its jobs. */
struct admin_held {
	struct http_req *req; /* NULL: answered, the jobs go on */
	struct buf session;
	int64_t jobs[JOBS_EACH];
	size_t count, open;
	int64_t until_ms;
};

struct admin_toggl {
	struct toggl_client *toggl;
	struct buf hook_url;
	struct admin_held *held[HELD_MAX];
};

static enum err operate(void *operate_context, struct str session, const char *operation,
			struct str made, struct buf *given)
{
	struct admin_call call = { .session = session, .operation = operation, .made = made };
	struct db_rows *rows = NULL;
	enum err err = admin_call(operate_context, &call, &rows);

	if (!err)
		buf_add_str(given, admin_private(rows));
	db_rows_free(rows);
	return err;
}

/* The first time it is needed: most requests of the page are not for Toggl. */
static struct toggl_client *open_toggl(struct admin *admin)
{
	struct toggl_client_options options = {
		.db = admin->db,
		.conf = admin->conf,
		.sealer = admin->sealer,
		.schema = TOGGL_SCHEMA_ADMIN,
		.agent = "hookledger/" HL_VERSION,
		.wait_ms = admin->conf->db_deadline_ms,
		.operate = operate,
		.operate_context = admin,
	};

	if (!admin->toggl) {
		admin->toggl = mem_zero(1, sizeof(*admin->toggl));
		conf_public_url(admin->conf, "/hook/", str_of(""), &admin->toggl->hook_url);
		options.hook_url = buf_text(&admin->toggl->hook_url);
		admin->toggl->toggl = toggl_client_new(&options);
	}
	return admin->toggl->toggl;
}

/* ---- answering */

static void answer(struct admin *admin, struct admin_held *held)
{
	struct admin_call call = { .session = buf_str(&held->session),
				   .operation = "toggl_outcome" };
	struct db_rows *found = NULL;
	struct buf made = { 0 }, jobs = { 0 };
	enum err err;

	for (size_t i = 0; i < held->count; i++)
		buf_addf(&jobs, i ? " %lld" : "%lld", (long long)held->jobs[i]);
	json_begin(&made, NULL);
	json_put_text(&made, "jobs", buf_str(&jobs));
	json_end(&made);
	call.made = buf_str(&made);
	err = admin_call(admin, &call, &found);
	if (err)
		admin_refuse_failed(admin, held->req, call.operation, err);
	else if (db_is_null(found, 0, "status"))
		admin_refuse(held->req, 409, "toggl.disconnected");
	else
		admin_answer_rows(held->req, found);
	buf_done(&made);
	buf_done(&jobs);
	db_rows_free(found);
}

static void let_go(struct admin *admin, struct admin_held *held)
{
	if (!held->req)
		return;
	answer(admin, held);
	admin_release(admin, held->req);
	held->req = NULL;
}

static void drop(struct admin *admin, struct admin_held *held)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (admin->toggl->held[i] == held)
			admin->toggl->held[i] = NULL;
	buf_done(&held->session);
	free(held);
}

/* The answers under way are waited for so long. */
static void close_after(struct admin *admin, int64_t wait_ms)
{
	toggl_client_leave(admin->toggl->toggl, wait_ms);
	for (size_t i = 0; i < HELD_MAX; i++) {
		struct admin_held *held = admin->toggl->held[i];

		if (held) {
			let_go(admin, held);
			drop(admin, held);
		}
	}
	toggl_client_free(admin->toggl->toggl);
	buf_done(&admin->toggl->hook_url);
	free(admin->toggl);
	admin->toggl = NULL;
}

void admin_toggl_close(struct admin *admin)
{
	if (admin->toggl)
		close_after(admin, ENDING_MS);
}

/* ---- the loop */

int admin_toggl_poll(const struct admin *admin, struct pollfd *fd)
{
	int64_t now_ms = clock_ms(), wait_ms;

	*fd = (struct pollfd){ .fd = -1 };
	if (!admin->toggl)
		return -1;
	wait_ms = toggl_client_poll(admin->toggl->toggl, fd);
	for (size_t i = 0; i < HELD_MAX; i++) {
		const struct admin_held *held = admin->toggl->held[i];
		int64_t left_ms = held && held->req ? held->until_ms - now_ms : INT32_MAX;

		if (held && held->req && (wait_ms < 0 || left_ms < wait_ms))
			wait_ms = left_ms < 0 ? 0 : left_ms;
	}
	return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

void admin_toggl_go_on(struct admin *admin)
{
	struct toggl_job_result outcome;
	bool is_over = false;

	if (!admin->toggl)
		return;
	while (toggl_client_take(admin->toggl->toggl, &outcome) == ERR_NONE) {
		struct admin_held *held = outcome.user;

		if (--held->open)
			continue;
		let_go(admin, held);
		drop(admin, held);
	}
	for (size_t i = 0; i < HELD_MAX; i++) {
		struct admin_held *held = admin->toggl->held[i];

		if (!held || !held->req || clock_ms() < held->until_ms)
			continue;
		/* it ends with its one request: what goes on has to go on elsewhere */
		is_over = http_is_cgi(admin->web);
		if (!is_over)
			let_go(admin, held);
	}
	if (is_over)
		close_after(admin, toggl_conf(admin->conf)->timeout_ms);
}

/* ---- beginning */

/* NULL: answered, there is no place. */
static struct admin_held *find_place(struct admin *admin, struct http_req *req,
				     const struct visit *visit)
{
	struct admin_held *held;

	for (size_t i = 0; i < HELD_MAX; i++) {
		if (admin->toggl->held[i])
			continue;
		held = admin->toggl->held[i] = mem_zero(1, sizeof(*held));
		held->req = req;
		buf_add_str(&held->session, buf_str(&visit->session));
		held->until_ms = clock_ms() + toggl_conf(admin->conf)->hold_ms;
		return held;
	}
	admin_refuse(req, 503, "toggl.busy");
	return NULL;
}

static void refuse_start(struct admin *admin, struct http_req *req, enum err err)
{
	if (err == ERR_PACE)
		admin_refuse(req, 503, "toggl.busy");
	else if (err == ERR_FAULT)
		admin_refuse_unsealed(req);
	else
		admin_refuse_failed(admin, req, "toggl_begin", err);
}

/* One more job of a request. */
static enum err start(struct admin *admin, struct admin_held *held, const struct toggl_job *like)
{
	struct toggl_job task = *like;
	enum err err;

	task.is_interactive = true;
	task.session = buf_str(&held->session);
	task.user = held;
	err = toggl_client_start(admin->toggl->toggl, &task, &held->jobs[held->count]);
	if (!err) {
		held->count++;
		held->open++;
	}
	return err;
}

/* What was begun is waited for, also when not all could be. */
static void hold(struct admin *admin, struct admin_held *held, enum err err)
{
	if (held->count) {
		admin_hold(admin, held->req);
		return;
	}
	refuse_start(admin, held->req, err);
	drop(admin, held);
}

/* false: answered, this kind of job needs public_url, which is not set. */
static bool check_public_url(struct admin *admin, struct http_req *req, const char *kind)
{
	bool needs_url = str_is(str_of(kind), "subscribe") || str_is(str_of(kind), "adopt");

	if (admin->conf->public_url || !needs_url)
		return true;
	admin_refuse(req, 409, "conf.public_url_unset");
	return false;
}

/* A job for each connection that is named. */
static enum err start_all(struct admin *admin, struct admin_held *held, const char *kind,
			  const struct db_rows *found)
{
	struct buf connections = { 0 }, parameters = { 0 }, address = { 0 };
	struct toggl_job job = { .kind = kind };
	struct str rest;
	enum err err = ERR_NONE;

	admin_private_text(found, "connections", &connections);
	admin_private_text(found, "parameters", &parameters);
	admin_private_text(found, "address", &address);
	job.parameters = buf_str(&parameters);
	job.address = buf_str(&address);
	rest = buf_str(&connections);
	while (!err && rest.len && held->count < JOBS_EACH)
		err = str_int(str_cut(&rest, ' '), &job.connection_id) ? start(admin, held, &job)
								       : ERR_FAULT;
	buf_done(&connections);
	buf_done(&parameters);
	buf_done(&address);
	return err;
}

void admin_toggl_do(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	const char *operation = admin_operation_of(match);
	const char *kind = operation + strlen("toggl_");
	struct db_rows *found = NULL;
	struct admin_held *held;

	if (!admin_ask(admin, req, visit, operation, NULL, &found) &&
	    check_public_url(admin, req, kind) && open_toggl(admin)) {
		held = find_place(admin, req, visit);
		if (held)
			hold(admin, held, start_all(admin, held, kind, found));
	}
	db_rows_free(found);
}

void admin_toggl_connect(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct admin_held *held = NULL;
	struct buf token = { 0 };
	int64_t connection_id;
	enum err err;

	(void)match;
	if (!admin_text(req, visit, "token", TOKEN_MAX, &token) || !open_toggl(admin))
		goto done;
	if (!str_trim(buf_str(&token)).len) {
		admin_refuse(req, 400, "toggl.token_empty");
		goto done;
	}
	held = find_place(admin, req, visit);
	if (!held)
		goto done;
	err = toggl_client_add_connection(admin->toggl->toggl, buf_str(&visit->session),
					  str_trim(buf_str(&token)), &connection_id);
	if (!err)
		err = start(admin, held,
			    &(struct toggl_job){ .connection_id = connection_id,
						 .kind = "connect",
						 .parameters = str_of("{\"connect\":true}") });
	hold(admin, held, err);
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
}
