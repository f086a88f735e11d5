/* SPDX-License-Identifier: ISC */
/* A session of the admin page: makes it, and describes it to the page. It is 256 random bits in a
   cookie that scripts cannot read; PostgreSQL has their SHA-256. */
#include "admin/admin.h"
#include "admin/admin_conf.h"

#include <string.h>

#include "base/base64.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/password.h"

enum { TOKEN_BYTES = 32, AGENT_MAX = 300 };

/* Made of the token, so that it needs no place of its own, and tells nothing of
   it: a page of another origin can send the cookie but not know this. */
void admin_csrf(struct str token, struct buf *out)
{
	unsigned char code[MAC_BYTES];
	struct mac *mac = mac_new(token);

	mac_sign(mac, str_of("hookledger csrf"), code);
	mac_free(mac);
	base64_write_url(out, code, sizeof(code));
}

/* Without TLS only on the machine itself: for trying it out. */
static bool is_on_loopback(const struct conf *conf)
{
	static const char *const all[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
	struct str url = str_of(conf->public_url);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_starts(url, all[i]) &&
		    (url.len == strlen(all[i]) || strchr(":/", url.at[strlen(all[i])])))
			return true;
	return false;
}

const char *admin_cookie(const struct conf *conf)
{
	return is_on_loopback(conf) ? "hl_session" : "__Secure-hl_session";
}

void admin_session_cookie(const struct conf *conf, struct str token, int64_t seconds,
			  struct buf *headers)
{
	buf_addf(headers,
		 "Set-Cookie: %s=%.*s; Path=%s/admin/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
		 admin_cookie(conf), (int)token.len, token.at ? token.at : "",
		 conf->base_path ? conf->base_path : "", (long long)seconds,
		 is_on_loopback(conf) ? "" : "; Secure");
}

void admin_session_answer(struct admin *admin, struct http_req *req, const struct visit *visit,
			  const char *headers)
{
	struct db_rows *found = NULL;
	struct buf json = { 0 }, csrf = { 0 };

	if (admin_ask(admin, req, visit, "session_read", NULL, &found))
		return;
	admin_csrf(visit->token, &csrf);
	json_begin(&json, NULL);
	json_put_text(&json, "csrf", buf_str(&csrf));
	json_put_text(&json, "version", str_of(HL_VERSION));
	json_put_text(&json, "public_url", str_of(admin->conf->public_url));
	json_put_members(&json, db_str(found, 0, "body"));
	json_end(&json);
	admin_answer(req, 200, headers, buf_str(&json));
	buf_done(&json);
	buf_done(&csrf);
	db_rows_free(found);
}

void admin_session_start(struct admin *admin, struct http_req *req, const struct visit *visit,
			 int64_t operator_id, struct str compared, const struct admin_code *code)
{
	const struct conf *conf = admin->conf;
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct db_rows *made = NULL;
	struct buf token = { 0 }, headers = { 0 };
	struct str agent = http_header(req, "HTTP_USER_AGENT");
	struct visit fresh = *visit;

	crypto_random_text(&token, TOKEN_BYTES);
	crypto_digest(buf_str(&token), digest);
	if (agent.len > AGENT_MAX)
		agent.len = AGENT_MAX;
	db_arg_int(args, operator_id);
	db_arg_text(args, compared);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	db_arg_text(args, buf_str(&visit->client));
	db_arg_text(args, utf8_is_valid(agent) ? agent : str_of(""));
	db_arg_int(args, admin_conf(conf)->session_idle_hours);
	db_arg_int(args, admin_conf(conf)->session_max_hours);
	db_arg_int(args, admin_conf(conf)->session_proof_minutes);
	admin_code_put(args, code);
	if (admin_ask_with(admin, req, "admin.login_end", args, &made))
		goto done;
	if (db_int(made, 0, "status") == 403) {
		admin_refuse_needing(req, 401, "code", "totp.code_wrong");
		goto done;
	}
	if (db_int(made, 0, "status") != 200) {
		admin_refuse(req, 401, "login.wrong");
		goto done;
	}
	admin_session_cookie(conf, buf_str(&token), admin_conf(conf)->session_max_hours * 3600,
			     &headers);
	fresh.token = buf_str(&token);
	fresh.session = (struct buf){ 0 };
	buf_add(&fresh.session, digest, sizeof(digest));
	buf_add(&fresh.session, visit->client.at, visit->client.len);
	admin_session_answer(admin, req, &fresh, buf_text(&headers));
	buf_done(&fresh.session);
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
	buf_done(&headers);
	db_rows_free(made);
	db_args_free(args);
}
