/* SPDX-License-Identifier: ISC */
/* Logging in to the admin page and out of it: a password, and a code where the operator
   has turned codes on. */
#include "admin/admin.h"

#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "base/password.h"

enum { NAME_MAX_BYTES = 400 };

/* Without a session. No error: a browser's console would show it as one at every first
   look. */
static void answer_nobody(struct admin *admin, struct http_req *req)
{
	struct buf json = { 0 };
	bool is_due;

	if (!admin_setup_is_due(admin, req, &is_due))
		return;
	json_begin(&json, NULL);
	json_put_text(&json, "operator", (struct str){ 0 });
	json_put_bool(&json, "setup", is_due);
	json_end(&json);
	admin_answer(req, 200, NULL, buf_str(&json));
	buf_done(&json);
}

void admin_session_get(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const struct route_match *match)
{
	(void)match;
	if (visit->token.at)
		admin_session_answer(admin, req, visit, NULL);
	else
		answer_nobody(admin, req);
}

/* The password was right; the code, where one is asked for, comes in the same request. */
static void begin_with_code(struct admin *admin, struct http_req *req, const struct visit *visit,
			    int64_t operator_id, struct str compared)
{
	struct admin_code code;

	if (admin_code_read(admin, req, visit, operator_id, &code))
		admin_session_start(admin, req, visit, operator_id, compared, &code);
	admin_code_done(&code);
}

void admin_session_begin(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf name = { 0 }, password = { 0 };
	bool fits;

	(void)match;
	if (!admin_text(req, visit, "name", NAME_MAX_BYTES, &name) ||
	    !admin_text(req, visit, "password", PASSWORD_MAX, &password))
		goto done;
	db_arg_text(args, buf_str(&name));
	db_arg_text(args, buf_str(&visit->client));
	if (admin_ask_with(admin, req, "admin.login_begin", args, &found))
		goto done;
	if (db_int(found, 0, "wait_s") > 0) {
		admin_refuse_hurry(req, db_int(found, 0, "wait_s"));
		goto done;
	}
	fits = password_fits(buf_str(&password), db_str(found, 0, "password"));
	if (fits && !db_is_null(found, 0, "operator_id"))
		begin_with_code(admin, req, visit, db_int(found, 0, "operator_id"),
				db_str(found, 0, "password"));
	else
		admin_refuse(req, 401, "login.wrong");
done:
	mem_wipe(password.at, password.len);
	buf_done(&password);
	buf_done(&name);
	db_rows_free(found);
	db_args_free(args);
}

void admin_session_end(struct admin *admin, struct http_req *req, const struct visit *visit,
		       const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf headers = { 0 };

	(void)match;
	if (admin_ask(admin, req, visit, "session_end", NULL, &found))
		return;
	admin_session_cookie(admin->conf, str_of(""), 0, &headers);
	admin_answer(req, 200, buf_text(&headers), str_of("{}"));
	buf_done(&headers);
	db_rows_free(found);
}
