/* SPDX-License-Identifier: ISC */
/* Plain CGI: a web server starts a process for each request. Such a process has no keys in
   memory: it reads them from the file beside the spool, and asks the database only when
   those do not fit. It uses the database only when it gets one of a few slots. */
#include "receiver/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "http/http_server.h"
#include "http/program.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"
#include "ledger/spool_drain.h"
#include "receiver/receiver_conf.h"

enum {
	KEYS_WAIT_MS = 500, /* a process waits so long until it may load the keys */
	KEYS_POLL_MS = 20,  /* and looks this often whether it may */
};

/* Locks one of a few slots, so that a thousand CGI processes do not make a thousand
   connections to the database. Gives the lock's descriptor; -1: all slots are taken. */
static int lock_slot(const struct conf *conf)
{
	for (int64_t i = 0; i < receiver_conf(conf)->cgi_connections; i++) {
		struct buf path = { 0 };
		int fd;

		buf_addf(&path, "%s/slot-%lld", ledger_conf(conf)->spool_dir, (long long)i);
		fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
		buf_done(&path);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* May this process load the keys from the database, because those in the file do not fit?
   All processes together may do so ten times a second; the modification time of the file
   says when a process did so last. */
static bool may_load_keys(const struct stat *file)
{
	int64_t changed_ms = (int64_t)file->st_mtim.tv_sec * 1000 + file->st_mtim.tv_nsec / 1000000;
	int64_t passed_ms = clock_now_us() / 1000 - changed_ms;

	/* below zero: the clock was set back */
	return passed_ms < 0 || passed_ms >= KEYS_AGE_MS / KEYS_LOADS;
}

/* For a callback that no key in the file verifies: waits until this process may load the keys
   and a slot is free, or until another process has saved a key that verifies it. Gives the
   locked slot; -1: none within KEYS_WAIT_MS. */
static int await_slot_for_keys(struct receiver *r, struct callback *cb)
{
	const char *path = spool_keyring_path(r->spool);
	int64_t until_ms = clock_ms() + KEYS_WAIT_MS;
	struct stat known = { 0 }, facts;

	(void)lstat(path, &known);
	for (;;) {
		bool exists = lstat(path, &facts) == 0;
		int slot;

		if (exists && facts.st_ino != known.st_ino &&
		    keyring_load_file(r->keys, path) == ERR_NONE &&
		    keyring_verify(r->keys, cb) == ERR_NONE)
			return lock_slot(r->conf);
		if (exists)
			known = facts;
		if ((!exists || may_load_keys(&facts)) && (slot = lock_slot(r->conf)) >= 0) {
			if (exists && utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW))
				log_write(LOG_WARN, "keyring_not_touched",
					  (struct log_field[]){ log_text("why", strerror(errno)),
								log_end() });
			return slot;
		}
		if (clock_ms() >= until_ms) {
			r->is_load_denied = true;
			return -1;
		}
		poll(NULL, 0, KEYS_POLL_MS);
	}
}

void cgi_serve(struct receiver *r)
{
	struct callback first;
	bool more = true;
	int slot = -1;

	if (!http_gather(r->web, NULL, 0, -1))
		return;
	first = (struct callback){ 0 };
	if (serve_check(http_at(r->web, 0), &first) == REASON_NONE)
		slot = keyring_verify(r->keys, &first) == ERR_NONE ? lock_slot(r->conf)
								   : await_slot_for_keys(r, &first);
	if (slot >= 0)
		program_await_db(r->program, r->web, r->db);
	serve_batch(r);
	http_flush(r->web);
	if (slot >= 0 && database_acquire(r)) {
		int64_t until_ms = clock_ms() + r->conf->db_deadline_ms;

		upkeep_load_counters(r);
		while (more && clock_ms() < until_ms &&
		       spool_drain_step(r->drain, r->conf->db_deadline_ms, &more) == ERR_NONE)
			;
		db_arg_int(r->notify_args, r->notify_events);
		if ((spool_drain_take_wanted(r->drain) || r->must_notify) &&
		    db_call(r->db, "receiver.notify", r->notify_args, r->conf->db_deadline_ms,
			    NULL))
			log_write(LOG_DEBUG, "notify_failed", NULL);
		upkeep_save_counters(r);
	} else if (!counters_is_empty(r->counters) &&
		   counters_save(r->counters, ledger_conf(r->conf)->spool_dir)) {
		log_write(LOG_DEBUG, "counters_lost", NULL);
	}
	if (slot >= 0)
		close(slot);
}
