/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648): the standard alphabet with padding, and the URL alphabet without padding. */
#ifndef HL_BASE_BASE64_H
#define HL_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* Both append. */
void base64_write(struct buf *out, const void *bytes, size_t len);
void base64_write_url(struct buf *out, const void *bytes, size_t len);

/* Reads the standard alphabet; appends. false, *out untouched, for anything that base64_write()
   does not write: other letters, white space, missing padding, unused bits that are not zero. */
bool base64_read(struct str text, struct buf *out);

#endif
