/* SPDX-License-Identifier: ISC */
/* The header Cookie (RFC 6265, 4.2). */
#ifndef HL_BASE_COOKIE_H
#define HL_BASE_COOKIE_H

#include "base/mem.h"

/* The value of the first cookie of this name, borrowed from the header;
   at == NULL: there is none. Names are told apart by upper and lower case. */
struct str cookie_find(struct str header, const char *name);

#endif
