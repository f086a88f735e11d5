/* SPDX-License-Identifier: ISC */
/* Codes besides the password: asked for at the login, set up and turned off under
   Settings. What may be done is said in SQL (admin/totp.sql); here the secret is
   opened and codes are computed. */
#include "admin/admin.h"

#include <string.h>

#include "base/base32.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/totp.h"
#include "ledger/sealing.h"

enum {
	CODE_TEXT_MAX = 100,
	RECOVERY_CODES = 10,
	RECOVERY_BYTES = 10, /* 80 bits: its SHA-256 alone gives nobody the code */
	RECOVERY_LETTERS = 16,
	RECOVERY_GROUP = 4, /* letters between two dashes */
};

void admin_code_done(struct admin_code *code)
{
	buf_done(&code->recovery);
}

/* ---- what somebody typed */

/* The digest of a recovery code, however its letters are grouped. */
static void read_recovery(struct str text, struct buf *digest)
{
	unsigned char of_letters[DIGEST_BYTES];
	struct buf letters = { 0 };

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != '-' && text.at[i] != ' ')
			buf_add_char(&letters, text.at[i] >= 'a' && text.at[i] <= 'z'
						       ? (char)(text.at[i] - 'a' + 'A')
						       : text.at[i]);
	if (letters.len == RECOVERY_LETTERS) {
		crypto_digest(buf_str(&letters), of_letters);
		buf_add(digest, of_letters, sizeof(of_letters));
	}
	mem_wipe(letters.at, letters.len);
	buf_done(&letters);
}

/* The step whose code this is; -1: none, or the secret does not open. */
static int64_t read_step(const struct admin *admin, const struct db_rows *found,
			 int64_t operator_id, struct str text)
{
	struct buf sealed = { 0 }, secret = { 0 };
	int64_t step = -1;

	db_bytes(found, 0, "sealed", &sealed);
	if (sealing_totp_open(admin->sealer, operator_id, buf_str(&sealed), &secret))
		log_write(LOG_ERROR, "totp_unreadable",
			  (struct log_field[]){
				  log_text("why", "the secret does not open with this master_key"),
				  log_end() });
	else
		step = totp_match(buf_str(&secret), text, db_int(found, 0, "step"));
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	return step;
}

/* `found` has sealed, step and wait_s, as admin.code_begin() gives them. false:
   answered. */
static bool read_code(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct db_rows *found, int64_t operator_id, struct admin_code *code)
{
	struct buf text = { 0 };
	bool fine = false;

	if (db_int(found, 0, "wait_s") > 0) {
		admin_refuse_hurry(req, db_int(found, 0, "wait_s"));
	} else if (admin_text(req, visit, "code", CODE_TEXT_MAX, &text)) {
		code->step = read_step(admin, found, operator_id, buf_str(&text));
		if (code->step < 0)
			read_recovery(buf_str(&text), &code->recovery);
		fine = true;
	}
	mem_wipe(text.at, text.len);
	buf_done(&text);
	return fine;
}

void admin_code_put(struct db_args *args, const struct admin_code *code)
{
	if (code && code->step >= 0)
		db_arg_int(args, code->step);
	else
		db_arg_null(args);
	db_arg_bytes(args,
		     code && code->recovery.len ? buf_str(&code->recovery) : (struct str){ 0 });
}

/* ---- logging in */

bool admin_code_read(struct admin *admin, struct http_req *req, const struct visit *visit,
		     int64_t operator_id, struct admin_code *code)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	bool has_code = admin_has(visit, "code"), fine = false;

	*code = (struct admin_code){ .step = -1 };
	db_arg_int(args, operator_id);
	db_arg_text(args, buf_str(&visit->client));
	db_arg_bool(args, has_code);
	if (admin_ask_with(admin, req, "admin.code_begin", args, &found))
		goto done;
	if (!db_bool(found, 0, "is_on"))
		fine = true;
	else if (!has_code)
		admin_refuse_needing(req, 401, "code",
				     "now the code that your app shows, or a recovery code");
	else
		fine = read_code(admin, req, visit, found, operator_id, code);
done:
	db_rows_free(found);
	db_args_free(args);
	return fine;
}

/* ---- turned on */

/* Where one logs in, for an app that knows several. */
static struct str host_of(const struct conf *conf)
{
	struct str url = str_of(conf->public_url ? conf->public_url : "");
	const char *host = url.len ? strstr(url.at, "://") : NULL;
	struct str rest = host ? str_of(host + 3) : str_of("");

	return str_cut(&rest, '/');
}

void admin_totp_begin(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	unsigned char raw[TOTP_SECRET_BYTES];
	struct str secret = { (const char *)raw, sizeof(raw) };
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct buf sealed = { 0 }, text = { 0 }, uri = { 0 }, json = { 0 };

	(void)match;
	crypto_random(raw, sizeof(raw));
	db_arg_bytes(args, buf_str(&visit->session));
	if (admin_ask_with(admin, req, "admin.totp_begin", args, &found))
		goto done;
	if (sealing_totp(admin->sealer, db_int(found, 0, "operator_id"), secret, &sealed)) {
		admin_refuse(req, 500, ADMIN_NO_KEY);
		goto done;
	}
	db_arg_bytes(args, buf_str(&sealed));
	if (admin_ask_with(admin, req, "admin.totp_make", args, NULL))
		goto done;
	totp_text(secret, &text);
	totp_uri(secret, db_str(found, 0, "name"), host_of(admin->conf), &uri);
	buf_add_char(&json, '{');
	json_put_text(&json, "secret", buf_str(&text));
	json_put_text(&json, "uri", buf_str(&uri));
	buf_add_char(&json, '}');
	admin_answer(req, 201, NULL, buf_str(&json));
done:
	mem_wipe(raw, sizeof(raw));
	mem_wipe(text.at, text.len);
	mem_wipe(uri.at, uri.len);
	mem_wipe(json.at, json.len);
	buf_done(&sealed);
	buf_done(&text);
	buf_done(&uri);
	buf_done(&json);
	db_rows_free(found);
	db_args_free(args);
}

/* Ten recovery codes: their digests as an argument of the call, and themselves as a
   list in JSON. */
static void new_recovery(struct db_args *args, struct buf *list)
{
	db_array(args, DB_BYTES, RECOVERY_CODES);
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		unsigned char raw[RECOVERY_BYTES], digest[DIGEST_BYTES];
		struct buf letters = { 0 };

		crypto_random(raw, sizeof(raw));
		base32_write(&letters, raw, sizeof(raw));
		crypto_digest(buf_str(&letters), digest);
		db_put_str(args, (struct str){ (const char *)digest, sizeof(digest) });
		buf_add_text(list, i ? ",\"" : "[\"");
		for (size_t at = 0; at < letters.len; at += RECOVERY_GROUP) {
			if (at)
				buf_add_char(list, '-');
			buf_add(list, letters.at + at, RECOVERY_GROUP);
		}
		buf_add_char(list, '"');
		mem_wipe(raw, sizeof(raw));
		mem_wipe(letters.at, letters.len);
		buf_done(&letters);
	}
	buf_add_char(list, ']');
}

/* A code of one's own, typed anew. false: answered. */
static bool own_code(struct admin *admin, struct http_req *req, const struct visit *visit,
		     bool is_on, struct admin_code *code)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	bool fine = false;

	*code = (struct admin_code){ .step = -1 };
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_bool(args, is_on);
	if (!admin_ask_with(admin, req, "admin.totp_read", args, &found))
		fine = read_code(admin, req, visit, found, db_int(found, 0, "operator_id"), code);
	db_rows_free(found);
	db_args_free(args);
	return fine;
}

void admin_totp_confirm(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct admin_code code;
	struct buf list = { 0 };

	(void)match;
	if (!own_code(admin, req, visit, false, &code))
		goto done;
	if (code.step < 0) {
		admin_refuse(req, 403,
			     "this is not the code that belongs to the secret; look at the clock "
			     "of the phone, and take the code of now");
		goto done;
	}
	db_arg_bytes(args, buf_str(&visit->session));
	db_arg_int(args, code.step);
	new_recovery(args, &list);
	admin_answer_with(admin, req, "admin.totp_confirm", args, "codes", buf_str(&list));
done:
	mem_wipe(list.at, list.len);
	buf_done(&list);
	admin_code_done(&code);
	db_args_free(args);
}

void admin_totp_codes(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct buf list = { 0 };

	(void)match;
	db_arg_bytes(args, buf_str(&visit->session));
	new_recovery(args, &list);
	admin_answer_with(admin, req, "admin.totp_codes", args, "codes", buf_str(&list));
	mem_wipe(list.at, list.len);
	buf_done(&list);
	db_args_free(args);
}

void admin_totp_end(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	struct db_args *args = db_args_new();
	struct admin_code code;

	(void)match;
	if (own_code(admin, req, visit, true, &code)) {
		db_arg_bytes(args, buf_str(&visit->session));
		admin_code_put(args, &code);
		admin_answer_call(admin, req, "admin.totp_end", args);
	}
	admin_code_done(&code);
	db_args_free(args);
}
