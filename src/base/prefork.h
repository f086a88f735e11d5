/* SPDX-License-Identifier: ISC */
/* Runs several processes that do the same work: starts them, replaces one that ended, and ends
   them together. */
#ifndef HL_BASE_PREFORK_H
#define HL_BASE_PREFORK_H

#include "base/err.h"

/* Runs `work` in `count` child processes until SIGTERM or SIGINT, which it passes on to them;
   then waits for all of them. Replaces a child that ends before, after a pause when it ran less
   than a second. A child exits with what `work` returns. Returns the exit status of the parent. */
int prefork_run(int count, int (*work)(void *), void *argument);

#endif
