/* SPDX-License-Identifier: ISC */
/* libunistring's only user: makes texts that look the same equal. */
#ifndef HL_BASE_UNICODE_H
#define HL_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Appends the text by the profile OpaqueString (RFC 8265, 4.2): every kind of space becomes
   U+0020, then NFC. false: it is no UTF-8, or contains a control character. */
bool unicode_opaque(struct str text, struct buf *out);

/* The characters of the text for comparisons: NFKD, without case and accents; free() them. NULL:
   it is no UTF-8. */
uint32_t *unicode_folded(struct str text, size_t *count);

/* The number of characters. In invalid UTF-8 each byte counts that is no continuation byte. */
size_t unicode_length(struct str text);

#endif
