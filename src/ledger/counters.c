/* SPDX-License-Identifier: ISC */
#include "ledger/counters.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/fd.h"

/* How many counters are held at once. When most are used, a new one counts for no endpoint; when
   all are used, it does not count. A flush empties them every second. */
enum { COUNTERS_MAX = 512, FILE_MAX = 64 * 1024 };

struct counter {
	int64_t minute; /* since 1970 */
	int64_t endpoint_id;
	enum reason reason;
	int64_t count;
};

struct counters {
	struct counter counters[COUNTERS_MAX];
	size_t count;
};

struct counters *counters_new(void)
{
	return mem_zero(1, sizeof(struct counters));
}

void counters_free(struct counters *counters)
{
	free(counters);
}

bool counters_is_empty(const struct counters *counters)
{
	return counters->count == 0;
}

static void add(struct counters *counters, int64_t minute, int64_t endpoint_id, enum reason reason,
		int64_t count)
{
	struct counter *c;

	for (size_t i = 0; i < counters->count; i++) {
		c = &counters->counters[i];
		if (c->minute == minute && c->endpoint_id == endpoint_id && c->reason == reason) {
			c->count += count;
			return;
		}
	}
	if (counters->count == COUNTERS_MAX)
		return;
	/* the last few are for "no endpoint", one for each reason */
	if (counters->count >= COUNTERS_MAX - REASON_COUNT && endpoint_id) {
		add(counters, minute, 0, reason, count);
		return;
	}
	counters->counters[counters->count++] = (struct counter){ minute, endpoint_id, reason,
								  count };
}

void counters_add(struct counters *counters, enum reason reason, int64_t endpoint_id)
{
	add(counters, clock_now_us() / 60000000, endpoint_id, reason, 1);
}

enum err counters_flush(struct counters *counters, struct db *db, int64_t wait_ms)
{
	struct db_args *args;
	enum err err;

	if (counters->count == 0)
		return ERR_NONE;
	args = db_args_new();
	db_array(args, DB_TIMES, counters->count);
	for (size_t i = 0; i < counters->count; i++)
		db_put_time(args, counters->counters[i].minute * 60000000);
	db_array(args, DB_INTS, counters->count);
	for (size_t i = 0; i < counters->count; i++)
		db_put_int(args, counters->counters[i].endpoint_id);
	db_array(args, DB_TEXTS, counters->count);
	for (size_t i = 0; i < counters->count; i++)
		db_put_str(args, str_of(reason_word(counters->counters[i].reason)));
	db_array(args, DB_INTS, counters->count);
	for (size_t i = 0; i < counters->count; i++)
		db_put_int(args, counters->counters[i].count);
	err = db_call(db, "receiver.count", args, wait_ms, NULL);
	if (!err)
		counters->count = 0;
	db_args_free(args);
	return err;
}

static int open_locked(const char *dir, int flags)
{
	struct buf path = { 0 };
	struct stat facts;
	int fd;

	buf_addf(&path, "%s/counters", dir);
	fd = open(buf_text(&path), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	buf_done(&path);
	if (fd >= 0 && (fstat(fd, &facts) || !S_ISREG(facts.st_mode) || !fd_lock(fd))) {
		close(fd);
		return -1;
	}
	return fd;
}

enum err counters_save(struct counters *counters, const char *dir)
{
	int fd = open_locked(dir, O_WRONLY | O_CREAT | O_APPEND);
	struct buf lines = { 0 };
	struct stat facts;
	enum err err = ERR_BUSY;

	if (fd < 0)
		return ERR_BUSY;
	for (size_t i = 0; i < counters->count; i++)
		buf_addf(&lines, "%" PRId64 " %" PRId64 " %d %" PRId64 "\n",
			 counters->counters[i].minute, counters->counters[i].endpoint_id,
			 (int)counters->counters[i].reason, counters->counters[i].count);
	if (fstat(fd, &facts) == 0 && facts.st_size + (off_t)lines.len <= FILE_MAX &&
	    write(fd, lines.at, lines.len) == (ssize_t)lines.len) {
		counters->count = 0;
		err = ERR_NONE;
	}
	buf_done(&lines);
	close(fd);
	return err;
}

static void load_line(struct counters *counters, struct str line)
{
	int64_t minute, endpoint_id, reason, count;

	/* limits that keep sums and products in range, whatever the file contains */
	if (str_int(str_cut(&line, ' '), &minute) && str_int(str_cut(&line, ' '), &endpoint_id) &&
	    str_int(str_cut(&line, ' '), &reason) && str_int(line, &count) && reason > 0 &&
	    reason < REASON_COUNT && minute > 0 && minute < INT32_MAX && count > 0 &&
	    count < INT32_MAX)
		add(counters, minute, endpoint_id, (enum reason)reason, count);
}

enum err counters_load(struct counters *counters, const char *dir)
{
	int fd = open_locked(dir, O_RDWR);
	char text[FILE_MAX];
	struct str rest = { text, 0 };
	ssize_t got;

	if (fd < 0)
		return ERR_ABSENT;
	got = read(fd, text, sizeof(text));
	/* Emptied before it is counted: a crash in between loses some counts, the other order
	   would count them twice. */
	if (got > 0 && ftruncate(fd, 0) == 0)
		rest.len = (size_t)got;
	close(fd);
	while (rest.len)
		load_line(counters, str_cut(&rest, '\n'));
	return ERR_NONE;
}
