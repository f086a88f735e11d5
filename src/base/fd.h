/* SPDX-License-Identifier: ISC */
/* Open descriptors: room for them, as the limit that a process begins with (often
   1024) is for programs that use select(); and turns at a file. */
#ifndef HL_BASE_FD_H
#define HL_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Raises the limit so that there is room for `more`, on top of what was asked
   for before. Where the system does not allow so many, it takes what there is
   and logs it. */
void fd_raise_limit(size_t more);

/* Closes all that are open from this one on. */
void fd_close_from(int first);

/* Waits for the turn at a file that processes lock (flock(2)). A signal that tells us
   to end does not end the wait: whoever waits for our answer may never ask again.
   false: it cannot be locked. */
MUST_USE bool fd_lock(int fd);

#endif
