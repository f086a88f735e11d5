/* SPDX-License-Identifier: ISC */
/* Plain CGI: a web server starts a process for each request. Such a process has no keys in
   memory: it reads them from the file beside the spool, and asks the database only when
   those do not fit. It uses the database only when it gets one of a few slots. */
#include "receiver/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/slot.h"
#include "http/http_server.h"
#include "http/program.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"
#include "ledger/spool_drain.h"

enum {
	KEYS_WAIT_MS = 500, /* a process waits so long until it may load the keys */
	KEYS_POLL_MS = 20,  /* and looks this often whether it may */

	STAY_MS = 100,	    /* a process that drains waits so long for more */
	DRAIN_POLL_MS = 20, /* and looks this often; meanwhile a batch grows in the spool */

	JOIN_TRIES = 100,
};

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
   slot; SLOT_NONE: none within KEYS_WAIT_MS. */
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
			return drainer_take_connection(r->conf);
		if (exists)
			known = facts;
		if ((!exists || may_load_keys(&facts)) &&
		    (slot = drainer_take_connection(r->conf)) != SLOT_NONE) {
			if (exists && utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW))
				log_write(LOG_WARN, "keyring_not_touched",
					  (struct log_field[]){ log_text("why", strerror(errno)),
								log_end() });
			return slot;
		}
		if (clock_ms() >= until_ms) {
			r->is_load_denied = true;
			return SLOT_NONE;
		}
		poll(NULL, 0, KEYS_POLL_MS);
	}
}

/* Sends what couriers wait for: that events were recorded. */
static void notify(struct receiver *r)
{
	if (!spool_drain_take_must_notify(r->drain) && !r->must_notify)
		return;
	r->must_notify = false;
	db_args_clear(r->notify_args);
	db_arg_int(r->notify_args, r->notify_events);
	r->notify_events = 0;
	if (db_call(r->db, "receiver.notify", r->notify_args, r->conf->db_deadline_ms, NULL))
		log_write(LOG_DEBUG, "notify_failed", NULL);
}

/* Drains the spool until it is empty, and notifies. Was anything in it? */
static bool drain_all(struct receiver *r, int64_t until_ms)
{
	bool more = true, any = false;

	while (more && clock_ms() < until_ms &&
	       spool_drain_step(r->drain, r->conf->db_deadline_ms, &more) == ERR_NONE)
		any = any || more;
	notify(r);
	return any;
}

/* Callbacks in the spool mean that many come at once. Then one process keeps its connection and
   drains for all others until none came for STAY_MS: a new connection costs the database as much
   as a hundred events. Returns its slot of the drainer. */
static int drain(struct receiver *r)
{
	int64_t until_ms = clock_ms() + r->conf->db_deadline_ms, last_ms;
	int drainer;

	if (!drain_all(r, until_ms) || (drainer = drainer_take(r->conf)) < 0)
		return SLOT_NONE;
	last_ms = clock_ms();
	while (clock_ms() < until_ms && clock_ms() - last_ms < STAY_MS) {
		poll(NULL, 0, DRAIN_POLL_MS);
		if (drain_all(r, until_ms))
			last_ms = clock_ms();
	}
	return drainer;
}

/* Drains, and releases the slot only when nobody relies on it any more. */
static void drain_and_leave(struct receiver *r, int slot)
{
	int drainer, joining;

	upkeep_load_counters(r);
	drainer = drain(r);
	upkeep_save_counters(r);
	joining = drainer_close(r->conf);
	drain_all(r, clock_ms() + STAY_MS);
	slot_release(drainer);
	slot_release(slot);
	slot_release(joining);
}

/* Takes a slot for this callback, if it needs one. When other processes drain the spool, an event
   goes there: *writer is what drainer_join() gave. */
static int slot_for(struct receiver *r, struct callback *cb, int *writer)
{
	int slot = SLOT_NONE;

	if (serve_check(http_at(r->web, 0), cb))
		return SLOT_NONE;
	if (keyring_verify(r->keys, cb)) {
		slot = await_slot_for_keys(r, cb);
		if (slot == SLOT_NONE)
			*writer = drainer_join(r->conf);
		return slot;
	}
	/* Neither succeeds when the last slot changes hands in between. */
	for (int i = 0; i < JOIN_TRIES && *writer < 0 && slot == SLOT_NONE; i++) {
		*writer = drainer_join(r->conf);
		if (*writer < 0)
			slot = drainer_take_connection(r->conf);
	}
	return slot;
}

void cgi_serve(struct receiver *r)
{
	struct callback first = { 0 };
	int slot, writer = SLOT_NONE;

	if (!http_gather(r->web, NULL, 0, -1))
		return;
	slot = slot_for(r, &first, &writer);
	if (slot != SLOT_NONE)
		program_await_db(r->program, r->web, r->db);
	serve_batch(r);
	slot_release(writer);
	http_flush(r->web);
	if (slot != SLOT_NONE && database_acquire(r)) {
		drain_and_leave(r, slot);
		return;
	}
	if (!counters_is_empty(r->counters) &&
	    counters_save(r->counters, ledger_conf(r->conf)->spool_dir))
		log_write(LOG_DEBUG, "counters_lost", NULL);
	slot_release(slot);
}
