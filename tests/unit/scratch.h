/* SPDX-License-Identifier: ISC */
/* A temporary folder for a test, removed at its end; and a copy of stderr, so that a test can
   read the log. */
#ifndef HL_TESTS_UNIT_SCRATCH_H
#define HL_TESTS_UNIT_SCRATCH_H

#include <stddef.h>

#include "base/mem.h"

/* Makes a folder; its path is valid until scratch_remove(). */
const char *scratch_make(void);
void scratch_remove(void);

/* The path of a file in it; valid for the next seven calls. */
const char *scratch_path(const char *name);
const char *scratch_write(const char *name, const void *bytes, size_t len);
void scratch_read(const char *path, struct buf *out);

/* Appends everything written to stderr between the two calls to `out`. */
void scratch_hush(void);
void scratch_heard(struct buf *out);

#endif
