/* SPDX-License-Identifier: ISC */
/* libcurl's only user: HTTP requests to others, many at once, each with its
   deadline. http and https only, no redirects, no proxy from the environment.
   Connections are kept and used again; when the other side has closed one
   without any answer, libcurl sends the request once more on a new one. */
#ifndef HL_BASE_FETCH_H
#define HL_BASE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct fetch;

struct fetch_how {
	size_t requests_max;	/* under way at once, each on a connection of its own */
	size_t answer_max;	/* bytes of an answer's body; more fails the request */
	const char *agent;	/* User-Agent */
};

struct fetch_request {
	const char *url;
	const char *const *headers;	/* "Name: value" each, ended by NULL; NULL: none */
	struct str body;	/* at == NULL: GET, else POST */
	int64_t timeout_ms;	/* for all of it: name, connection, request, answer */
	void *user;		/* given back with the outcome */
};

struct fetch_outcome {
	void *user;
	int status;		/* of HTTP; 0: no whole answer came, and problem says why */
	int64_t duration_us;
	const char *problem;	/* in words; NULL when there is a status */
	struct str body;
};

/* Copies `how`. */
struct fetch *fetch_new(const struct fetch_how *how);

/* Breaks off what is under way; NULL is allowed. */
void fetch_free(struct fetch *fetch);

/* Is it an http or https URL? */
bool fetch_can_reach(const char *url);

size_t fetch_count(const struct fetch *fetch);	/* under way or not given out yet */

/* Starts a request. Copies URL and headers; borrows the body until the outcome
   is given out. ERR_PACE: requests_max are under way; ERR_INPUT: no http or
   https URL. */
MUST_USE enum err fetch_add(struct fetch *fetch, const struct fetch_request *request);

/* Gives one finished request, and waits for it at most `wait_ms` (-1: as long
   as one is under way). What the outcome points to is borrowed until the next
   call of fetch. ERR_PACE: none has finished by then; ERR_ABSENT: none is
   under way. */
MUST_USE enum err fetch_wait(struct fetch *fetch, int64_t wait_ms, struct fetch_outcome *outcome);

#endif
