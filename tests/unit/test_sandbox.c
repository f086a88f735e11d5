/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

/* The tests of a confined child; its exit status is the number of the failed step. */
static int in_child(int (*schema)(const char *folder, struct sandbox sandbox), const char *folder)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(schema(folder, sandbox_enter(folder)));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool fails_with(int number, int result)
{
	return result < 0 && errno == number;
}

static int what_is_refused(const char *folder, struct sandbox sandbox)
{
	char *const argv[] = { (char[]){ "true" }, NULL }, *const env[] = { NULL };
	char outside[300];

	snprintf(outside, sizeof(outside), "%s-outside", folder);
	if (!sandbox.has_seccomp || !sandbox.has_landlock)
		return 1;
	if (!fails_with(EPERM, execve("/bin/true", argv, env)))
		return 2;
	if (!fails_with(EPERM, socket(AF_ALG, SOCK_SEQPACKET, 0)) ||
	    !fails_with(EPERM, socket(AF_PACKET, SOCK_RAW, 0)))
		return 3;
	if (!fails_with(EPERM, setuid(getuid())) || !fails_with(EPERM, chroot("/")))
		return 4;
	if (!fails_with(EACCES, open(outside, O_CREAT | O_WRONLY, 0600)) ||
	    !fails_with(EACCES, mkdir(outside, 0700)))
		return 5;
	if (!fails_with(EACCES, open("/proc/self/comm", O_WRONLY)))
		return 6;
	/* other files of the user, such as the settings: neither truncated nor made readable */
	snprintf(outside, sizeof(outside), "%s-ours", folder);
	if (truncate(outside, 0) == 0 || !fails_with(EPERM, chmod(outside, 0644)) ||
	    access(outside, R_OK))
		return 8;
	snprintf(outside, sizeof(outside), "%s-outside", folder);
	/* a second sandbox, as in a child, gives no right back */
	sandbox_enter(NULL);
	return fails_with(EACCES, open(outside, O_CREAT | O_WRONLY, 0600)) ? 0 : 7;
}

static int what_goes_on(const char *folder, struct sandbox sandbox)
{
	struct addrinfo *found = NULL;
	char path[300], other[300];
	int fd;

	(void)sandbox;
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	fd = open(path, O_CREAT | O_RDWR | O_APPEND, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) || rename(path, other) ||
	    truncate(other, 0) || unlink(other))
		return 1;
	if (open("/etc/passwd", O_RDONLY) < 0 || open("/dev/null", O_WRONLY) < 0 ||
	    memfd_create("x", MFD_CLOEXEC) < 0)
		return 2;
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 3;
	if (getaddrinfo("127.0.0.1", "80", NULL, &found) || fork() < 0)
		return 4;
	freeaddrinfo(found);
	return 0;
}

static int without_a_folder(const char *folder, struct sandbox sandbox)
{
	return sandbox.has_landlock && fails_with(EACCES, mkdir(folder, 0700)) ? 0 : 1;
}

static void refusals(void **state)
{
	char folder[] = "/tmp/hl-sandbox-XXXXXX", ours[64];
	struct stat facts;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(ours, sizeof(ours), "%s-ours", folder);
	fd = open(ours, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	assert_int_equal(in_child(what_is_refused, folder), 0);
	assert_int_equal(in_child(what_goes_on, folder), 0);
	assert_int_equal(stat(ours, &facts), 0);
	assert_int_equal(facts.st_size, 1);
	assert_int_equal(unlink(ours), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(in_child(without_a_folder, folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refusals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
