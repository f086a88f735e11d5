/* SPDX-License-Identifier: ISC */
/* Percent-encoding (RFC 3986) and the query of a URI, strictly: an incomplete encoding is
   refused, and nothing is decoded twice. */
#ifndef HL_HTTP_URI_H
#define HL_HTTP_URI_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

enum { URI_PAIRS_MAX = 100 }; /* pairs name=value in one query */

/* Appends the decoded path. false: a '%' without two hex digits, or a NUL byte; a part may have
   been appended. */
bool uri_decode(struct str raw, struct buf *out);

/* Appends the text encoded: everything but letters, digits and "-._~" (RFC 3986, 2.3). */
void uri_encode(struct str text, struct buf *out);

/* Appends the value of a name in a query ("a=1&b=2"; '+' is a space), the first of several; ""
   where it has no '='. ERR_ABSENT: there is none. ERR_INPUT, *out untouched: a part of the query
   is not encoded correctly or no UTF-8, or there are more than URI_PAIRS_MAX pairs. */
MUST_USE enum err uri_value(struct str query, const char *name, struct buf *out);

/* Appends the first name in a query that is not in `known` ("a, b"). ERR_ABSENT: all are known;
   ERR_INPUT as above. */
MUST_USE enum err uri_unknown(struct str query, const char *known, struct buf *out);

/* Appends the query as a JSON object of strings; of a repeated name the first one. ERR_INPUT as
   above. */
MUST_USE enum err uri_query_json(struct str query, struct buf *out);

/* Appends a message of the server at `url` without the secrets in that URL: "…" for each part of
   its user, path and query that has `least` bytes or more, and for the beginning of one at the
   end of the message. */
void uri_hide(struct str message, struct str url, size_t least, struct buf *out);

#endif
