/* SPDX-License-Identifier: ISC */
#include "http/http_client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "http/ca_bundle.h"
#include "http/hostname.h"
#include "http/http_client_internal.h"

enum {
	/* A connection; while its name is looked up, a socket pair to the thread that does it, and
	   that thread's own socket to the name server. */
	DESCRIPTORS_EACH = 3,
	EVENTS_MAX = 64,
	/* libcurl before 7.80 does not ask before it sends a request again: there, a request that
	   must not be repeated gets a new connection, and those are never repeated. */
	CAN_STOP_REPEATING = LIBCURL_VERSION_NUM >= 0x075000,
};

struct http_client *http_client_new(const struct http_client_options *options)
{
	struct http_client *client = mem_zero(1, sizeof(*client));

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	client->options = *options;
	if (options->ca_file)
		buf_add_text(&client->ca_file, options->ca_file);
	else
		ca_bundle_find("", curl_version_info(CURLVERSION_NOW)->cainfo, &client->ca_file);
	if (client->options.requests_max == 0)
		client->options.requests_max = 1;
	client->keep = (struct http_response_options){ options->answer_max, options->cuts_answers,
						       options->wanted };
	client->timer_at = -1;
	client->multi = curl_multi_init();
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!client->multi || client->epoll < 0)
		abort(); /* out of memory */
	fd_raise_limit(client->options.requests_max * DESCRIPTORS_EACH);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.requests_max);
	http_client_prepare_multi(client);
	client->slots = mem_zero(client->options.requests_max, sizeof(*client->slots));
	for (size_t i = client->options.requests_max; i-- > 0;) {
		client->slots[i].next = client->free;
		client->free = &client->slots[i];
	}
	return client;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->options.requests_max; i++) {
		struct http_client_slot *slot = &client->slots[i];

		if (slot->easy) {
			curl_multi_remove_handle(client->multi, slot->easy);
			curl_easy_cleanup(slot->easy);
		}
		curl_slist_free_all(slot->headers);
		curl_slist_free_all(slot->to);
		http_response_done(&slot->response);
		buf_done(&slot->refused);
		buf_done(&slot->reply);
	}
	curl_multi_cleanup(client->multi);
	close(client->epoll);
	buf_done(&client->ca_file);
	free(client->slots);
	free(client);
	curl_global_cleanup();
}

size_t http_client_count(const struct http_client *client)
{
	return client->count;
}

void http_client_target_done(struct http_client_target *target)
{
	curl_free(target->scheme);
	curl_free(target->url);
	buf_done(&target->host);
}

enum err http_client_read_target(const char *url, const char *scheme, const char *secure_scheme,
				 struct http_client_target *target)
{
	CURLU *parts = curl_url();
	char *host = NULL;
	enum err err = ERR_INPUT;

	if (!parts)
		abort(); /* out of memory */
	if (!url ||
	    curl_url_set(parts, CURLUPART_URL, url,
			 CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(parts, CURLUPART_SCHEME, &target->scheme, 0) ||
	    (strcmp(target->scheme, scheme) != 0 && strcmp(target->scheme, secure_scheme) != 0) ||
	    /* libcurl decodes a percent-encoded host */
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
	    hostname_write_ascii(str_of(host), &target->host))
		goto done;
	/* the URL stays as it was given, unless its host has to be converted */
	if (strcmp(host, buf_text(&target->host)) != 0 &&
	    curl_url_set(parts, CURLUPART_HOST, buf_text(&target->host), 0))
		goto done;
	if (!curl_url_get(parts, CURLUPART_URL, &target->url, 0))
		err = ERR_NONE;
done:
	curl_free(host);
	curl_url_cleanup(parts);
	return err;
}

bool http_client_can_reach(const char *url)
{
	struct http_client_target target = { 0 };
	bool fine = !http_client_read_target(url, "http", "https", &target);

	http_client_target_done(&target);
	return fine;
}

static bool are_single_lines(const char *const *headers)
{
	for (; headers && *headers; headers++)
		if (strpbrk(*headers, "\r\n"))
			return false;
	return true;
}

static void add_header(struct http_client_slot *slot, const char *line)
{
	struct curl_slist *longer = curl_slist_append(slot->headers, line);

	if (!longer)
		abort(); /* out of memory */
	slot->headers = longer;
}

void http_client_release_slot(struct http_client *client)
{
	struct http_client_slot *slot = client->returned;

	if (!slot)
		return;
	client->returned = NULL;
	slot->next = client->free;
	client->free = slot;
}

struct http_client_slot *http_client_take_slot(struct http_client *client, bool is_mail)
{
	struct http_client_slot *slot = client->free;

	client->free = slot->next;
	/* options of a request must not stay set for an e-mail, nor the reverse */
	if (slot->easy && slot->is_mail != is_mail) {
		curl_easy_cleanup(slot->easy);
		http_response_done(&slot->response);
		slot->easy = NULL;
	}
	if (!slot->easy)
		http_client_prepare(client, slot);
	slot->is_mail = is_mail;
	curl_slist_free_all(slot->headers);
	curl_slist_free_all(slot->to);
	slot->headers = slot->to = NULL;
	http_response_clear(&slot->response);
	buf_clear(&slot->refused);
	buf_clear(&slot->reply);
	slot->has_connected = false;
	slot->may_repeat = true;
	slot->sendings = 0;
	slot->error[0] = '\0';
	return slot;
}

void http_client_start(struct http_client *client, struct http_client_slot *slot)
{
	if (curl_multi_add_handle(client->multi, slot->easy) != CURLM_OK)
		abort(); /* the handle is in already, or out of memory */
	client->count++;
}

enum err http_client_add(struct http_client *client, const struct http_client_request *request)
{
	const char *method = request->method ? request->method : request->body.at ? "POST" : "GET";
	struct http_client_target target = { 0 };
	struct http_client_slot *slot;
	bool has_body;
	enum err err;

	http_client_release_slot(client);
	if (!client->free)
		return ERR_PACE;
	err = http_client_read_target(request->url, "http", "https", &target);
	if (!err && !are_single_lines(request->headers))
		err = ERR_INPUT;
	if (err)
		goto done;
	slot = http_client_take_slot(client, false);
	slot->user = request->user;
	for (const char *const *line = request->headers; line && *line; line++)
		add_header(slot, *line);
	curl_easy_setopt(slot->easy, CURLOPT_URL, target.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	/* RFC 9110, 8.6: a method that may have a body sends the length 0 of an empty one */
	has_body = request->body.at ||
		   (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0);
	if (has_body) {
		/* no "Expect: 100-continue": a server that does not know it delays a large body
		   by a second */
		add_header(slot, "Expect:");
		curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS,
				 request->body.at ? request->body.at : "");
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.len);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	}
	/* libcurl repeats a request by itself only on a connection that it had kept */
	slot->may_repeat = !has_body || request->may_repeat;
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT,
			 request->is_sent_once || (!CAN_STOP_REPEATING && !slot->may_repeat) ? 1L
											     : 0L);
	curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
	http_client_start(client, slot);
done:
	http_client_target_done(&target);
	return err;
}

/* libcurl was about to repeat a request that must not be repeated. */
static bool is_stale(const struct http_client_slot *slot, CURLcode code)
{
	return code == CURLE_ABORTED_BY_CALLBACK && slot->sendings > 1 && !slot->may_repeat;
}

static const char *problem_of(struct http_client_slot *slot, CURLcode code)
{
	if (slot->response.problem)
		return slot->response.problem;
	/* adds the reply of the mail server */
	if (slot->is_mail && slot->error[0] && slot->reply.len) {
		buf_clear(&slot->refused);
		buf_addf(&slot->refused, "%s (%s)", slot->error, buf_text(&slot->reply));
		return buf_text(&slot->refused);
	}
	if (is_stale(slot, code))
		return "the connection, which was kept from before, ended without an answer";
	if (code == CURLE_COULDNT_CONNECT && slot->refused.len && !slot->has_connected)
		return buf_text(&slot->refused);
	return slot->error[0] ? slot->error : curl_easy_strerror(code);
}

static enum http_client_failure failure_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_CLIENT_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_CLIENT_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_CLIENT_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return HTTP_CLIENT_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_CLIENT_SLOW;
	default:
		return HTTP_CLIENT_BROKEN;
	}
}

static void return_result(struct http_client *client, struct http_client_slot *slot, CURLcode code,
			  struct http_client_result *result)
{
	bool is_whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && slot->response.is_over);
	curl_off_t duration = 0;
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &duration);
	if (is_whole && slot->is_mail)
		status = 250;
	else if (is_whole)
		curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	*result = (struct http_client_result){
		.user = slot->user,
		.status = (int)status,
		.duration_us = (int64_t)duration,
		.problem = is_whole ? NULL : problem_of(slot, code),
		.failure = is_whole ? HTTP_CLIENT_NONE : failure_of(code),
		.is_refused = !is_whole && !slot->is_mail && slot->refused.len &&
			      !slot->has_connected,
		.is_stale = !is_whole && is_stale(slot, code),
		.is_cut = slot->response.is_cut,
		.body = buf_str(&slot->response.body),
	};
	curl_multi_remove_handle(client->multi, slot->easy);
	client->returned = slot;
	client->count--;
}

static bool take_finished(struct http_client *client, struct http_client_result *result)
{
	struct http_client_slot *slot = NULL;
	CURLMsg *message;
	int left = 0;

	/* libcurl has only this kind of message */
	message = curl_multi_info_read(client->multi, &left);
	client->finished = (size_t)left;
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	/* read the message first: removing its handle frees it */
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	return_result(client, slot, message->data.result, result);
	return true;
}

/* Waits at most `wait_ms` for events, and lets libcurl handle them. */
static void work(struct http_client *client, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count, running;

	if (client->timer_at >= 0)
		wait_ms = clock_within(wait_ms, client->timer_at - clock_ms());
	count = epoll_wait(client->epoll, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < count; i++) {
		int ready = 0;

		if (events[i].events & EPOLLIN)
			ready |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			ready |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			ready |= CURL_CSELECT_ERR;
		curl_multi_socket_action(client->multi, events[i].data.fd, ready, &running);
	}
	if (client->timer_at >= 0 && clock_ms() >= client->timer_at) {
		client->timer_at = -1; /* libcurl sets the next time */
		curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

enum err http_client_take(struct http_client *client, struct http_client_result *result)
{
	http_client_release_slot(client);
	if (!client->count)
		return ERR_ABSENT;
	if (take_finished(client, result))
		return ERR_NONE;
	work(client, 0);
	return take_finished(client, result) ? ERR_NONE : ERR_PACE;
}

void http_client_finish(struct http_client *client)
{
	struct http_client_result outcome;

	while (!http_client_take(client, &outcome))
		((struct http_client_waiter *)outcome.user)->done(outcome.user, &outcome);
}

int http_client_poll(const struct http_client *client, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = client->count ? client->epoll : -1, .events = POLLIN };
	if (!client->count)
		return -1;
	if (client->finished)
		return 0;
	return client->timer_at < 0 ? -1 : clock_within(-1, client->timer_at - clock_ms());
}

enum err http_client_wait(struct http_client *client, int64_t wait_ms,
			  struct http_client_result *result)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : clock_ms() + wait_ms;
	enum err err;

	while ((err = http_client_take(client, result)) == ERR_PACE && clock_ms() < until)
		work(client, clock_within(-1, until - clock_ms()));
	return err;
}

struct str http_client_header(const struct http_client *client, const char *name)
{
	return client->returned ? http_response_find(&client->returned->response, name)
				: (struct str){ 0 };
}

const char *http_client_explain(const struct http_client_result *result)
{
	if (result->is_refused || result->failure == HTTP_CLIENT_NAME)
		return "its host has no public address";
	return result->problem;
}
