/* SPDX-License-Identifier: ISC */
/* The folder of the spool: which files are ours, how they are listed, made, locked, counted. */
#include "ledger/spool_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* No file of ours is larger: a writer adds one more batch to a file of SPOOL_FILE_MAX, and
   batch_max_bytes limits a batch to 256 MiB. */
static const int64_t file_limit = SPOOL_FILE_MAX + 320LL * 1024 * 1024;

enum err spool_log_unusable(const char *path)
{
	log_write(LOG_ERROR, "spool_unusable",
		  (struct log_field[]){ log_text("path", path), log_text("why", strerror(errno)),
					log_end() });
	return ERR_FAULT;
}

/* A command that root runs must not leave files that the receiver cannot write. A user who can
   write to the folder may have put a hard link to another user's file there: a file with two
   names keeps its owner. */
void spool_give_to_owner(const struct spool *spool, int fd)
{
	struct stat facts, file;

	if (geteuid() == 0 && fstat(spool->dir_fd, &facts) == 0 && fstat(fd, &file) == 0 &&
	    S_ISREG(file.st_mode) && file.st_nlink == 1 && fchown(fd, facts.st_uid, facts.st_gid))
		log_write(LOG_WARN, "spool_owner",
			  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
}

void spool_file_close(struct spool_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->name);
	*file = (struct spool_file){ .fd = -1 };
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), tail = strlen(end);

	return len > tail && strcmp(name + len - tail, end) == 0;
}

bool spool_is_spool_file(const char *name)
{
	return ends_with(name, ".spool");
}

bool spool_is_unverified(const char *name)
{
	return strncmp(name, "unverified-", 11) == 0;
}

bool spool_is_retry(const char *name)
{
	return strncmp(name, "retry-", 6) == 0;
}

bool spool_is_aside(const char *name)
{
	return ends_with(name, ".aside");
}

static bool is_spool_or_aside(const char *name)
{
	return spool_is_spool_file(name) || spool_is_aside(name);
}

/* A user who can write to the folder can put anything there. NULL: the file may be ours. */
static const char *why_not_ours(const struct spool *spool, const struct stat *file)
{
	struct stat folder;

	if (!S_ISREG(file->st_mode))
		return "it is no file";
	if (file->st_uid != geteuid() &&
	    !(fstat(spool->dir_fd, &folder) == 0 && file->st_uid == folder.st_uid))
		return "it belongs to another user";
	if (file->st_size > file_limit)
		return "it is larger than any of ours";
	return NULL;
}

static void log_not_ours(const char *name, const char *why)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "spool_not_ours",
			  (struct log_field[]){ log_text("file", name), log_text("why", why),
						log_end() });
}

int spool_open_file(const struct spool *spool, const char *name, int flags, struct stat *facts)
{
	int fd = openat(spool->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why = NULL;

	if (fd < 0 && errno != ENOENT)
		why = errno == ELOOP ? "it is a link" : strerror(errno);
	else if (fd >= 0)
		why = fstat(fd, facts) ? strerror(errno) : why_not_ours(spool, facts);
	if (!why)
		return fd;
	log_not_ours(name, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

enum err spool_list(const struct spool *spool, bool (*wanted)(const char *), char ***names,
		    size_t *count)
{
	static struct log_gate gate;
	int fd = openat(spool->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	*names = NULL;
	*count = 0;
	if (!dir) {
		if (log_gate_passes(&gate, 1))
			(void)spool_log_unusable(spool->dir);
		if (fd >= 0)
			close(fd);
		return ERR_FAULT;
	}
	while ((entry = readdir(dir))) {
		if (!wanted(entry->d_name))
			continue;
		*names = mem_grow(*names, *count + 1, sizeof(**names));
		(*names)[(*count)++] = mem_dup(str_of(entry->d_name));
	}
	closedir(dir);
	return ERR_NONE;
}

/* Behind the first hyphen of a name is the time at which the file was made. */
int spool_by_age(const void *a, const void *b)
{
	const char *left = strchr(*(char *const *)a, '-'), *right = strchr(*(char *const *)b, '-');

	return strcmp(left ? left : "", right ? right : "");
}

void spool_list_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

enum err spool_sizes(const struct spool *spool, int64_t *all, int64_t *unverified)
{
	size_t count;
	char **names;
	enum err err = spool_list(spool, is_spool_or_aside, &names, &count);

	*all = *unverified = 0;
	for (size_t i = 0; i < count; i++) {
		struct stat facts;

		if (fstatat(spool->dir_fd, names[i], &facts, AT_SYMLINK_NOFOLLOW) ||
		    why_not_ours(spool, &facts))
			continue;
		*all += facts.st_size;
		if (spool_is_unverified(names[i]))
			*unverified += facts.st_size;
	}
	spool_list_free(names, count);
	return err;
}

bool spool_claim(const struct spool *spool, const char *name, struct spool_file *file)
{
	struct stat facts, named;
	int fd = spool_open_file(spool, name, O_RDWR, &facts);

	if (fd < 0)
		return false;
	/* Another process may have drained and removed it before we got the lock. */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &facts) || why_not_ours(spool, &facts) ||
	    fstatat(spool->dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) ||
	    named.st_ino != facts.st_ino) {
		close(fd);
		return false;
	}
	*file = (struct spool_file){ .fd = fd,
				     .name = mem_dup(str_of(name)),
				     .size = facts.st_size };
	if (pread(fd, file->salt, SPOOL_SALT_BYTES, SPOOL_SALT_AT) != SPOOL_SALT_BYTES)
		mem_wipe(file->salt, SPOOL_SALT_BYTES); /* then no record fits its digest */
	return true;
}

bool spool_write_all(int fd, const char *at, size_t len, int64_t offset)
{
	while (len) {
		ssize_t put = pwrite(fd, at, len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		at += put;
		len -= (size_t)put;
		offset += put;
	}
	return true;
}

/* Makes and locks the file under a name that no drain reads, then renames it. A drain that finds
   an empty, unlocked file removes it, because it looks drained. */
enum err spool_create_file(struct spool *spool, const char *prefix, struct spool_file *file)
{
	struct buf name = { 0 }, hidden = { 0 };
	unsigned char tail[4];
	enum err err = ERR_BUSY;
	char head[SPOOL_HEAD_BYTES] = { 0 };
	int why;

	memcpy(head, spool_file_magic, SPOOL_MAGIC_BYTES);
	head[SPOOL_SALT_AT - 1] = SPOOL_HEAD_BYTES;
	crypto_random(file->salt, SPOOL_SALT_BYTES);
	memcpy(head + SPOOL_SALT_AT, file->salt, SPOOL_SALT_BYTES);
	crypto_random(tail, sizeof(tail));
	buf_addf(&name, "%s%016llx-%ld-", prefix, (unsigned long long)clock_now_us(),
		 (long)getpid());
	buf_add_hex(&name, tail, sizeof(tail));
	buf_addf(&hidden, "%s.new", buf_text(&name));
	buf_add_text(&name, ".spool");
	file->fd = openat(spool->dir_fd, buf_text(&hidden),
			  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0)
		goto done;
	file->name = mem_dup(buf_str(&name));
	file->size = SPOOL_HEAD_BYTES;
	spool_give_to_owner(spool, file->fd);
	/* Without syncing the folder, the file may have no name after a crash. */
	if (flock(file->fd, LOCK_EX | LOCK_NB) ||
	    !spool_write_all(file->fd, head, SPOOL_HEAD_BYTES, 0) ||
	    renameat(spool->dir_fd, buf_text(&hidden), spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd)) {
		why = errno;
		unlinkat(spool->dir_fd, buf_text(&hidden), 0);
		unlinkat(spool->dir_fd, buf_text(&name), 0);
		spool_file_close(file);
		errno = why;
		goto done;
	}
	err = ERR_NONE;
done:
	buf_done(&name);
	buf_done(&hidden);
	return err;
}

int64_t spool_drained_to(const struct spool_file *file)
{
	char head[SPOOL_HEAD_BYTES];
	int64_t at;

	if (pread(file->fd, head, SPOOL_HEAD_BYTES, 0) != SPOOL_HEAD_BYTES ||
	    memcmp(head, spool_file_magic, SPOOL_MAGIC_BYTES) != 0)
		return SPOOL_HEAD_BYTES;
	at = spool_i64(head + SPOOL_MAGIC_BYTES);
	return at >= SPOOL_HEAD_BYTES && at <= file->size ? at : SPOOL_HEAD_BYTES;
}

static void count_file(const struct spool *spool, const char *name, struct spool_status *status)
{
	struct stat facts;
	struct spool_file file = { .fd = spool_open_file(spool, name, O_RDONLY, &facts) };
	char head[SPOOL_FIXED_BYTES];

	if (file.fd < 0)
		return;
	file.size = facts.st_size;
	status->files += !spool_is_aside(name);
	for (int64_t at = spool_drained_to(&file); at + SPOOL_FIXED_BYTES <= file.size;) {
		int64_t received;

		if (pread(file.fd, head, SPOOL_FIXED_BYTES, (off_t)at) != SPOOL_FIXED_BYTES ||
		    spool_u32(head) != spool_record_magic ||
		    spool_u32(head + 4) < SPOOL_FIXED_BYTES)
			break;
		if (at + (int64_t)spool_u32(head + 4) > file.size)
			break;
		received = spool_i64(head + 12);
		if (!status->oldest_us || received < status->oldest_us)
			status->oldest_us = received;
		status->records += !spool_is_aside(name);
		status->aside_records += spool_is_aside(name);
		status->bytes += spool_u32(head + 4);
		if (spool_is_unverified(name)) {
			status->unverified_records++;
			status->unverified_bytes += spool_u32(head + 4);
		}
		at += spool_u32(head + 4);
	}
	spool_file_close(&file);
}

static bool is_damaged(const char *name)
{
	return ends_with(name, ".damaged");
}

enum err spool_count(struct spool *spool, struct spool_status *status)
{
	struct spool_status sum = { 0 };
	size_t count;
	char **names;
	enum err err = spool_list(spool, is_spool_or_aside, &names, &count);

	for (size_t i = 0; i < count; i++)
		count_file(spool, names[i], &sum);
	spool_list_free(names, count);
	if (!err)
		err = spool_list(spool, is_damaged, &names, &count);
	if (err)
		return err;
	sum.damaged_files = (int64_t)count;
	spool_list_free(names, count);
	*status = sum;
	return ERR_NONE;
}
