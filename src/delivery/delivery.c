/* SPDX-License-Identifier: ISC */
#include "delivery/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "ledger/signed_request.h"

enum { PROBLEM_MAX = 300 };

void delivery_clear(struct delivery *delivery)
{
	buf_clear(&delivery->body);
	buf_clear(&delivery->payload);
	buf_clear(&delivery->metadata);
	buf_clear(&delivery->sent);
	buf_clear(&delivery->answer);
	buf_clear(&delivery->problem);
}

void delivery_done(struct delivery *delivery)
{
	buf_done(&delivery->body);
	buf_done(&delivery->payload);
	buf_done(&delivery->metadata);
	buf_done(&delivery->sent);
	buf_done(&delivery->answer);
	buf_done(&delivery->problem);
}

/* ---- the request */

enum err delivery_write(struct delivery *delivery, int64_t subscription_id, struct str url_callback,
			int64_t now_us)
{
	enum { EVENT_ID, CREATED_AT, CREATOR_ID, METADATA, PAYLOAD, WANTS };
	static const struct json_want wants[WANTS] = {
		[EVENT_ID] = { "event_id", NULL },     [CREATED_AT] = { "created_at", NULL },
		[CREATOR_ID] = { "creator_id", NULL }, [METADATA] = { "metadata", NULL },
		[PAYLOAD] = { "payload", NULL },
	};
	struct json_value found[WANTS] = { 0 };
	struct signed_request_body body;

	if (json_scan(buf_str(&delivery->body), wants, found, WANTS, NULL))
		return ERR_INPUT;
	body = (struct signed_request_body){
		.event_id = found[EVENT_ID].raw,
		.created_at = found[CREATED_AT].raw,
		.creator_id = found[CREATOR_ID].raw,
		.metadata = delivery->metadata.len ? buf_str(&delivery->metadata)
						   : found[METADATA].raw,
		.payload = delivery->payload.len ? buf_str(&delivery->payload) : found[PAYLOAD].raw,
		.subscription_id = subscription_id,
		.url_callback = url_callback,
	};
	buf_clear(&delivery->sent);
	signed_request_write(&delivery->sent, &body, now_us);
	return ERR_NONE;
}

struct str delivery_webhook_id(const struct delivery *delivery, int64_t subscription_id,
			       char text[DELIVERY_ID_MAX])
{
	/* The same for each attempt, and never that of another event, not even when a
	   restored database counts its deliveries anew. */
	int len = snprintf(text, DELIVERY_ID_MAX, "evt_%" PRId64 "_%" PRId64 "_%" PRId64,
			   delivery->event_id, delivery->created_us, subscription_id);

	return (struct str){ text, (size_t)len };
}

/* ---- the result */

/* Writes bytes that are neither printable ASCII nor UTF-8 as \xNN, so that a text column
   can hold the answer and people can read it. */
static void add_printable(struct buf *out, struct str bytes)
{
	bool is_text = utf8_is_valid(bytes);

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.at[i];

		if (c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f) || (c >= 0x80 && is_text))
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "\\x%02x", c);
	}
}

/* Leaves out a character at the end that was cut in two. */
static struct str whole_characters(struct str bytes)
{
	for (size_t cut = 1; cut < 4 && cut <= bytes.len; cut++) {
		struct str part = { bytes.at, bytes.len - cut };
		unsigned char first = (unsigned char)bytes.at[part.len];

		if (first >= 0xc2 && first <= 0xf4)
			return utf8_is_valid(bytes) || !utf8_is_valid(part) ? bytes : part;
	}
	return bytes;
}

void delivery_note(struct delivery *delivery, int status, int64_t duration_us, struct str answer,
		   const char *problem)
{
	delivery->status = status;
	delivery->duration_us = duration_us;
	delivery->pause_ms = -1;
	buf_clear(&delivery->answer);
	buf_clear(&delivery->problem);
	add_printable(&delivery->answer, whole_characters(answer));
	if (problem)
		add_printable(&delivery->problem,
			      (struct str){ problem, strnlen(problem, PROBLEM_MAX) });
	else if (status < 200 || status > 299)
		buf_addf(&delivery->problem, "answered with status %d", status);
}

int64_t delivery_pause_ms(struct str retry_after, int64_t now_us)
{
	struct buf text = { 0 };
	struct tm date = { 0 };
	int64_t pause = -1;
	const char *end;

	retry_after = str_trim(retry_after);
	if (str_int(retry_after, &pause))
		return pause < 0	   ? -1
		       : pause > INT32_MAX ? INT64_C(1000) * INT32_MAX
					   : pause * 1000;
	/* of the three forms of a date, the only one that a sender may use */
	buf_add_str(&text, retry_after);
	end = strptime(buf_text(&text), "%a, %d %b %Y %H:%M:%S GMT", &date);
	if (end && !*end) {
		pause = (int64_t)timegm(&date) * 1000 - now_us / 1000;
		if (pause < 0)
			pause = 0;
	}
	buf_done(&text);
	return pause;
}
