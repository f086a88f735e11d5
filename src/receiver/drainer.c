/* SPDX-License-Identifier: ISC */
/* Plain CGI: a few processes use the database, each with a slot "slot". While many callbacks come
   at once, one of them has the slot "drainer" too, and drains the spool for all others. A process
   that relies on these has joined: it shares the lock "writers" until its callback is in the spool.
   At its end, a process with a slot waits for that and drains once more, before it releases the
   slot. Meanwhile it has the lock "joining", so that no more processes join. */
#include "receiver/receiver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/slot.h"
#include "ledger/ledger_conf.h"
#include "receiver/receiver_conf.h"

enum { WRITERS_POLL_MS = 5 }; /* a callback is written in about this time */

static const char DRAINER[] = "drainer";
static const char CONNECTION[] = "slot";
static const char WRITERS[] = "writers";
static const char JOINING[] = "joining";

int drainer_take_connection(const struct conf *conf)
{
	return slot_take(ledger_conf(conf)->spool_dir, CONNECTION,
			 receiver_conf(conf)->cgi_connections, 0);
}

bool drainer_is_there(const struct conf *conf)
{
	const char *dir = ledger_conf(conf)->spool_dir;

	return slot_are_taken(dir, DRAINER, 1) ||
	       slot_are_taken(dir, CONNECTION, receiver_conf(conf)->cgi_connections);
}

static int open_lock(const struct conf *conf, const char *name)
{
	struct buf path = { 0 };
	int fd;

	buf_addf(&path, "%s/%s", ledger_conf(conf)->spool_dir, name);
	fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	buf_done(&path);
	return fd;
}

int drainer_join(const struct conf *conf)
{
	int joining, writers;
	bool is_locked;

	if (!drainer_is_there(conf))
		return SLOT_NONE;
	joining = open_lock(conf, JOINING);
	writers = open_lock(conf, WRITERS);
	is_locked = joining >= 0 && fd_lock(joining) && writers >= 0 &&
		    flock(writers, LOCK_SH) == 0;
	slot_release(joining);
	/* It may have left in between. If not, it waits for us now before it does. */
	if (is_locked && drainer_is_there(conf))
		return writers;
	slot_release(writers);
	return SLOT_NONE;
}

int drainer_take(const struct conf *conf)
{
	return slot_take(ledger_conf(conf)->spool_dir, DRAINER, 1, 0);
}

int drainer_close(const struct conf *conf)
{
	int64_t until_ms = clock_ms() + conf->db_deadline_ms;
	int joining = open_lock(conf, JOINING), writers = open_lock(conf, WRITERS);

	if (joining >= 0)
		(void)!fd_lock(joining); /* when it cannot be locked, nobody joins */
	while (writers >= 0 && flock(writers, LOCK_EX | LOCK_NB) && clock_ms() < until_ms)
		(void)poll(NULL, 0, WRITERS_POLL_MS);
	slot_release(writers);
	return joining;
}
