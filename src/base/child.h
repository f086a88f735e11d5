/* SPDX-License-Identifier: ISC */
/* One program that is run with some bytes as its input, not through a shell, and
   whose end is waited for beside other work. */
#ifndef HL_BASE_CHILD_H
#define HL_BASE_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

/* {0} is one that does not run. */
struct child {
	pid_t pid;	/* 0: none runs */
	int pid_fd;	/* readable when it has ended; -1: the system has no such thing */
	int said_fd;	/* its output and errors */
	int64_t until_ms;
};

/* Starts argv[0], a path, ended by NULL; copies the input. The child has no
   signal blocked or ignored. ERR_FAULT: *problem says why it does not start. */
MUST_USE enum err child_start(struct child *child, const char *const *argv, struct str input, int64_t timeout_ms,
                              struct buf *problem);

/* Has it ended? ERR_PACE: not yet. ERR_NONE: well, exit status 0. ERR_FAULT: not
   so, or its time was over and it was killed; *problem says which, and the first
   bytes of what it said. */
MUST_USE enum err child_take(struct child *child, struct buf *problem);

/* As fetch_poll(). */
int child_poll(const struct child *child, struct pollfd *fd);

/* Kills it when it runs. */
void child_done(struct child *child);

#endif
