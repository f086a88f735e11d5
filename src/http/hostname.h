/* SPDX-License-Identifier: ISC */
/* libidn2's only user: the name of a host as DNS and certificates use it. libcurl converts names
   too, but by the locale, which our programs do not set. */
#ifndef HL_HTTP_HOSTNAME_H
#define HL_HTTP_HOSTNAME_H

#include "base/err.h"
#include "base/mem.h"

/* Appends the name in ASCII, by IDNA 2008 with the mapping of UTS 46: "bücher.example" becomes
   "xn--bcher-kva.example", and full-width digits with ideographic full stops become "127.0.0.1".
   An ASCII name stays as it is, and so does an IPv6 address in brackets. ERR_INPUT, *out
   untouched: no UTF-8, a name that IDNA refuses, or a result with other characters than letters,
   digits, hyphens, underscores and full stops, such as the "/" that a full-width one becomes. */
MUST_USE enum err hostname_write_ascii(struct str name, struct buf *out);

#endif
