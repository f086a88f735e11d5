/* SPDX-License-Identifier: ISC */
/* The output of a command that may write much: standard output, or a file that appears
   under its name only when it is complete. */
#ifndef HL_CLI_OUTFILE_H
#define HL_CLI_OUTFILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

struct outfile;

/* "-" or NULL: standard output. A regular file is written under a temporary name beside
   it, with mode 0600; a device or pipe is written itself. NULL: said on stderr. */
struct outfile *outfile_open(const char *path);

/* ERR_ABSENT: the reader of a pipe has gone, which is no problem; ERR_BUSY: a signal has
   come (cli/interrupt); ERR_FAULT: said on stderr. */
MUST_USE enum err outfile_write(struct outfile *out, struct str bytes);

/* Syncs the file and gives it its name. Errors as above. */
MUST_USE enum err outfile_finish(struct outfile *out);

/* Removes a temporary file, unless outfile_finish() has given it its name. */
void outfile_close(struct outfile *out);

/* Does the output appear only when it is finished? */
bool outfile_is_temporary(const struct outfile *out);

#endif
