/* SPDX-License-Identifier: ISC */
/* HTTP requests to other servers, many at once, each with its time limits; and e-mails by SMTP.
   libcurl's only user. Only http and https; certificates are always verified; no redirects, no
   proxy, no user and password in a URL, no settings from the environment. http/hostname
   converts names of hosts by IDNA first. Connections are kept. When a kept connection ends
   without a response, a request without a body is sent once more on a new one; a request with a
   body is never sent twice unless its caller allows it. */
#ifndef HL_HTTP_HTTP_CLIENT_H
#define HL_HTTP_HTTP_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct http_client;
struct ip_networks;

struct http_client_options {
	size_t requests_max;	   /* in flight at once, each on its own connection */
	size_t answer_max;	   /* bytes of a response's body that are kept */
	bool cuts_answers;	   /* a longer body is truncated; else it fails the request */
	const char *const *wanted; /* names of headers to keep, ended by NULL; NULL: none */
	int64_t connect_ms;	   /* for name, connection and TLS; 0: as long as the request */
	/* Connect only to globally reachable addresses (base/ip) and to those in `allowed` (NULL:
	   none). The address of each connection is checked, after the DNS lookup, so a name that
	   changes its address gains nothing. */
	bool is_guarded;
	const struct ip_networks *allowed;
	const char *ca_file; /* NULL: the certificate authorities of the system */
	const char *agent;   /* User-Agent */
};

struct http_client_request {
	const char *method; /* NULL: GET, or POST when there is a body */
	const char *url;
	const char *const *headers; /* "Name: value" each, ended by NULL; NULL: none */
	struct str body;	    /* at == NULL: none */
	int64_t timeout_ms;	    /* for everything: name, connection, request, response */
	bool is_sent_once;	    /* on a new connection, which cannot be closed already */
	bool may_repeat;	    /* it has a body, but may be sent a second time all the same */
	void *user;		    /* returned with the result */
};

/* How far a request came that got no response. */
enum http_client_failure {
	HTTP_CLIENT_NONE = 0,
	HTTP_CLIENT_NAME,    /* the name has no address */
	HTTP_CLIENT_CONNECT, /* the connection was refused, by the peer or by the guard */
	HTTP_CLIENT_TLS,     /* no common protocol, or a certificate that is not valid for it */
	HTTP_CLIENT_SLOW,    /* its time was over */
	HTTP_CLIENT_BROKEN,  /* connected, but no HTTP response came */
};

struct http_client_result {
	void *user;
	int status; /* of HTTP; 0: no complete response, and problem says why */
	int64_t duration_us;
	const char *problem; /* as text; NULL when there is a status */
	enum http_client_failure failure;
	bool is_refused; /* nothing was sent: the guard refused every address */
	/* It was sent once, on a kept connection that ended without a response. It may have
	   arrived or not; the next attempt needs no pause. */
	bool is_stale;
	bool is_cut; /* the body was longer */
	struct str body;
};

/* What `user` begins with where several parts of a program share a client: who takes the
   result. */
struct http_client_waiter {
	void (*done)(void *user, const struct http_client_result *result);
};

/* Copies the options; borrows what they point to until http_client_free(). The process ignores
   SIGPIPE from here on, which a TLS connection can raise. */
struct http_client *http_client_new(const struct http_client_options *options);

/* Aborts the requests in flight; NULL is allowed. */
void http_client_free(struct http_client *client);

/* Is it an http or https URL without a user's name? */
bool http_client_can_reach(const char *url);

/* Requests in flight, and results that were not returned yet. */
size_t http_client_count(const struct http_client *client);

/* Starts a request. Copies URL and headers; borrows the body until the result is returned.
   ERR_PACE: requests_max are in flight. ERR_INPUT: the URL is none that
   http_client_can_reach(), or a header contains a line break. */
MUST_USE enum err http_client_add(struct http_client *client,
				  const struct http_client_request *request);

struct http_client_mail {
	const char *url; /* smtp://host:25 or smtps://host:465; the guard does not apply */
	const char *user, *password; /* NULL: none */
	const char *from, *to;	     /* plain addresses without line breaks or angle brackets */
	struct str text;	     /* with \r\n; dots at line starts not doubled */
	int64_t timeout_ms;
	void *owner; /* returned with the result */
};

/* Starts to send an e-mail: by TLS where the server offers it, and with a password only by TLS,
   unless the server is this machine. Borrows the text until the result is returned; its status
   is 250, or problem says why the server refused it. ERR_PACE as http_client_add(). ERR_INPUT:
   the URL or an address is not valid. */
MUST_USE enum err http_client_add_mail(struct http_client *client,
				       const struct http_client_mail *mail);

/* Works on all requests without waiting, and returns the result of one that is finished. The
   result is borrowed until the next call. ERR_PACE: none is finished; ERR_ABSENT: none is in
   flight. */
MUST_USE enum err http_client_take(struct http_client *client, struct http_client_result *result);

/* Gives every result that is there to its waiter. */
void http_client_finish(struct http_client *client);

/* Fills *fd with the descriptor to wait for before the next http_client_take() (fd -1: none).
   Returns the milliseconds until the call is due anyway, -1 for never. */
int http_client_poll(const struct http_client *client, struct pollfd *fd);

/* http_client_take() that waits at most `wait_ms` (-1: as long as a request is in flight). */
MUST_USE enum err http_client_wait(struct http_client *client, int64_t wait_ms,
				   struct http_client_result *result);

/* A wanted header of the last result, the first of several; borrowed like it. at == NULL: not
   there, or too long (http/http_response). */
struct str http_client_header(const struct http_client *client, const char *name);

/* Why there is no response, as text for the user who chose the address: it does not reveal which
   names and addresses exist in our network. `problem` is for the log. */
const char *http_client_explain(const struct http_client_result *result);

#endif
