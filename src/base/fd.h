/* SPDX-License-Identifier: ISC */
/* Open descriptors: the limit for them (often 1024, which is for programs that use select()),
   and locks on files. */
#ifndef HL_BASE_FD_H
#define HL_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Raises the limit by `more`. When the system allows fewer, takes what it allows and logs it. */
void fd_raise_limit(size_t more);

/* Closes all descriptors from `first` on. */
void fd_close_from(int first);

/* Waits for an exclusive lock (flock(2)). A signal does not end the wait: a sender that gets no
   response may never send again. false: the file cannot be locked. */
MUST_USE bool fd_lock(int fd);

#endif
