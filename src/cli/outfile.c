/* SPDX-License-Identifier: ISC */
#include "cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/term.h"

/* What a pipe holds on Linux. */
enum { FULL_BYTES = 65536 };

struct outfile {
	int fd;
	char *path;  /* the final name; NULL: written in place */
	char *aside; /* the name until then */
	char *words; /* what messages call it */
	struct buf waiting;
};

static struct outfile *broken(struct outfile *out)
{
	term_problem("%s cannot be written: %s", out->words, strerror(errno));
	outfile_close(out);
	return NULL;
}

struct outfile *outfile_open(const char *path)
{
	struct outfile *out = mem_zero(1, sizeof(*out));
	struct buf aside = { 0 };
	struct stat facts;
	bool is_there;

	if (!path || strcmp(path, "-") == 0) {
		out->words = mem_dup(str_of("the output"));
		out->fd = STDOUT_FILENO;
		return out;
	}
	out->words = mem_dup(str_of(path));
	is_there = stat(path, &facts) == 0;
	if (is_there && !S_ISREG(facts.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		return out->fd >= 0 ? out : broken(out);
	}
	out->fd = -1;
	/* what a link leads to is replaced, not the link */
	if (is_there && (access(path, W_OK) || !(out->path = realpath(path, NULL))))
		return broken(out);
	if (!out->path)
		out->path = mem_dup(str_of(path));
	buf_addf(&aside, "%s.XXXXXX", out->path);
	out->aside = mem_dup(buf_str(&aside));
	buf_done(&aside);
	out->fd = mkostemp(out->aside, O_CLOEXEC);
	if (out->fd < 0) {
		free(out->aside);
		out->aside = NULL;
		return broken(out);
	}
	return out;
}

static enum err failed(const struct outfile *out)
{
	if (errno == EPIPE)
		return ERR_ABSENT;
	term_problem("%s could not be written: %s", out->words, strerror(errno));
	return ERR_FAULT;
}

static enum err write_waiting(struct outfile *out)
{
	size_t done = 0;

	while (done < out->waiting.len) {
		ssize_t took;

		/* asked each time: a write that was interrupted half way says how
		   far it came, not that it was */
		if (interrupt_signal())
			return ERR_BUSY;
		took = write(out->fd, out->waiting.at + done, out->waiting.len - done);
		/* others may have made our output non-blocking */
		if (took < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = out->fd, .events = POLLOUT }, 1, -1);
		else if (took < 0 && errno != EINTR)
			return failed(out);
		if (took > 0)
			done += (size_t)took;
	}
	buf_clear(&out->waiting);
	return ERR_NONE;
}

enum err outfile_write(struct outfile *out, struct str bytes)
{
	buf_add_str(&out->waiting, bytes);
	return out->waiting.len >= FULL_BYTES ? write_waiting(out) : ERR_NONE;
}

/* The name too is on disk only when its folder is. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_dup((struct str){ path,
						     slash > path ? (size_t)(slash - path) : 1 })
			     : mem_dup(str_of("."));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* a folder that may be written and not read stays unsynced */
	int status = fd < 0 ? 0 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(folder);
	return status;
}

enum err outfile_finish(struct outfile *out)
{
	enum err err = write_waiting(out);
	int fd = out->fd;

	if (err || !out->aside)
		return err;
	if (fsync(fd))
		return failed(out);
	out->fd = -1;
	if (close(fd) || rename(out->aside, out->path))
		return failed(out);
	free(out->aside);
	out->aside = NULL;
	return sync_folder(out->path) ? failed(out) : ERR_NONE;
}

void outfile_close(struct outfile *out)
{
	if (!out)
		return;
	if (out->aside)
		unlink(out->aside);
	if (out->fd >= 0 && out->fd != STDOUT_FILENO)
		close(out->fd);
	free(out->path);
	free(out->aside);
	free(out->words);
	buf_done(&out->waiting);
	free(out);
}

bool outfile_is_aside(const struct outfile *out)
{
	return out->path != NULL;
}
