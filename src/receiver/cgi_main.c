/* SPDX-License-Identifier: ISC */
/* hookledger-receiver-cgi: a web server starts it for each request, as plain CGI. While a process
   drains the spool for all others, or no connection is left (drainer.c), it verifies the callback,
   writes it to the spool, answers and ends. In every other case it executes hookledger-receiver,
   which is in the same folder. It is a program of its own because it then needs no libpq: to load
   that with its 22 libraries is half of the CPU time of a plain CGI process (5 of 10 ms). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/slot.h"
#include "http/http_server.h"
#include "http/program.h"
#include "ledger/confinement.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"
#include "receiver/receiver.h"
#include "receiver/receiver_conf.h"

enum { PATH_MAX_BYTES = 4096 };

static char **arguments;

/* Executes the program whose name is ours without "-cgi". Returns the exit status when it cannot
   be executed; the web server then answers 500. */
static int execute_receiver(void)
{
	char path[PATH_MAX_BYTES + 1];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX_BYTES);

	if (len > 4 && memcmp(path + len - 4, "-cgi", 4) == 0) {
		path[len - 4] = '\0';
		execv(path, arguments);
	}
	fputs("hookledger-receiver-cgi: hookledger-receiver is not in the same folder\n", stderr);
	return 2;
}

/* Gives the body that was read to that program, as its standard input. */
static int hand_over(const struct http_req *req)
{
	struct str body = http_body(req);
	int fd = memfd_create("body", MFD_CLOEXEC);

	if (fd < 0 || write(fd, body.at, body.len) != (ssize_t)body.len || lseek(fd, 0, SEEK_SET) ||
	    dup2(fd, STDIN_FILENO) < 0) {
		fprintf(stderr, "hookledger-receiver-cgi: %s\n", strerror(errno));
		return 2;
	}
	return execute_receiver();
}

/* Serves the request, or executes hookledger-receiver. Which of the two is decided when the
   signature is verified; only then the process confines itself and parses the body. It frees
   nothing, because it ends. */
static int work(struct program *program)
{
	const char *dir = ledger_conf(program->conf)->spool_dir;
	struct receiver r = { .program = program, .conf = program->conf };
	struct callback cb = { 0 };
	int writer = SLOT_NONE;

	if (!dir || !drainer_is_there(program->conf))
		return execute_receiver();
	r.web = program_open_http(program, receiver_conf(program->conf)->body_max_bytes);
	if (!http_is_cgi(r.web) || parts_open(&r, 1) ||
	    keyring_load_file(r.keys, spool_keyring_path(r.spool)))
		return execute_receiver();
	if (!http_gather(r.web, NULL, 0, -1))
		return 0;
	/* It joins after the request was read: a client that sends slowly would make all drainers
	   wait. */
	if (serve_check(http_at(r.web, 0), &cb) == REASON_NONE &&
	    (keyring_verify(r.keys, &cb) || (writer = drainer_join(program->conf)) < 0))
		return hand_over(http_at(r.web, 0));
	confinement_enter(program->conf, false);
	serve_batch(&r);
	slot_release(writer);
	http_flush(r.web);
	if (!counters_is_empty(r.counters) && counters_save(r.counters, dir))
		log_write(LOG_DEBUG, "counters_lost", NULL);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-receiver",
		.schema = "receiver",
		.about = "Records Toggl's webhook callbacks by plain CGI; see "
			 "hookledger-receiver(8).\n",
		.work = work,
	};

	arguments = argv;
	return getenv("GATEWAY_INTERFACE") ? program_run(&program, argc, argv) : execute_receiver();
}
