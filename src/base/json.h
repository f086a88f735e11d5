/* SPDX-License-Identifier: ISC */
/* JSON. Reading: a strict scanner (RFC 8259, valid UTF-8, bounded depth) checks a whole document
   and finds a few values by path, as their original text, without allocating. Writing: pieces
   are appended to a buf. json_pretty() formats whole documents for people. */
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

/* The scanner refuses deeper nesting. Callbacks have far less, and PostgreSQL's own parser
   accepts far more. */
enum { JSON_DEPTH_MAX = 64 };

/* A value as its text in the document: a string with quotes and escapes. Borrowed from the
   document. */
struct json_value {
	enum json_kind kind;
	struct str raw;
};

/* A value to find: a member of the top object ("event_id", inner NULL), or one level below
   ("payload", "id"). Of a repeated key the last one counts, as in PostgreSQL's jsonb. */
struct json_want {
	const char *outer;
	const char *inner;
};

/* Checks all of `text` and fills found[i] for want[i], with JSON_ABSENT where there is no such
   member. ERR_INPUT: the text is no JSON, not valid UTF-8, deeper than JSON_DEPTH_MAX, or no
   object; *where (may be NULL) is then the offset of the first wrong byte. */
MUST_USE enum err json_scan(struct str text, const struct json_want *want, struct json_value *found,
			    size_t count, size_t *where);

/* Reads the items of an array one by one. *rest is at first the array as json_scan() returned
   it, and moves behind each item. false: there are no more, or what follows is no JSON. */
bool json_next(struct str *rest, struct json_value *item);

/* The integer of a number, or of a string of digits. Read from its text, so exact to 64 bits.
   false for fractions, exponents and overflow. */
bool json_int(struct json_value value, int64_t *number);

/* Appends a string's text with its escapes resolved, as UTF-8. ERR_INPUT: it is no string, or
   contains \u0000 or a lone surrogate, which a text of PostgreSQL cannot hold. */
MUST_USE enum err json_text(struct json_value value, struct buf *out);

/* Appends the bytes of a string of hex digits. ERR_INPUT: it is none. */
MUST_USE enum err json_bytes(struct json_value value, struct buf *out);

/* A member of an object; JSON_ABSENT when there is none, or `object` is no object. */
struct json_value json_find(struct str object, const char *name);

/* Appends a quoted string. Bytes that are not valid UTF-8 become U+FFFD. */
void json_quote(struct buf *out, struct str text);
void json_key(struct buf *out, const char *key); /* "key": with a comma before, unless first */
void json_put_text(struct buf *out, const char *key, struct str value); /* at == NULL: null */
void json_put_int(struct buf *out, const char *key, int64_t value);
void json_put_id(struct buf *out, const char *key, int64_t value); /* 64 bits, so as a string */
void json_put_bool(struct buf *out, const char *key, bool value);
void json_put_bytes(struct buf *out, const char *key,
		    struct str value); /* in hex; at == NULL: null */
void json_put_json(struct buf *out, const char *key,
		   struct str value);			   /* the value is JSON already */
void json_put_members(struct buf *out, struct str object); /* all members of that object */
void json_item(struct buf *out, struct str value);	   /* an item of a list: a quoted string */

/* Braces around the members of an object; json_begin() with the key of the object, or NULL.
   Lists have their own functions. */
void json_begin(struct buf *out, const char *key);
void json_end(struct buf *out);
void json_begin_list(struct buf *out, const char *key);
void json_end_list(struct buf *out);

/* Formats JSON with json-c: of repeated keys the last one stays, integers beyond 64 bits are
   clamped. Text that is no JSON is appended unchanged. */
void json_pretty(struct buf *out, struct str text);

/* Is it well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates)? */
bool utf8_is_valid(struct str text);

/* Appends text of others as valid UTF-8: each invalid byte becomes U+FFFD. */
void utf8_add(struct buf *out, struct str text);
/* The same as one line: each control character becomes a space. */
void utf8_add_line(struct buf *out, struct str text);

#endif
