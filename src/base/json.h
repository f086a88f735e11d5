/* SPDX-License-Identifier: ISC */
/* JSON at the edge. Reading: a strict scanner (RFC 8259 and valid UTF-8,
   bounded depth) that checks a whole document and picks out a few values by
   path, as the text that stands there, without allocating. Writing: pieces
   appended to a buf. Whole documents for people: json_pretty(). */
#ifndef HL_BASE_JSON_H
#define HL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum json_kind {
	JSON_ABSENT = 0,
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Deeper nesting is refused: far more than any callback has, far less than
   what PostgreSQL's own parser bears. */
enum { JSON_DEPTH_MAX = 64 };

/* A value as it stands in the document: with quotes and escapes when it is a
   string. Borrowed from the document. */
struct json_value {
	enum json_kind kind;
	struct str raw;
};

/* A value to pick out: an object member at the top ("event_id", inner NULL),
   or one level below ("payload", "id"). When a key stands twice the last one
   counts, as in PostgreSQL's jsonb. */
struct json_want {
	const char *outer;
	const char *inner;
};

/* Checks all of `text` and fills found[i] for want[i]; what is not there is
   JSON_ABSENT. ERR_INPUT when it is no JSON, not valid UTF-8, deeper than
   JSON_DEPTH_MAX or not an object at the top; *where (may be NULL) is then the
   offset of the first wrong byte. */
MUST_USE enum err json_scan(struct str text, const struct json_want *want, struct json_value *found,
			    size_t count, size_t *where);

/* The items of an array one by one. *rest: at first the array as json_scan() gave it, moves
   on behind the item. false: there is no more, or what follows is no JSON. */
bool json_next(struct str *rest, struct json_value *item);

/* The whole number that a number or a string of digits says; read from its
   text, so exact to 64 bits. false for fractions, exponents and overflow. */
bool json_int(struct json_value value, int64_t *number);

/* A string's text with its escapes resolved, as UTF-8; appends. ERR_INPUT when
   it is no string, or contains \u0000 or a lone surrogate, which no UTF-8 text
   of PostgreSQL can hold. */
MUST_USE enum err json_text(struct json_value value, struct buf *out);

/* A string of hex digits as the bytes that they are; appends. ERR_INPUT when it is
   none. */
MUST_USE enum err json_bytes(struct json_value value, struct buf *out);

/* A member of an object; JSON_ABSENT when it is not there, or `object` is none. */
struct json_value json_find(struct str object, const char *name);

/* Writes a quoted string. Bytes that are not valid UTF-8 become U+FFFD. */
void json_quote(struct buf *out, struct str text);
void json_key(struct buf *out, const char *key); /* "key": with a comma before, unless first */
void json_put_text(struct buf *out, const char *key, struct str value); /* at == NULL: null */
void json_put_int(struct buf *out, const char *key, int64_t value);
void json_put_id(struct buf *out, const char *key, int64_t value); /* 64 bits, so as a string */
void json_put_bool(struct buf *out, const char *key, bool value);
void json_put_bytes(struct buf *out, const char *key,
		    struct str value); /* in hex; at == NULL: null */
void json_put_json(struct buf *out, const char *key, struct str value); /* that is JSON already */
void json_put_members(struct buf *out,
		      struct str object);	   /* all that an object has; it must be one */
void json_item(struct buf *out, struct str value); /* of a list: a quoted string */

/* Around the members of an object; json_begin() with the key that has it, or NULL. A
   list is the same with other braces. */
void json_begin(struct buf *out, const char *key);
void json_end(struct buf *out);
void json_begin_list(struct buf *out, const char *key);
void json_end_list(struct buf *out);

/* Indented for people to read, as json-c keeps it: of repeated keys the last,
   integers beyond 64 bits cut. Text that is no JSON is appended unchanged. */
void json_pretty(struct buf *out, struct str text);

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates)? */
bool utf8_is_valid(struct str text);

/* What others said, so that it is: each byte that is not becomes U+FFFD. */
void utf8_add(struct buf *out, struct str text);
/* The same as one line: each control character is a space. */
void utf8_add_line(struct buf *out, struct str text);

#endif
