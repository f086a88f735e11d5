/* SPDX-License-Identifier: ISC */
/* FastCGI records as a web server sends them (specification, sections 3 and 8), made byte by
   byte, so that a test can also send invalid ones. */
#ifndef HL_TESTS_UNIT_WIRE_H
#define HL_TESTS_UNIT_WIRE_H

#include <stdbool.h>

#include "base/mem.h"

enum {
	WIRE_BEGIN = 1,
	WIRE_ABORT = 2,
	WIRE_END = 3,
	WIRE_PARAMS = 4,
	WIRE_STDIN = 5,
	WIRE_STDOUT = 6
};

void wire_record(struct buf *out, int type, int id, struct str content, int padding);
void wire_begin(struct buf *out, int role, int flags);
void wire_param(struct buf *out, const char *name, struct str value);

/* A complete POST request to `uri`; length -2: the length of the body, -1: none. */
void wire_post(struct buf *out, const char *uri, struct str body, int64_t length);

/* Reads the answer on `fd` so far, STDOUT into `text`. true: the end of the request and then
   the end of the connection have arrived. */
bool wire_answer(int fd, struct buf *raw, struct buf *text);

#endif
