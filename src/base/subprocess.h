/* SPDX-License-Identifier: ISC */
/* One program that is run with some bytes as its input, not through a shell, and
   whose end is waited for beside other work. */
#ifndef HL_BASE_SUBPROCESS_H
#define HL_BASE_SUBPROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

/* {0} is one that does not run. */
struct subprocess {
	pid_t pid;   /* 0: none runs */
	int pid_fd;  /* readable when it has ended; -1: the system has no such thing */
	int said_fd; /* its output and errors */
	int64_t until_ms;
};

/* Starts argv[0], a path, ended by NULL; copies the input. The child has no
   signal blocked or ignored. ERR_FAULT: *problem says why it does not start. */
MUST_USE enum err subprocess_start(struct subprocess *child, const char *const *argv,
				   struct str input, int64_t timeout_ms, struct buf *problem);

/* Has it ended? ERR_PACE: not yet. ERR_NONE: well, exit status 0. ERR_FAULT: not
   so, or its time was over and it was killed; *problem says which, and the first
   bytes of what it said. */
MUST_USE enum err subprocess_take(struct subprocess *child, struct buf *problem);

/* As http_client_poll(). */
int subprocess_poll(const struct subprocess *child, struct pollfd *fd);

/* Kills it when it runs. */
void subprocess_done(struct subprocess *child);

#endif
