/* SPDX-License-Identifier: ISC */
/* Addresses for web-cron (api/tick answers them), for hosts without a shell. */
#include "admin/admin.h"

#include "base/conf.h"
#include "base/crypto.h"
#include "base/json.h"

void admin_tick_add(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	unsigned char digest[DIGEST_BYTES];
	struct buf made = { 0 }, token = { 0 }, url = { 0 };

	crypto_token(&token, digest);
	conf_public_url(admin->conf, "/tick/", buf_str(&token), &url);
	json_begin(&made, NULL);
	json_put_bytes(&made, "digest", (struct str){ (const char *)digest, sizeof(digest) });
	json_end(&made);
	admin_answer_new(admin, req, visit, admin_operation_of(match), &made, "url", buf_str(&url));
	mem_wipe(token.at, token.len);
	mem_wipe(url.at, url.len);
	buf_done(&token);
	buf_done(&url);
	buf_done(&made);
}
