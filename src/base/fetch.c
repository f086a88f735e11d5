/* SPDX-License-Identifier: ISC */
#include "base/fetch.h"

#include <limits.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/clock.h"

/* A place for one request; its handle and its buffers serve many in a row. */
struct slot {
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;	/* of the answer */
	void *user;
	char words[CURL_ERROR_SIZE];
	struct slot *next;	/* in the list of free ones */
};

struct fetch {
	struct fetch_how how;
	CURLM *multi;
	struct slot *slots;	/* how.requests_max of them */
	struct slot *free;
	struct slot *given;	/* its outcome is with the caller until the next call */
	size_t count;
};

static size_t take_body(char *bytes, size_t one, size_t len, void *user)
{
	struct slot *slot = user;

	(void)one;
	buf_add(&slot->body, bytes, len);
	/* fewer than came: curl ends the transfer with CURLE_WRITE_ERROR */
	return slot->body.full ? 0 : len;
}

/* What stays the same from request to request. */
static void prepare(const struct fetch *fetch, struct slot *slot)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		abort();	/* out of memory */
	slot->easy = easy;
	slot->body.max = fetch->how.answer_max;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->words);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* an empty name: none, and the environment is not asked either */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	/* HTTP/2 would put all requests on one connection, and one lost packet
	   or one slow answer would hold up the others */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (fetch->how.agent)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->how.agent);
}

struct fetch *fetch_new(const struct fetch_how *how)
{
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	fetch->how = *how;
	if (fetch->how.requests_max == 0)
		fetch->how.requests_max = 1;
	fetch->multi = curl_multi_init();
	if (!fetch->multi)
		abort();	/* out of memory */
	curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)fetch->how.requests_max);
	fetch->slots = mem_zero(fetch->how.requests_max, sizeof(*fetch->slots));
	for (size_t i = fetch->how.requests_max; i-- > 0;) {
		fetch->slots[i].next = fetch->free;
		fetch->free = &fetch->slots[i];
	}
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	for (size_t i = 0; i < fetch->how.requests_max; i++) {
		struct slot *slot = &fetch->slots[i];

		if (slot->easy) {
			curl_multi_remove_handle(fetch->multi, slot->easy);
			curl_easy_cleanup(slot->easy);
		}
		curl_slist_free_all(slot->headers);
		buf_done(&slot->body);
	}
	curl_multi_cleanup(fetch->multi);
	free(fetch->slots);
	free(fetch);
	curl_global_cleanup();
}

size_t fetch_count(const struct fetch *fetch)
{
	return fetch->count;
}

/* Judged here and not by CURLOPT_PROTOCOLS, which is deprecated while its
   successor is newer than the curl that we ask for. */
bool fetch_can_reach(const char *url)
{
	CURLU *parts = curl_url();
	char *scheme = NULL;
	bool fine;

	if (!parts)
		abort();	/* out of memory */
	fine = url && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	       curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       (str_is(str_of(scheme), "http") || str_is(str_of(scheme), "https"));
	curl_free(scheme);
	curl_url_cleanup(parts);
	return fine;
}

static void add_header(struct slot *slot, const char *line)
{
	struct curl_slist *longer = curl_slist_append(slot->headers, line);

	if (!longer)
		abort();	/* out of memory */
	slot->headers = longer;
}

/* The slot whose outcome the caller has seen is free again. */
static void take_back(struct fetch *fetch)
{
	struct slot *slot = fetch->given;

	if (!slot)
		return;
	fetch->given = NULL;
	slot->next = fetch->free;
	fetch->free = slot;
}

enum err fetch_add(struct fetch *fetch, const struct fetch_request *request)
{
	struct slot *slot;

	take_back(fetch);
	if (!fetch->free)
		return ERR_PACE;
	if (!fetch_can_reach(request->url))
		return ERR_INPUT;
	slot = fetch->free;
	fetch->free = slot->next;
	if (!slot->easy)
		prepare(fetch, slot);
	slot->user = request->user;
	slot->words[0] = '\0';
	buf_clear(&slot->body);
	slot->body.full = false;
	curl_slist_free_all(slot->headers);
	slot->headers = NULL;
	for (const char *const *line = request->headers; line && *line; line++)
		add_header(slot, *line);
	curl_easy_setopt(slot->easy, CURLOPT_URL, request->url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	if (request->body.at) {
		/* no "Expect: 100-continue", which costs a large body a second
		   with servers that do not know it */
		add_header(slot, "Expect:");
		curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body.at);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
	if (curl_multi_add_handle(fetch->multi, slot->easy) != CURLM_OK)
		abort();	/* a handle that is in already, or out of memory */
	fetch->count++;
	return ERR_NONE;
}

static void give(struct fetch *fetch, struct slot *slot, CURLcode code, struct fetch_outcome *outcome)
{
	curl_off_t duration = 0;
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &duration);
	if (code == CURLE_OK)
		curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	*outcome = (struct fetch_outcome){
		.user = slot->user,
		.status = (int)status,
		.duration_us = (int64_t)duration,
		.body = buf_str(&slot->body),
	};
	if (slot->body.full)
		outcome->problem = "the answer is larger than allowed";
	else if (code != CURLE_OK)
		outcome->problem = slot->words[0] ? slot->words : curl_easy_strerror(code);
	curl_multi_remove_handle(fetch->multi, slot->easy);
	fetch->given = slot;
	fetch->count--;
}

static bool take_finished(struct fetch *fetch, struct fetch_outcome *outcome)
{
	struct slot *slot = NULL;
	CURLMsg *message;
	int left;

	/* the only kind of message there is */
	message = curl_multi_info_read(fetch->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	/* the message is gone once its handle is removed */
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	give(fetch, slot, message->data.result, outcome);
	return true;
}

enum err fetch_wait(struct fetch *fetch, int64_t wait_ms, struct fetch_outcome *outcome)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : clock_ms() + wait_ms;
	int running;

	take_back(fetch);
	while (fetch->count) {
		int64_t left;

		if (take_finished(fetch, outcome))
			return ERR_NONE;
		curl_multi_perform(fetch->multi, &running);
		if (take_finished(fetch, outcome))
			return ERR_NONE;
		left = until - clock_ms();
		if (left <= 0)
			return ERR_PACE;
		/* ends earlier when curl has a timer of its own */
		curl_multi_poll(fetch->multi, NULL, 0, left > INT_MAX ? INT_MAX : (int)left, NULL);
	}
	return ERR_ABSENT;
}
