/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include <stdint.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void write_groups(struct buf *out, const char *letters, bool pads, const unsigned char *at,
			 size_t len)
{
	buf_need(out, len / 3 * 4 + 4);
	for (; len; at += len < 3 ? len : 3, len -= len < 3 ? len : 3) {
		uint32_t bits = (uint32_t)at[0] << 16 | (len > 1 ? (uint32_t)at[1] << 8 : 0) |
				(len > 2 ? at[2] : 0u);
		size_t count = len < 3 ? len + 1 : 4;
		char group[4];

		for (size_t i = 0; i < 4; i++)
			group[i] = i < count ? letters[bits >> (18 - 6 * i) & 63] : '=';
		buf_add(out, group, pads ? 4 : count);
	}
}

void base64_write(struct buf *out, const void *bytes, size_t len)
{
	write_groups(out, standard, true, bytes, len);
}

void base64_write_url(struct buf *out, const void *bytes, size_t len)
{
	write_groups(out, for_urls, false, bytes, len);
}

/* The six bits of a letter, -1 for any other. Only comparisons, no table: the time reveals
   nothing about a secret. */
static int bits_of(char letter)
{
	int c = (unsigned char)letter, found = -1;

	found += (c >= 'A' && c <= 'Z') * (c - 'A' + 1);
	found += (c >= 'a' && c <= 'z') * (c - 'a' + 27);
	found += (c >= '0' && c <= '9') * (c - '0' + 53);
	found += (c == '+') * 63;
	found += (c == '/') * 64;
	return found;
}

/* The number of bytes in one group of four letters; 0: the group is not valid. */
static size_t read_group(const char *at, bool is_last, unsigned char *bytes)
{
	size_t letters = is_last && at[3] == '=' ? at[2] == '=' ? 2 : 3 : 4;
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int six = i < letters ? bits_of(at[i]) : 0;

		if (six < 0)
			return 0;
		bits = bits << 6 | (uint32_t)six;
	}
	bytes[0] = (unsigned char)(bits >> 16);
	bytes[1] = (unsigned char)(bits >> 8);
	bytes[2] = (unsigned char)bits;
	/* unused bits must be zero, so that each value has one spelling */
	if ((letters < 4 && bytes[2]) || (letters < 3 && bytes[1]))
		return 0;
	return letters - 1;
}

bool base64_read(struct str text, struct buf *out)
{
	struct buf fresh = { 0 };
	unsigned char bytes[3] = { 0 };
	bool fine = text.len % 4 == 0;

	buf_need(&fresh, text.len / 4 * 3);
	for (size_t i = 0; fine && i < text.len; i += 4) {
		size_t count = read_group(text.at + i, i + 4 == text.len, bytes);

		fine = count > 0;
		buf_add(&fresh, bytes, count);
	}
	if (fine)
		buf_add_str(out, buf_str(&fresh));
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(fresh.at, fresh.cap);
	buf_done(&fresh);
	return fine;
}
