/* SPDX-License-Identifier: ISC */
#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t signal_number;
static int ends[2] = { -1, -1 };

/* The byte in the pipe wakes a poll() that begins after the flag was checked. */
static void note(int number)
{
	int saved = errno;

	signal_number = number;
	if (write(ends[1], "", 1) < 0) {
		/* the pipe is full: it is readable already */
	}
	errno = saved;
}

int interrupt_open(void)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND };

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return ends[0];
}

int interrupt_signal(void)
{
	return signal_number;
}
