/* SPDX-License-Identifier: ISC */
/* A response as a program behind a web server writes it (RFC 3875, section 6). */
#ifndef HL_HTTP_CGI_RESPONSE_H
#define HL_HTTP_CGI_RESPONSE_H

#include <stdbool.h>

#include "base/mem.h"

/* Appends status, headers and body. `headers` is NULL, or more lines with \r
    between them and not behind the last. For HEAD the body is left out, but Content-Length is
   the same. */
void cgi_response_write(struct buf *out, int status, const char *type, const char *headers,
			struct str body, bool is_head);

/* The same without a length: the body follows, and ends with the connection. */
void cgi_response_write_head(struct buf *out, int status, const char *type, const char *headers);

#endif
