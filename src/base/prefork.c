/* SPDX-License-Identifier: ISC */
#include "base/prefork.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { SHORT_LIFE_MS = 1000, PAUSE_MS = 1000 };

struct worker {
	pid_t pid; /* 0: not running */
	int64_t started_ms, start_at_ms;
};

static void start(struct worker *worker, int (*work)(void *), void *argument,
		  const sigset_t *before)
{
	pid_t parent = getpid(), child;

	worker->started_ms = clock_ms();
	child = fork();
	if (child < 0) {
		log_write(LOG_ERROR, "worker_not_started",
			  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
		worker->start_at_ms = clock_ms() + PAUSE_MS;
		return;
	}
	if (child > 0) {
		worker->pid = child;
		return;
	}
	/* A worker ends when its parent is killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_SETMASK, before, NULL);
	if (getppid() != parent)
		_exit(0);
	exit(work(argument));
}

static void tell_all(const struct worker *workers, int count, int signal)
{
	for (int i = 0; i < count; i++)
		if (workers[i].pid > 0)
			kill(workers[i].pid, signal);
}

/* Collects children that ended. A child that ended within a second is not restarted at once. */
static void collect_ended(struct worker *workers, int count, bool goes_on)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < count; i++) {
			struct worker *worker = &workers[i];
			int64_t now = clock_ms();

			if (worker->pid != pid)
				continue;
			worker->pid = 0;
			if (!goes_on)
				continue;
			log_write(LOG_ERROR, "worker_ended",
				  (struct log_field[]){ log_num("pid", pid),
							log_num("status", status), log_end() });
			worker->start_at_ms = now - worker->started_ms < SHORT_LIFE_MS
						      ? now + PAUSE_MS
						      : now;
		}
	}
}

/* Starts the children that are missing and due. Returns the milliseconds until the next one is
   due, -1 when all run. */
static int64_t start_missing(struct worker *workers, int count, int (*work)(void *), void *argument,
			     const sigset_t *before)
{
	int64_t wait_ms = -1;

	for (int i = 0; i < count; i++) {
		int64_t left;

		if (!workers[i].pid && workers[i].start_at_ms <= clock_ms())
			start(&workers[i], work, argument, before);
		left = workers[i].pid ? -1 : workers[i].start_at_ms - clock_ms();
		if (!workers[i].pid && (wait_ms < 0 || left < wait_ms))
			wait_ms = left > 0 ? left : 0;
	}
	return wait_ms;
}

static bool is_anyone_left(const struct worker *workers, int count)
{
	for (int i = 0; i < count; i++)
		if (workers[i].pid)
			return true;
	return false;
}

int prefork_run(int count, int (*work)(void *), void *argument)
{
	struct worker *workers = mem_zero((size_t)count, sizeof(*workers));
	sigset_t watched, before;
	bool goes_on = true;

	/* Blocked and fetched one by one: no handler, no race. */
	sigemptyset(&watched);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGCHLD);
	sigprocmask(SIG_BLOCK, &watched, &before);
	/* The parent process may have set it to ignored; then waitpid() would find no child. */
	signal(SIGCHLD, SIG_DFL);
	while (goes_on || is_anyone_left(workers, count)) {
		int64_t wait_ms = goes_on ? start_missing(workers, count, work, argument, &before)
					  : -1;
		struct timespec most = { wait_ms / 1000, wait_ms % 1000 * 1000000 };
		int got = wait_ms < 0 ? sigwaitinfo(&watched, NULL)
				      : sigtimedwait(&watched, NULL, &most);

		if (got == SIGTERM || got == SIGINT) {
			goes_on = false;
			tell_all(workers, count, SIGTERM);
		}
		collect_ended(workers, count, goes_on);
	}
	free(workers);
	return 0;
}
