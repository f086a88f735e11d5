/* SPDX-License-Identifier: ISC */
#include "base/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* There is no flock() with a time limit. */
enum { AGAIN_MS = 20 };

static void say_uncounted(const char *path)
{
	static atomic_flag is_said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&is_said))
		log_write(LOG_WARN, "slots_not_counted",
			  (struct log_field[]){ log_text("file", path),
						log_text("why", strerror(errno)), log_end() });
}

/* Each descriptor is a separate lock, so threads of one process exclude each other too. */
static int take_now(const char *dir, const char *name, int64_t count)
{
	struct buf path = { 0 };
	int slot = SLOT_NONE;

	for (int64_t i = 0; i < count && slot == SLOT_NONE; i++) {
		int fd;

		buf_clear(&path);
		buf_addf(&path, "%s/%s-%lld", dir, name, (long long)i);
		fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
		if (fd < 0) {
			say_uncounted(buf_text(&path));
			slot = SLOT_FREE;
		} else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			slot = fd;
		} else {
			close(fd);
		}
	}
	buf_done(&path);
	return slot;
}

int slot_take(const char *dir, const char *name, int64_t count, int64_t wait_ms)
{
	int64_t until = clock_ms() + wait_ms;
	int slot;

	while ((slot = take_now(dir, name, count)) == SLOT_NONE && clock_ms() < until)
		(void)poll(NULL, 0, clock_within(AGAIN_MS, until - clock_ms()));
	return slot;
}

void slot_release(int slot)
{
	if (slot >= 0)
		close(slot);
}

static bool is_taken(const char *dir, const char *name, int64_t number)
{
	struct buf path = { 0 };
	bool is_locked;
	int fd;

	buf_addf(&path, "%s/%s-%lld", dir, name, (long long)number);
	fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	buf_done(&path);
	/* a shared lock, so that processes that ask do not see each other */
	is_locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	slot_release(fd);
	return is_locked;
}

bool slot_are_taken(const char *dir, const char *name, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (!is_taken(dir, name, i))
			return false;
	return true;
}
