/* SPDX-License-Identifier: ISC */
/* A session may have been left open on somebody's desk: who wants another password,
   or gives power to somebody, proves to know the present one. What needs it is said
   in SQL (ledger.enter_proved). */
#include "admin/admin.h"
#include "admin/admin_conf.h"

#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/password.h"

bool admin_knows_password(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *name, struct buf *compared)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf password = { 0 };
	bool fine = false;

	db_arg_bytes(args, buf_str(&visit->session));
	if (!admin_text(req, visit, name, PASSWORD_MAX, &password) ||
	    admin_ask_with(admin, req, "admin.password_read", args, &found))
		goto done;
	if (db_int(found, 0, "wait_s") > 0)
		admin_refuse(req, 429, "too many attempts; wait a minute");
	else if (!password_fits(buf_str(&password), db_str(found, 0, "password")))
		admin_refuse(req, 403, "that is not your present password");
	else
		fine = true;
	if (fine && compared)
		buf_add_str(compared, db_str(found, 0, "password"));
done:
	mem_wipe(password.at, password.len);
	buf_done(&password);
	db_rows_free(found);
	db_args_free(args);
	return fine;
}

void admin_session_prove(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct buf compared = { 0 };

	(void)match;
	if (!admin_knows_password(admin, req, visit, "password", &compared))
		goto done;
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_text(args, buf_str(&compared));
	db_arg_int(args, admin_conf(admin->conf)->session_proof_minutes);
	admin_answer_call(admin, req, "admin.prove", args);
done:
	buf_done(&compared);
	db_args_free(args);
}
