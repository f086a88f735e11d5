/* SPDX-License-Identifier: ISC */
/* The targets of alerts, and what programs read: health for a monitor of the host, metrics
   for Prometheus. */
#include "admin/admin.h"
#include "admin/pool.h"
#include "admin/admin_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/alert.h"
#include "ledger/catalog.h"
#include "ledger/sealing.h"
#include "ledger/monitor.h"

/* Requests without a login query the database at most this often. */
enum { HEALTH_MS = 2000 };

static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

/* ---- alerts */

void admin_alert_add(struct admin *admin, struct http_req *req, const struct visit *visit,
		     const struct route_match *match)
{
	struct db_rows *rows = NULL;
	struct buf kind = { 0 }, secret = { 0 }, sealed = { 0 }, made = { 0 };
	int64_t alert_id;

	if (admin_ask(admin, req, visit, "alert_begin", NULL, &rows))
		goto done;
	alert_id = admin_private_int(rows, "alert_id");
	admin_private_text(rows, "kind", &kind);
	json_begin(&made, NULL);
	json_put_int(&made, "alert_id", alert_id);
	if (!str_is(buf_str(&kind), "webhook")) {
		json_end(&made);
		admin_answer_call(admin, req, visit, admin_operation_of(match), &made);
		goto done;
	}
	sealing_new_secret(&secret);
	if (sealing_row(admin->sealer, SEALING_ALERT, alert_id, buf_str(&secret), &sealed)) {
		admin_refuse_unsealed(req);
		goto done;
	}
	json_put_bytes(&made, "sealed", buf_str(&sealed));
	json_end(&made);
	admin_answer_new(admin, req, visit, admin_operation_of(match), &made, "secret",
			 buf_str(&secret));
done:
	mem_wipe(secret.at, secret.cap);
	buf_done(&kind);
	buf_done(&secret);
	buf_done(&sealed);
	buf_done(&made);
	db_rows_free(rows);
}

static void send_test(struct admin *admin, const struct db_rows *rows)
{
	struct buf kind = { 0 }, target = { 0 }, sealed = { 0 }, content = { 0 };
	struct alert_message message = {
		.message_id = admin_private_int(rows, "message_id"),
		.lease = admin_private_int(rows, "lease"),
		.alert_id = admin_private_int(rows, "alert_id"),
		.made_us = admin_private_int(rows, "made_us"),
	};

	admin_private_text(rows, "kind", &kind);
	admin_private_text(rows, "target", &target);
	admin_private_text(rows, "content", &content);
	admin_private_bytes(rows, "secret_sealed", &sealed);
	message.kind = buf_str(&kind);
	message.target = buf_str(&target);
	message.content = buf_str(&content);
	message.secret_sealed = buf_str(&sealed);
	alert_send(admin->alert, &message);
	buf_done(&kind);
	buf_done(&target);
	buf_done(&sealed);
	buf_done(&content);
}

/* One at a time: a mail server may take half a minute. */
void admin_alert_test(struct admin *admin, struct http_req *req, const struct visit *visit,
		      const struct route_match *match)
{
	struct db_rows *rows = NULL;
	struct buf page = { 0 }, made = { 0 };

	if (admin->testing) {
		admin_refuse(req, 503, "alert.test_pending");
		return;
	}
	alert_page(admin->conf, &page);
	json_begin(&made, NULL);
	json_put_text(&made, "page", page.len ? buf_str(&page) : str_of(""));
	json_put_int(&made, "lease_ms", ALERT_LEASE_MS);
	json_end(&made);
	if (!admin_ask(admin, req, visit, admin_operation_of(match), &made, &rows)) {
		if (!admin->alert)
			admin->alert = alert_new(admin->conf, admin->sealer);
		send_test(admin, rows);
		admin->testing = req;
		admin_hold(admin, req);
	}
	buf_done(&page);
	buf_done(&made);
	db_rows_free(rows);
}

int admin_alert_poll(const struct admin *admin, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = -1 };
	return admin->testing ? alert_poll(admin->alert, fd) : -1;
}

static void settle(struct admin *admin, const struct alert_outcome *outcome)
{
	struct db_args *args = db_args_new();

	db_arg_int(args, outcome->message_id);
	db_arg_int(args, outcome->lease);
	db_arg_text(args, str_of(outcome->problem));
	/* the waiting request is answered in any case */
	if (admin_db_call(admin, "admin.alert_settle", args, NULL))
		log_write(LOG_WARN, "call_failed",
			  (struct log_field[]){ log_text("function", "admin.alert_settle"),
						log_text("why", db_problem(admin->db)),
						log_end() });
	db_args_free(args);
}

void admin_alert_go_on(struct admin *admin)
{
	struct alert_outcome outcome;
	struct buf json = { 0 };

	if (!admin->testing || !alert_take(admin->alert, &outcome))
		return;
	settle(admin, &outcome);
	json_begin(&json, NULL);
	json_put_bool(&json, "sent", !outcome.problem);
	json_key(&json, "words");
	catalog_begin(&json, outcome.problem ? "alert.test_failed" : "alert.test_taken");
	if (outcome.problem)
		json_put_text(&json, "problem", str_of(outcome.problem));
	json_end(&json);
	json_end(&json);
	admin_answer(admin->testing, 200, NULL, buf_str(&json));
	admin_release(admin, admin->testing);
	admin->testing = NULL;
	buf_done(&json);
}

void admin_watch_done(struct admin *admin)
{
	alert_free(admin->alert);
	buf_done(&admin->health.json);
}

/* ---- for machines */

void admin_health(struct admin *admin, struct http_req *req, const struct visit *visit,
		  const struct route_match *match)
{
	struct admin_health *health = &admin->health;
	struct db_rows *rows = NULL;

	(void)visit, (void)match;
	if (clock_ms() >= health->until_ms) {
		buf_clear(&health->json);
		if (admin_db_call(admin, "admin.health", NULL, &rows)) {
			health->status = 503;
			buf_add_text(&health->json,
				     "{\"status\":\"trouble\",\"findings\":[\"database\"]}");
		} else {
			health->status = (int)db_int(rows, 0, "status");
			buf_add_str(&health->json, db_str(rows, 0, "body"));
		}
		health->until_ms = clock_ms() + HEALTH_MS;
		db_rows_free(rows);
	}
	admin_answer(req, health->status, NULL, buf_str(&health->json));
}

/* Compared by their digests: they have one length, and tell nothing of the token. */
static bool is_token(const struct conf *conf, struct str given)
{
	unsigned char wanted[DIGEST_BYTES], brought[DIGEST_BYTES];
	struct str rest = given, scheme = str_cut(&rest, ' ');

	if (!str_equal_nocase(scheme, "Bearer"))
		return false;
	crypto_digest(str_of(admin_conf(conf)->metrics_token), wanted);
	crypto_digest(str_trim(rest), brought);
	return crypto_equal(wanted, brought, DIGEST_BYTES);
}

void admin_metrics(struct admin *admin, struct http_req *req, const struct visit *visit,
		   const struct route_match *match)
{
	struct db_args *args = NULL;
	struct db_rows *rows = NULL;

	(void)visit, (void)match;
	if (!admin_conf(admin->conf)->metrics_token) {
		admin_refuse(req, 404, "metrics.off");
		return;
	}
	if (!is_token(admin->conf, http_authorization(req))) {
		admin_refuse_with(req, 401, "WWW-Authenticate: Bearer realm=\"hookledger metrics\"",
				  "metrics.token_wanted");
		return;
	}
	args = db_args_new();
	monitor_put_host(admin->conf, args);
	if (!admin_ask_with(admin, req, "admin.metrics", args, &rows))
		http_answer_as(req, 200, metrics_type, "X-Content-Type-Options: nosniff",
			       db_cell(rows, 0, 0));
	db_rows_free(rows);
	db_args_free(args);
}
