/* SPDX-License-Identifier: ISC */
/* HTTP's Basic authentication (RFC 7617), from the header Authorization. */
#ifndef HL_HTTP_HTTP_AUTH_H
#define HL_HTTP_HTTP_AUTH_H

#include <stdbool.h>

#include "base/mem.h"

enum { HTTP_AUTH_MAX = 1024 }; /* bytes of the header; a token and its password have under 100 */

/* Appends user and password, which are secrets: wipe them. false, both untouched: another
   scheme, no strict base64, no colon, a control character, or longer than HTTP_AUTH_MAX. The
   time depends only on the length. */
bool http_auth_read_basic(struct str header, struct buf *user, struct buf *password);

#endif
