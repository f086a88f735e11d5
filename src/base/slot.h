/* SPDX-License-Identifier: ISC */
/* Limits how many processes of a host do something at once: each takes one of a few slots. A
   slot is a locked file (flock(2)), so it is free again when its process ends, however that
   happens. */
#ifndef HL_BASE_SLOT_H
#define HL_BASE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

/* Takes one of `count` slots of this name in the folder; waits at most `wait_ms`. Returns its
   descriptor. SLOT_NONE: all are taken. SLOT_FREE, which slot_release() ignores: the folder is
   not writable, so there is no limit (logged once). Other threads may wait at the same time. */
enum { SLOT_NONE = -1, SLOT_FREE = -2 };
int slot_take(const char *dir, const char *name, int64_t count, int64_t wait_ms);

void slot_release(int slot);

/* Have processes taken all `count` slots of this name? They may release them at any time after. */
bool slot_are_taken(const char *dir, const char *name, int64_t count);

#endif
