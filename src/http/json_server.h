/* SPDX-License-Identifier: ISC */
/* The loop of a program that answers JSON by a table of routes: hookledger-api and
   hookledger-admin. It waits, finds the row of each request, and gives both to the
   program, which answers at once or holds the request. It ends when the web server
   tells the program to end and nothing is held any more. What an answer or an error
   looks like is the program's own. */
#ifndef HL_HTTP_JSON_SERVER_H
#define HL_HTTP_JSON_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct http;
struct http_req;
struct route_match;
struct route_table;

enum { JSON_SERVER_FDS = 65 };

struct json_server {
	struct http *web;
	const struct route_table *routes;
	bool ignores_slashes; /* at the end of a path, which clients add as they like */
	void *program;	      /* for the functions: */

	/* Before each wait: goes on with what is under way, and fills at most
	   JSON_SERVER_FDS to wait for, *count of them. Gives the milliseconds to wait at
	   most, or -1. */
	int (*go_on)(void *program, struct pollfd *fds, size_t *count);

	void (*serve)(void *program, struct http_req *req, const struct route_match *match);
	/* No row has this path; or those that have it are for other methods: the header
	   Allow says which. */
	void (*refuse_path)(void *program, struct http_req *req);
	void (*refuse_method)(void *program, struct http_req *req, const char *allow);
};

void json_server_run(const struct json_server *server);

/* Adds a header line to those of an answer, as http_answer() takes them. */
void json_server_header(struct buf *headers, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What is wrong with the body of a request that must be a JSON object. */
enum json_body {
	JSON_BODY_FINE = 0,
	JSON_BODY_TOO_BIG,   /* 413 */
	JSON_BODY_CUT_SHORT, /* 400; it is not as long as Content-Length says */
	JSON_BODY_TYPE,	     /* 415; its Content-Type is another */
	JSON_BODY_SYNTAX,    /* 400; it goes wrong at byte *where */
};
enum json_body json_server_body(const struct http_req *req, size_t *where);
int json_server_status(enum json_body flaw); /* with which to refuse it */

#endif
