/* SPDX-License-Identifier: ISC */
/* HTTP's Basic authentication (RFC 7617): what stands in the header
   Authorization. */
#ifndef HL_HTTP_HTTP_AUTH_H
#define HL_HTTP_HTTP_AUTH_H

#include <stdbool.h>

#include "base/mem.h"

enum { HTTP_AUTH_MAX = 1024 }; /* bytes of the header: a token and a word have under 100 */

/* Appends user and password, which are secrets: wipe them. false, both
   untouched: another scheme, no strict base64, no colon in it, a control
   character, or longer than HTTP_AUTH_MAX. The work depends on the length only. */
bool http_auth_read_basic(struct str header, struct buf *user, struct buf *password);

#endif
