/* SPDX-License-Identifier: ISC */
/* What the parts of http_client share: the client, and a slot for each request in flight. Only
   http_client*.c includes this header. Handles of libcurl are void pointers, as libcurl itself
   declares them, so it needs no header of libcurl. */
#ifndef HL_HTTP_HTTP_CLIENT_INTERNAL_H
#define HL_HTTP_HTTP_CLIENT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "http/http_client.h"
#include "http/http_response.h"

struct curl_slist;

enum { HTTP_CLIENT_ERROR_SIZE = 256 }; /* CURL_ERROR_SIZE */

/* One request; its handle and its buffers serve many requests in turn. */
struct http_client_slot {
	struct http_client *client;
	void *easy;
	struct curl_slist *headers;
	struct http_response response;
	struct buf refused; /* why the guard refused the address */
	bool is_mail;
	struct str text; /* of the e-mail, what is still to be sent */
	struct curl_slist *to;
	struct buf reply;   /* with which the mail server refused the e-mail */
	bool has_connected; /* the guard allowed an address */
	bool may_repeat;    /* libcurl may send the request a second time by itself */
	int sendings;
	void *user;
	char error[HTTP_CLIENT_ERROR_SIZE]; /* libcurl's message */
	struct http_client_slot *next;	    /* in the list of free slots */
};

struct http_client {
	struct http_client_options options;
	struct http_response_options keep;
	struct buf ca_file; /* empty: libcurl's default */
	void *multi;
	int epoll;
	int64_t timer_at;		/* clock_ms() when libcurl wants to be called; -1: never */
	struct http_client_slot *slots; /* options.requests_max of them */
	struct http_client_slot *free;
	struct http_client_slot *returned; /* the caller uses its result until the next call */
	size_t count, finished;		   /* finished: libcurl has more results to return */
};

/* ---- http_client.c */

/* Parts of a URL without a user's name; its host in ASCII. */
struct http_client_target {
	char *scheme, *url;
	struct buf host;
};

/* ERR_INPUT: it is no URL with one of the two schemes, names a user, or its host has no name in
   ASCII. Free *target in either case. */
MUST_USE enum err http_client_read_target(const char *url, const char *scheme,
					  const char *secure_scheme,
					  struct http_client_target *target);
void http_client_target_done(struct http_client_target *target);

/* The slot of the last result is free again. */
void http_client_release_slot(struct http_client *client);
struct http_client_slot *http_client_take_slot(struct http_client *client, bool is_mail);
void http_client_start(struct http_client *client, struct http_client_slot *slot);

/* ---- http_client_hooks.c: what libcurl calls */

/* Makes a handle with everything that stays the same from request to request. */
void http_client_prepare(struct http_client *client, struct http_client_slot *slot);

/* Connects libcurl's sockets and its timer with the client's epoll set. */
void http_client_prepare_multi(struct http_client *client);

/* ---- http_client_mail.c */

/* Keeps the reply of the mail server when it is a refusal. */
void http_client_note_reply(struct http_client_slot *slot, struct str line);

#endif
