/* SPDX-License-Identifier: ISC */
/* Files of the folder:
     lock                     held while the total is looked at and added to
     callbacks-*.spool        judged callbacks, and signed ones that are no event
     unjudged-*.spool         callbacks that came before any secret was known
     again-*.spool            one record each, which failed alone, or is dear and let others pass
     *.aside                  one record each, which failed alone again and again
     recorded                 empty; was changed when the database last recorded something
     *.damaged                files with an unreadable part, kept for a person
   What is no file of ours under such a name (a pipe, a link, a folder, somebody
   else's, larger than we write any) is left alone, and said.
   A file is a head (magic, how far it has been drained, a salt) and records. A
   record is its length, its fields and the first bytes of a salted SHA-256 over
   all of it: a record that was being written when the machine stopped does not
   fit its digest, was never acknowledged, and is passed over. The salt keeps a
   sender from putting a record of his own into a body, for the search behind an
   unreadable part to find. */
#include "ledger/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "ledger/callback.h"

enum {
	MAGIC_BYTES = 8,
	SALT_BYTES = 16,
	SALT_AT = MAGIC_BYTES + 8, /* behind how far it is drained */
	HEAD_BYTES = SALT_AT + SALT_BYTES,
	FIXED_BYTES = 4 + 4 + 1 + 1 + 2 + 8 + 8 + 8 + MAC_BYTES, /* in front of address and body */
	CHECK_BYTES = 8,
	RECORD_MAX = 128 * 1024 * 1024, /* above any body_max_bytes */
	SHARED_MAX = 1024 * 1024,	/* a plain CGI process looks for another file above this */
	POSTPONE_MS = 10000,
	FILE_MAX = 64 * 1024 * 1024, /* a writer starts a new file above this */
	AGAIN_MS = 10000,	     /* the first wait of a record that failed alone */
	DEAR_MIN =
		65536, /* callback_cost() of a record that lets others pass: a tenth of a second */
	BEHIND_MOST =
		8, /* so many records are put behind before one is given: each costs two syncs */
	ASIDE_AFTER = 3, /* failures, with others recorded between them */
	NOTE_MS = 100,	 /* so often is it noted that something was recorded */
};

/* The largest file that may be one of ours: the last batch comes on top, which
   batch_max_bytes limits to 256 MiB. */
static const int64_t file_limit = FILE_MAX + 320LL * 1024 * 1024;

static const char file_magic[MAGIC_BYTES + 1] = "HLSPOOL1";
static const uint32_t record_magic = 0x484c5245; /* "HLRE" */

/* A file that this process holds the lock of. */
struct file {
	int fd; /* -1: none */
	char *name;
	int64_t size;
	unsigned char salt[SALT_BYTES];
};

struct spool {
	char *dir, *keyring_path;
	int64_t max_bytes, unjudged_max_bytes;
	bool shared_files;
	int dir_fd, lock_fd;
	struct file verdict, unjudged;	/* being appended to */
	struct file source;		/* being drained */
	int64_t source_at, source_next; /* records before source_at are settled */
	bool source_is_damaged;
	int64_t unjudged_after_ms;			 /* clock_ms() */
	int64_t again_ms, again_after_ms, note_after_ms; /* the latter two by clock_ms() */
	int64_t again_before_us; /* by hand: those that failed before this are due; else 0 */
	bool has_again;		 /* records of again-* were seen or made */
	int behind;		 /* so many were put behind since one was given */
	struct buf out, in;
};

/* ---- opening */

static enum err unusable(const char *path)
{
	log_write(LOG_ERROR, "spool_unusable",
		  (struct log_field[]){ log_text("path", path), log_text("why", strerror(errno)),
					log_end() });
	return ERR_FAULT;
}

/* A command run by root must not leave files that the receiver cannot write:
   what is made belongs to the owner of the folder. Who may write there may have
   put a second name of somebody else's file in our way: that is not given away. */
static void give_to_owner(const struct spool *spool, int fd)
{
	struct stat facts, file;

	if (geteuid() == 0 && fstat(spool->dir_fd, &facts) == 0 && fstat(fd, &file) == 0 &&
	    S_ISREG(file.st_mode) && file.st_nlink == 1 && fchown(fd, facts.st_uid, facts.st_gid))
		log_write(LOG_WARN, "spool_owner",
			  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
}

static bool open_folder(struct spool *spool)
{
	spool->dir_fd = open(spool->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->dir_fd < 0)
		return false;
	spool->lock_fd = openat(spool->dir_fd, "lock",
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (spool->lock_fd >= 0)
		give_to_owner(spool, spool->lock_fd);
	return spool->lock_fd >= 0;
}

enum err spool_open(struct spool **out, const struct spool_options *options)
{
	struct spool *spool;
	enum err err = ERR_NONE;
	struct buf path = { 0 };

	if (!options->dir || (mkdir(options->dir, 0700) && errno != EEXIST))
		return unusable(options->dir ? options->dir : "(spool_dir is not set)");
	spool = mem_zero(1, sizeof(*spool));
	spool->dir = mem_dup(str_of(options->dir));
	spool->max_bytes = options->max_bytes;
	spool->unjudged_max_bytes = options->unjudged_max_bytes;
	spool->shared_files = options->shared_files;
	spool->again_ms = options->again_ms > 0 ? options->again_ms : AGAIN_MS;
	spool->again_before_us = options->again_now ? clock_now_us() : 0;
	/* a short process has not looked when it records */
	spool->has_again = options->shared_files;
	spool->verdict.fd = spool->unjudged.fd = spool->source.fd = spool->lock_fd = spool->dir_fd =
		-1;
	buf_addf(&path, "%s/keyring", options->dir);
	spool->keyring_path = mem_dup(buf_str(&path));
	buf_done(&path);
	if (!open_folder(spool))
		err = unusable(options->dir);
	if (err)
		spool_close(spool);
	else
		*out = spool;
	return err;
}

static void file_close(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->name);
	*file = (struct file){ .fd = -1 };
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	file_close(&spool->verdict);
	file_close(&spool->unjudged);
	file_close(&spool->source);
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

/* ---- the folder */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), tail = strlen(end);

	return len > tail && strcmp(name + len - tail, end) == 0;
}

static bool is_spool_file(const char *name)
{
	return ends_with(name, ".spool");
}

static bool is_unjudged(const char *name)
{
	return strncmp(name, "unjudged-", 9) == 0;
}

static bool is_again(const char *name)
{
	return strncmp(name, "again-", 6) == 0;
}

static bool is_aside(const char *name)
{
	return ends_with(name, ".aside");
}

static bool is_kept(const char *name)
{
	return is_spool_file(name) || is_aside(name);
}

/* Whoever may write to the folder can put anything there. NULL: it is a file as
   we write them. */
static const char *what_is_odd(const struct spool *spool, const struct stat *file)
{
	struct stat folder;

	if (!S_ISREG(file->st_mode))
		return "it is no file";
	if (file->st_uid != geteuid() &&
	    !(fstat(spool->dir_fd, &folder) == 0 && file->st_uid == folder.st_uid))
		return "it belongs to somebody else";
	if (file->st_size > file_limit)
		return "it is larger than any of ours";
	return NULL;
}

static void say_odd(const char *name, const char *why)
{
	static struct log_gate gate;

	if (log_gate_passes(&gate, 1))
		log_write(LOG_WARN, "spool_not_ours",
			  (struct log_field[]){ log_text("file", name), log_text("why", why),
						log_end() });
}

/* -1: it is none of ours, or gone. Never waits, as one that opens a pipe would. */
static int open_ours(const struct spool *spool, const char *name, int flags, struct stat *facts)
{
	int fd = openat(spool->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why = NULL;

	if (fd < 0 && errno != ENOENT)
		why = errno == ELOOP ? "it is a link" : strerror(errno);
	else if (fd >= 0)
		why = fstat(fd, facts) ? strerror(errno) : what_is_odd(spool, facts);
	if (!why)
		return fd;
	say_odd(name, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* All names that `wanted` takes, in no order, into *names, which free_list() frees.
   ERR_FAULT: the folder cannot be read, and there are none. */
static enum err list(const struct spool *spool, bool (*wanted)(const char *), char ***names,
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
			(void)unusable(spool->dir);
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

/* Names have the time at which they were made behind the first hyphen. */
static int by_age(const void *a, const void *b)
{
	const char *left = strchr(*(char *const *)a, '-'), *right = strchr(*(char *const *)b, '-');

	return strcmp(left ? left : "", right ? right : "");
}

static void free_list(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static enum err sizes(const struct spool *spool, int64_t *all, int64_t *unjudged)
{
	size_t count;
	char **names;
	enum err err = list(spool, is_kept, &names, &count);

	*all = *unjudged = 0;
	for (size_t i = 0; i < count; i++) {
		struct stat facts;

		if (fstatat(spool->dir_fd, names[i], &facts, AT_SYMLINK_NOFOLLOW) ||
		    what_is_odd(spool, &facts))
			continue;
		*all += facts.st_size;
		if (is_unjudged(names[i]))
			*unjudged += facts.st_size;
	}
	free_list(names, count);
	return err;
}

/* Opens and locks a file of the folder; false when another process has it. */
static bool claim(const struct spool *spool, const char *name, struct file *file)
{
	struct stat facts, named;
	int fd = open_ours(spool, name, O_RDWR, &facts);

	if (fd < 0)
		return false;
	/* It may have been drained and removed between the listing and the lock. */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &facts) || what_is_odd(spool, &facts) ||
	    fstatat(spool->dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) ||
	    named.st_ino != facts.st_ino) {
		close(fd);
		return false;
	}
	*file = (struct file){ .fd = fd, .name = mem_dup(str_of(name)), .size = facts.st_size };
	if (pread(fd, file->salt, SALT_BYTES, SALT_AT) != SALT_BYTES)
		mem_wipe(file->salt, SALT_BYTES); /* no record fits it then */
	return true;
}

/* ---- records */

static uint32_t u32_at(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t i64_at(const char *at)
{
	return (int64_t)((uint64_t)u32_at(at) << 32 | u32_at(at + 4));
}

static void check_of(const unsigned char salt[SALT_BYTES], struct str record,
		     unsigned char check[CHECK_BYTES])
{
	unsigned char both[SALT_BYTES + DIGEST_BYTES], digest[DIGEST_BYTES];

	memcpy(both, salt, SALT_BYTES);
	crypto_digest(record, both + SALT_BYTES);
	crypto_digest((struct str){ (const char *)both, sizeof(both) }, digest);
	memcpy(check, digest, CHECK_BYTES);
}

/* Without its check: that needs to know the file. */
static void write_record(struct buf *out, enum spool_kind kind, const struct callback *cb)
{
	size_t len = FIXED_BYTES + cb->address.len + cb->body.len + CHECK_BYTES;

	buf_add_u32(out, record_magic);
	buf_add_u32(out, (uint32_t)len);
	buf_add_char(out, (char)kind);
	buf_add_char(out, (char)cb->reason);
	buf_add_u16(out, (uint16_t)cb->address.len);
	buf_add_u64(out, (uint64_t)cb->received_us);
	buf_add_u64(out, (uint64_t)cb->endpoint_id);
	buf_add_u64(out, (uint64_t)cb->secret_id);
	buf_add(out, cb->signature, MAC_BYTES);
	buf_add_str(out, cb->address);
	buf_add_str(out, cb->body);
	buf_add(out, "\0\0\0\0\0\0\0", CHECK_BYTES);
}

static void write_checks(struct buf *out, const unsigned char salt[SALT_BYTES])
{
	for (size_t at = 0, len; at < out->len; at += len) {
		len = u32_at(out->at + at + 4);
		check_of(salt, (struct str){ out->at + at, len - CHECK_BYTES },
			 (unsigned char *)out->at + at + len - CHECK_BYTES);
	}
}

/* Length of the whole record at `at` if it is one, else 0. */
static size_t record_at(const struct file *file, const char *at, size_t left)
{
	unsigned char check[CHECK_BYTES];
	size_t len;

	if (left < FIXED_BYTES + CHECK_BYTES || u32_at(at) != record_magic)
		return 0;
	len = u32_at(at + 4);
	if (len < FIXED_BYTES + CHECK_BYTES || len > left)
		return 0;
	check_of(file->salt, (struct str){ at, len - CHECK_BYTES }, check);
	return memcmp(at + len - CHECK_BYTES, check, CHECK_BYTES) == 0 ? len : 0;
}

static void read_record(const char *at, size_t len, struct callback *cb, enum spool_kind *kind)
{
	size_t address_len = (size_t)(unsigned char)at[10] << 8 | (unsigned char)at[11];

	*cb = (struct callback){ 0 };
	*kind = (enum spool_kind)at[8];
	cb->reason = (enum reason)at[9];
	cb->received_us = i64_at(at + 12);
	cb->endpoint_id = i64_at(at + 20);
	cb->secret_id = i64_at(at + 28);
	memcpy(cb->signature, at + 36, MAC_BYTES);
	if (address_len > len - FIXED_BYTES - CHECK_BYTES)
		address_len = 0;
	cb->address = (struct str){ at + FIXED_BYTES, address_len };
	cb->body = (struct str){ at + FIXED_BYTES + address_len,
				 len - FIXED_BYTES - address_len - CHECK_BYTES };
}

/* ---- appending */

static bool write_all(int fd, const char *at, size_t len, int64_t offset)
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

/* Where the whole records of a file that somebody else wrote end. */
static int64_t valid_end(struct spool *spool, const struct file *file)
{
	int64_t at = HEAD_BYTES;
	size_t len;

	if (file->size < HEAD_BYTES)
		return 0;
	buf_clear(&spool->in);
	buf_need(&spool->in, (size_t)file->size);
	if (pread(file->fd, spool->in.at, (size_t)file->size, 0) != file->size ||
	    memcmp(spool->in.at, file_magic, MAGIC_BYTES) != 0)
		return 0;
	while ((len = record_at(file, spool->in.at + at, (size_t)(file->size - at))) > 0)
		at += (int64_t)len;
	return at;
}

/* Plain CGI: a file that another such process has left, so that a thousand
   callbacks do not make a thousand files. */
static bool reuse_file(struct spool *spool, const char *prefix, struct file *file)
{
	size_t count;
	char **names;
	bool found = false;

	(void)list(spool, is_spool_file, &names, &count);
	for (size_t i = 0; i < count && !found; i++) {
		if (strncmp(names[i], prefix, strlen(prefix)) != 0 || !claim(spool, names[i], file))
			continue;
		/* One with an unreadable part is left to the drain: behind that
		   part there may be records that were acknowledged. */
		if (file->size >= HEAD_BYTES && file->size <= SHARED_MAX)
			found = valid_end(spool, file) == file->size;
		if (!found)
			file_close(file);
	}
	free_list(names, count);
	return found;
}

/* Made and locked under a name that no drainer looks at, and then renamed: one
   that met an empty, unlocked file would take it for drained and remove it
   while we write to it. On an error errno says why. */
static enum err create_file(struct spool *spool, const char *prefix, struct file *file)
{
	struct buf name = { 0 }, aside = { 0 };
	unsigned char tail[4];
	enum err err = ERR_BUSY;
	char head[HEAD_BYTES] = { 0 };
	int why;

	memcpy(head, file_magic, MAGIC_BYTES);
	head[SALT_AT - 1] = HEAD_BYTES;
	crypto_random(file->salt, SALT_BYTES);
	memcpy(head + SALT_AT, file->salt, SALT_BYTES);
	crypto_random(tail, sizeof(tail));
	buf_addf(&name, "%s%016llx-%ld-", prefix, (unsigned long long)clock_now_us(),
		 (long)getpid());
	buf_add_hex(&name, tail, sizeof(tail));
	buf_addf(&aside, "%s.new", buf_text(&name));
	buf_add_text(&name, ".spool");
	file->fd = openat(spool->dir_fd, buf_text(&aside),
			  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0)
		goto done;
	file->name = mem_dup(buf_str(&name));
	file->size = HEAD_BYTES;
	give_to_owner(spool, file->fd);
	/* The folder is synced too, or the file may have no name after a crash. */
	if (flock(file->fd, LOCK_EX | LOCK_NB) || !write_all(file->fd, head, HEAD_BYTES, 0) ||
	    renameat(spool->dir_fd, buf_text(&aside), spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd)) {
		why = errno;
		unlinkat(spool->dir_fd, buf_text(&aside), 0);
		unlinkat(spool->dir_fd, buf_text(&name), 0);
		file_close(file);
		errno = why;
		goto done;
	}
	err = ERR_NONE;
done:
	buf_done(&name);
	buf_done(&aside);
	return err;
}

/* Somebody may have tidied the folder up: nobody would ever read what we add then. */
static bool has_name(const struct file *file)
{
	struct stat facts;

	return fstat(file->fd, &facts) == 0 && facts.st_nlink > 0;
}

static enum err file_for(struct spool *spool, bool unjudged, struct file **out)
{
	struct file *file = unjudged ? &spool->unjudged : &spool->verdict;
	const char *prefix = unjudged ? "unjudged-" : "callbacks-";
	enum err err = ERR_NONE;

	if (file->fd >= 0 && (file->size > FILE_MAX || !has_name(file)))
		file_close(file);
	if (file->fd < 0 && !(spool->shared_files && reuse_file(spool, prefix, file)))
		err = create_file(spool, prefix, file);
	*out = file;
	return err;
}

/* Takes back what a failed write may have left, so that it is never drained:
   its sender was told 503 and will repeat, or not, as it likes. */
static void take_back(struct file *file)
{
	if (ftruncate(file->fd, (off_t)file->size)) {
		log_write(LOG_ERROR, "spool_not_truncated",
			  (struct log_field[]){ log_text("file", file->name),
						log_text("why", strerror(errno)), log_end() });
	}
	file_close(file);
}

static bool has_room(const struct spool *spool, bool unjudged, int64_t more)
{
	int64_t all, of_unjudged;

	if (sizes(spool, &all, &of_unjudged))
		return true; /* then no file can be made there either, and that tells why */
	return all + more <= spool->max_bytes &&
	       (!unjudged || of_unjudged + more <= spool->unjudged_max_bytes);
}

/* The folder was removed, or another one stands in its place: nobody would read what
   we write to it. */
static bool is_folder_gone(const struct spool *spool)
{
	struct stat ours, named;

	return fstat(spool->dir_fd, &ours) || stat(spool->dir, &named) ||
	       ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
}

/* What is being drained goes on: its descriptor is good. */
static bool open_again(struct spool *spool)
{
	file_close(&spool->verdict);
	file_close(&spool->unjudged);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	spool->lock_fd = spool->dir_fd = -1;
	if (mkdir(spool->dir, 0700) && errno != EEXIST)
		return false;
	return open_folder(spool);
}

/* Waits for this process's turn to append; false, and errno says why: there is none. */
static bool take_turn(struct spool *spool)
{
	if (is_folder_gone(spool) && !open_again(spool))
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
	bool unjudged = kind == SPOOL_UNJUDGED, room;
	struct file *file = NULL;
	enum err err = ERR_BUSY;
	int why;

	buf_clear(&spool->out);
	for (size_t i = 0; i < count; i++) {
		/* its length has two bytes; no address of ours comes near it */
		if (callbacks[i]->address.len > UINT16_MAX)
			return ERR_INPUT;
		write_record(&spool->out, kind, callbacks[i]);
	}
	if (!take_turn(spool))
		return refuse(strerror(errno), count);
	room = has_room(spool, unjudged, (int64_t)spool->out.len);
	if (room)
		err = file_for(spool, unjudged, &file);
	why = errno;
	if (!err) {
		write_checks(&spool->out, file->salt);
		if (!write_all(file->fd, spool->out.at, spool->out.len, file->size)) {
			why = errno;
			take_back(file);
			err = ERR_BUSY;
		}
	}
	flock(spool->lock_fd, LOCK_UN);
	if (!err && fdatasync(file->fd)) {
		why = errno;
		take_back(file);
		err = ERR_BUSY;
	}
	if (err)
		return refuse(room ? strerror(why) : "its limit is reached", count);
	file->size += (int64_t)spool->out.len;
	if (spool->out.cap > FILE_MAX / 4)
		buf_done(&spool->out);
	/* Others may have it next; this process answers one request only. */
	if (spool->shared_files)
		file_close(file);
	return ERR_NONE;
}

/* ---- draining */

static void finish_source(struct spool *spool)
{
	if (spool->source_is_damaged) {
		struct buf name = { 0 };

		buf_addf(&name, "%s.damaged", spool->source.name);
		if (renameat(spool->dir_fd, spool->source.name, spool->dir_fd, buf_text(&name)) ==
		    0)
			log_write(LOG_ERROR, "spool_file_damaged",
				  (struct log_field[]){ log_text("kept_as", buf_text(&name)),
							log_end() });
		buf_done(&name);
	} else {
		unlinkat(spool->dir_fd, spool->source.name, 0);
	}
	if (fsync(spool->dir_fd))
		log_write(LOG_WARN, "spool_not_synced", NULL);
	file_close(&spool->source);
	spool->source_is_damaged = false;
}

/* How far the head says it has been drained. */
static int64_t drained_to(const struct file *file)
{
	char head[HEAD_BYTES];
	int64_t at;

	if (pread(file->fd, head, HEAD_BYTES, 0) != HEAD_BYTES ||
	    memcmp(head, file_magic, MAGIC_BYTES) != 0)
		return HEAD_BYTES;
	at = i64_at(head + MAGIC_BYTES);
	return at >= HEAD_BYTES && at <= file->size ? at : HEAD_BYTES;
}

/* Own files first get detached from the writer, which begins a new one. */
static bool take_own(struct spool *spool, struct file *own, const char *name)
{
	if (own->fd < 0 || strcmp(own->name, name) != 0)
		return false;
	spool->source = *own;
	*own = (struct file){ .fd = -1 };
	return true;
}

/* Of one that failed alone: when, and how often with others recorded between; 0: it
   has not, it only let others pass. */
static void read_again_name(const char *name, int64_t *failed_us, int *failures)
{
	const char *dot = strchr(name, '.');

	*failed_us = strtoll(name + 6, NULL, 16);
	*failures = dot && dot[1] >= '0' && dot[1] <= '9' ? dot[1] - '0' : 1;
}

static bool is_due(const struct spool *spool, const char *name)
{
	int64_t failed_us;
	int failures;

	read_again_name(name, &failed_us, &failures);
	if (failures == 0)
		return true;
	if (spool->again_before_us)
		return failed_us < spool->again_before_us;
	if (clock_ms() < spool->again_after_ms)
		return false;
	/* also when the clock was set back */
	return failed_us > clock_now_us() ||
	       clock_now_us() - failed_us >= (spool->again_ms << (failures - 1)) * 1000;
}

static bool next_source(struct spool *spool)
{
	size_t count;
	char **names;
	bool found = false, has_again = false;

	(void)list(spool, is_spool_file, &names, &count);
	if (count > 1)
		qsort(names, count, sizeof(*names), by_age);
	for (size_t i = 0; i < count && !found; i++) {
		has_again = has_again || is_again(names[i]);
		if (is_again(names[i]) ||
		    (is_unjudged(names[i]) && clock_ms() < spool->unjudged_after_ms))
			continue;
		found = take_own(spool, &spool->verdict, names[i]) ||
			take_own(spool, &spool->unjudged, names[i]) ||
			claim(spool, names[i], &spool->source);
	}
	/* Behind all others, so that they are not waited for by anybody. */
	for (size_t i = 0; i < count && !found && has_again; i++)
		found = is_again(names[i]) && is_due(spool, names[i]) &&
			claim(spool, names[i], &spool->source);
	spool->has_again = spool->has_again || has_again;
	if (found)
		spool->source_at = spool->source_next = drained_to(&spool->source);
	free_list(names, count);
	return found;
}

/* Reads from source_at on until at least `want` bytes or the end are in. */
static size_t fill(struct spool *spool, size_t want)
{
	int64_t left = spool->source.size - spool->source_at;
	size_t most = left < (int64_t)want ? (size_t)(left > 0 ? left : 0) : want;
	ssize_t got;

	buf_clear(&spool->in);
	buf_need(&spool->in, most);
	got = pread(spool->source.fd, spool->in.at, most, (off_t)spool->source_at);
	spool->in.len = got > 0 ? (size_t)got : 0;
	return spool->in.len;
}

/* From something that is no record to the next that is one. Gives its offset
   in `in`, or the length of `in` when there is none: then it was the torn end. */
static size_t resync(struct spool *spool)
{
	for (size_t at = 1; at + FIXED_BYTES <= spool->in.len; at++)
		if (record_at(&spool->source, spool->in.at + at, spool->in.len - at))
			return at;
	return spool->in.len;
}

/* Is this what a writer leaves that was killed or lost its power: the first
   bytes of a record, or a part of the file that was never filled? Anything
   else was written whole once, and perhaps acknowledged. */
static bool is_torn(struct str rest)
{
	size_t zeros = 0;

	while (zeros < rest.len && rest.at[zeros] == '\0')
		zeros++;
	if (zeros == rest.len || rest.len < 8)
		return true;
	return u32_at(rest.at) == record_magic && u32_at(rest.at + 4) > rest.len &&
	       u32_at(rest.at + 4) <= RECORD_MAX;
}

/* Passes over an unreadable part at source_at; false when the file ends there. */
static bool pass_over(struct spool *spool)
{
	bool torn;
	size_t at;

	fill(spool, (size_t)(spool->source.size - spool->source_at));
	at = resync(spool);
	torn = at == spool->in.len && is_torn(buf_str(&spool->in));
	spool->source_is_damaged = spool->source_is_damaged || !torn;
	log_write(LOG_WARN, torn ? "spool_torn_end" : "spool_part_unreadable",
		  (struct log_field[]){ log_text("file", spool->source.name),
					log_num("offset", spool->source_at),
					log_num("bytes", (int64_t)at), log_end() });
	if (at == spool->in.len)
		return false;
	spool->source_at += (int64_t)at;
	return true;
}

static void again_name(struct buf *name, int failures)
{
	unsigned char tail[4];

	crypto_random(tail, sizeof(tail));
	buf_addf(name, "again-%016llx-%ld-", (unsigned long long)clock_now_us(), (long)getpid());
	buf_add_hex(name, tail, sizeof(tail));
	buf_addf(name, ".%d.spool", failures);
}

/* errno says why. */
static enum err not_deferred(void)
{
	log_write(LOG_WARN, "spool_not_deferred",
		  (struct log_field[]){ log_text("why", strerror(errno)), log_end() });
	return ERR_BUSY;
}

/* The record of a larger file, which has failed or not: a copy of it is a file of its
   own, and only when that is on disk the file goes on behind it. */
static enum err copy_again(struct spool *spool, int failures)
{
	struct buf record = { 0 }, name = { 0 };
	struct file file = { .fd = -1 };
	enum err err = create_file(spool, "new-", &file);

	if (err)
		return not_deferred();
	buf_add(&record, spool->in.at, (size_t)(spool->source_next - spool->source_at));
	write_checks(&record, file.salt);
	again_name(&name, failures);
	if (!write_all(file.fd, record.at, record.len, file.size) || fdatasync(file.fd) ||
	    renameat(spool->dir_fd, file.name, spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd)) {
		err = not_deferred();
		unlinkat(spool->dir_fd, file.name, 0);
	}
	file_close(&file);
	buf_done(&record);
	buf_done(&name);
	if (!err)
		spool_settle(spool);
	return err;
}

/* Is it one that the database takes long for, where cheap ones, of other endpoints
   perhaps, may wait behind it? */
static bool is_dear(const struct spool *spool, const struct callback *cb, enum spool_kind kind)
{
	return kind == SPOOL_EVENT && !is_again(spool->source.name) &&
	       callback_cost(cb->body) > DEAR_MIN;
}

/* Puts the dear record at source_at, of so many bytes, behind all others. */
static bool put_behind(struct spool *spool, size_t len)
{
	if (spool->behind >= BEHIND_MOST)
		return false;
	spool->behind++;
	spool->source_next = spool->source_at + (int64_t)len;
	spool->has_again = true;
	return copy_again(spool, 0) == ERR_NONE;
}

enum err spool_read(struct spool *spool, size_t max, size_t max_bytes, struct callback *records,
		    size_t *count, enum spool_kind *kind)
{
	size_t want = max_bytes + 2 * FIXED_BYTES;

	*count = 0;
	for (;;) {
		size_t at = 0, len;
		bool is_behind = false;

		if (spool->source.fd < 0 && !next_source(spool))
			return ERR_NONE;
		if (spool->source_at >= spool->source.size) {
			finish_source(spool);
			continue;
		}
		fill(spool, want);
		while (*count < max && (len = record_at(&spool->source, spool->in.at + at,
							spool->in.len - at)) > 0) {
			enum spool_kind this_kind;

			read_record(spool->in.at + at, len, &records[*count], &this_kind);
			if (*count && this_kind != *kind)
				break;
			if (is_dear(spool, &records[*count], this_kind)) {
				if (*count)
					break;
				is_behind = put_behind(spool, len);
				if (is_behind)
					break;
				max = 1;
			}
			*kind = this_kind;
			(*count)++;
			at += len;
		}
		if (is_behind)
			continue;
		spool->source_next = spool->source_at + (int64_t)at;
		if (*count) {
			spool->behind = 0;
			return ERR_NONE;
		}
		/* A record larger than what was read, or no record at all. */
		if (spool->in.len >= 8 && u32_at(spool->in.at) == record_magic &&
		    u32_at(spool->in.at + 4) > spool->in.len &&
		    u32_at(spool->in.at + 4) <= RECORD_MAX &&
		    (int64_t)u32_at(spool->in.at + 4) <= spool->source.size - spool->source_at) {
			want = u32_at(spool->in.at + 4);
			continue;
		}
		if (!pass_over(spool))
			finish_source(spool);
		want = max_bytes + 2 * FIXED_BYTES;
	}
}

void spool_settle(struct spool *spool)
{
	char at[8];

	if (spool->source.fd < 0)
		return;
	spool->source_at = spool->source_next;
	if (spool->source_at >= spool->source.size) {
		finish_source(spool);
		return;
	}
	/* Noted so that a restart does not begin anew; not synced, because to
	   repeat records is harmless. */
	for (int i = 0; i < 8; i++)
		at[i] = (char)((uint64_t)spool->source_at >> (56 - 8 * i));
	if (pwrite(spool->source.fd, at, sizeof(at), MAGIC_BYTES) != sizeof(at))
		log_write(LOG_WARN, "spool_progress_not_noted", NULL);
}

void spool_postpone(struct spool *spool)
{
	file_close(&spool->source);
	spool->source_is_damaged = false; /* that will be seen again */
	spool->unjudged_after_ms = clock_ms() + POSTPONE_MS;
}

/* ---- what fails alone */

bool spool_is_shared(const struct spool *spool)
{
	return spool->shared_files;
}

void spool_note_recorded(struct spool *spool)
{
	int fd;

	if (!spool->has_again || clock_ms() < spool->note_after_ms)
		return;
	spool->note_after_ms = clock_ms() + NOTE_MS;
	fd = openat(spool->dir_fd, "recorded",
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || futimens(fd, NULL))
		log_write(LOG_DEBUG, "spool_recorded_not_noted", NULL);
	if (fd >= 0) {
		give_to_owner(spool, fd);
		close(fd);
	}
}

/* Was anything recorded since? */
static bool was_recorded_after(const struct spool *spool, int64_t us)
{
	struct stat facts;

	return fstatat(spool->dir_fd, "recorded", &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (int64_t)facts.st_mtim.tv_sec * 1000000 + facts.st_mtim.tv_nsec / 1000 > us;
}

/* The source is such a file already: it gets another name. */
static enum err rename_again(struct spool *spool, bool *is_set_aside)
{
	struct buf name = { 0 };
	int64_t failed_us;
	int failures;
	enum err err = ERR_NONE;

	read_again_name(spool->source.name, &failed_us, &failures);
	if (failures == 0 || (failures < 9 && was_recorded_after(spool, failed_us)))
		failures++;
	*is_set_aside = failures >= ASIDE_AFTER;
	again_name(&name, failures);
	if (*is_set_aside) {
		name.len -= 6;
		buf_add_text(&name, ".aside");
	}
	if (renameat(spool->dir_fd, spool->source.name, spool->dir_fd, buf_text(&name)) ||
	    fsync(spool->dir_fd))
		err = not_deferred();
	file_close(&spool->source);
	spool->source_is_damaged = false; /* that will be seen again */
	buf_done(&name);
	return err;
}

enum err spool_defer(struct spool *spool, bool *is_set_aside)
{
	*is_set_aside = false;
	if (spool->source.fd < 0)
		return ERR_BUSY;
	spool->has_again = true;
	spool->again_after_ms = clock_ms() + spool->again_ms;
	return is_again(spool->source.name) ? rename_again(spool, is_set_aside)
					    : copy_again(spool, 1);
}

enum err spool_aside_each(struct spool *spool, spool_aside_sink *each, void *user)
{
	size_t count;
	char **names;
	enum err err = list(spool, is_aside, &names, &count);

	if (count > 1)
		qsort(names, count, sizeof(*names), by_age);
	for (size_t i = 0; i < count; i++) {
		struct stat facts;
		struct file file = { .fd = open_ours(spool, names[i], O_RDONLY, &facts) };
		size_t len = 0;

		if (file.fd >= 0 && facts.st_size > HEAD_BYTES) {
			file.size = facts.st_size;
			buf_clear(&spool->in);
			buf_need(&spool->in, (size_t)file.size);
			if (pread(file.fd, spool->in.at, (size_t)file.size, 0) == file.size) {
				memcpy(file.salt, spool->in.at + SALT_AT, SALT_BYTES);
				len = record_at(&file, spool->in.at + HEAD_BYTES,
						(size_t)file.size - HEAD_BYTES);
			}
		}
		if (len) {
			struct callback cb;
			enum spool_kind kind;

			read_record(spool->in.at + HEAD_BYTES, len, &cb, &kind);
			each(user, names[i], &cb);
		}
		file_close(&file);
	}
	free_list(names, count);
	return err;
}

enum err spool_aside_retry(struct spool *spool, struct str name)
{
	struct buf old = { 0 }, new = { 0 };
	enum err err = ERR_ABSENT;

	buf_add_str(&old, name);
	if (is_aside(buf_text(&old)) && is_again(buf_text(&old)) &&
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

/* ---- counting */

static void count_file(const struct spool *spool, const char *name, struct spool_status *status)
{
	struct stat facts;
	struct file file = { .fd = open_ours(spool, name, O_RDONLY, &facts) };
	char head[FIXED_BYTES];

	if (file.fd < 0)
		return;
	file.size = facts.st_size;
	status->files += !is_aside(name);
	for (int64_t at = drained_to(&file); at + FIXED_BYTES <= file.size;) {
		int64_t received;

		if (pread(file.fd, head, FIXED_BYTES, (off_t)at) != FIXED_BYTES ||
		    u32_at(head) != record_magic || u32_at(head + 4) < FIXED_BYTES)
			break;
		if (at + (int64_t)u32_at(head + 4) > file.size)
			break;
		received = i64_at(head + 12);
		if (!status->oldest_us || received < status->oldest_us)
			status->oldest_us = received;
		status->records += !is_aside(name);
		status->aside_records += is_aside(name);
		status->bytes += u32_at(head + 4);
		if (is_unjudged(name)) {
			status->unjudged_records++;
			status->unjudged_bytes += u32_at(head + 4);
		}
		at += u32_at(head + 4);
	}
	file_close(&file);
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
	enum err err = list(spool, is_kept, &names, &count);

	for (size_t i = 0; i < count; i++)
		count_file(spool, names[i], &sum);
	free_list(names, count);
	if (!err)
		err = list(spool, is_damaged, &names, &count);
	if (err)
		return err;
	sum.damaged_files = (int64_t)count;
	free_list(names, count);
	*status = sum;
	return ERR_NONE;
}
