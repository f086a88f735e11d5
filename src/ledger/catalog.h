/* SPDX-License-Identifier: ISC */
/* The sentences behind codes, in English, for terminals, mails and chats. SQL and the
   programs say what is so by a code and its parameters, as one flat JSON object:
   {"code":"toggl.quota_wait","workspace_id":7,"until":"2026-07-17T12:00:00Z"}. The admin
   page has sentences of its own for the same codes (www/js/words).

   A template is a small part of ICU MessageFormat: {name}, {name, plural, =0 {…} one {…}
   other {# …}} and {name, select, value {…} none {…} other {…}}, where none is taken for a
   parameter that is missing or null. An apostrophe in front of a brace quotes up to the
   next apostrophe. A parameter is written as its name says: …_at, until and …_until as a
   time, …_seconds and …_ms as a duration, …_bytes as a size. One that is an object with a
   code is written as the sentence of that code; a list, separated by commas, or by
   semicolons when its items are sentences. */
#ifndef HL_LEDGER_CATALOG_H
#define HL_LEDGER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct catalog_row {
	const char *code, *template;
};

/* The table, sorted by code (catalog_en.c). */
extern const struct catalog_row catalog_rows[];
extern const size_t catalog_count;

/* Appends the sentence of a code. `params`: a JSON object, whose other members do not matter.
   Parameters come from anywhere: control characters become spaces, and what is long is
   cut. A code that is not in the table gives the code and all of `params`. */
void catalog_write(struct str code, struct str params, struct buf *out);

/* The same for a whole object with a member "code", or for a list of such, a line each.
   A string is appended as its text, anything else as it is, both made safe. */
void catalog_write_json(struct str json, struct buf *out);

/* Appends what a template makes of the parameters. */
void catalog_write_template(const char *template, struct str params, struct buf *out);

/* Begins the object of a code, {"code":…; the caller appends parameters and the brace. */
void catalog_begin(struct buf *json, const char *code);

/* The template of a code; NULL: there is none. */
const char *catalog_find(struct str code);

#endif
