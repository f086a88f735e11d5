/* SPDX-License-Identifier: ISC */
/* How the admin page's program answers: JSON that nobody may keep, errors as a code
   with parameters, and what the database said. */
#include "admin/admin.h"

#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "http/json_server.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/catalog.h"

/* The server ends a statement a little sooner than we give up, so that it says so. */
enum { SAYS_SO_MS = 500 };

/* No page of another origin may read or frame it, whatever a browser takes it
   for. Nosniff: JSON stays JSON. */
#define SAFE \
	"X-Content-Type-Options: nosniff\r\n" \
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: " \
	"no-referrer\r\n" \
	"Cross-Origin-Resource-Policy: same-origin"

const char admin_safe_headers[] = SAFE;

void admin_answer(struct http_req *req, int status, const char *headers, struct str json)
{
	struct buf all = { 0 };

	buf_add_text(&all, SAFE);
	if (headers)
		json_server_header(&all, "%s", headers);
	if (status == 503 && !(headers && strstr(headers, "Retry-After")))
		json_server_header(&all, "Retry-After: 2");
	http_answer(req, status, buf_text(&all), json);
	buf_done(&all);
}

static void refuse(struct http_req *req, int status, const char *headers, const char *needs,
		   struct str message)
{
	struct buf json = { 0 };

	json_begin(&json, NULL);
	json_key(&json, "error");
	buf_add_str(&json, message);
	if (needs)
		json_put_text(&json, "needs", str_of(needs));
	json_end(&json);
	admin_answer(req, status, headers, buf_str(&json));
	buf_done(&json);
}

static void refuse_code(struct http_req *req, int status, const char *headers, const char *needs,
			const char *code)
{
	struct buf message = { 0 };

	catalog_begin(&message, code);
	json_end(&message);
	refuse(req, status, headers, needs, buf_str(&message));
	buf_done(&message);
}

void admin_refuse(struct http_req *req, int status, const char *code)
{
	refuse_code(req, status, NULL, NULL, code);
}

void admin_refuse_needing(struct http_req *req, int status, const char *what, const char *code)
{
	refuse_code(req, status, NULL, what, code);
}

void admin_refuse_with(struct http_req *req, int status, const char *headers, const char *code)
{
	refuse_code(req, status, headers, NULL, code);
}

void admin_refuse_message(struct http_req *req, int status, const char *headers, struct str message)
{
	refuse(req, status, headers, NULL, message);
}

void admin_refuse_hurry(struct http_req *req, int64_t wait_s)
{
	struct buf headers = { 0 }, message = { 0 };

	buf_addf(&headers, "Retry-After: %lld", (long long)wait_s);
	catalog_begin(&message, "login.too_often");
	json_put_int(&message, "wait_seconds", wait_s);
	json_end(&message);
	admin_refuse_message(req, 429, buf_text(&headers), buf_str(&message));
	buf_done(&headers);
	buf_done(&message);
}

void admin_refuse_unsealed(struct http_req *req)
{
	admin_refuse(req, 500, "conf.master_key_unset");
}

static int status_of(const struct db *db, enum err err)
{
	switch (err) {
	case ERR_INPUT:
		return 400;
	case ERR_DENIED:
		return str_is(str_of(db_sqlstate(db)), "HL401") ? 401 : 403;
	case ERR_ABSENT:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_BUSY:
		return 503;
	default:
		return 500;
	}
}

/* What the database said, as it is when it did not come from ledger.refuse(). */
static void refuse_as_database(const struct db *db, struct http_req *req, int status)
{
	bool needs_password = str_is(str_of(db_sqlstate(db)), "HL428");
	struct buf message = { 0 };

	if (db_code(db).len) {
		buf_add_str(&message, db_params(db));
	} else {
		catalog_begin(&message, "db.refused");
		json_put_text(&message, "problem", str_of(db_problem(db)));
		json_end(&message);
	}
	refuse(req, status, NULL, needs_password ? "password" : NULL, buf_str(&message));
	buf_done(&message);
}

void admin_refuse_failed(struct admin *admin, struct http_req *req, const char *function,
			 enum err err)
{
	int status = status_of(admin->db, err);
	struct buf message = { 0 };

	if (status < 500) {
		refuse_as_database(admin->db, req, status);
		return;
	}
	log_write(LOG_ERROR, "call_failed",
		  (struct log_field[]){ log_text("function", function),
					log_text("why", db_problem(admin->db)), log_end() });
	/* query_canceled: by its time limit */
	if (str_is(str_of(db_sqlstate(admin->db)), "57014")) {
		catalog_begin(&message, "db.slow");
		json_put_int(&message, "limit_ms", admin->conf->db_deadline_ms);
		json_end(&message);
		admin_refuse_message(req, 503, NULL, buf_str(&message));
		buf_done(&message);
		return;
	}
	admin_refuse(req, status, status == 503 ? "db.away" : "program.fault");
}

enum err admin_db_call(struct admin *admin, const char *function, const struct db_args *args,
		       struct db_rows **rows)
{
	return db_call(admin->db, function, args, admin->conf->db_deadline_ms + SAYS_SO_MS, rows);
}

enum err admin_call(struct admin *admin, const struct admin_call *call, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_bytes(args, call->session);
	db_arg_text(args, str_of(call->operation));
	db_arg_jsonb(args, call->path);
	db_arg_jsonb(args, call->query);
	db_arg_jsonb(args, call->given);
	db_arg_jsonb(args, call->made);
	err = admin_db_call(admin, "admin.call", args, rows);
	db_args_free(args);
	return err;
}

enum err admin_ask_with(struct admin *admin, struct http_req *req, const char *function,
			const struct db_args *args, struct db_rows **rows)
{
	enum err err = admin_db_call(admin, function, args, rows);

	if (err)
		admin_refuse_failed(admin, req, function, err);
	return err;
}

enum err admin_ask(struct admin *admin, struct http_req *req, const struct visit *visit,
		   const char *operation, const struct buf *made, struct db_rows **rows)
{
	struct admin_call call = {
		.session = buf_str(&visit->session),
		.operation = operation,
		.path = buf_str(&visit->path),
		.query = buf_str(&visit->query),
		.given = visit->given,
		.made = made ? buf_str(made) : (struct str){ 0 },
	};
	enum err err = admin_call(admin, &call, rows);

	if (err)
		admin_refuse_failed(admin, req, operation, err);
	return err;
}

void admin_answer_rows(struct http_req *req, const struct db_rows *found)
{
	if (db_is_null(found, 0, "status"))
		admin_refuse(req, 404, "request.nothing_there");
	else
		admin_answer(req, (int)db_int(found, 0, "status"), NULL, db_str(found, 0, "body"));
}

void admin_answer_call(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const char *operation, const struct buf *made)
{
	struct db_rows *found = NULL;

	if (!admin_ask(admin, req, visit, operation, made, &found))
		admin_answer_rows(req, found);
	db_rows_free(found);
}

void admin_answer_with(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const char *operation, const struct buf *made, const struct buf *members)
{
	struct db_rows *found = NULL;
	struct buf whole = { 0 };

	if (admin_ask(admin, req, visit, operation, made, &found))
		return;
	json_begin(&whole, NULL);
	json_put_members(&whole, db_str(found, 0, "body"));
	json_put_members(&whole, buf_str(members));
	json_end(&whole);
	admin_answer(req, (int)db_int(found, 0, "status"), NULL, buf_str(&whole));
	mem_wipe(whole.at, whole.len);
	buf_done(&whole);
	db_rows_free(found);
}

void admin_answer_new(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const char *operation, const struct buf *made, const char *name,
		      struct str secret)
{
	struct buf members = { 0 };

	json_begin(&members, NULL);
	json_put_text(&members, name, secret);
	json_end(&members);
	admin_answer_with(admin, req, visit, operation, made, &members);
	mem_wipe(members.at, members.len);
	buf_done(&members);
}

const char *admin_operation_of(const struct route_match *match)
{
	return ((const struct admin_row *)match->row)->operation;
}

/* ---- what only this program may know of an answer */

struct str admin_private(const struct db_rows *rows)
{
	return db_str(rows, 0, "private");
}

int64_t admin_private_int(const struct db_rows *rows, const char *name)
{
	int64_t number = 0;

	return json_int(json_find(admin_private(rows), name), &number) ? number : 0;
}

bool admin_private_is(const struct db_rows *rows, const char *name)
{
	struct json_value value = json_find(admin_private(rows), name);

	return value.kind == JSON_BOOL && str_is(value.raw, "true");
}

void admin_private_text(const struct db_rows *rows, const char *name, struct buf *out)
{
	/* null is empty */
	if (json_text(json_find(admin_private(rows), name), out))
		return;
}

void admin_private_bytes(const struct db_rows *rows, const char *name, struct buf *out)
{
	if (json_bytes(json_find(admin_private(rows), name), out))
		return;
}

bool admin_has(const struct visit *visit, const char *name)
{
	struct json_want want = { .outer = name };
	struct json_value value = { 0 };

	return visit->given.at && json_scan(visit->given, &want, &value, 1, NULL) == ERR_NONE &&
	       value.kind != JSON_ABSENT && value.kind != JSON_NULL;
}

bool admin_text(struct http_req *req, const struct visit *visit, const char *name, size_t max,
		struct buf *out)
{
	struct json_want want = { .outer = name };
	struct json_value value = { 0 };
	size_t before = out->len;
	struct buf message = { 0 };
	bool fine = visit->given.at &&
		    json_scan(visit->given, &want, &value, 1, NULL) == ERR_NONE &&
		    json_text(value, out) == ERR_NONE && out->len - before <= max;

	if (!fine) {
		catalog_begin(&message, "member.not_text_within");
		json_put_text(&message, "member", str_of(name));
		json_put_int(&message, "most", (int64_t)max);
		json_end(&message);
		admin_refuse_message(req, 400, NULL, buf_str(&message));
		buf_done(&message);
	}
	return fine;
}
