/* SPDX-License-Identifier: ISC */
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	OUTPUT_MAX = 300, /* bytes of its output in the problem */
	LOOK_MS = 50,	  /* where the kernel has no pidfd (Linux before 5.3) */
};

/* Input and output are files in memory, so a child that does not read or write blocks nobody. */
static int memory(const char *name, struct str bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	for (size_t at = 0; fd >= 0 && at < bytes.len;) {
		ssize_t wrote = write(fd, bytes.at + at, bytes.len - at);

		if (wrote <= 0) {
			close(fd);
			return -1;
		}
		at += (size_t)wrote;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int spawn(pid_t *pid, const char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t options;
	sigset_t none, all;
	int code;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&files) || posix_spawnattr_init(&options))
		abort(); /* out of memory */
	if (posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO) ||
	    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) ||
	    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO) ||
	    posix_spawnattr_setflags(&options, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ||
	    posix_spawnattr_setsigmask(&options, &none) ||
	    posix_spawnattr_setsigdefault(&options, &all))
		abort(); /* out of memory */
	code = posix_spawn(pid, argv[0], &files, &options, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&options);
	posix_spawn_file_actions_destroy(&files);
	return code;
}

enum err subprocess_start(struct subprocess *child, const char *const *argv, struct str input,
			  int64_t timeout_ms, struct buf *problem)
{
	int in = memory("input", input), out = memory("output", (struct str){ 0 });
	int code = in < 0 || out < 0 ? errno : 0;
	pid_t pid = 0;

	/* while SIGCHLD is ignored, the kernel keeps no exit status */
	signal(SIGCHLD, SIG_DFL);
	if (!code)
		code = spawn(&pid, argv, in, out);
	if (in >= 0)
		close(in);
	if (code) {
		buf_addf(problem, "%s does not start: %s", argv[0], strerror(code));
		if (out >= 0)
			close(out);
		return ERR_FAULT;
	}
	*child = (struct subprocess){
		.pid = pid,
		.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0),
		.output_fd = out,
		.until_ms = clock_ms() + timeout_ms,
	};
	if (child->pid_fd >= 0)
		fcntl(child->pid_fd, F_SETFD, FD_CLOEXEC);
	return ERR_NONE;
}

static void add_said(const struct subprocess *child, struct buf *problem)
{
	char output[OUTPUT_MAX];
	ssize_t len = pread(child->output_fd, output, sizeof(output), 0);
	struct str text = { output, len > 0 ? (size_t)len : 0 };

	while (text.len && strchr(" \r\n\t", text.at[text.len - 1]))
		text.len--;
	if (text.len)
		buf_add_text(problem, ": ");
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(problem, (unsigned char)text.at[i] < ' ' ? ' ' : text.at[i]);
}

static void forget(struct subprocess *child)
{
	if (child->pid_fd >= 0)
		close(child->pid_fd);
	close(child->output_fd);
	*child = (struct subprocess){ 0 };
}

enum err subprocess_take(struct subprocess *child, struct buf *problem)
{
	bool is_late = clock_ms() >= child->until_ms;
	enum err err = ERR_FAULT;
	int status = 0;
	pid_t ended;

	if (is_late)
		kill(child->pid, SIGKILL);
	do {
		ended = waitpid(child->pid, &status, is_late ? 0 : WNOHANG);
	} while (ended < 0 && errno == EINTR);
	if (ended == 0)
		return ERR_PACE;
	if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		err = ERR_NONE;
	} else {
		if (is_late)
			buf_add_text(problem, "it took too long and was stopped");
		else if (ended > 0 && WIFSIGNALED(status))
			buf_addf(problem, "it was ended by signal %d", WTERMSIG(status));
		else
			buf_addf(problem, "it ended with status %d",
				 ended > 0 ? WEXITSTATUS(status) : -1);
		add_said(child, problem);
	}
	forget(child);
	return err;
}

int subprocess_poll(const struct subprocess *child, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = child->pid ? child->pid_fd : -1, .events = POLLIN };
	if (!child->pid)
		return -1;
	return clock_within(child->pid_fd < 0 ? LOOK_MS : -1, child->until_ms - clock_ms());
}

void subprocess_done(struct subprocess *child)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget(child);
}
