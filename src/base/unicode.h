/* SPDX-License-Identifier: ISC */
/* libunistring's only user: texts that look the same made the same. */
#ifndef HL_BASE_UNICODE_H
#define HL_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Appends the text as the profile OpaqueString has it (RFC 8265, 4.2): every kind
   of space is U+0020, then NFC. false: it is no UTF-8, or has a control character. */
bool unicode_opaque(struct str text, struct buf *out);

/* The characters of the text for comparing: as NFKD has them, without upper case and
   without accents; free() them. NULL: it is no UTF-8. */
uint32_t *unicode_folded(struct str text, size_t *count);

/* How many characters it has; bytes that are no UTF-8 are counted in some way. */
size_t unicode_length(struct str text);

#endif
