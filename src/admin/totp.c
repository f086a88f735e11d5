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

/* What a code is compared with, as the database gives it. */
struct kept_code {
	int64_t operator_id, wait_s, step;
	struct buf sealed;
};

/* The step whose code this is; -1: none, or the secret does not open. */
static int64_t read_step(const struct admin *admin, const struct kept_code *kept, struct str text)
{
	struct buf secret = { 0 };
	int64_t step = -1;

	if (sealing_row_open(admin->sealer, SEALING_TOTP, kept->operator_id, buf_str(&kept->sealed),
			     &secret))
		log_write(LOG_ERROR, "totp_unreadable",
			  (struct log_field[]){
				  log_text("why", "the secret does not open with this master_key"),
				  log_end() });
	else
		step = totp_match(buf_str(&secret), text, kept->step);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return step;
}

/* false: answered. */
static bool read_code(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct kept_code *kept, struct admin_code *code)
{
	struct buf text = { 0 };
	bool fine = false;

	if (kept->wait_s > 0) {
		admin_refuse_hurry(req, kept->wait_s);
	} else if (admin_text(req, visit, "code", CODE_TEXT_MAX, &text)) {
		code->step = read_step(admin, kept, buf_str(&text));
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

static void add_code(const struct admin_code *code, struct buf *json)
{
	if (code->step >= 0)
		json_put_int(json, "step", code->step);
	json_put_bytes(json, "recovery",
		       code->recovery.len ? buf_str(&code->recovery) : (struct str){ 0 });
}

/* ---- logging in */

bool admin_code_read(struct admin *admin, struct http_req *req, const struct visit *visit,
		     int64_t operator_id, struct admin_code *code)
{
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct kept_code kept = { .operator_id = operator_id };
	bool has_code = admin_has(visit, "code"), fine = false;

	*code = (struct admin_code){ .step = -1 };
	db_arg_int(args, operator_id);
	db_arg_text(args, buf_str(&visit->client));
	db_arg_bool(args, has_code);
	if (admin_ask_with(admin, req, "admin.code_begin", args, &found))
		goto done;
	kept.wait_s = db_int(found, 0, "wait_s");
	kept.step = db_int(found, 0, "step");
	db_bytes(found, 0, "sealed", &kept.sealed);
	if (!db_bool(found, 0, "is_on"))
		fine = true;
	else if (!has_code)
		admin_refuse_needing(req, 401, "code", "totp.code_wanted");
	else
		fine = read_code(admin, req, visit, &kept, code);
done:
	buf_done(&kept.sealed);
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
	struct db_rows *found = NULL, *kept = NULL;
	struct buf sealed = { 0 }, made = { 0 }, name = { 0 }, text = { 0 }, uri = { 0 },
		   json = { 0 };

	(void)match;
	crypto_random(raw, sizeof(raw));
	if (admin_ask(admin, req, visit, "totp_begin", NULL, &found))
		goto done;
	if (sealing_row(admin->sealer, SEALING_TOTP, admin_private_int(found, "operator_id"),
			secret, &sealed)) {
		admin_refuse_unsealed(req);
		goto done;
	}
	json_begin(&made, NULL);
	json_put_bytes(&made, "sealed", buf_str(&sealed));
	json_end(&made);
	if (admin_ask(admin, req, visit, "totp_make", &made, &kept))
		goto done;
	totp_text(secret, &text);
	admin_private_text(found, "name", &name);
	totp_uri(secret, buf_str(&name), host_of(admin->conf), &uri);
	json_begin(&json, NULL);
	json_put_text(&json, "secret", buf_str(&text));
	json_put_text(&json, "uri", buf_str(&uri));
	json_end(&json);
	admin_answer(req, 201, NULL, buf_str(&json));
done:
	mem_wipe(raw, sizeof(raw));
	mem_wipe(text.at, text.len);
	mem_wipe(uri.at, uri.len);
	mem_wipe(json.at, json.len);
	buf_done(&sealed);
	buf_done(&made);
	buf_done(&name);
	buf_done(&text);
	buf_done(&uri);
	buf_done(&json);
	db_rows_free(kept);
	db_rows_free(found);
}

/* Ten recovery codes: their digests as the member digests, and themselves as a list. */
static void add_recovery(struct buf *made, struct buf *codes)
{
	json_begin_list(made, "digests");
	json_begin_list(codes, "codes");
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		unsigned char raw[RECOVERY_BYTES], digest[DIGEST_BYTES];
		struct buf letters = { 0 }, grouped = { 0 }, hex = { 0 };

		crypto_random(raw, sizeof(raw));
		base32_write(&letters, raw, sizeof(raw));
		crypto_digest(buf_str(&letters), digest);
		buf_add_hex(&hex, digest, sizeof(digest));
		json_item(made, buf_str(&hex));
		for (size_t at = 0; at < letters.len; at += RECOVERY_GROUP) {
			if (at)
				buf_add_char(&grouped, '-');
			buf_add(&grouped, letters.at + at, RECOVERY_GROUP);
		}
		json_item(codes, buf_str(&grouped));
		mem_wipe(raw, sizeof(raw));
		mem_wipe(letters.at, letters.len);
		mem_wipe(grouped.at, grouped.len);
		buf_done(&letters);
		buf_done(&grouped);
		buf_done(&hex);
	}
	json_end_list(made);
	json_end_list(codes);
}

/* Does an operation that replaces the recovery codes, and shows the new ones. `code`: by
   which it is done, or NULL. */
static void answer_codes(struct admin *admin, struct http_req *req, const struct visit *visit,
			 const char *operation, const struct admin_code *code)
{
	struct buf made = { 0 }, codes = { 0 };

	json_begin(&made, NULL);
	json_begin(&codes, NULL);
	if (code)
		add_code(code, &made);
	add_recovery(&made, &codes);
	json_end(&codes);
	json_end(&made);
	admin_answer_with(admin, req, visit, operation, &made, &codes);
	mem_wipe(codes.at, codes.len);
	buf_done(&codes);
	buf_done(&made);
}

/* A code of one's own, typed anew. false: answered. */
static bool own_code(struct admin *admin, struct http_req *req, const struct visit *visit,
		     bool is_on, struct admin_code *code)
{
	struct db_rows *found = NULL;
	struct kept_code kept = { 0 };
	struct buf made = { 0 };
	bool fine = false;

	*code = (struct admin_code){ .step = -1 };
	json_begin(&made, NULL);
	json_put_bool(&made, "is_on", is_on);
	json_end(&made);
	if (!admin_ask(admin, req, visit, "totp_read", &made, &found)) {
		kept.operator_id = admin_private_int(found, "operator_id");
		kept.wait_s = admin_private_int(found, "wait_s");
		kept.step = admin_private_int(found, "step");
		admin_private_bytes(found, "sealed", &kept.sealed);
		fine = read_code(admin, req, visit, &kept, code);
	}
	buf_done(&kept.sealed);
	buf_done(&made);
	db_rows_free(found);
	return fine;
}

void admin_totp_confirm(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct admin_code code;

	if (own_code(admin, req, visit, false, &code)) {
		if (code.step < 0)
			admin_refuse(req, 403, "totp.code_of_other");
		else
			answer_codes(admin, req, visit, admin_operation_of(match), &code);
	}
	admin_code_done(&code);
}

void admin_totp_codes(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	answer_codes(admin, req, visit, admin_operation_of(match), NULL);
}

void admin_totp_end(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	struct admin_code code;
	struct buf made = { 0 };

	if (own_code(admin, req, visit, true, &code)) {
		json_begin(&made, NULL);
		add_code(&code, &made);
		json_end(&made);
		admin_answer_call(admin, req, visit, admin_operation_of(match), &made);
	}
	buf_done(&made);
	admin_code_done(&code);
}
