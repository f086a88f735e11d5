/* SPDX-License-Identifier: ISC */
/* Operators, as far as passwords are in it: these are computed here, and only
   for who may ask for it. */
#include "admin/admin.h"

#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "http/http_server.h"
#include "base/password.h"

enum { WORD_MAX = 400 };

bool admin_new_password(struct http_req *req, const struct visit *visit, const char *name,
			struct str owner, struct buf *kept)
{
	struct buf password = { 0 };
	const char *flaw = NULL;
	bool fine = admin_text(req, visit, name, PASSWORD_MAX, &password);

	if (fine) {
		flaw = password_flaw(buf_str(&password), owner);
		fine = !flaw;
		if (flaw)
			admin_refuse(req, 400, flaw);
	}
	if (fine)
		password_keep(buf_str(&password), kept);
	mem_wipe(password.at, password.len);
	buf_done(&password);
	return fine;
}

/* Checks the rights of the session. Appends the name of the operator who gets a password, or is
   made. false: answered. */
static bool begin(struct admin *admin, struct http_req *req, const struct visit *visit,
		  const char *operation, struct buf *name)
{
	struct db_rows *found = NULL;
	enum err err = admin_ask(admin, req, visit, operation, NULL, &found);

	if (!err)
		admin_private_text(found, "name", name);
	db_rows_free(found);
	return !err;
}

/* `kept` empty: there is no new password. */
static void answer_with_password(struct admin *admin, struct http_req *req,
				 const struct visit *visit, const char *operation,
				 const struct buf *kept)
{
	struct buf made = { 0 };

	json_begin(&made, NULL);
	json_put_text(&made, "password", kept->len ? buf_str(kept) : (struct str){ 0 });
	json_end(&made);
	admin_answer_call(admin, req, visit, operation, &made);
	buf_done(&made);
}

void admin_operator_add(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct buf name = { 0 }, role = { 0 }, zone = { 0 }, kept = { 0 }, who = { 0 };

	if (begin(admin, req, visit, "operator_add_begin", &who) &&
	    admin_text(req, visit, "name", WORD_MAX, &name) &&
	    admin_text(req, visit, "role", WORD_MAX, &role) &&
	    admin_text(req, visit, "zone", WORD_MAX, &zone) &&
	    admin_new_password(req, visit, "password", buf_str(&name), &kept))
		answer_with_password(admin, req, visit, admin_operation_of(match), &kept);
	buf_done(&who);
	buf_done(&name);
	buf_done(&role);
	buf_done(&zone);
	buf_done(&kept);
}

void admin_operator_change(struct admin *admin, struct http_req *req, const struct visit *visit,
			   const struct route_match *match)
{
	struct buf kept = { 0 }, name = { 0 };

	if (begin(admin, req, visit, "operator_change_begin", &name) &&
	    (!admin_has(visit, "password") ||
	     admin_new_password(req, visit, "password", buf_str(&name), &kept)))
		answer_with_password(admin, req, visit, admin_operation_of(match), &kept);
	buf_done(&name);
	buf_done(&kept);
}

void admin_me_change(struct admin *admin, struct http_req *req, const struct visit *visit,
		     const struct route_match *match)
{
	struct buf zone = { 0 }, kept = { 0 }, name = { 0 };

	if (begin(admin, req, visit, "me_begin", &name) &&
	    (!admin_has(visit, "zone") || admin_text(req, visit, "zone", WORD_MAX, &zone)) &&
	    (!admin_has(visit, "password") ||
	     (admin_knows_password(admin, req, visit, "old_password", NULL) &&
	      admin_new_password(req, visit, "password", buf_str(&name), &kept))))
		answer_with_password(admin, req, visit, admin_operation_of(match), &kept);
	buf_done(&name);
	buf_done(&zone);
	buf_done(&kept);
}
