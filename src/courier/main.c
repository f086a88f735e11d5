/* SPDX-License-Identifier: ISC */
/* hookledger-courier: delivers events to the subscriptions of our own subscribers. A daemon,
   notified by the receiver, that ends on SIGTERM or SIGINT; or with --once a round for
   cron, that ends when nothing is due. Any number of couriers may run side by side. Work
   at Toggl is done by a child process, so that no delivery waits for Toggl. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "delivery/delivery_loop.h"
#include "ledger/confinement.h"
#include "toggl/toggl_check.h"

enum {
	ROUND_MS = 55 * 1000, /* ends before cron starts the next round */
	TOGGL_MS = 60 * 1000, /* between two checks of what is due at Toggl */
};

static const char usage[] =
	"usage: hookledger-courier [--conf FILE] [--once [--seconds N]]\n"
	"\n"
	"Delivers events to our own subscribers; see hookledger-courier(8).\n"
	"\n"
	"  --conf FILE   settings (else $HOOKLEDGER_CONF and other places: hookledger.conf(5))\n"
	"  --once        one round, for cron: until nothing is due\n"
	"  --seconds N   and at most so long (55)\n"
	"  --version, --help\n";

static void give_up(const char *problem)
{
	fprintf(stderr, "hookledger-courier: %s\n", problem);
	exit(2);
}

/* Readable after SIGTERM or SIGINT. */
static int stop_descriptor(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &signals, NULL))
		give_up("the system gives no descriptor for signals");
	return fd;
}

static int64_t milliseconds_of(const char *seconds)
{
	int64_t count;

	if (!str_int(str_of(seconds), &count) || count < 1 || count > 86400)
		give_up("--seconds must be a whole number from 1 to 86400");
	return count * 1000;
}

/* ---- the child process that works at Toggl */

/* The child ends when the other end of stop_fd is closed, so it never outlives its parent.
   ended_fd becomes readable when it has ended. */
struct toggl_child {
	pid_t pid;
	int stop_fd, ended_fd;
};

static void reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Each check runs in a process of its own: when one dies, the next one is started all the
   same. */
static void run_child(const struct conf *conf, const struct delivery_loop_task *task, int stop_fd)
{
	struct pollfd fd = { .fd = stop_fd, .events = POLLIN };

	if (task->is_round)
		_exit(toggl_check_run(conf, task->for_ms, stop_fd) ? 1 : 0);
	do {
		pid_t pid = fork();

		if (pid == 0)
			_exit(toggl_check_run(conf, 0, stop_fd) ? 1 : 0);
		reap(pid);
	} while (poll(&fd, 1, TOGGL_MS) == 0);
	_exit(0);
}

/* Called before the courier opens anything, so that the child shares no connection with it. */
static struct toggl_child start_child(const struct conf *conf,
				      const struct delivery_loop_task *task)
{
	struct toggl_child child = { 0 };
	int stop[2], ended[2];

	if (pipe2(stop, O_CLOEXEC) || pipe2(ended, O_CLOEXEC))
		give_up("the system gives no pipe");
	child.pid = fork();
	if (child.pid < 0)
		give_up("the system gives no process");
	if (child.pid == 0) {
		close(stop[1]);
		close(ended[0]);
		run_child(conf, task, stop[0]);
	}
	close(stop[0]);
	close(ended[1]);
	child.stop_fd = stop[1];
	child.ended_fd = ended[0];
	return child;
}

/* A round waits for the child, unless a signal comes. */
static void end_child(const struct toggl_child *child, const struct delivery_loop_task *task)
{
	struct pollfd fds[2] = { { .fd = child->ended_fd, .events = POLLIN },
				 { .fd = task->stop_fd, .events = POLLIN } };

	while (task->is_round && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	close(child->stop_fd);
	reap(child->pid);
	close(child->ended_fd);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },    { "once", no_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },	     { 0 },
	};
	struct delivery_loop_task task = { .stop_fd = -1 };
	struct delivery_loop_count count;
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	const char *path = NULL;
	struct delivery_loop *courier;
	struct toggl_child child;
	int64_t began = clock_ms();
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'o':
			task.is_round = true;
			break;
		case 's':
			task.for_ms = milliseconds_of(optarg);
			break;
		case 'V':
			puts("hookledger-courier " HL_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || (task.for_ms && !task.is_round)) {
		fputs(usage, stderr);
		return 2;
	}
	if (task.is_round && !task.for_ms)
		task.for_ms = ROUND_MS;
	if (conf_load(&conf, path, &problem))
		give_up(buf_text(&problem));
	if (!conf_database(&conf, "courier"))
		give_up("no database is set; write `database = …` into the settings file");
	if (!conf.master_key)
		give_up("master_key is not set; without it no secret opens and nothing can be "
			"signed");
	log_open("hookledger-courier", conf_log_level(&conf));
	task.stop_fd = stop_descriptor();
	child = start_child(&conf, &task);
	courier = delivery_loop_new(&conf);
	confinement_enter(&conf, true);
	if (delivery_loop_run(courier, &task))
		status = 1;
	end_child(&child, &task);
	count = delivery_loop_total(courier);
	log_write(LOG_INFO, "courier_ended",
		  (struct log_field[]){ log_num("delivered", count.delivered),
					log_num("failed", count.failed),
					log_num("ms", clock_ms() - began), log_end() });
	delivery_loop_free(courier);
	conf_done(&conf);
	buf_done(&problem);
	close(task.stop_fd);
	return status;
}
