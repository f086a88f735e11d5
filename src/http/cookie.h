/* SPDX-License-Identifier: ISC */
/* The header Cookie (RFC 6265, 4.2). */
#ifndef HL_HTTP_COOKIE_H
#define HL_HTTP_COOKIE_H

#include "base/mem.h"

/* How many cookies of this name there are: 0, 1, or 2 for more, of which nobody can
   say whose they are. The value of the first, borrowed from the header, goes to *value.
   Names are told apart by upper and lower case. */
unsigned cookie_find(struct str header, const char *name, struct str *value);

#endif
