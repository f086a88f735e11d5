/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *alive(void *fresh)
{
	if (!fresh) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return fresh;
}

void *mem_new(size_t size)
{
	return alive(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
	return alive(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return alive(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mem_dup(struct str text)
{
	char *copy = mem_new(text.len + 1);

	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return copy;
}

void mem_wipe(void *at, size_t len)
{
	if (at)
		explicit_bzero(at, len);
}

struct str str_of(const char *text)
{
	return (struct str){ .at = text, .len = text ? strlen(text) : 0 };
}

bool str_is(struct str a, const char *b)
{
	return str_equal(a, str_of(b));
}

bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_equal_nocase(struct str a, const char *b)
{
	return a.len == strlen(b) && (a.len == 0 || strncasecmp(a.at, b, a.len) == 0);
}

int str_compare(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.at, b.at, shorter) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && (len == 0 || memcmp(a.at, prefix, len) == 0);
}

struct str str_cut(struct str *rest, char at)
{
	const char *found = rest->len ? memchr(rest->at, at, rest->len) : NULL;
	struct str head = *rest;

	if (!found) {
		*rest = (struct str){ 0 };
		return head;
	}
	head.len = (size_t)(found - head.at);
	rest->at += head.len + 1;
	rest->len -= head.len + 1;
	return head;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str a)
{
	while (a.len && is_blank(a.at[0])) {
		a.at++;
		a.len--;
	}
	while (a.len && is_blank(a.at[a.len - 1]))
		a.len--;
	return a;
}

bool str_int(struct str a, int64_t *value)
{
	bool negative = a.len && a.at[0] == '-';
	int64_t sum = 0;

	if (a.len == (size_t)negative)
		return false;
	/* The sum is negative, because INT64_MIN has no positive counterpart. */
	for (size_t i = negative; i < a.len; i++) {
		if (a.at[i] < '0' || a.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
		    __builtin_sub_overflow(sum, (int64_t)(a.at[i] - '0'), &sum))
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, sum, &sum))
		return false;
	*value = sum;
	return true;
}

void buf_done(struct buf *b)
{
	size_t max = b->max;

	free(b->at);
	*b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->at)
		b->at[0] = '\0';
}

void buf_need(struct buf *b, size_t more)
{
	size_t want, cap = b->cap ? b->cap : 64;

	if (__builtin_add_overflow(b->len, more, &want) || __builtin_add_overflow(want, 1, &want))
		alive(NULL);
	if (want <= b->cap)
		return;
	while (cap < want)
		cap += cap / 2 + 64;
	b->at = mem_grow(b->at, cap, 1);
	if (!b->cap)
		b->at[0] = '\0'; /* for buf_text() before the first write */
	b->cap = cap;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (b->full || (b->max && len > b->max - b->len)) {
		b->full = true;
		return;
	}
	buf_need(b, len);
	if (len)
		memcpy(b->at + b->len, bytes, len);
	b->len += len;
	b->at[b->len] = '\0';
}

void buf_add_str(struct buf *b, struct str text)
{
	buf_add(b, text.at, text.len);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_addfv(b, format, args);
	va_end(args);
}

void buf_addfv(struct buf *b, const char *format, va_list args)
{
	va_list again;
	char small[256];
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	if (len >= 0 && (size_t)len < sizeof(small)) {
		buf_add(b, small, (size_t)len);
	} else if (len >= 0) {
		char *large = mem_new((size_t)len + 1);

		vsnprintf(large, (size_t)len + 1, format, again);
		buf_add(b, large, (size_t)len);
		free(large);
	}
	va_end(again);
}

void buf_add_u16(struct buf *b, uint16_t value)
{
	unsigned char bytes[2] = { (unsigned char)(value >> 8), (unsigned char)value };

	buf_add(b, bytes, sizeof(bytes));
}

void buf_add_u32(struct buf *b, uint32_t value)
{
	uint32_t wire = htobe32(value);

	buf_add(b, &wire, sizeof(wire));
}

void buf_add_u64(struct buf *b, uint64_t value)
{
	uint64_t wire = htobe64(value);

	buf_add(b, &wire, sizeof(wire));
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ .at = b->at, .len = b->len };
}

const char *buf_text(const struct buf *b)
{
	return b->at ? b->at : "";
}

void buf_add_hex(struct buf *b, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;

	for (size_t i = 0; i < len; i++) {
		char pair[2] = { digits[from[i] >> 4], digits[from[i] & 15] };

		buf_add(b, pair, sizeof(pair));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read(struct str text, unsigned char *out, size_t len)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
