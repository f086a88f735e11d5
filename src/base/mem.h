/* SPDX-License-Identifier: ISC */
/* Bytes: struct str borrows them, struct buf owns and grows them. Allocation never returns NULL:
   out of memory aborts the process. That is safe, because nothing was acknowledged and the web
   server starts another process. */
#ifndef HL_BASE_MEM_H
#define HL_BASE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed bytes, not NUL-terminated; valid as long as their owner says. */
struct str {
	const char *at;
	size_t len;
};

/* Owned bytes, always NUL-terminated behind len once something was written. {0} is a valid empty
   buffer. A write that would exceed max (0: no limit) writes nothing and sets `full`, which
   stays set: one check at the end is enough. */
struct buf {
	char *at;
	size_t len;
	size_t cap;
	size_t max;
	bool full;
};

/* malloc, calloc and realloc that abort instead of returning NULL; free() their results.
   mem_zero(0, n) returns a pointer that may be freed. */
void *mem_new(size_t size);
void *mem_zero(size_t count, size_t size);
void *mem_grow(void *old, size_t count, size_t size);
char *mem_dup(struct str text); /* NUL-terminated copy; an inner NUL ends it for C */

/* Overwrites secrets; the compiler cannot optimise it away. */
void mem_wipe(void *at, size_t len);

struct str str_of(const char *text); /* NULL gives the empty str */
bool str_is(struct str a, const char *b);
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, const char *b); /* ASCII letters only */
int str_compare(struct str a, struct str b);	    /* bytes, shorter first */
bool str_starts(struct str a, const char *prefix);
struct str str_cut(struct str *rest,
		   char at);	   /* returns what is before `at` (or all); rest moves behind it */
struct str str_trim(struct str a); /* without spaces and tabs at both ends */

/* A decimal integer with optional '-', and nothing else. false, *value untouched, when it is
   none or does not fit into 64 bits. */
bool str_int(struct str a, int64_t *value);

void buf_done(struct buf *b);  /* frees, leaves {0} with the same max */
void buf_clear(struct buf *b); /* keeps the storage */
void buf_need(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, struct str text);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_addfv(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void buf_add_u16(struct buf *b, uint16_t value); /* big endian, like the next two */
void buf_add_u32(struct buf *b, uint32_t value);
void buf_add_u64(struct buf *b, uint64_t value);
struct str buf_str(const struct buf *b);   /* borrowed until the next write */
const char *buf_text(const struct buf *b); /* NUL-terminated, "" when empty */

/* Lower-case hex. hex_read() takes exactly 2*len digits of either case. */
void buf_add_hex(struct buf *b, const void *bytes, size_t len);
bool hex_read(struct str text, unsigned char *out, size_t len);

#endif
