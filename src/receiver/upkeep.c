/* SPDX-License-Identifier: ISC */
/* What the receiver does between two batches: it drains the spool, loads keys, writes counters
   and notifies couriers. None of this may delay a callback: calls are sent and their
   outcome is taken later, or they are short. */
#include "receiver/receiver.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "ledger/counters.h"
#include "ledger/keyring.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool_drain.h"

enum {
	COUNTERS_MS = 1000, /* counters reach the database this often */
	DRAIN_MS = 1000,    /* an idle process reads the spool this often */
};

/* Takes the outcome of the last batch of the spool and sends the next one, when it is due. While
   the database is suspect, a batch is always due, because it tests whether the database works;
   when the spool is empty, loading the keys tests that. */
static void drain(struct receiver *r)
{
	bool started = false;
	enum err err = ERR_NONE;

	if (spool_drain_is_working(r->drain)) {
		err = spool_drain_finish(r->drain, r->conf->db_deadline_ms);
		if (err == ERR_PACE && clock_ms() < r->drain_deadline_ms)
			return;
		if (err == ERR_PACE)
			db_drop(r->db);
		r->is_db_suspect = err != ERR_NONE;
		if (err)
			return;
		r->must_notify = spool_drain_take_must_notify(r->drain) || r->must_notify;
	}
	if (!db_is_ready(r->db) || (!r->is_db_suspect && clock_ms() < r->drain_at_ms))
		return;
	err = spool_drain_start(r->drain, &started);
	r->drain_deadline_ms = clock_ms() + r->conf->db_deadline_ms;
	if (!err && !started && r->is_db_suspect)
		err = keyring_load(r->keys, r->db, r->conf->db_deadline_ms, NULL);
	if (!started)
		r->is_db_suspect = err != ERR_NONE;
	/* the spool may have more: the next batch is due at once */
	r->drain_at_ms = started ? 0 : clock_ms() + DRAIN_MS;
}

void upkeep_run(struct receiver *r)
{
	r->deadline_ms = clock_ms() + r->conf->db_deadline_ms;
	db_maintain(r->db);
	/* a notification is lost with its connection */
	if (r->is_notifying && !db_is_working(r->db))
		r->is_notifying = false;
	if (r->is_notifying)
		(void)database_finish_notify(r);
	drain(r);
	if (keyring_age_ms(r->keys) == INT64_MAX)
		database_load_keys(r);
	if (!counters_is_empty(r->counters) && clock_ms() >= r->counters_at_ms &&
	    database_acquire(r)) {
		if (counters_flush(r->counters, r->db, r->conf->db_deadline_ms))
			r->is_db_suspect = true;
		r->counters_at_ms = clock_ms() + COUNTERS_MS;
	}
}

void upkeep_notify(struct receiver *r)
{
	if (!r->must_notify || r->is_notifying || clock_ms() < r->notify_at_ms ||
	    r->is_db_suspect || !db_is_ready(r->db))
		return;
	r->must_notify = false;
	db_args_clear(r->notify_args);
	db_arg_int(r->notify_args, r->notify_events);
	r->notify_events = 0;
	if (db_send(r->db, "receiver.notify", r->notify_args))
		r->notify_at_ms = clock_ms() + NOTIFY_RETRY_MS;
	else
		r->is_notifying = true;
}

int upkeep_wait_ms(const struct receiver *r, int db_wait_ms)
{
	int64_t at = r->drain_at_ms;

	if (!db_is_ready(r->db) && db_wait_ms >= 0)
		return db_wait_ms;
	if (spool_drain_is_working(r->drain))
		at = r->drain_deadline_ms;
	if (!counters_is_empty(r->counters) && r->counters_at_ms < at)
		at = r->counters_at_ms;
	if (r->must_notify && !r->is_notifying && r->notify_at_ms < at)
		at = r->notify_at_ms;
	return clock_within(db_wait_ms, at - clock_ms());
}

void upkeep_load_counters(struct receiver *r)
{
	if (counters_load(r->counters, ledger_conf(r->conf)->spool_dir))
		log_write(LOG_DEBUG, "no_counters_left_behind", NULL);
}

void upkeep_save_counters(struct receiver *r)
{
	r->deadline_ms = clock_ms() + r->conf->db_deadline_ms;
	if (counters_is_empty(r->counters))
		return;
	if (database_acquire(r) &&
	    counters_flush(r->counters, r->db, r->conf->db_deadline_ms) == ERR_NONE)
		return;
	if (counters_save(r->counters, ledger_conf(r->conf)->spool_dir))
		log_write(LOG_WARN, "counters_lost", NULL);
}
