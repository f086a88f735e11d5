/* SPDX-License-Identifier: ISC */
#include "base/fd.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* Descriptors that a process has open besides: standard streams, database, files. */
enum { OTHERS = 64 };

void fd_raise_limit(size_t more)
{
	static rlim_t want = OTHERS;
	struct rlimit limit;

	want += more;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < want)
		log_write(LOG_WARN, "descriptors_limited",
			  (struct log_field[]){ log_num("limit", (int64_t)limit.rlim_cur),
						log_num("wanted", (int64_t)want), log_end() });
}

/* musl has no closefrom(), and old kernels have no close_range(). */
void fd_close_from(int first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (int fd = first; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

bool fd_lock(int fd)
{
	int status;

	do
		status = flock(fd, LOCK_EX);
	while (status && errno == EINTR);
	return status == 0;
}
