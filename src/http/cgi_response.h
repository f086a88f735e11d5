/* SPDX-License-Identifier: ISC */
/* An answer as a program behind a web server writes it (RFC 3875, section 6). */
#ifndef HL_HTTP_CGI_RESPONSE_H
#define HL_HTTP_CGI_RESPONSE_H

#include <stdbool.h>

#include "base/mem.h"

/* Appends status, headers and body. `headers` is NULL, or more lines with \r\n
   between them and not behind the last. Answering HEAD the body is left out, and
   its length told. */
void cgi_response_write(struct buf *out, int status, const char *type, const char *headers,
			struct str body, bool is_head);

/* The same without a length: the body follows, and ends with the request. */
void cgi_response_write_head(struct buf *out, int status, const char *type, const char *headers);

#endif
