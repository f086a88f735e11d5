/* SPDX-License-Identifier: ISC */
#include "ledger/tally.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/descriptors.h"

/* Counters held at once; when they are used up a new one is counted for no
   endpoint, and beyond that not at all. A flush empties them every second. */
enum { COUNTERS_MAX = 512, FILE_MAX = 64 * 1024 };

struct counter {
	int64_t minute;		/* since 1970 */
	int64_t endpoint_id;
	enum reason reason;
	int64_t count;
};

struct tally {
	struct counter counters[COUNTERS_MAX];
	size_t count;
};

struct tally *tally_new(void)
{
	return mem_zero(1, sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
	free(tally);
}

bool tally_is_empty(const struct tally *tally)
{
	return tally->count == 0;
}

static void add(struct tally *tally, int64_t minute, int64_t endpoint_id, enum reason reason,
                int64_t count)
{
	struct counter *c;

	for (size_t i = 0; i < tally->count; i++) {
		c = &tally->counters[i];
		if (c->minute == minute && c->endpoint_id == endpoint_id && c->reason == reason) {
			c->count += count;
			return;
		}
	}
	if (tally->count == COUNTERS_MAX)
		return;
	/* the last few are kept for "no endpoint", one for each reason */
	if (tally->count >= COUNTERS_MAX - REASON_COUNT && endpoint_id) {
		add(tally, minute, 0, reason, count);
		return;
	}
	tally->counters[tally->count++] = (struct counter){ minute, endpoint_id, reason, count };
}

void tally_add(struct tally *tally, enum reason reason, int64_t endpoint_id)
{
	add(tally, clock_now_us() / 60000000, endpoint_id, reason, 1);
}

enum err tally_flush(struct tally *tally, struct db *db, int64_t wait_ms)
{
	struct db_args *args;
	enum err err;

	if (tally->count == 0)
		return ERR_NONE;
	args = db_args_new();
	db_array(args, DB_TIMES, tally->count);
	for (size_t i = 0; i < tally->count; i++)
		db_put_time(args, tally->counters[i].minute * 60000000);
	db_array(args, DB_INTS, tally->count);
	for (size_t i = 0; i < tally->count; i++)
		db_put_int(args, tally->counters[i].endpoint_id);
	db_array(args, DB_TEXTS, tally->count);
	for (size_t i = 0; i < tally->count; i++)
		db_put_str(args, str_of(reason_word(tally->counters[i].reason)));
	db_array(args, DB_INTS, tally->count);
	for (size_t i = 0; i < tally->count; i++)
		db_put_int(args, tally->counters[i].count);
	err = db_call(db, "receiver.tally", args, wait_ms, NULL);
	if (!err)
		tally->count = 0;
	db_args_free(args);
	return err;
}

static int open_locked(const char *dir, int flags)
{
	struct buf path = { 0 };
	struct stat facts;
	int fd;

	buf_addf(&path, "%s/tally", dir);
	fd = open(buf_text(&path), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	buf_done(&path);
	if (fd >= 0 && (fstat(fd, &facts) || !S_ISREG(facts.st_mode) || !descriptor_lock(fd))) {
		close(fd);
		return -1;
	}
	return fd;
}

enum err tally_save(struct tally *tally, const char *dir)
{
	int fd = open_locked(dir, O_WRONLY | O_CREAT | O_APPEND);
	struct buf lines = { 0 };
	struct stat facts;
	enum err err = ERR_BUSY;

	if (fd < 0)
		return ERR_BUSY;
	for (size_t i = 0; i < tally->count; i++)
		buf_addf(&lines, "%" PRId64 " %" PRId64 " %d %" PRId64 "\n",
		         tally->counters[i].minute, tally->counters[i].endpoint_id,
		         (int)tally->counters[i].reason, tally->counters[i].count);
	if (fstat(fd, &facts) == 0 && facts.st_size + (off_t)lines.len <= FILE_MAX &&
	    write(fd, lines.at, lines.len) == (ssize_t)lines.len) {
		tally->count = 0;
		err = ERR_NONE;
	}
	buf_done(&lines);
	close(fd);
	return err;
}

static void load_line(struct tally *tally, struct str line)
{
	int64_t minute, endpoint_id, reason, count;

	/* within bounds whose sums and products fit, whatever the file says */
	if (str_int(str_cut(&line, ' '), &minute) && str_int(str_cut(&line, ' '), &endpoint_id) &&
	    str_int(str_cut(&line, ' '), &reason) && str_int(line, &count) && reason > 0 &&
	    reason < REASON_COUNT && minute > 0 && minute < INT32_MAX && count > 0 && count < INT32_MAX)
		add(tally, minute, endpoint_id, (enum reason)reason, count);
}

enum err tally_load(struct tally *tally, const char *dir)
{
	int fd = open_locked(dir, O_RDWR);
	char text[FILE_MAX];
	struct str rest = { text, 0 };
	ssize_t got;

	if (fd < 0)
		return ERR_ABSENT;
	got = read(fd, text, sizeof(text));
	/* Emptied before it counts: a crash between loses numbers of refusals,
	   the other order would count them twice. */
	if (got > 0 && ftruncate(fd, 0) == 0)
		rest.len = (size_t)got;
	close(fd);
	while (rest.len)
		load_line(tally, str_cut(&rest, '\n'));
	return ERR_NONE;
}
