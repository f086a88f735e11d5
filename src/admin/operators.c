/* SPDX-License-Identifier: ISC */
/* Operators, as far as passwords are in it: these are computed here, and only
   for who may ask for it. */
#include "admin/admin.h"

#include "base/conf.h"
#include "base/db.h"
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

/* `of`: the number of the operator that is changed; at == NULL: who asks. Appends the
   name of that one. */
static bool may(struct admin *admin, struct http_req *req, const struct visit *visit,
		bool needs_owner, bool needs_proof, struct str of, struct buf *name)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	enum err err;

	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_bool(args, needs_owner);
	db_arg_bool(args, needs_proof);
	db_arg_text(args, of);
	err = admin_ask_with(admin, req, "admin.may", args, &found);
	if (!err)
		buf_add_str(name, db_str(found, 0, "name"));
	db_rows_free(found);
	db_args_free(args);
	return !err;
}

void admin_operator_add(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct buf name = { 0 }, role = { 0 }, zone = { 0 }, kept = { 0 }, who = { 0 };

	(void)match;
	if (!may(admin, req, visit, true, true, (struct str){ 0 }, &who) ||
	    !admin_text(req, visit, "name", WORD_MAX, &name) ||
	    !admin_text(req, visit, "role", WORD_MAX, &role) ||
	    !admin_text(req, visit, "zone", WORD_MAX, &zone) ||
	    !admin_new_password(req, visit, "password", buf_str(&name), &kept))
		goto done;
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_text(args, buf_str(&name));
	db_arg_text(args, buf_str(&role));
	db_arg_text(args, buf_str(&zone));
	db_arg_text(args, buf_str(&kept));
	admin_answer_call(admin, req, "admin.operator_add", args);
done:
	buf_done(&who);
	buf_done(&name);
	buf_done(&role);
	buf_done(&zone);
	buf_done(&kept);
	db_args_free(args);
}

void admin_operator_change(struct admin *admin, struct http_req *req, const struct visit *visit,
			   const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct buf kept = { 0 }, name = { 0 };
	bool has_password = admin_has(visit, "password");

	if (!may(admin, req, visit, true, true, match->values[0], &name) ||
	    (has_password && !admin_new_password(req, visit, "password", buf_str(&name), &kept)))
		goto done;
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_jsonb(args, buf_str(&visit->path));
	db_arg_jsonb(args, buf_str(&visit->query));
	db_arg_jsonb(args, visit->given.at ? visit->given : str_of("{}"));
	db_arg_text(args, has_password ? buf_str(&kept) : (struct str){ 0 });
	admin_answer_call(admin, req, "admin.operator_change", args);
done:
	buf_done(&name);
	buf_done(&kept);
	db_args_free(args);
}

void admin_me_change(struct admin *admin, struct http_req *req, const struct visit *visit,
		     const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct buf zone = { 0 }, kept = { 0 }, name = { 0 };
	bool has_zone = admin_has(visit, "zone"), has_password = admin_has(visit, "password");

	(void)match;
	if (!may(admin, req, visit, false, false, (struct str){ 0 }, &name) ||
	    (has_zone && !admin_text(req, visit, "zone", WORD_MAX, &zone)) ||
	    (has_password && (!admin_knows_password(admin, req, visit, "old_password", NULL) ||
			      !admin_new_password(req, visit, "password", buf_str(&name), &kept))))
		goto done;
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_text(args, has_zone ? buf_str(&zone) : (struct str){ 0 });
	db_arg_text(args, has_password ? buf_str(&kept) : (struct str){ 0 });
	admin_answer_call(admin, req, "admin.me_change", args);
done:
	buf_done(&name);
	buf_done(&zone);
	buf_done(&kept);
	db_args_free(args);
}
