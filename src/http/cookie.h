/* SPDX-License-Identifier: ISC */
/* The header Cookie (RFC 6265, 4.2). */
#ifndef HL_HTTP_COOKIE_H
#define HL_HTTP_COOKIE_H

#include "base/mem.h"

/* How many cookies have this name: 0, 1, or 2 for more, whose owner is unclear. *value gets the
   value of the first, borrowed from the header. Names are case-sensitive. */
unsigned cookie_find(struct str header, const char *name, struct str *value);

#endif
