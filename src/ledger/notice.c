/* SPDX-License-Identifier: ISC */
#include "ledger/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/fetch.h"
#include "base/json.h"
#include "base/uri.h"
#include "ledger/chat.h"
#include "ledger/mail.h"
#include "ledger/sealing.h"
#include "ledger/sending.h"
#include "ledger/signer.h"

enum {
	/* for one message, well below its lease; servers that delay strangers on
	   purpose take half a minute */
	SEND_MS = 60 * 1000,
	HOST_MAX = 256,
	ANSWER_MAX = 1000,
	PART_MIN = 5,	/* of a target, such as the topic of an ntfy, that is not repeated */
	REASON_MAX = 200,	/* of a chat's answer in what the owner reads */
};

struct notice {
	const struct conf *conf;
	const struct sealer *sealer;
	struct networks allowed;
	struct fetch *fetch;
	struct child child;
	int64_t message_id, lease;	/* message_id 0: nothing is under way */
	struct buf kind, from, to, url, text;	/* borrowed by what is under way */
	struct buf target;
	struct buf problem;
	bool is_over;
};

struct notice *notice_new(const struct conf *conf, const struct sealer *sealer)
{
	struct notice *notice = mem_zero(1, sizeof(*notice));

	notice->conf = conf;
	notice->sealer = sealer;
	networks_read_again(&notice->allowed, conf->allowed_networks);
	notice->fetch = fetch_new(&(struct fetch_how){
		.requests_max = 1,
		.answer_max = ANSWER_MAX,
		.cuts_answers = true,
		.is_guarded = true,
		.allowed = &notice->allowed,
		.ca_file = conf->ca_file,
		.agent = "hookledger/" HL_VERSION,
	});
	return notice;
}

static void forget(struct notice *notice)
{
	mem_wipe(notice->text.at, notice->text.cap);
	buf_done(&notice->text);
	buf_clear(&notice->kind);
	buf_clear(&notice->from);
	buf_clear(&notice->to);
	buf_clear(&notice->url);
	buf_clear(&notice->target);
}

void notice_free(struct notice *notice)
{
	if (!notice)
		return;
	child_done(&notice->child);
	fetch_free(notice->fetch);
	networks_done(&notice->allowed);
	forget(notice);
	buf_done(&notice->kind);
	buf_done(&notice->from);
	buf_done(&notice->to);
	buf_done(&notice->url);
	buf_done(&notice->target);
	buf_done(&notice->problem);
	free(notice);
}

void notice_read(const struct db_rows *rows, struct buf *sealed, struct notice_message *message)
{
	buf_clear(sealed);
	if (!db_is_null(rows, 0, "secret_sealed"))
		db_bytes(rows, 0, "secret_sealed", sealed);
	*message = (struct notice_message){
		.message_id = db_int(rows, 0, "message_id"),
		.lease = db_int(rows, 0, "lease"),
		.notice_id = db_int(rows, 0, "notice_id"),
		.made_us = db_int(rows, 0, "made_us"),
		.kind = db_str(rows, 0, "kind"),
		.target = db_str(rows, 0, "target"),
		.secret_sealed = buf_str(sealed),
		.subject = db_str(rows, 0, "subject"),
		.words = db_str(rows, 0, "words"),
		.status = db_str(rows, 0, "status"),
		.body = db_str(rows, 0, "body"),
	};
}

/* ---- sending */

static void fail(struct notice *notice, const char *why)
{
	buf_add_text(&notice->problem, why);
	notice->is_over = true;
}

static void write_from(const struct conf *conf, struct buf *out)
{
	char host[HOST_MAX] = "";

	if (conf->mail_from) {
		buf_add_text(out, conf->mail_from);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) || !host[0])
		snprintf(host, sizeof(host), "localhost");
	buf_addf(out, "hookledger@%s", host);
}

static void start_sendmail(struct notice *notice)
{
	const char *const argv[] = { notice->conf->mail_sendmail, "-i", "-f", buf_text(&notice->from), "--",
		                     buf_text(&notice->to), NULL };

	if (child_start(&notice->child, argv, buf_str(&notice->text), SEND_MS, &notice->problem))
		notice->is_over = true;
}

static void start_smtp(struct notice *notice)
{
	struct fetch_mail mail = {
		.url = notice->conf->smtp_url,
		.user = notice->conf->smtp_user,
		.password = notice->conf->smtp_password,
		.from = buf_text(&notice->from),
		.to = buf_text(&notice->to),
		.text = buf_str(&notice->text),
		.timeout_ms = SEND_MS,
	};

	if (fetch_add_mail(notice->fetch, &mail))
		fail(notice, "the setting smtp_url is no URL such as smtp://localhost:25 or smtps://mail.example.org:465");
}

static void start_mail(struct notice *notice, const struct notice_message *message)
{
	bool is_smtp = notice->conf->smtp_url;
	char id[64];
	struct mail mail = { .subject = message->subject, .text = message->words, .id = { id, 0 }, .at_us = message->made_us,
		             .line_end = is_smtp ? "\r\n" : "\n" };

	write_from(notice->conf, &notice->from);
	buf_add_str(&notice->to, message->target);
	mail.from = buf_str(&notice->from);
	mail.to = buf_str(&notice->to);
	/* the same for each attempt: where two arrived all the same, a reader shows one */
	mail.id.len = (size_t)snprintf(id, sizeof(id), "%" PRId64 ".%" PRId64, message->made_us, message->message_id);
	if (!mail_is_address(mail.from)) {
		fail(notice, "the setting mail_from is no e-mail address");
	} else if (!mail_is_address(mail.to)) {
		fail(notice, "its target is no e-mail address");
	} else if (!is_smtp && !notice->conf->mail_sendmail) {
		fail(notice, "neither smtp_url nor mail_sendmail is set");
	} else {
		mail_write(&mail, &notice->text);
		if (is_smtp)
			start_smtp(notice);
		else
			start_sendmail(notice);
	}
}

static int64_t limit_ms(const struct notice *notice)
{
	return notice->conf->delivery_timeout_ms < SEND_MS ? notice->conf->delivery_timeout_ms : SEND_MS;
}

static void note_start(struct notice *notice, enum err err)
{
	if (err)
		fail(notice, "its target is no http or https URL");
}

static void start_chat(struct notice *notice, const struct notice_message *message)
{
	static const char *const headers[] = { "Content-Type: application/json; charset=UTF-8", NULL };
	struct buf page = { 0 };

	notice_page(notice->conf, &page);
	buf_add_str(&notice->kind, message->kind);
	chat_url(message->kind, message->target, &notice->url);
	chat_write(message->kind, message->target, &(struct chat_message){ .subject = message->subject,
	                                                                   .text = message->words,
	                                                                   .status = message->status,
	                                                                   .page = buf_str(&page) }, &notice->text);
	note_start(notice, fetch_add(notice->fetch, &(struct fetch_request){ .url = buf_text(&notice->url),
	                                                                     .headers = headers,
	                                                                     .body = buf_str(&notice->text),
	                                                                     .is_sent_once = true,
	                                                                     .timeout_ms = limit_ms(notice) }));
	buf_done(&page);
}

/* Signed as deliveries are. */
static void start_webhook(struct notice *notice, const struct notice_message *message)
{
	struct buf secret = { 0 };
	struct signer *signer;
	char id[96];
	int len = snprintf(id, sizeof(id), "notice_%" PRId64 "_%" PRId64, message->message_id, message->made_us);

	if (sealing_notice_open(notice->sealer, message->notice_id, message->secret_sealed, &secret)) {
		fail(notice, "its secret does not open with this master key");
		return;
	}
	signer = signer_new(buf_str(&secret));
	buf_add_str(&notice->url, message->target);
	buf_add_str(&notice->text, message->body);
	note_start(notice, sending_start(notice->fetch, &(struct sending){ .url = buf_text(&notice->url),
	                                                                   .id = { id, (size_t)len },
	                                                                   .body = buf_str(&notice->text),
	                                                                   .signer = signer,
	                                                                   .is_sent_once = true,
	                                                                   .timeout_ms = limit_ms(notice) },
	                                 clock_now_us()));
	signer_free(signer);
	mem_wipe(secret.at, secret.cap);
	buf_done(&secret);
}

void notice_send(struct notice *notice, const struct notice_message *message)
{
	buf_clear(&notice->problem);
	notice->is_over = false;
	notice->message_id = message->message_id;
	notice->lease = message->lease;
	if (!str_is(message->kind, "mail"))
		buf_add_str(&notice->target, message->target);
	if (str_is(message->kind, "mail"))
		start_mail(notice, message);
	else if (chat_is_kind(message->kind))
		start_chat(notice, message);
	else
		start_webhook(notice, message);
}

bool notice_is_busy(const struct notice *notice)
{
	return notice->message_id;
}

/* ---- what came of it */

/* A chat's own words say what to do: "invalid_token", "channel_is_archived". */
static void look_at_answer(struct notice *notice, const struct fetch_outcome *outcome)
{
	struct str kind = buf_str(&notice->kind), said = outcome->body;

	if (outcome->problem) {
		buf_add_text(&notice->problem, outcome->problem);
		return;
	}
	if (outcome->status >= 200 && outcome->status <= 299 && !chat_is_refused(kind, said))
		return;
	buf_addf(&notice->problem, "answered with status %d", outcome->status);
	if (kind.len && str_trim(said).len) {
		said.len = said.len < REASON_MAX ? said.len : REASON_MAX;
		buf_add_text(&notice->problem, ": ");
		utf8_add_line(&notice->problem, str_trim(said));
	}
}

static void look(struct notice *notice)
{
	struct fetch_outcome outcome;

	if (notice->is_over)
		return;
	if (notice->child.pid) {
		struct buf why = { 0 };
		enum err err = child_take(&notice->child, &why);

		notice->is_over = err != ERR_PACE;
		if (err == ERR_FAULT)
			buf_addf(&notice->problem, "%s: %s", notice->conf->mail_sendmail, buf_text(&why));
		buf_done(&why);
	} else if (fetch_take(notice->fetch, &outcome) == ERR_NONE) {
		notice->is_over = true;
		look_at_answer(notice, &outcome);
	}
}

/* It may have another program's or server's words in it, in any encoding; and these
   may repeat where we have sent, which lets in whoever reads it. */
static void make_text(struct buf *problem, struct str target)
{
	struct buf shown = { 0 }, text = { 0 };

	uri_hide(buf_str(problem), target, PART_MIN, &shown);
	utf8_add(&text, buf_str(&shown));
	buf_done(&shown);
	buf_done(problem);
	*problem = text;
}

bool notice_take(struct notice *notice, struct notice_outcome *outcome)
{
	if (!notice->message_id)
		return false;
	look(notice);
	if (!notice->is_over)
		return false;
	make_text(&notice->problem, buf_str(&notice->target));
	*outcome = (struct notice_outcome){
		.message_id = notice->message_id,
		.lease = notice->lease,
		.problem = notice->problem.len ? buf_text(&notice->problem) : NULL,
	};
	notice->message_id = 0;
	forget(notice);
	return true;
}

int notice_poll(const struct notice *notice, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = -1 };
	if (!notice->message_id)
		return -1;
	if (notice->is_over)
		return 0;
	return notice->child.pid ? child_poll(&notice->child, fd) : fetch_poll(notice->fetch, fd);
}

void notice_wait(struct notice *notice, struct notice_outcome *outcome)
{
	while (!notice_take(notice, outcome)) {
		struct pollfd fd;
		int wait_ms = notice_poll(notice, &fd);

		poll(&fd, 1, wait_ms);
	}
}

void notice_page(const struct conf *conf, struct buf *out)
{
	if (conf->public_url)
		conf_public_url(conf, "/admin/", (struct str){ 0 }, out);
}
