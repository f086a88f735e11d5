/* SPDX-License-Identifier: ISC */
/* Base32 (RFC 4648, 6) without padding, for text that people type. */
#ifndef HL_BASE_BASE32_H
#define HL_BASE_BASE32_H

#include <stddef.h>

#include "base/mem.h"

/* Appends 8 letters for each 5 bytes; takes only whole groups of 5. */
void base32_write(struct buf *out, const unsigned char *bytes, size_t len);

#endif
