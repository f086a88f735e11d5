/* SPDX-License-Identifier: ISC */
/* Addresses for web-cron (api/tick answers them), for hosts without a shell. */
#include "admin/admin.h"

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"

void admin_tick_add(struct admin *admin, struct http_req *req, const struct visit *visit,
		    const struct route_match *match)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = admin_args(visit);
	struct buf token = { 0 }, url = { 0 };

	(void)match;
	crypto_token(&token, digest);
	conf_public_url(admin->conf, "/tick/", buf_str(&token), &url);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	admin_answer_new(admin, req, "admin.tick_add", args, "url", buf_str(&url));
	mem_wipe(token.at, token.len);
	mem_wipe(url.at, url.len);
	buf_done(&token);
	buf_done(&url);
	db_args_free(args);
}
