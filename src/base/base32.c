/* SPDX-License-Identifier: ISC */
#include "base/base32.h"

enum { GROUP_BYTES = 5, GROUP_LETTERS = 8, LETTER_BITS = 5 };

void base32_write(struct buf *out, const unsigned char *bytes, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (size_t at = 0; at + GROUP_BYTES <= len; at += GROUP_BYTES) {
		uint64_t group = 0;

		for (size_t i = 0; i < GROUP_BYTES; i++)
			group = group << 8 | bytes[at + i];
		for (size_t i = GROUP_LETTERS; i-- > 0;)
			buf_add_char(out, letters[group >> (i * LETTER_BITS) & 31]);
	}
}
