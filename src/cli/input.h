/* SPDX-License-Identifier: ISC */
/* What a person gives to the command line: options by the table of a command,
   operands, files and standard input. A mistake is said on stderr. */
#ifndef HL_CLI_INPUT_H
#define HL_CLI_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct command;

enum input { INPUT_FINE, INPUT_HELP, INPUT_WRONG };

/* Reads the options of a command into their places and checks the number of
   operands; argv[0] is skipped. Leaves the operands in *argc and *argv. */
enum input input_options(const struct command *command, int *argc, char ***argv);

/* A whole number above 0, such as the number of an endpoint; `what` names it. */
bool input_id(const char *text, const char *what, int64_t *id);

/* RFC 3339, a date (00:00 UTC), or a span such as "24h" for that time ago. */
bool input_time(const char *text, int64_t *us);

/* A secret from a file, or from standard input ("-"): its first line, without blanks
   around it and a byte order mark in front, which is said on stderr; 1 to 256 bytes. buf_done() it
   after mem_wipe(). */
bool input_secret(const char *path, struct buf *secret);

/* The whole file, at most `max` bytes; "-" is standard input. */
bool input_file(const char *path, size_t max, struct buf *text);

#endif
