/* SPDX-License-Identifier: ISC */
/* What a person gives to the command line: numbers, times, secrets, files and standard
   input. A mistake is said on stderr. */
#ifndef HL_CLI_INPUT_H
#define HL_CLI_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* A whole number above 0; `noun` says what it is: "the number of an endpoint". */
bool input_id(const char *text, const char *noun, int64_t *id);

/* RFC 3339, a date (00:00 UTC), or a span such as "24h" for that time ago. */
bool input_time(const char *text, int64_t *us);

/* A secret of 1 to 256 bytes from a file, or from standard input ("-"): its first line.
   Blanks around it and a byte order mark are removed, which is said on stderr. The caller
   wipes it (mem_wipe) and frees it (buf_done). */
bool input_secret(const char *path, struct buf *secret);

/* The whole file, at most `max` bytes; "-" is standard input. */
bool input_file(const char *path, size_t max, struct buf *text);

#endif
