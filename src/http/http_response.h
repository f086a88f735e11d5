/* SPDX-License-Identifier: ISC */
/* The parts of an HTTP response that are kept while it arrives: the first bytes of its body, and
   the wanted headers. Everything has a limit, whatever the server sends. */
#ifndef HL_HTTP_HTTP_RESPONSE_H
#define HL_HTTP_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum {
	HTTP_RESPONSE_HEADERS_MAX = 64 * 1024, /* bytes of all headers */
	HTTP_RESPONSE_HEADER_MAX = 1000,       /* of a wanted one */
	/* So many bytes behind body_max are read and dropped: a connection that is closed in the
	   middle of a response cannot be kept, and a new one costs both sides more. */
	HTTP_RESPONSE_DROPPED_MAX = 64 * 1024,
};

struct http_response_options {
	size_t body_max;	   /* bytes that are kept */
	bool cuts;		   /* a longer body is truncated; otherwise it is a problem */
	const char *const *wanted; /* names of headers, ended by NULL; NULL: none */
};

struct http_response {
	const struct http_response_options *options;
	struct buf body;
	size_t body_bytes, header_bytes; /* that arrived */
	bool is_cut;			 /* the body was longer than what is kept */
	bool is_over;			 /* enough of the response was read; this is no error */
	const char *problem;		 /* which limit was exceeded, as text; NULL: none */
	struct buf values;
	struct http_response_found *found; /* one for each wanted header */
	size_t wanted_count;
};

/* Borrows the options until http_response_done(). */
void http_response_init(struct http_response *response,
			const struct http_response_options *options);
void http_response_clear(struct http_response *response); /* keeps the storage */
void http_response_done(struct http_response *response);

/* The next line of the headers, and the next bytes of the body. false: stop reading, because of
   is_over or problem. */
bool http_response_add_line(struct http_response *response, struct str line);
bool http_response_add_body(struct http_response *response, struct str bytes);

/* A wanted header, the first of several; borrowed until the next line. at == NULL: not there,
   not wanted, or longer than HTTP_RESPONSE_HEADER_MAX. */
struct str http_response_find(const struct http_response *response, const char *name);

#endif
