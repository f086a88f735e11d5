/* SPDX-License-Identifier: ISC */
/* A few processes that do the same: starts them, replaces one that died, and
   ends them together. */
#ifndef HL_BASE_PREFORK_H
#define HL_BASE_PREFORK_H

#include "base/err.h"

/* Runs `work` in `count` child processes until SIGTERM or SIGINT comes, which
   the children get too; then waits for all of them. A child that ends before
   is replaced, after a pause when it did not last a second. In a child the
   call ends the process with what `work` returns. Returns the exit status for
   the parent. */
int prefork_run(int count, int (*work)(void *), void *argument);

#endif
