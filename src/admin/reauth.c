/* SPDX-License-Identifier: ISC */
/* A session may have been left open on somebody's desk: who wants another password,
   or gives power to somebody, proves to know the present one. What needs it is said
   in SQL (admin.operation). */
#include "admin/admin.h"
#include "admin/admin_conf.h"

#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "http/http_server.h"
#include "base/password.h"

bool admin_knows_password(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *name, struct buf *compared)
{
	struct db_rows *found = NULL;
	struct buf password = { 0 }, kept = { 0 };
	bool fine = false;

	if (!admin_text(req, visit, name, PASSWORD_MAX, &password) ||
	    admin_ask(admin, req, visit, "password_read", NULL, &found))
		goto done;
	admin_private_text(found, "password", &kept);
	if (admin_private_int(found, "wait_s") > 0)
		admin_refuse_hurry(req, admin_private_int(found, "wait_s"));
	else if (!password_fits(buf_str(&password), buf_str(&kept)))
		admin_refuse(req, 403, "password.wrong");
	else
		fine = true;
	if (fine && compared)
		buf_add_str(compared, buf_str(&kept));
done:
	mem_wipe(password.at, password.len);
	buf_done(&password);
	buf_done(&kept);
	db_rows_free(found);
	return fine;
}

void admin_session_prove(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const struct route_match *match)
{
	struct buf compared = { 0 }, made = { 0 };

	if (!admin_knows_password(admin, req, visit, "password", &compared))
		goto done;
	json_begin(&made, NULL);
	json_put_text(&made, "compared", buf_str(&compared));
	json_put_int(&made, "minutes", admin_conf(admin->conf)->session_proof_minutes);
	json_end(&made);
	admin_answer_call(admin, req, visit, admin_operation_of(match), &made);
done:
	buf_done(&compared);
	buf_done(&made);
}
