/* SPDX-License-Identifier: ISC */
/* Plain CGI: while many callbacks come at once, one process drains the spool for all others.
   Two locks: the drainer has the slot "drainer", and each process that relies on it shares the
   lock "writers" until its callbacks are in the spool. */
#include "receiver/receiver.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/slot.h"
#include "ledger/ledger_conf.h"
#include "receiver/receiver_conf.h"

static const char DRAINER[] = "drainer";
static const char CONNECTION[] = "slot";

int drainer_take_connection(const struct conf *conf)
{
	return slot_take(ledger_conf(conf)->spool_dir, CONNECTION,
			 receiver_conf(conf)->cgi_connections, 0);
}

bool drainer_are_connections_taken(const struct conf *conf)
{
	return slot_are_taken(ledger_conf(conf)->spool_dir, CONNECTION,
			      receiver_conf(conf)->cgi_connections);
}

static int open_writers(const char *dir)
{
	struct buf path = { 0 };
	int fd;

	buf_addf(&path, "%s/writers", dir);
	fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	buf_done(&path);
	return fd;
}

int drainer_join(const char *dir)
{
	int fd;

	if (!slot_are_taken(dir, DRAINER, 1))
		return SLOT_NONE;
	fd = open_writers(dir);
	/* The drainer may have left in between. If not, it waits for us now before it does. */
	if (fd >= 0 && flock(fd, LOCK_SH) == 0 && slot_are_taken(dir, DRAINER, 1))
		return fd;
	slot_release(fd);
	return SLOT_NONE;
}

int drainer_take(const char *dir)
{
	return slot_take(dir, DRAINER, 1, 0);
}

void drainer_leave(const char *dir, int drainer)
{
	int fd = open_writers(dir);

	slot_release(drainer);
	if (fd >= 0)
		(void)!fd_lock(fd); /* when it cannot be locked, nobody has joined */
	slot_release(fd);
}
