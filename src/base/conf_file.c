/* SPDX-License-Identifier: ISC */
#include "base/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A settings file is short; more is a mistake (a log, a dump, /dev/zero). */
enum { FILE_MAX = 256 * 1024 };

static enum err refuse(struct buf *problem, const struct buf *path, const char *why)
{
	buf_addf(problem, "settings file %s cannot be used: %s", buf_text(path), why);
	return ERR_INPUT;
}

static const char *why_not_opened(int error)
{
	/* open() of a symbolic link fails with ELOOP, with O_DIRECTORY with ENOTDIR */
	return error == ELOOP ? "it is a symbolic link" : strerror(error);
}

/* NULL: only this user can write to the folder. */
static const char *flaw_of_folder(const struct stat *facts)
{
	if (facts->st_uid != geteuid())
		return "its folder belongs to another user";
	if (facts->st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to its folder; chmod 700 the folder (or 711, 755)";
	return NULL;
}

static const char *flaw_of_file(const struct stat *facts)
{
	if (!S_ISREG(facts->st_mode))
		return "it is no regular file";
	if (facts->st_uid != geteuid())
		return "it belongs to another user";
	if (facts->st_mode & (S_IRWXG | S_IRWXO))
		return "group or others may use it; chmod 600 the file";
	return NULL;
}

/* Opens the file in its folder after it checked both. It checks descriptors, not names, so
   that nobody can exchange the file after the check. */
static enum err open_in_folder(int folder, int *fd, const struct buf *path, struct buf *problem)
{
	struct stat facts;
	const char *flaw;
	int file;

	if (fstat(folder, &facts))
		return refuse(problem, path, strerror(errno));
	/* without O_NONBLOCK, opening a named pipe waits for a writer */
	file = openat(folder, strrchr(HOME_CONF, '/') + 1,
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT ? ERR_NONE : refuse(problem, path, why_not_opened(errno));
	flaw = flaw_of_folder(&facts);
	if (!flaw)
		flaw = fstat(file, &facts) ? strerror(errno) : flaw_of_file(&facts);
	if (flaw) {
		close(file);
		return refuse(problem, path, flaw);
	}
	*fd = file;
	return ERR_NONE;
}

enum err conf_file_open_in(const char *home, int *fd, struct buf *path, struct buf *problem)
{
	struct buf folder = { 0 };
	enum err err = ERR_NONE;
	int opened;

	*fd = -1;
	if (home[0] != '/')
		return ERR_NONE;
	buf_addf(path, "%s/" HOME_CONF, strcmp(home, "/") == 0 ? "" : home);
	buf_add(&folder, path->at, path->len - strlen(strrchr(HOME_CONF, '/')));
	opened = open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (opened >= 0) {
		err = open_in_folder(opened, fd, path, problem);
		close(opened);
	} else {
		struct stat facts;
		int error = errno;

		/* Another user's home, or a home that is missing, is no mistake of this user. */
		if (lstat(buf_text(&folder), &facts) == 0 &&
		    (S_ISLNK(facts.st_mode) || S_ISDIR(facts.st_mode)))
			err = refuse(problem, path,
				     S_ISLNK(facts.st_mode) ? "its folder is a symbolic link"
							    : strerror(error));
	}
	buf_done(&folder);
	return err;
}

enum err conf_file_open_home(int *fd, struct buf *path, struct buf *problem)
{
	const struct passwd *user;

	*fd = -1;
	if (geteuid() == 0)
		return ERR_NONE;
	user = getpwuid(geteuid());
	return user && user->pw_dir ? conf_file_open_in(user->pw_dir, fd, path, problem) : ERR_NONE;
}

enum err conf_file_read(const char *path, int fd, struct buf *text, struct buf *problem)
{
	ssize_t got = 0;

	if (fd < 0) {
		buf_addf(problem, "settings file %s cannot be read: %s", path, strerror(errno));
		return ERR_INPUT;
	}
	text->max = FILE_MAX;
	do {
		char piece[4096];

		got = read(fd, piece, sizeof(piece));
		if (got > 0)
			buf_add(text, piece, (size_t)got);
		mem_wipe(piece, sizeof(piece));
	} while (got > 0 && !text->full);
	if (got < 0)
		buf_addf(problem, "settings file %s cannot be read: %s", path, strerror(errno));
	else if (text->full)
		buf_addf(problem, "settings file %s is larger than %d bytes", path, FILE_MAX);
	close(fd);
	return got == 0 && !text->full ? ERR_NONE : ERR_INPUT;
}
