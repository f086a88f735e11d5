/* SPDX-License-Identifier: ISC */
/* Runs one program without a shell, with some bytes as its input; the caller waits for its end
   beside other work. */
#ifndef HL_BASE_SUBPROCESS_H
#define HL_BASE_SUBPROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

/* {0}: none runs. */
struct subprocess {
	pid_t pid;     /* 0: none runs */
	int pid_fd;    /* readable when the program has ended; -1: the kernel has no pidfd */
	int output_fd; /* its output and errors */
	int64_t until_ms;
};

/* Starts the program argv[0], a path; argv ends with NULL. Copies the input. In the child no
   signal is blocked or ignored. ERR_FAULT: *problem says why it did not start. */
MUST_USE enum err subprocess_start(struct subprocess *child, const char *const *argv,
				   struct str input, int64_t timeout_ms, struct buf *problem);

/* ERR_PACE: it still runs. ERR_NONE: it ended with exit status 0. ERR_FAULT: it failed, or its
   time was over and it was killed; *problem says which, with the first bytes of its output. */
MUST_USE enum err subprocess_take(struct subprocess *child, struct buf *problem);

/* As http_client_poll(). */
int subprocess_poll(const struct subprocess *child, struct pollfd *fd);

/* Kills the program if it runs. */
void subprocess_done(struct subprocess *child);

#endif
