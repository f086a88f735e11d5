/* SPDX-License-Identifier: ISC */
/* The receiver's one connection: when it can be used, and the keys that it loads. Two
   calls are sent without waiting for their outcome: a notification (receiver.notify) and
   a batch of the spool. Every other call first waits for these. */
#include "receiver/receiver.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/db.h"
#include "ledger/intake.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/spool_drain.h"

/* Time until r->deadline_ms; 0 when it has passed. */
static int64_t database_left_ms(const struct receiver *r)
{
	int64_t left = r->deadline_ms - clock_ms();

	return left > 0 ? left : 0;
}

/* A failed notification does not make the database suspect: nothing depends on it, because
   couriers also poll. */
enum err database_finish_notify(struct receiver *r)
{
	enum err err = db_take(r->db, NULL);

	if (err == ERR_PACE)
		return err;
	r->is_notifying = false;
	r->notify_at_ms = clock_ms() + (err ? NOTIFY_RETRY_MS : NOTIFY_MS);
	if (err)
		log_write(LOG_WARN, "notify_failed",
			  (struct log_field[]){ log_text("why", db_problem(r->db)), log_end() });
	return err;
}

/* Takes the result of the call in flight: of a notification or of a batch of the spool. */
static enum err finish_call(struct receiver *r)
{
	return r->is_notifying ? database_finish_notify(r)
			       : spool_drain_finish(r->drain, database_left_ms(r));
}

bool database_acquire(struct receiver *r)
{
	/* wait for the call in flight, which is short */
	if ((spool_drain_is_working(r->drain) || r->is_notifying) && !r->is_db_suspect) {
		bool is_drain = !r->is_notifying;
		enum err err;

		while ((err = finish_call(r)) == ERR_PACE && database_left_ms(r) > 0) {
			struct pollfd fd;

			db_poll(r->db, &fd);
			if (poll(&fd, 1, (int)database_left_ms(r)) < 0 && errno != EINTR)
				break;
		}
		if (err == ERR_PACE)
			db_drop(r->db);
		if (err == ERR_PACE || (err && is_drain))
			r->is_db_suspect = true;
	}
	return !r->is_db_suspect && db_is_ready(r->db);
}

/* Takes a token for one load of the keys. The bucket limits the cost of callbacks that no key
   verifies: one query a second. */
static bool take_load_token(struct receiver *r)
{
	int64_t now = clock_ms(), earned = (now - r->loads_at_ms) / KEYS_AGE_MS;

	if (earned > 0) {
		r->loads_left = r->loads_left + earned > KEYS_LOADS ? KEYS_LOADS
								    : r->loads_left + earned;
		r->loads_at_ms = now;
	}
	if (r->loads_left <= 0)
		return false;
	r->loads_left--;
	return true;
}

void database_load_keys(struct receiver *r)
{
	bool changed = false;

	if (!database_acquire(r))
		return;
	if (keyring_load(r->keys, r->db, database_left_ms(r), &changed)) {
		r->is_db_suspect = true;
		return;
	}
	if (changed && keyring_save(r->keys, spool_keyring_path(r->spool)))
		log_write(LOG_WARN, "keys_only_in_memory", NULL);
}

enum err database_verify(struct receiver *r, struct callback *cb)
{
	enum err err = keyring_verify(r->keys, cb);

	if (err && take_load_token(r)) {
		database_load_keys(r);
		err = keyring_verify(r->keys, cb);
	}
	return err;
}

enum err database_append(struct receiver *r)
{
	return intake_append(r->intake, r->db, "webhook", database_left_ms(r));
}

enum err database_quarantine(struct receiver *r, const struct callback *const *refused,
			     size_t count)
{
	return intake_quarantine(r->db, refused, count, database_left_ms(r));
}
