/* SPDX-License-Identifier: ISC */
/* Base32 (RFC 4648, 6) without padding: what a person can type. */
#ifndef HL_BASE_BASE32_H
#define HL_BASE_BASE32_H

#include <stddef.h>

#include "base/mem.h"

/* Appends; whole groups of 5 bytes only, 8 letters each. */
void base32_write(struct buf *out, const unsigned char *bytes, size_t len);

#endif
