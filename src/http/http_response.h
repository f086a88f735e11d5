/* SPDX-License-Identifier: ISC */
/* What is kept of an HTTP answer while it comes in: the first bytes of its
   body, and the headers that are wanted. Whatever the other side sends, it has
   limits. */
#ifndef HL_HTTP_HTTP_RESPONSE_H
#define HL_HTTP_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum {
	HTTP_RESPONSE_HEADERS_MAX = 64 * 1024, /* bytes of all headers */
	HTTP_RESPONSE_HEADER_MAX = 1000,       /* of one that is wanted */
	/* Read on behind body_max when bodies are cut: a connection that ends in
	   the middle of an answer cannot be kept, and a new one costs both sides
	   more than these bytes. */
	HTTP_RESPONSE_DROPPED_MAX = 64 * 1024,
};

struct http_response_options {
	size_t body_max;	   /* bytes that are kept */
	bool cuts;		   /* a longer body is cut; else it is a problem */
	const char *const *wanted; /* names of headers, ended by NULL; NULL: none */
};

struct http_response {
	const struct http_response_options *options;
	struct buf body;
	size_t body_bytes, header_bytes; /* that came */
	bool is_cut;			 /* the body was longer than what is kept */
	bool is_over;			 /* nothing more is wanted of this answer, which is fine */
	const char *problem;		 /* over a limit, in words; NULL: fine */
	struct buf values;
	struct http_response_found *found; /* one for each that is wanted */
	size_t wanted_count;
};

/* Borrows `how` until http_response_done(). */
void http_response_init(struct http_response *answer, const struct http_response_options *options);
void http_response_clear(struct http_response *answer); /* keeps the storage */
void http_response_done(struct http_response *answer);

/* The next line of the headers, and the next bytes of the body. false: stop
   reading, by is_over or problem. */
bool http_response_add_line(struct http_response *answer, struct str line);
bool http_response_add_body(struct http_response *answer, struct str bytes);

/* A wanted header, its first where there are several; borrowed until the next
   line. at == NULL: not there, not wanted, or longer than HTTP_RESPONSE_HEADER_MAX. */
struct str http_response_find(const struct http_response *answer, const char *name);

#endif
