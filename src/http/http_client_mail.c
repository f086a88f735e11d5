/* SPDX-License-Identifier: ISC */
/* E-mails over SMTP. They share the slots and the loop of http_client. */
#include "http/http_client_internal.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/ip.h"

void http_client_note_reply(struct http_client_slot *slot, struct str line)
{
	/* after a refusal the server also replies to QUIT, with another code */
	if (!line.len || (line.at[0] != '4' && line.at[0] != '5'))
		return;
	buf_clear(&slot->reply);
	buf_add_str(&slot->reply, str_cut(&line, '\r'));
}

static size_t read_text(char *into, size_t one, size_t room, void *user)
{
	struct http_client_slot *slot = user;
	size_t len = slot->text.len < one * room ? slot->text.len : one * room;

	memcpy(into, slot->text.at, len);
	slot->text.at += len;
	slot->text.len -= len;
	return len;
}

/* A name or address that always means this machine: not "127.example". */
static bool is_loopback(struct str host)
{
	struct ip_address address;

	return str_equal_nocase(host, "localhost") || str_is(host, "[::1]") ||
	       (str_starts(host, "127.") && ip_read(host, &address));
}

enum err http_client_add_mail(struct http_client *client, const struct http_client_mail *mail)
{
	struct http_client_target target = { 0 };
	struct http_client_slot *slot;
	enum err err;
	bool needs_tls;

	http_client_release_slot(client);
	if (!client->free)
		return ERR_PACE;
	err = http_client_read_target(mail->url, "smtp", "smtps", &target);
	if (!err && (strpbrk(mail->from, "\r\n<>") || strpbrk(mail->to, "\r\n<>")))
		err = ERR_INPUT;
	if (err)
		goto done;
	needs_tls = mail->password && !is_loopback(buf_str(&target.host));
	slot = http_client_take_slot(client, true);
	slot->user = mail->owner;
	slot->text = mail->text;
	slot->to = curl_slist_append(NULL, mail->to);
	if (!slot->to)
		abort(); /* out of memory */
	curl_easy_setopt(slot->easy, CURLOPT_URL, target.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms);
	curl_easy_setopt(slot->easy, CURLOPT_USE_SSL,
			 (long)(needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	curl_easy_setopt(slot->easy, CURLOPT_USERNAME, mail->user);
	curl_easy_setopt(slot->easy, CURLOPT_PASSWORD, mail->password);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_FROM, mail->from);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_RCPT, slot->to);
	curl_easy_setopt(slot->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_READFUNCTION, read_text);
	curl_easy_setopt(slot->easy, CURLOPT_READDATA, slot);
	/* On a kept connection that has ended, libcurl would send the e-mail twice. */
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, 1L);
	http_client_start(client, slot);
done:
	http_client_target_done(&target);
	return err;
}
