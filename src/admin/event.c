/* SPDX-License-Identifier: ISC */
/* One event in full, with its signature verified at the request; and the export of
   filtered events. */
#include "admin/admin.h"
#include "admin/pool.h"
#include "admin/admin_conf.h"

#include <string.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "http/uri.h"
#include "ledger/signature.h"

/* Verifies by the secret that verified it when it came. An event that came by no callback
   (made here) has no signature. */
static const char *verify_signature(struct admin *admin, const struct db_rows *found)
{
	struct buf sealed = { 0 }, secret = { 0 }, signature = { 0 }, address = { 0 }, body = { 0 };
	struct mac *mac = NULL;
	enum signature_verdict verdict;

	admin_private_bytes(found, "sealed", &sealed);
	admin_private_bytes(found, "signature", &signature);
	admin_private_text(found, "address", &address);
	if (json_text(json_find(db_str(found, 0, "body"), "body"), &body))
		log_write(LOG_ERROR, "event_unreadable", NULL);
	if (seal_open(admin->sealer, buf_str(&address), buf_str(&sealed), &secret) == ERR_NONE)
		mac = mac_new(buf_str(&secret));
	verdict = signature_verify(mac, buf_str(&body), buf_str(&signature));
	mac_free(mac);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&signature);
	buf_done(&address);
	buf_done(&body);
	return signature_word(verdict);
}

void admin_event_read(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	struct db_rows *found = NULL;
	struct buf json = { 0 };

	(void)match;
	if (admin_ask(admin, req, visit, "event_read", NULL, &found))
		return;
	json_begin(&json, NULL);
	json_put_text(&json, "verified", str_of(verify_signature(admin, found)));
	json_put_members(&json, db_str(found, 0, "body"));
	json_end(&json);
	admin_answer(req, 200, NULL, buf_str(&json));
	buf_done(&json);
	db_rows_free(found);
}

/* ---- the export */

enum { EXPORT_PAGE = 500, END_MAX = 64 };

struct export
{
	struct buf kind, end;	  /* the parameters format and end */
	struct buf headers, next; /* next: where the next page begins */
	const char *type;
	bool is_json;
	int64_t left; /* of page_export_max */
};

/* What stands behind a whole export where somebody wants to see that it is: a web
   server may hide from its client that we ended early. */
static bool read_end(struct http_req *req, struct export *export)
{
	bool is_there = uri_value(http_query(req), "end", &export->end) == ERR_NONE;

	for (size_t i = 0; i < export->end.len; i++)
		is_there = is_there &&
			   strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-",
				  export->end.at[i]);
	return !export->end.len || (is_there && export->end.len <= END_MAX);
}

/* A page is a call of its own: no transaction stays open while the reader takes its
   time. ERR_NONE with next empty: it was the last. */
static enum err read_page(struct admin *admin, struct export *export, const struct visit *visit,
			  struct buf *lines)
{
	int64_t most = export->left < EXPORT_PAGE ? export->left : EXPORT_PAGE;
	struct buf made = { 0 };
	struct admin_call call = {
		.session = buf_str(&visit->session),
		.operation = "event_export",
		.path = buf_str(&visit->path),
		.query = buf_str(&visit->query),
	};
	struct db_rows *found = NULL;
	enum err err;

	json_begin(&made, NULL);
	json_put_int(&made, "most", most);
	json_put_text(&made, "after",
		      export->next.len ? buf_str(&export->next) : (struct str){ 0 });
	json_end(&made);
	call.made = buf_str(&made);
	err = admin_call(admin, &call, &found);
	if (err)
		goto done;
	buf_add_str(lines, db_str(found, 0, "body"));
	export->left -= admin_private_int(found, "count");
	buf_clear(&export->next);
	admin_private_text(found, "next", &export->next);
done:
	buf_done(&made);
	db_rows_free(found);
	return err;
}

/* What is begun cannot become an error any more: it ends early then. */
static void stream_pages(struct admin *admin, struct export *export, const struct visit *visit,
			 struct buf *lines)
{
	bool is_last = false;

	while (admin_stream_put(admin, export->type, buf_text(&export->headers), lines) &&
	       !is_last) {
		buf_clear(lines);
		is_last = !export->next.len || export->left <= 0;
		if (is_last && export->end.len) {
			buf_addf(lines, "%s\n", buf_text(&export->end));
		} else if (is_last) {
			return;
		} else if (read_page(admin, export, visit, lines)) {
			log_write(LOG_WARN, "export_cut",
				  (struct log_field[]){ log_text("why", db_problem(admin->db)),
							log_end() });
			admin_stream_cut(admin);
			return;
		}
	}
}

void admin_event_export(struct admin *admin, struct http_req *req, const struct visit *visit,
			const struct route_match *match)
{
	struct export export = { .left = admin_conf(admin->conf)->page_export_max };
	struct buf lines = { 0 };
	enum err err;

	(void)match;
	export.is_json = uri_value(http_query(req), "format", &export.kind) == ERR_NONE &&
			 str_is(buf_str(&export.kind), "ndjson");
	export.type = export.is_json ? "application/x-ndjson"
				     : "text/csv; charset=utf-8; header=present";
	buf_addf(&export.headers,
		 "%s\r\nContent-Disposition: attachment; filename=\"hookledger-events%s\"",
		 admin_safe_headers,
		 export.is_json					? ".ndjson"
		 : str_is(buf_str(&export.kind), "spreadsheet") ? "-spreadsheet.csv"
								: ".csv");
	if (!read_end(req, &export))
		admin_refuse(req, 400, "export.end_malformed");
	else if ((err = read_page(admin, &export, visit, &lines)))
		admin_refuse_failed(admin, req, "event_export", err);
	else if (str_is(http_method(req), "HEAD"))
		http_answer_as(req, 200, export.type, buf_text(&export.headers), str_of(""));
	else
		stream_pages(admin, &export, visit, &lines);
	buf_done(&lines);
	buf_done(&export.kind);
	buf_done(&export.end);
	buf_done(&export.headers);
	buf_done(&export.next);
}
