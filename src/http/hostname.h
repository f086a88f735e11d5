/* SPDX-License-Identifier: ISC */
/* libidn2's only user: the name of a host as DNS and certificates have it. libcurl
   converts names too, but by the locale, which our programs do not set. */
#ifndef HL_HTTP_HOSTNAME_H
#define HL_HTTP_HOSTNAME_H

#include "base/err.h"
#include "base/mem.h"

/* Appends the name in ASCII: "bücher.example" becomes "xn--bcher-kva.example", by
   IDNA 2008 with the mapping of UTS 46, which also makes "127.0.0.1" of full-width
   digits and ideographic full stops. An ASCII name stays as it is, and an IPv6
   address in brackets too. ERR_INPUT, *out untouched: no UTF-8, no name that IDNA
   allows, or one with other characters than letters, digits, hyphens, underscores
   and full stops in it, such as the "/" that a full-width one becomes. */
MUST_USE enum err hostname_write_ascii(struct str name, struct buf *out);

#endif
