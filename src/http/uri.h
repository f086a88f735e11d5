/* SPDX-License-Identifier: ISC */
/* Percent-encoding (RFC 3986) and the query of a URI, strictly: an encoding that
   is not whole is refused, and nothing is decoded twice. */
#ifndef HL_HTTP_URI_H
#define HL_HTTP_URI_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

enum { URI_PAIRS_MAX = 100 }; /* name=value in one query */

/* Decodes a path; appends. false: a '%' without two hex digits, or a NUL byte;
   a part may have been appended then. */
bool uri_decode(struct str raw, struct buf *out);

/* Appends the text encoded: all but letters, digits and "-._~" (RFC 3986, 2.3). */
void uri_encode(struct str text, struct buf *out);

/* The value of a name in a query ("a=1&b=2"; '+' is a space), its first where
   there are several; "" where it has no '='. Appends. ERR_ABSENT: not there;
   ERR_INPUT, *out untouched: the query, in any part of it, is not encoded as
   above or no UTF-8, or has more than URI_PAIRS_MAX pairs. */
MUST_USE enum err uri_value(struct str query, const char *name, struct buf *out);

/* The first name in a query that is none of `known` ("a, b"). Appends.
   ERR_ABSENT: all are known; ERR_INPUT as above. */
MUST_USE enum err uri_unknown(struct str query, const char *known, struct buf *out);

/* All of a query as a JSON object of strings; of a name that stands twice the
   first. Appends. ERR_INPUT as above. */
MUST_USE enum err uri_query_json(struct str query, struct buf *out);

/* Appends words of a server that was asked at `url`, without what lets in whoever
   knows it: "…" for each part of the URL's user, path and query that has `least`
   bytes or more, also for the beginning of one at the words' end. */
void uri_hide(struct str words, struct str url, size_t least, struct buf *out);

#endif
