/* SPDX-License-Identifier: ISC */
/* A few places that all processes of a host share, so that no more than so many
   do the same at once, however many there are. A place is a locked file
   (flock(2)): it is free again when its process ends, however that ends. */
#ifndef HL_BASE_SLOT_H
#define HL_BASE_SLOT_H

#include <stdint.h>

/* Takes one of `count` places of this name in the folder, waiting at most
   `wait_ms` for one. Gives its descriptor, for close(); SLOT_NONE: all are taken;
   SLOT_FREE, which slot_leave() passes over: the folder cannot be written to, so
   nobody counts (the log says it once). Other threads may wait meanwhile. */
enum { SLOT_NONE = -1, SLOT_FREE = -2 };
int slot_take(const char *dir, const char *name, int64_t count, int64_t wait_ms);

void slot_leave(int place);

#endif
