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
	char *path;	 /* the final name; NULL: it is written itself */
	char *temporary; /* the name until then */
	char *name;	 /* for messages */
	struct buf waiting;
};

static struct outfile *refuse(struct outfile *out)
{
	term_problem("%s cannot be written: %s", out->name, strerror(errno));
	outfile_close(out);
	return NULL;
}

struct outfile *outfile_open(const char *path)
{
	struct outfile *out = mem_zero(1, sizeof(*out));
	struct buf template = { 0 };
	struct stat facts;
	bool is_there;

	if (!path || strcmp(path, "-") == 0) {
		out->name = mem_dup(str_of("the output"));
		out->fd = STDOUT_FILENO;
		return out;
	}
	out->name = mem_dup(str_of(path));
	is_there = stat(path, &facts) == 0;
	if (is_there && !S_ISREG(facts.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		return out->fd >= 0 ? out : refuse(out);
	}
	out->fd = -1;
	/* the target of a symbolic link is replaced, not the link */
	if (is_there && (access(path, W_OK) || !(out->path = realpath(path, NULL))))
		return refuse(out);
	if (!out->path)
		out->path = mem_dup(str_of(path));
	buf_addf(&template, "%s.XXXXXX", out->path);
	out->temporary = mem_dup(buf_str(&template));
	buf_done(&template);
	out->fd = mkostemp(out->temporary, O_CLOEXEC);
	if (out->fd < 0) {
		free(out->temporary);
		out->temporary = NULL;
		return refuse(out);
	}
	return out;
}

static enum err failed(const struct outfile *out)
{
	if (errno == EPIPE)
		return ERR_ABSENT;
	term_problem("%s could not be written: %s", out->name, strerror(errno));
	return ERR_FAULT;
}

static enum err write_waiting(struct outfile *out)
{
	size_t done = 0;

	while (done < out->waiting.len) {
		ssize_t took;

		/* Checked each time: an interrupted write() returns the bytes it has
		   written, not EINTR. */
		if (interrupt_signal())
			return ERR_BUSY;
		took = write(out->fd, out->waiting.at + done, out->waiting.len - done);
		/* another program may have made our output non-blocking */
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

/* The new name is on disk only when its folder is synced. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_dup((struct str){ path,
						     slash > path ? (size_t)(slash - path) : 1 })
			     : mem_dup(str_of("."));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* a folder that we may write and not read stays unsynced */
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

	if (err || !out->temporary)
		return err;
	if (fsync(fd))
		return failed(out);
	out->fd = -1;
	if (close(fd) || rename(out->temporary, out->path))
		return failed(out);
	free(out->temporary);
	out->temporary = NULL;
	return sync_folder(out->path) ? failed(out) : ERR_NONE;
}

void outfile_close(struct outfile *out)
{
	if (!out)
		return;
	if (out->temporary)
		unlink(out->temporary);
	if (out->fd >= 0 && out->fd != STDOUT_FILENO)
		close(out->fd);
	free(out->path);
	free(out->temporary);
	free(out->name);
	buf_done(&out->waiting);
	free(out);
}

bool outfile_is_temporary(const struct outfile *out)
{
	return out->path != NULL;
}
