/* SPDX-License-Identifier: ISC */
/* What is kept of an HTTP answer while it comes in: the first bytes of its
   body, and the headers that are wanted. Whatever the other side sends, it has
   limits. */
#ifndef HL_BASE_ANSWER_H
#define HL_BASE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum {
	ANSWER_HEADERS_MAX = 64 * 1024,	/* bytes of all headers */
	ANSWER_HEADER_MAX = 1000,	/* of one that is wanted */
	/* Read on behind body_max when bodies are cut: a connection that ends in
	   the middle of an answer cannot be kept, and a new one costs both sides
	   more than these bytes. */
	ANSWER_DROPPED_MAX = 64 * 1024,
};

struct answer_how {
	size_t body_max;	/* bytes that are kept */
	bool cuts;		/* a longer body is cut; else it is a problem */
	const char *const *wanted;	/* names of headers, ended by NULL; NULL: none */
};

struct answer {
	const struct answer_how *how;
	struct buf body;
	size_t body_bytes, header_bytes;	/* that came */
	bool is_cut;		/* the body was longer than what is kept */
	bool is_over;		/* nothing more is wanted of this answer, which is fine */
	const char *problem;	/* over a limit, in words; NULL: fine */
	struct buf values;
	struct answer_found *found;	/* one for each that is wanted */
	size_t wanted_count;
};

/* Borrows `how` until answer_done(). */
void answer_init(struct answer *answer, const struct answer_how *how);
void answer_clear(struct answer *answer);	/* keeps the storage */
void answer_done(struct answer *answer);

/* The next line of the headers, and the next bytes of the body. false: stop
   reading, by is_over or problem. */
bool answer_add_line(struct answer *answer, struct str line);
bool answer_add_body(struct answer *answer, struct str bytes);

/* A wanted header, its first where there are several; borrowed until the next
   line. at == NULL: not there, not wanted, or longer than ANSWER_HEADER_MAX. */
struct str answer_find(const struct answer *answer, const char *name);

#endif
