/* SPDX-License-Identifier: ISC */
#include "ledger/alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/subprocess.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "http/http_client.h"
#include "base/json.h"
#include "http/http_conf.h"
#include "http/uri.h"
#include "ledger/alert_text.h"
#include "ledger/chat.h"
#include "ledger/ledger_conf.h"
#include "ledger/mail.h"
#include "ledger/sealing.h"
#include "ledger/signed_request.h"
#include "ledger/signer.h"

enum {
	/* for one message, well below its lease; a mail server that delays unknown senders on
	   purpose takes half a minute */
	SEND_MS = 60 * 1000,
	HOST_MAX = 256,
	ANSWER_MAX = 1000,
	PART_MIN =
		5, /* a shorter part of a target, such as the topic of an ntfy URL, is not hidden */
	REASON_MAX = 200, /* characters of a chat's response in the problem */
};

struct alert {
	const struct conf *conf;
	const struct sealer *sealer;
	struct ip_networks allowed;
	struct http_client *client;
	struct subprocess child;
	int64_t message_id, lease;	      /* message_id 0: none is in flight */
	struct buf kind, from, to, url, text; /* borrowed by the message in flight */
	struct buf target;
	struct alert_text written;
	struct buf problem;
	bool is_over;
};

struct alert *alert_new(const struct conf *conf, const struct sealer *sealer)
{
	struct alert *alert = mem_zero(1, sizeof(*alert));

	alert->conf = conf;
	alert->sealer = sealer;
	ip_networks_reread(&alert->allowed, http_conf(conf)->allowed_networks);
	alert->client = http_client_new(&(struct http_client_options){
		.requests_max = 1,
		.answer_max = ANSWER_MAX,
		.cuts_answers = true,
		.is_guarded = true,
		.allowed = &alert->allowed,
		.ca_file = http_conf(conf)->ca_file,
		.agent = "hookledger/" HL_VERSION,
	});
	return alert;
}

static void forget(struct alert *alert)
{
	mem_wipe(alert->text.at, alert->text.cap);
	buf_done(&alert->text);
	buf_clear(&alert->kind);
	buf_clear(&alert->from);
	buf_clear(&alert->to);
	buf_clear(&alert->url);
	buf_clear(&alert->target);
}

void alert_free(struct alert *alert)
{
	if (!alert)
		return;
	subprocess_done(&alert->child);
	http_client_free(alert->client);
	ip_networks_done(&alert->allowed);
	forget(alert);
	buf_done(&alert->kind);
	buf_done(&alert->from);
	buf_done(&alert->to);
	buf_done(&alert->url);
	buf_done(&alert->target);
	buf_done(&alert->problem);
	alert_text_done(&alert->written);
	free(alert);
}

void alert_read(const struct db_rows *rows, struct buf *sealed, struct alert_message *message)
{
	buf_clear(sealed);
	if (!db_is_null(rows, 0, "secret_sealed"))
		db_bytes(rows, 0, "secret_sealed", sealed);
	*message = (struct alert_message){
		.message_id = db_int(rows, 0, "message_id"),
		.lease = db_int(rows, 0, "lease"),
		.alert_id = db_int(rows, 0, "alert_id"),
		.made_us = db_int(rows, 0, "made_us"),
		.kind = db_str(rows, 0, "kind"),
		.target = db_str(rows, 0, "target"),
		.secret_sealed = buf_str(sealed),
		.content = db_str(rows, 0, "content"),
	};
}

/* ---- sending */

static void fail(struct alert *alert, const char *why)
{
	buf_add_text(&alert->problem, why);
	alert->is_over = true;
}

static void write_from(const struct conf *conf, struct buf *out)
{
	char host[HOST_MAX] = "";

	if (ledger_conf(conf)->mail_from) {
		buf_add_text(out, ledger_conf(conf)->mail_from);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) || !host[0])
		snprintf(host, sizeof(host), "localhost");
	buf_addf(out, "hookledger@%s", host);
}

static void start_sendmail(struct alert *alert)
{
	const char *const argv[] = { ledger_conf(alert->conf)->mail_sendmail,
				     "-i",
				     "-f",
				     buf_text(&alert->from),
				     "--",
				     buf_text(&alert->to),
				     NULL };

	if (subprocess_start(&alert->child, argv, buf_str(&alert->text), SEND_MS, &alert->problem))
		alert->is_over = true;
}

static void start_smtp(struct alert *alert)
{
	struct http_client_mail mail = {
		.url = ledger_conf(alert->conf)->smtp_url,
		.user = ledger_conf(alert->conf)->smtp_user,
		.password = ledger_conf(alert->conf)->smtp_password,
		.from = buf_text(&alert->from),
		.to = buf_text(&alert->to),
		.text = buf_str(&alert->text),
		.timeout_ms = SEND_MS,
	};

	if (http_client_add_mail(alert->client, &mail))
		fail(alert, "the setting smtp_url is no URL such as smtp://localhost:25 or "
			    "smtps://mail.example.org:465");
}

static void start_mail(struct alert *alert, const struct alert_message *message)
{
	bool is_smtp = ledger_conf(alert->conf)->smtp_url;
	char id[64];
	struct mail mail = { .subject = buf_str(&alert->written.subject),
			     .text = buf_str(&alert->written.text),
			     .id = { id, 0 },
			     .at_us = message->made_us,
			     .line_end = is_smtp ? "\r\n" : "\n" };

	write_from(alert->conf, &alert->from);
	buf_add_str(&alert->to, message->target);
	mail.from = buf_str(&alert->from);
	mail.to = buf_str(&alert->to);
	/* The same for each attempt: if two arrive, a mail reader shows one of them. */
	mail.id.len = (size_t)snprintf(id, sizeof(id), "%" PRId64 ".%" PRId64, message->made_us,
				       message->message_id);
	if (!mail_is_address(mail.from)) {
		fail(alert, "the setting mail_from is no e-mail address");
	} else if (!mail_is_address(mail.to)) {
		fail(alert, "its target is no e-mail address");
	} else if (!is_smtp && !ledger_conf(alert->conf)->mail_sendmail) {
		fail(alert, "neither smtp_url nor mail_sendmail is set");
	} else {
		mail_write(&mail, &alert->text);
		if (is_smtp)
			start_smtp(alert);
		else
			start_sendmail(alert);
	}
}

static int64_t limit_ms(const struct alert *alert)
{
	return http_conf(alert->conf)->delivery_timeout_ms < SEND_MS
		       ? http_conf(alert->conf)->delivery_timeout_ms
		       : SEND_MS;
}

static void note_start(struct alert *alert, enum err err)
{
	if (err)
		fail(alert, "its target is no http or https URL");
}

static void start_chat(struct alert *alert, const struct alert_message *message)
{
	static const char *const headers[] = { "Content-Type: application/json; charset=UTF-8",
					       NULL };
	struct buf page = { 0 };

	alert_page(alert->conf, &page);
	buf_add_str(&alert->kind, message->kind);
	chat_url(message->kind, message->target, &alert->url);
	chat_write(message->kind, message->target,
		   &(struct chat_message){ .subject = buf_str(&alert->written.subject),
					   .text = buf_str(&alert->written.text),
					   .status = buf_str(&alert->written.status),
					   .page = buf_str(&page) },
		   &alert->text);
	note_start(alert, http_client_add(alert->client, &(struct http_client_request){
								 .url = buf_text(&alert->url),
								 .headers = headers,
								 .body = buf_str(&alert->text),
								 .is_sent_once = true,
								 .timeout_ms = limit_ms(alert) }));
	buf_done(&page);
}

/* Signed as deliveries are. */
static void start_webhook(struct alert *alert, const struct alert_message *message)
{
	struct buf secret = { 0 };
	struct signer *signer;
	char id[96];
	int len = snprintf(id, sizeof(id), "alert_%" PRId64 "_%" PRId64, message->message_id,
			   message->made_us);

	if (sealing_row_open(alert->sealer, SEALING_ALERT, message->alert_id,
			     message->secret_sealed, &secret)) {
		fail(alert, "its secret does not open with this master key");
		return;
	}
	signer = signer_new(buf_str(&secret));
	buf_add_str(&alert->url, message->target);
	buf_add_str(&alert->text, buf_str(&alert->written.body));
	note_start(alert,
		   signed_request_start(alert->client,
					&(struct signed_request){ .url = buf_text(&alert->url),
								  .id = { id, (size_t)len },
								  .body = buf_str(&alert->text),
								  .signer = signer,
								  .is_sent_once = true,
								  .timeout_ms = limit_ms(alert) },
					clock_now_us()));
	signer_free(signer);
	mem_wipe(secret.at, secret.cap);
	buf_done(&secret);
}

void alert_send(struct alert *alert, const struct alert_message *message)
{
	buf_clear(&alert->problem);
	alert->is_over = false;
	alert->message_id = message->message_id;
	alert->lease = message->lease;
	alert_text_write(&alert->written, message->content);
	if (!str_is(message->kind, "mail"))
		buf_add_str(&alert->target, message->target);
	if (str_is(message->kind, "mail"))
		start_mail(alert, message);
	else if (chat_is_kind(message->kind))
		start_chat(alert, message);
	else
		start_webhook(alert, message);
}

bool alert_is_busy(const struct alert *alert)
{
	return alert->message_id;
}

/* ---- results */

/* The response of a chat names the problem: "invalid_token", "channel_is_archived". */
static void look_at_answer(struct alert *alert, const struct http_client_result *outcome)
{
	struct str kind = buf_str(&alert->kind), reply = outcome->body;

	if (outcome->problem) {
		buf_add_text(&alert->problem, outcome->problem);
		return;
	}
	if (outcome->status >= 200 && outcome->status <= 299 && !chat_is_refused(kind, reply))
		return;
	buf_addf(&alert->problem, "answered with status %d", outcome->status);
	if (kind.len && str_trim(reply).len) {
		reply.len = reply.len < REASON_MAX ? reply.len : REASON_MAX;
		buf_add_text(&alert->problem, ": ");
		utf8_add_line(&alert->problem, str_trim(reply));
	}
}

static void look(struct alert *alert)
{
	struct http_client_result outcome;

	if (alert->is_over)
		return;
	if (alert->child.pid) {
		struct buf why = { 0 };
		enum err err = subprocess_take(&alert->child, &why);

		alert->is_over = err != ERR_PACE;
		if (err == ERR_FAULT)
			buf_addf(&alert->problem, "%s: %s", ledger_conf(alert->conf)->mail_sendmail,
				 buf_text(&why));
		buf_done(&why);
	} else if (http_client_take(alert->client, &outcome) == ERR_NONE) {
		alert->is_over = true;
		look_at_answer(alert, &outcome);
	}
}

/* The problem may quote another program or server, in any encoding. A quote may repeat the
   target, which is a secret. */
static void make_text(struct buf *problem, struct str target)
{
	struct buf shown = { 0 }, text = { 0 };

	uri_hide(buf_str(problem), target, PART_MIN, &shown);
	utf8_add(&text, buf_str(&shown));
	buf_done(&shown);
	buf_done(problem);
	*problem = text;
}

bool alert_take(struct alert *alert, struct alert_outcome *outcome)
{
	if (!alert->message_id)
		return false;
	look(alert);
	if (!alert->is_over)
		return false;
	make_text(&alert->problem, buf_str(&alert->target));
	*outcome = (struct alert_outcome){
		.message_id = alert->message_id,
		.lease = alert->lease,
		.problem = alert->problem.len ? buf_text(&alert->problem) : NULL,
	};
	alert->message_id = 0;
	forget(alert);
	return true;
}

int alert_poll(const struct alert *alert, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = -1 };
	if (!alert->message_id)
		return -1;
	if (alert->is_over)
		return 0;
	return alert->child.pid ? subprocess_poll(&alert->child, fd)
				: http_client_poll(alert->client, fd);
}

void alert_wait(struct alert *alert, struct alert_outcome *outcome)
{
	while (!alert_take(alert, outcome)) {
		struct pollfd fd;
		int wait_ms = alert_poll(alert, &fd);

		poll(&fd, 1, wait_ms);
	}
}

void alert_page(const struct conf *conf, struct buf *out)
{
	if (conf->public_url)
		conf_public_url(conf, "/admin/", (struct str){ 0 }, out);
}
