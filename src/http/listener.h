/* SPDX-License-Identifier: ISC */
/* A socket of our own that a web server connects to. */
#ifndef HL_HTTP_LISTENER_H
#define HL_HTTP_LISTENER_H

#include "base/err.h"
#include "base/mem.h"

/* Listens, without blocking, at "unix:/path" (a dead socket of that name is
   replaced) or "127.0.0.1:9000". ERR_INPUT: not of that form; ERR_CONFLICT:
   somebody listens there; ERR_FAULT: the system refuses; *problem says it in
   words. */
MUST_USE enum err listener_open(const char *address, int *fd, struct buf *problem);

#endif
