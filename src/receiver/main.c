/* SPDX-License-Identifier: ISC */
/* hookledger-receiver: records Toggl's webhook callbacks. A web server starts it, by FastCGI
   or by plain CGI for each request; it ends when the web server closes its socket or sends
   SIGTERM. It waits for one request, takes all requests that wait then, verifies them, records
   them by one commit and answers them. Under load the batch grows by itself while the
   previous commit is in flight; without load no callback waits for a timer. It never waits
   for a broken database: callbacks that the database cannot take now go to the spool. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/log.h"
#include "http/http_conf.h"
#include "http/http_server.h"
#include "http/program.h"
#include "ledger/confinement.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"
#include "ledger/spool_drain.h"
#include "receiver/receiver.h"
#include "receiver/receiver_conf.h"

enum { DRAIN_MAX = 512 }; /* records of the spool in one call: some 15 ms of PostgreSQL */

static void open_parts(struct receiver *r, const struct program *program)
{
	const struct conf *conf = program->conf;

	r->program = program;
	r->conf = conf;
	r->web = program_open_http(program, receiver_conf(conf)->body_max_bytes);
	/* without a spool nothing could be acknowledged while the database is away */
	if (parts_open(r, (size_t)http_conf(conf)->batch_max))
		exit(1);
	r->db = program_open_db(program);
	r->notify_args = db_args_new();
	r->drain = spool_drain_new(r->spool, r->db, r->keys, r->counters, DRAIN_MAX,
				   http_conf(conf)->batch_max_bytes);
	if (keyring_load_file(r->keys, spool_keyring_path(r->spool)) == ERR_ABSENT)
		log_write(LOG_DEBUG, "no_keyring_file", NULL);
}

static void close_parts(struct receiver *r)
{
	spool_drain_free(r->drain);
	counters_free(r->counters);
	db_args_free(r->notify_args);
	intake_free(r->intake);
	db_close(r->db);
	keyring_free(r->keys);
	sealer_free(r->sealer);
	spool_close(r->spool);
	http_close(r->web);
	free(r->callbacks);
	free(r->selected);
	free(r->event_indexes);
	free(r->unverified_indexes);
}

static void serve_fastcgi(struct receiver *r)
{
	struct pollfd db_fd;
	int wait_ms;

	upkeep_load_counters(r);
	program_await_db(r->program, r->web, r->db);
	for (;;) {
		upkeep_run(r);
		wait_ms = upkeep_wait_ms(r, db_poll(r->db, &db_fd));
		if (!http_gather(r->web, &db_fd, 1, wait_ms))
			break;
		upkeep_notify(r);
		if (http_count(r->web))
			serve_batch(r);
	}
	upkeep_save_counters(r);
}

static int work(struct program *program)
{
	struct receiver receiver = { 0 };

	open_parts(&receiver, program);
	confinement_enter(program->conf, false);
	if (http_is_cgi(receiver.web))
		cgi_serve(&receiver);
	else
		serve_fastcgi(&receiver);
	close_parts(&receiver);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = {
		.name = "hookledger-receiver",
		.schema = "receiver",
		.about = "Records Toggl's webhook callbacks. A web server starts it by FastCGI or "
			 "CGI;\nsee hookledger-receiver(8) and the ready configurations.\n",
		.work = work,
	};

	return program_run(&program, argc, argv);
}
