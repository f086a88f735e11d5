/* SPDX-License-Identifier: ISC */
/* A listening socket that a web server connects to. */
#ifndef HL_HTTP_LISTENER_H
#define HL_HTTP_LISTENER_H

#include "base/err.h"
#include "base/mem.h"

/* Listens, without blocking, at "unix:/path" (replaces a socket that nobody listens on) or
   "127.0.0.1:9000". ERR_INPUT: not of that form; ERR_CONFLICT: another process listens there;
   ERR_FAULT: the system refuses; *problem says why. */
MUST_USE enum err listener_open(const char *address, int *fd, struct buf *problem);

#endif
