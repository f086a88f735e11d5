/* SPDX-License-Identifier: ISC */
/* What a test leaves behind is gone afterwards: a folder of its own, and
   stderr kept aside so that a test can read what was logged. */
#ifndef HL_TESTS_UNIT_SCRATCH_H
#define HL_TESTS_UNIT_SCRATCH_H

#include <stddef.h>

#include "base/mem.h"

/* Makes a folder; its path stands until scratch_remove(). */
const char *scratch_make(void);
void scratch_remove(void);

/* The path of a file in it; good until the next but seven calls. */
const char *scratch_path(const char *name);
const char *scratch_write(const char *name, const void *bytes, size_t len);
void scratch_read(const char *path, struct buf *out);

/* All that goes to stderr between the two, appended to `out`. */
void scratch_hush(void);
void scratch_heard(struct buf *out);

#endif
