/* SPDX-License-Identifier: ISC */
#include "ledger/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "ledger/callback.h"
#include "ledger/spool_internal.h"

enum {
	SHARED_MAX = 1024 * 1024, /* a plain CGI process does not append to a larger file */
	RETRY_MS = 10000,	  /* the first wait of a record that failed alone */
};

static bool open_folder(struct spool *spool)
{
	spool->dir_fd = open(spool->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->dir_fd < 0)
		return false;
	spool->lock_fd = openat(spool->dir_fd, "lock",
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (spool->lock_fd >= 0)
		spool_give_to_owner(spool, spool->lock_fd);
	return spool->lock_fd >= 0;
}

enum err spool_open(struct spool **out, const struct spool_options *options)
{
	struct spool *spool;
	enum err err = ERR_NONE;
	struct buf path = { 0 };

	if (!options->dir || (mkdir(options->dir, 0700) && errno != EEXIST))
		return spool_log_unusable(options->dir ? options->dir : "(spool_dir is not set)");
	spool = mem_zero(1, sizeof(*spool));
	spool->dir = mem_dup(str_of(options->dir));
	spool->max_bytes = options->max_bytes;
	spool->unverified_max_bytes = options->unverified_max_bytes;
	spool->shared_files = options->shared_files;
	spool->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
	spool->retry_before_us = options->retry_now ? clock_now_us() : 0;
	/* a CGI process may record something before it reads the folder */
	spool->has_retries = options->shared_files;
	spool->verified.fd = spool->unverified.fd = spool->source.fd = spool->lock_fd =
		spool->dir_fd = -1;
	buf_addf(&path, "%s/keyring", options->dir);
	spool->keyring_path = mem_dup(buf_str(&path));
	buf_done(&path);
	if (!open_folder(spool))
		err = spool_log_unusable(options->dir);
	if (err)
		spool_close(spool);
	else
		*out = spool;
	return err;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	spool_file_close(&spool->verified);
	spool_file_close(&spool->unverified);
	spool_file_close(&spool->source);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	free(spool->dir);
	free(spool->keyring_path);
	buf_done(&spool->out);
	buf_done(&spool->in);
	free(spool);
}

const char *spool_keyring_path(const struct spool *spool)
{
	return spool->keyring_path;
}

/* Where the whole records of a file end that another process wrote. */
static int64_t valid_end(struct spool *spool, const struct spool_file *file)
{
	int64_t at = SPOOL_HEAD_BYTES;
	size_t len;

	if (file->size < SPOOL_HEAD_BYTES)
		return 0;
	buf_clear(&spool->in);
	buf_need(&spool->in, (size_t)file->size);
	if (pread(file->fd, spool->in.at, (size_t)file->size, 0) != file->size ||
	    memcmp(spool->in.at, spool_file_magic, SPOOL_MAGIC_BYTES) != 0)
		return 0;
	while ((len = spool_record_length(file, spool->in.at + at, (size_t)(file->size - at))) > 0)
		at += (int64_t)len;
	return at;
}

/* Plain CGI: takes a file that another CGI process has left. Without this, a thousand
   callbacks make a thousand files. */
static bool reuse_file(struct spool *spool, const char *prefix, struct spool_file *file)
{
	size_t count;
	char **names;
	bool found = false;

	spool_list(spool, spool_is_spool_file, &names, &count);
	for (size_t i = 0; i < count && !found; i++) {
		if (strncmp(names[i], prefix, strlen(prefix)) != 0 ||
		    !spool_claim(spool, names[i], file))
			continue;
		/* The drain reads a file with an unreadable part: acknowledged records may be
		   behind it. */
		if (file->size >= SPOOL_HEAD_BYTES && file->size <= SHARED_MAX)
			found = valid_end(spool, file) == file->size;
		if (!found)
			spool_file_close(file);
	}
	spool_list_free(names, count);
	return found;
}

/* An operator may have removed the file. No process would read what we append to it. */
static bool has_name(const struct spool_file *file)
{
	struct stat facts;

	return fstat(file->fd, &facts) == 0 && facts.st_nlink > 0;
}

static enum err file_for(struct spool *spool, bool unverified, struct spool_file **out)
{
	struct spool_file *file = unverified ? &spool->unverified : &spool->verified;
	const char *prefix = unverified ? "unverified-" : "callbacks-";
	enum err err = ERR_NONE;

	if (file->fd >= 0 && (file->size > SPOOL_FILE_MAX || !has_name(file)))
		spool_file_close(file);
	if (file->fd < 0 && !(spool->shared_files && reuse_file(spool, prefix, file)))
		err = spool_create_file(spool, prefix, file);
	*out = file;
	return err;
}

/* Removes what a failed write has left, so that it is never drained: the sender got 503, and
   repeating it is the sender's decision. */
static void undo_append(struct spool_file *file)
{
	if (ftruncate(file->fd, (off_t)file->size)) {
		log_write(LOG_ERROR, "spool_not_truncated",
			  (struct log_field[]){ log_text("file", file->name),
						log_text("why", strerror(errno)), log_end() });
	}
	spool_file_close(file);
}

static bool has_room(const struct spool *spool, bool unverified, int64_t more)
{
	int64_t all, of_unverified;

	if (spool_sizes(spool, &all, &of_unverified))
		return true; /* making the file fails too, and its error is the better message */
	return all + more <= spool->max_bytes &&
	       (!unverified || of_unverified + more <= spool->unverified_max_bytes);
}

/* An operator removed the folder, or replaced it. No process would read what we write to the
   old one. */
static bool is_folder_gone(const struct spool *spool)
{
	struct stat ours, named;

	return fstat(spool->dir_fd, &ours) || stat(spool->dir, &named) ||
	       ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
}

/* The file that is being drained stays open: its descriptor is still good. */
static bool reopen_folder(struct spool *spool)
{
	spool_file_close(&spool->verified);
	spool_file_close(&spool->unverified);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	spool->lock_fd = spool->dir_fd = -1;
	if (mkdir(spool->dir, 0700) && errno != EEXIST)
		return false;
	return open_folder(spool);
}

/* Waits for the lock that a process needs to append. false: there is no folder, and errno says
   why. */
static bool lock_folder(struct spool *spool)
{
	if (is_folder_gone(spool) && !reopen_folder(spool))
		return false;
	return fd_lock(spool->lock_fd);
}

static enum err refuse(const char *why, size_t count)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_ERROR, "spool_refused",
			  (struct log_field[]){ log_text("why", why),
						log_num("callbacks", (int64_t)count), log_end() });
	return ERR_BUSY;
}

enum err spool_append(struct spool *spool, enum spool_kind kind,
		      const struct callback *const *callbacks, size_t count)
{
	bool unverified = kind == SPOOL_UNVERIFIED, room;
	struct spool_file *file = NULL;
	enum err err = ERR_BUSY;
	int why;

	buf_clear(&spool->out);
	for (size_t i = 0; i < count; i++) {
		/* the format has two bytes for its length; our addresses are far shorter */
		if (callbacks[i]->address.len > UINT16_MAX)
			return ERR_INPUT;
		spool_write_record(&spool->out, kind, callbacks[i]);
	}
	if (!lock_folder(spool))
		return refuse(strerror(errno), count);
	room = has_room(spool, unverified, (int64_t)spool->out.len);
	if (room)
		err = file_for(spool, unverified, &file);
	why = errno;
	if (!err) {
		spool_write_checks(&spool->out, file->salt);
		if (!spool_write_all(file->fd, spool->out.at, spool->out.len, file->size)) {
			why = errno;
			undo_append(file);
			err = ERR_BUSY;
		}
	}
	flock(spool->lock_fd, LOCK_UN);
	if (!err && fdatasync(file->fd)) {
		why = errno;
		undo_append(file);
		err = ERR_BUSY;
	}
	if (err)
		return refuse(room ? strerror(why) : "its limit is reached", count);
	file->size += (int64_t)spool->out.len;
	if (spool->out.cap > SPOOL_FILE_MAX / 4)
		buf_done(&spool->out);
	/* The next CGI process may reuse the file; this one answers only one request. */
	if (spool->shared_files)
		spool_file_close(file);
	return ERR_NONE;
}
