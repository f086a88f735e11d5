/* SPDX-License-Identifier: ISC */
/* libcurl's only user: HTTP requests to others, many at once, each with its
   deadlines; and e-mails to a server of the settings. http and https only, certificates are always
   verified; no redirects, no proxy, no name and password in a URL, nothing of it from the
   environment. Names of hosts are converted by IDNA (http/hostname) before libcurl sees
   them. Connections are kept and used again; when the other side has closed one
   without any answer, a request without a body is sent once more on a new one. One
   with a body is never sent twice unless its sender allows it. */
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
	size_t requests_max;	   /* under way at once, each on a connection of its own */
	size_t answer_max;	   /* bytes of an answer's body that are kept */
	bool cuts_answers;	   /* a longer one is cut; else it fails the request */
	const char *const *wanted; /* names of answer headers to keep, ended by NULL; NULL: none */
	int64_t connect_ms;	   /* for name, connection and TLS; 0: as long as the request */
	/* Connect to globally reachable addresses only (base/ip), and to those
	   in `allowed` (NULL: none). Judged is the address of each connection, after
	   DNS has answered, so a name that changes its address gains nothing. */
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
	int64_t timeout_ms;	    /* for all of it: name, connection, request, answer */
	bool is_sent_once; /* on a new connection, which cannot turn out to be closed already */
	bool may_repeat;   /* with a body, and may be sent again as one without may */
	void *user;	   /* given back with the outcome */
};

/* Where a request without an answer ended. */
enum http_client_failure {
	HTTP_CLIENT_NONE = 0,
	HTTP_CLIENT_NAME,    /* the name has no address */
	HTTP_CLIENT_CONNECT, /* nobody takes the connection, or the guard refused it */
	HTTP_CLIENT_TLS,     /* no agreement, or a certificate that is not good for this name */
	HTTP_CLIENT_SLOW,    /* its time was over */
	HTTP_CLIENT_BROKEN,  /* connected, and then no answer that is HTTP */
};

struct http_client_result {
	void *user;
	int status; /* of HTTP; 0: no whole answer came, and problem says why */
	int64_t duration_us;
	const char *problem; /* in words; NULL when there is a status */
	enum http_client_failure trouble;
	bool is_refused; /* nothing was sent: the guard refused every address */
	bool is_stale;	 /* sent once, on a connection that was kept and ended without an answer:
			    nobody knows whether it arrived; the next try needs no pause */
	bool is_cut;	 /* the body was longer */
	struct str body;
};

/* Copies `how`; borrows what it points to until http_client_free(). The process ignores SIGPIPE
   from here on, which TLS would else raise. */
struct http_client *http_client_new(const struct http_client_options *options);

/* Breaks off what is under way; NULL is allowed. */
void http_client_free(struct http_client *client);

/* Is it an http or https URL without a user's name? */
bool http_client_can_reach(const char *url);

size_t http_client_count(const struct http_client *client); /* under way or not given out yet */

/* Starts a request. Copies URL and headers; borrows the body until the outcome
   is given out. ERR_PACE: requests_max are under way; ERR_INPUT: no URL that
   http_client_can_reach(), or a header with a line break in it. */
MUST_USE enum err http_client_add(struct http_client *client,
				  const struct http_client_request *request);

struct http_client_mail {
	const char *url; /* smtp://host:25 or smtps://host:465; not judged by the guard */
	const char *user, *password; /* NULL: none */
	const char *from, *to;	     /* plain addresses without line breaks or angle brackets */
	struct str text;	     /* with \r\n; without dots made double */
	int64_t timeout_ms;
	void *owner; /* given back with the outcome */
};

/* Why there is no answer, in words for whoever chose the address: they do not tell
   which names and addresses exist in our network. `problem` is for the log. */
const char *http_client_explain(const struct http_client_result *outcome);

/* Starts to send an e-mail, by TLS where the server has it, and with a password
   never without, unless the server is this machine. Borrows the text until the
   outcome is given out: its status is 250, or problem says why it was not taken.
   ERR_PACE as http_client_add(); ERR_INPUT: the URL is none of these. */
MUST_USE enum err http_client_add_mail(struct http_client *client,
				       const struct http_client_mail *mail);

/* Moves all requests on as far as it goes without waiting, and gives one that
   is finished. What the outcome points to is borrowed until the next call of
   fetch. ERR_PACE: none is finished; ERR_ABSENT: none is under way. */
MUST_USE enum err http_client_take(struct http_client *client, struct http_client_result *outcome);

/* What to wait for before the next http_client_take(): fills *fd (fd -1 when none is
   under way) and gives the milliseconds after which it wants to be called
   anyway, -1 for never. */
int http_client_poll(const struct http_client *client, struct pollfd *fd);

/* The same with waiting, at most `wait_ms` (-1: as long as one is under way). */
MUST_USE enum err http_client_wait(struct http_client *client, int64_t wait_ms,
				   struct http_client_result *outcome);

/* A wanted header of the outcome that was given out last, its first where there
   are several; borrowed like it. at == NULL: not there, or too long
   (http/http_response). */
struct str http_client_header(const struct http_client *client, const char *name);

#endif
