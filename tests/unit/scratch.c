/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder[64];
static int heard = -1, real = -1;

static void must(bool worked, const char *what)
{
	if (!worked) {
		perror(what);
		abort();
	}
}

const char *scratch_make(void)
{
	strcpy(folder, "/tmp/hl-unit-XXXXXX");
	must(mkdtemp(folder) != NULL, "mkdtemp");
	return folder;
}

void scratch_remove(void)
{
	DIR *dir = folder[0] ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (folder[0])
		rmdir(folder);
	folder[0] = '\0';
}

const char *scratch_path(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

const char *scratch_write(const char *name, const void *bytes, size_t len)
{
	const char *path = scratch_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, path);
	close(fd);
	return path;
}

static void drink(int fd, struct buf *out)
{
	char piece[4096];
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)got);
}

void scratch_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0, path);
	drink(fd, out);
	close(fd);
}

void scratch_hush(void)
{
	fflush(stderr);
	heard = memfd_create("heard", MFD_CLOEXEC);
	real = dup(STDERR_FILENO);
	must(heard >= 0 && real >= 0 && dup2(heard, STDERR_FILENO) >= 0, "hush");
}

void scratch_heard(struct buf *out)
{
	fflush(stderr);
	must(dup2(real, STDERR_FILENO) >= 0, "heard");
	close(real);
	lseek(heard, 0, SEEK_SET);
	drink(heard, out);
	close(heard);
}
