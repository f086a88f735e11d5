/* SPDX-License-Identifier: ISC */
/* How the admin page's program answers: JSON that nobody may keep, errors as an
   object with words, and what the database said. */
#include "admin/admin.h"

#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
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
		buf_addf(&all, "\r\n%s", headers);
	if (status == 503 && !(headers && strstr(headers, "Retry-After")))
		buf_add_text(&all, "\r\nRetry-After: 2");
	http_answer(req, status, buf_text(&all), json);
	buf_done(&all);
}

void admin_refuse(struct http_req *req, int status, const char *words)
{
	admin_refuse_with(req, status, NULL, words);
}

void admin_refuse_with(struct http_req *req, int status, const char *headers, const char *words)
{
	struct buf json = { 0 };

	buf_add_char(&json, '{');
	json_put_text(&json, "error", str_of(words));
	buf_add_char(&json, '}');
	admin_answer(req, status, headers, buf_str(&json));
	buf_done(&json);
}

void admin_refuse_coded(struct http_req *req, int status, const char *headers, struct str coded)
{
	struct buf json = { 0 }, words = { 0 };

	catalog_write_json(coded, &words);
	buf_add_char(&json, '{');
	json_put_text(&json, "error", buf_str(&words));
	json_key(&json, "coded");
	buf_add_str(&json, coded);
	buf_add_char(&json, '}');
	admin_answer(req, status, headers, buf_str(&json));
	buf_done(&json);
	buf_done(&words);
}

void admin_refuse_needing(struct http_req *req, int status, const char *what, const char *words)
{
	struct buf json = { 0 };

	buf_add_char(&json, '{');
	json_put_text(&json, "error", str_of(words));
	json_put_text(&json, "needs", str_of(what));
	buf_add_char(&json, '}');
	admin_answer(req, status, NULL, buf_str(&json));
	buf_done(&json);
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

void admin_refuse_failed(struct admin *admin, struct http_req *req, const char *function,
			 enum err err)
{
	int status = status_of(admin->db, err);
	struct buf words = { 0 };

	if (err == ERR_DENIED && str_is(str_of(db_sqlstate(admin->db)), "HL428")) {
		admin_refuse_needing(req, 403, "password", db_problem(admin->db));
		return;
	}
	if (status < 500) {
		if (db_code(admin->db).len)
			admin_refuse_coded(req, status, NULL, db_params(admin->db));
		else
			admin_refuse(req, status, db_problem(admin->db));
		return;
	}
	log_write(LOG_ERROR, "call_failed",
		  (struct log_field[]){ log_text("function", function),
					log_text("why", db_problem(admin->db)), log_end() });
	/* query_canceled: by its time limit */
	if (str_is(str_of(db_sqlstate(admin->db)), "57014")) {
		buf_addf(&words,
			 "this took the database longer than the %g seconds that it may take; "
			 "nothing was changed. "
			 "Ask for a shorter time or with fewer filters, or try again when less is "
			 "going on",
			 (double)admin->conf->db_deadline_ms / 1000);
		admin_refuse(req, 503, buf_text(&words));
		buf_done(&words);
		return;
	}
	admin_refuse(req, status,
		     status == 503
			     ? "the database cannot answer now; nothing was changed, please try "
			       "again in a moment"
			     : "something is wrong with hookledger itself; its log says what");
}

enum err admin_db_call(struct admin *admin, const char *function, const struct db_args *args,
		       struct db_rows **rows)
{
	return db_call(admin->db, function, args, admin->conf->db_deadline_ms + SAYS_SO_MS, rows);
}

enum err admin_ask_with(struct admin *admin, struct http_req *req, const char *function,
			const struct db_args *args, struct db_rows **rows)
{
	enum err err = admin_db_call(admin, function, args, rows);

	if (err)
		admin_refuse_failed(admin, req, function, err);
	return err;
}

struct db_args *admin_args(const struct visit *visit)
{
	struct db_args *args = db_args_new();

	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_jsonb(args, buf_str(&visit->path));
	db_arg_jsonb(args, buf_str(&visit->query));
	db_arg_jsonb(args, visit->given);
	return args;
}

enum err admin_ask(struct admin *admin, struct http_req *req, const struct visit *visit,
		   const char *function, struct db_rows **rows)
{
	struct db_args *args = admin_args(visit);
	enum err err;

	err = admin_ask_with(admin, req, function, args, rows);
	db_args_free(args);
	return err;
}

void admin_answer_call(struct admin *admin, struct http_req *req, const char *function,
		       const struct db_args *args)
{
	struct db_rows *found = NULL;

	if (admin_ask_with(admin, req, function, args, &found))
		return;
	if (db_rows_count(found) == 0)
		admin_refuse(req, 404, "there is no such thing");
	else
		admin_answer(req, (int)db_int(found, 0, "status"), NULL, db_str(found, 0, "body"));
	db_rows_free(found);
}

void admin_answer_with(struct admin *admin, struct http_req *req, const char *function,
		       const struct db_args *args, const char *name, struct str json)
{
	struct db_rows *found = NULL;
	struct buf whole = { 0 };
	struct str body;

	if (admin_ask_with(admin, req, function, args, &found))
		return;
	body = db_str(found, 0, "body");
	buf_add(&whole, body.at, body.len - 1);
	json_key(&whole, name);
	buf_add_str(&whole, json);
	buf_add_char(&whole, '}');
	admin_answer(req, (int)db_int(found, 0, "status"), NULL, buf_str(&whole));
	mem_wipe(whole.at, whole.len);
	buf_done(&whole);
	db_rows_free(found);
}

void admin_answer_new(struct admin *admin, struct http_req *req, const char *function,
		      const struct db_args *args, const char *name, struct str secret)
{
	struct buf json = { 0 };

	json_quote(&json, secret);
	admin_answer_with(admin, req, function, args, name, buf_str(&json));
	mem_wipe(json.at, json.len);
	buf_done(&json);
}

void admin_call(struct admin *admin, struct http_req *req, const struct visit *visit,
		const struct route_match *match)
{
	const struct admin_row *row = (const struct admin_row *)match->row;
	struct db_args *args = admin_args(visit);

	admin_answer_call(admin, req, row->function, args);
	db_args_free(args);
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
	struct buf words = { 0 };
	bool fine = visit->given.at &&
		    json_scan(visit->given, &want, &value, 1, NULL) == ERR_NONE &&
		    json_text(value, out) == ERR_NONE && out->len - before <= max;

	if (!fine) {
		buf_addf(&words, "\"%s\" is missing, or is no text of at most %zu bytes", name,
			 max);
		admin_refuse(req, 400, buf_text(&words));
		buf_done(&words);
	}
	return fine;
}
