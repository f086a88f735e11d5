/* SPDX-License-Identifier: ISC */
/* One event in full, its signature judged while it is asked for; and the export
   of what is filtered. */
#include "bin/admin.h"

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/http.h"
#include "base/json.h"
#include "base/uri.h"
#include "ledger/genuine.h"

/* By the secret that judged it when it came. What did not come as a callback
   (made up here) has no signature to judge. */
static const char *judge(struct admin *admin, const struct db_rows *found)
{
	struct buf sealed = { 0 }, secret = { 0 }, signature = { 0 };
	struct mac *mac = NULL;
	enum judged judged;

	db_bytes(found, 0, "sealed", &sealed);
	db_bytes(found, 0, "signature", &signature);
	if (seal_open(admin->sealer, db_str(found, 0, "address"), buf_str(&sealed), &secret) == ERR_NONE)
		mac = mac_new(buf_str(&secret));
	judged = genuine_judge(mac, db_str(found, 0, "body"), buf_str(&signature));
	mac_free(mac);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&signature);
	return judged_word(judged);
}

void admin_event_read(struct admin *admin, struct http_req *req, const struct visit *visit, const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf json = { 0 };
	struct str head;

	(void)match;
	if (admin_ask(admin, req, visit, "admin.event_read", &found))
		return;
	head = db_str(found, 0, "head");
	buf_add_char(&json, '{');
	json_put_text(&json, "verified", str_of(judge(admin, found)));
	json_put_text(&json, "body", db_str(found, 0, "body"));
	buf_add_char(&json, ',');
	buf_add(&json, head.at + 1, head.len - 1);
	admin_answer(req, 200, NULL, buf_str(&json));
	buf_done(&json);
	db_rows_free(found);
}

void admin_event_export(struct admin *admin, struct http_req *req, const struct visit *visit, const struct route_match *match)
{
	struct db_args *args = admin_args(visit);
	struct db_rows *lines = NULL;
	struct buf text = { 0 }, headers = { 0 }, kind = { 0 };
	bool is_json;

	(void)match;
	db_arg_int(args, admin->conf->page_export_max);
	if (admin_ask_with(admin, req, "admin.event_export", args, &lines))
		goto done;
	is_json = uri_value(http_query(req), "format", &kind) == ERR_NONE && str_is(buf_str(&kind), "ndjson");
	for (size_t i = 0; i < db_rows_count(lines); i++) {
		buf_add_str(&text, db_str(lines, i, "line"));
		buf_add_text(&text, is_json ? "\n" : "\r\n");
	}
	buf_addf(&headers, "Content-Disposition: attachment; filename=\"hookledger-events.%s\"", is_json ? "ndjson" : "csv");
	admin_answer_as(req, is_json ? "application/x-ndjson" : "text/csv; charset=utf-8; header=present", buf_text(&headers), buf_str(&text));
done:
	buf_done(&kind);
	buf_done(&text);
	buf_done(&headers);
	db_rows_free(lines);
	db_args_free(args);
}
