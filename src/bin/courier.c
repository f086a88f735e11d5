/* SPDX-License-Identifier: ISC */
/* hookledger-courier: delivers events to the subscriptions of our own
   subscribers. A daemon that is woken by the receiver, or with --once a round
   for cron. Any number of them work beside each other. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "ledger/courier.h"

enum { ROUND_MS = 55 * 1000 };	/* a minute has room for the next one of cron */

static const char usage[] =
	"usage: hookledger-courier [--conf FILE] [--once [--seconds N]]\n"
	"\n"
	"Delivers events to our own subscribers; see hookledger-courier(8).\n"
	"\n"
	"  --conf FILE   settings (else $HOOKLEDGER_CONF)\n"
	"  --once        one round, for cron: until nothing is due\n"
	"  --seconds N   and at most so long (55)\n"
	"  --version, --help\n";

static void give_up(const char *what)
{
	fprintf(stderr, "hookledger-courier: %s\n", what);
	exit(2);
}

/* SIGTERM and SIGINT: finish, then end. */
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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' }, { "once", no_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },          { 0 },
	};
	struct courier_task task = { .stop_fd = -1 };
	struct courier_count count;
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	const char *path = NULL;
	struct courier *courier;
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
		give_up("master_key is not set; without it no secret opens and nothing can be signed");
	log_open("hookledger-courier", conf_log_level(&conf));
	task.stop_fd = stop_descriptor();
	courier = courier_new(&conf);
	if (courier_run(courier, &task))
		status = 1;
	count = courier_total(courier);
	log_write(LOG_INFO, "courier_ended",
	          (struct log_field[]){ log_num("delivered", count.delivered), log_num("failed", count.failed),
	                                log_num("ms", clock_ms() - began), log_end() });
	courier_free(courier);
	conf_done(&conf);
	buf_done(&problem);
	close(task.stop_fd);
	return status;
}
