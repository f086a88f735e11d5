/* SPDX-License-Identifier: ISC */
/* Records that the database refused alone. Each gets a file of its own and waits longer after
   each failure; after the third it is set aside, until an operator retries it. */
#include "ledger/spool_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	ASIDE_AFTER = 3, /* failures, while other records were recorded */
	NOTE_MS = 100,	 /* spool_note_recorded() writes at most so often */
};

void spool_read_retry_name(const char *name, int64_t *failed_us, int *failures)
{
	const char *dot = strchr(name, '.');

	*failed_us = strtoll(name + 6, NULL, 16);
	*failures = dot && dot[1] >= '0' && dot[1] <= '9' ? dot[1] - '0' : 1;
}

static void retry_name(struct buf *name, int failures)
{
	unsigned char tail[4];

	crypto_random(tail, sizeof(tail));
	buf_addf(name, "retry-%016llx-%ld-", (unsigned long long)clock_now_us(), (long)getpid());
	buf_add_hex(name, tail, sizeof(tail));
	buf_addf(name, ".%d.spool", failures);
}

/* Logs errno. */
static enum err log_not_deferred(void)
{
	log_write(LOG_WARN, "spool_not_deferred",
		  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
	return ERR_BUSY;
}

enum err spool_copy_to_retry(struct spool *spool, int failures)
{
	struct buf record = { 0 }, name = { 0 };
	struct spool_file file = { .fd = -1 };
	enum err err = spool_create_file(spool, "new-", &file);

	if (err)
		return log_not_deferred();
	buf_add(&record, spool->in.at, (size_t)(spool->source_next - spool->source_at));
	spool_write_checks(&record, file.salt);
	retry_name(&name, failures);
	if (!spool_write_all(file.fd, record.at, record.len, file.size) || fdatasync(file.fd) ||
	    renameat(spool->dir_fd, file.name, spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd)) {
		err = log_not_deferred();
		unlinkat(spool->dir_fd, file.name, 0);
	}
	spool_file_close(&file);
	buf_done(&record);
	buf_done(&name);
	if (!err)
		spool_settle(spool);
	return err;
}

bool spool_is_shared(const struct spool *spool)
{
	return spool->shared_files;
}

void spool_note_recorded(struct spool *spool)
{
	int fd;

	if (!spool->has_retries || clock_ms() < spool->note_after_ms)
		return;
	spool->note_after_ms = clock_ms() + NOTE_MS;
	fd = openat(spool->dir_fd, "recorded",
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || futimens(fd, NULL))
		log_write(LOG_DEBUG, "spool_recorded_not_noted", NULL);
	if (fd >= 0) {
		spool_give_to_owner(spool, fd);
		close(fd);
	}
}

/* Did the database record anything after this time? */
static bool was_recorded_after(const struct spool *spool, int64_t us)
{
	struct stat facts;

	return fstatat(spool->dir_fd, "recorded", &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (int64_t)facts.st_mtim.tv_sec * 1000000 + facts.st_mtim.tv_nsec / 1000 > us;
}

/* The source is a retry file already: its name counts the failures. */
static enum err rename_retry(struct spool *spool, bool *is_set_aside)
{
	struct buf name = { 0 };
	int64_t failed_us;
	int failures;
	enum err err = ERR_NONE;

	spool_read_retry_name(spool->source.name, &failed_us, &failures);
	if (failures == 0 || (failures < 9 && was_recorded_after(spool, failed_us)))
		failures++;
	*is_set_aside = failures >= ASIDE_AFTER;
	retry_name(&name, failures);
	if (*is_set_aside) {
		name.len -= 6;
		buf_add_text(&name, ".aside");
	}
	if (renameat(spool->dir_fd, spool->source.name, spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd))
		err = log_not_deferred();
	spool_file_close(&spool->source);
	spool->source_is_damaged = false; /* the next read finds it again */
	buf_done(&name);
	return err;
}

enum err spool_defer(struct spool *spool, bool *is_set_aside)
{
	*is_set_aside = false;
	if (spool->source.fd < 0)
		return ERR_BUSY;
	spool->has_retries = true;
	spool->retry_after_ms = clock_ms() + spool->retry_ms;
	return spool_is_retry(spool->source.name) ? rename_retry(spool, is_set_aside)
						  : spool_copy_to_retry(spool, 1);
}

enum err spool_aside_each(struct spool *spool, spool_aside_sink *each, void *user)
{
	size_t count;
	char **names;
	enum err err = spool_list(spool, spool_is_aside, &names, &count);

	if (count > 1)
		qsort(names, count, sizeof(*names), spool_by_age);
	for (size_t i = 0; i < count; i++) {
		struct stat facts;
		struct spool_file file = { .fd = spool_open_file(spool, names[i], O_RDONLY,
								 &facts) };
		size_t len = 0;

		if (file.fd >= 0 && facts.st_size > SPOOL_HEAD_BYTES) {
			file.size = facts.st_size;
			buf_clear(&spool->in);
			buf_need(&spool->in, (size_t)file.size);
			if (pread(file.fd, spool->in.at, (size_t)file.size, 0) == file.size) {
				memcpy(file.salt, spool->in.at + SPOOL_SALT_AT, SPOOL_SALT_BYTES);
				len = spool_record_length(&file, spool->in.at + SPOOL_HEAD_BYTES,
							  (size_t)file.size - SPOOL_HEAD_BYTES);
			}
		}
		if (len) {
			struct callback cb;
			enum spool_kind kind;

			spool_read_record(spool->in.at + SPOOL_HEAD_BYTES, len, &cb, &kind);
			each(user, names[i], &cb);
		}
		spool_file_close(&file);
	}
	spool_list_free(names, count);
	return err;
}

enum err spool_aside_retry(struct spool *spool, struct str name)
{
	struct buf old = { 0 }, new = { 0 };
	enum err err = ERR_ABSENT;

	buf_add_str(&old, name);
	if (spool_is_aside(buf_text(&old)) && spool_is_retry(buf_text(&old)) &&
	    !memchr(name.at, '/', name.len)) {
		buf_addf(&new, "callbacks-%.*s.spool", (int)(name.len - 12), name.at + 6);
		if (renameat(spool->dir_fd, buf_text(&old), spool->dir_fd, buf_text(&new)) == 0)
			err = fsync(spool->dir_fd) ? ERR_BUSY : ERR_NONE;
		else if (errno != ENOENT)
			err = ERR_BUSY;
	}
	buf_done(&old);
	buf_done(&new);
	return err;
}
