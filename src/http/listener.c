/* SPDX-License-Identifier: ISC */
#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool unix_listen(const char *path, int *fd, struct buf *problem, enum err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat facts;
	int probe;

	if (strlen(path) >= sizeof(address.sun_path)) {
		buf_addf(problem, "the socket path is longer than %zu bytes",
			 sizeof(address.sun_path) - 1);
		*err = ERR_INPUT;
		return false;
	}
	strcpy(address.sun_path, path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0) {
		close(probe);
		buf_addf(problem, "another process listens on %s", path);
		*err = ERR_CONFLICT;
		return false;
	}
	/* connect() to a plain file fails in the same way, and that file is not ours to remove */
	if (probe >= 0 && errno == ECONNREFUSED && lstat(path, &facts) == 0 &&
	    S_ISSOCK(facts.st_mode))
		unlink(path);
	if (probe >= 0)
		close(probe);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && bind(*fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(path, 0660) == 0 && listen(*fd, SOMAXCONN) == 0)
		return true;
	buf_addf(problem, "cannot listen on %s: %s", path, strerror(errno));
	*err = ERR_FAULT;
	return false;
}

static bool tcp_listen(const char *address, int *fd, struct buf *problem, enum err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	const char *colon = strrchr(address, ':');
	struct addrinfo *found = NULL;
	int64_t port;
	char *host;
	int yes = 1;

	if (!colon || colon == address || !str_int(str_of(colon + 1), &port)) {
		buf_addf(problem, "\"%s\" is neither unix:/path nor address:port", address);
		*err = ERR_INPUT;
		return false;
	}
	host = mem_dup((struct str){ address, (size_t)(colon - address) });
	/* getaddrinfo() takes 70000 for 4464 */
	if (port < 0 || port > 65535 || getaddrinfo(host, colon + 1, &hints, &found))
		found = NULL;
	free(host);
	if (!found) {
		buf_addf(problem, "\"%s\" is no numeric address and port", address);
		*err = ERR_INPUT;
		return false;
	}
	*fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(*fd, found->ai_addr, found->ai_addrlen) == 0 && listen(*fd, SOMAXCONN) == 0) {
		freeaddrinfo(found);
		return true;
	}
	buf_addf(problem, "cannot listen on %s: %s", address, strerror(errno));
	*err = errno == EADDRINUSE ? ERR_CONFLICT : ERR_FAULT;
	freeaddrinfo(found);
	return false;
}

enum err listener_open(const char *address, int *out, struct buf *problem)
{
	enum err err = ERR_NONE;
	int fd = -1;
	bool fine = strncmp(address, "unix:", 5) == 0 ? unix_listen(address + 5, &fd, problem, &err)
						      : tcp_listen(address, &fd, problem, &err);

	if (fine)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return err;
}
