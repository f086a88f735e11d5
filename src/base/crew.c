/* SPDX-License-Identifier: ISC */
#include "base/crew.h"

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

enum { SHORT_LIFE_MS = 1000 };

struct worker {
	pid_t pid;
	int64_t started_ms;
};

static void start(struct worker *worker, int (*work)(void *), void *argument, const sigset_t *before)
{
	pid_t parent = getpid();

	worker->started_ms = clock_ms();
	worker->pid = fork();
	if (worker->pid < 0) {
		log_write(LOG_ERROR, "worker_not_started",
		          (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
		return;
	}
	if (worker->pid > 0)
		return;
	/* No orphans: a worker ends when the parent is killed. */
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

/* Collects children that ended; while the crew is to go on, each is replaced. */
static void replace_ended(struct worker *workers, int count, bool goes_on, int (*work)(void *),
                          void *argument, const sigset_t *before)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < count; i++) {
			struct timespec pause = { 1, 0 };

			if (workers[i].pid != pid)
				continue;
			workers[i].pid = 0;
			if (!goes_on)
				continue;
			log_write(LOG_ERROR, "worker_ended",
			          (struct log_field[]){ log_num("pid", pid), log_num("status", status),
			                                log_end() });
			if (clock_ms() - workers[i].started_ms < SHORT_LIFE_MS)
				nanosleep(&pause, NULL);
			start(&workers[i], work, argument, before);
		}
	}
}

static bool is_anyone_left(const struct worker *workers, int count)
{
	for (int i = 0; i < count; i++)
		if (workers[i].pid > 0)
			return true;
	return false;
}

int crew_run(int count, int (*work)(void *), void *argument)
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
	for (int i = 0; i < count; i++)
		start(&workers[i], work, argument, &before);
	while (goes_on || is_anyone_left(workers, count)) {
		int signal = sigwaitinfo(&watched, NULL);

		if (signal == SIGTERM || signal == SIGINT) {
			goes_on = false;
			tell_all(workers, count, SIGTERM);
		}
		replace_ended(workers, count, goes_on, work, argument, &before);
	}
	free(workers);
	return 0;
}
