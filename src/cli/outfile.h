/* SPDX-License-Identifier: ISC */
/* Where a command writes what may be large: standard output, or a file that
   appears under its name only when it is whole. */
#ifndef HL_CLI_OUTFILE_H
#define HL_CLI_OUTFILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

struct outfile;

/* "-" or NULL: standard output. A regular file is written beside its place,
   with mode 0600, and a device or pipe in place. NULL: said why on stderr. */
struct outfile *outfile_open(const char *path);

/* ERR_ABSENT: the reader is gone, which is no problem to speak of; ERR_BUSY: a
   signal came (cli/interrupt); ERR_FAULT: said on stderr. */
MUST_USE enum err outfile_write(struct outfile *out, struct str bytes);

/* All is on disk, and the file under its name. Errors as above. */
MUST_USE enum err outfile_finish(struct outfile *out);

/* Without outfile_finish() before, what was written aside is removed. */
void outfile_close(struct outfile *out);

bool outfile_is_aside(const struct outfile *out); /* nobody sees it before it is finished */

#endif
