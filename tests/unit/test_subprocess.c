/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/subprocess.h"
#include "base/clock.h"

enum { LONG_MS = 60000, LARGE = 1000000 };

static enum err wait_for(struct subprocess *child, struct buf *problem)
{
	enum err err;

	while ((err = subprocess_take(child, problem)) == ERR_PACE) {
		struct pollfd fd;
		int wait_ms = subprocess_poll(child, &fd);

		poll(&fd, 1, wait_ms);
	}
	assert_int_equal(0, child->pid);
	return err;
}

static enum err shell(const char *script, struct str input, int64_t timeout_ms, struct buf *problem)
{
	const char *const argv[] = { "/bin/sh", "-c", script, "name", "; echo operand", NULL };
	struct subprocess child = { 0 };

	assert_err(ERR_NONE, subprocess_start(&child, argv, input, timeout_ms, problem));
	return wait_for(&child, problem);
}

static void it_gets_its_input(void **state)
{
	struct buf problem = { 0 }, large = { 0 };

	(void)state;
	assert_err(ERR_NONE,
		   shell("test \"$(cat)\" = 'one two'", LIT("one two"), LONG_MS, &problem));
	assert_err(ERR_NONE, shell("test \"$1\" = '; echo operand'", LIT(""), LONG_MS, &problem));
	/* a child that does not read it does not block */
	for (int i = 0; i < LARGE; i++)
		buf_add_char(&large, 'x');
	assert_err(ERR_NONE, shell("true", buf_str(&large), LONG_MS, &problem));
	assert_err(ERR_NONE, shell("test $(wc -c) = 1000000", buf_str(&large), LONG_MS, &problem));
	assert_int_equal(0, problem.len);
	buf_done(&large);
}

static void its_output_is_returned(void **state)
{
	struct buf problem = { 0 };

	(void)state;
	assert_err(ERR_FAULT,
		   shell("echo 'no such\tuser' >&2; exit 67", LIT(""), LONG_MS, &problem));
	assert_string_equal("it ended with status 67: no such user", buf_text(&problem));
	buf_clear(&problem);
	assert_err(ERR_FAULT, shell("kill -9 $$", LIT(""), LONG_MS, &problem));
	assert_string_equal("it was ended by signal 9", buf_text(&problem));
	buf_done(&problem);
}

static void it_is_stopped_when_its_time_is_over(void **state)
{
	struct buf problem = { 0 };
	int64_t began = clock_ms();

	(void)state;
	assert_err(ERR_FAULT, shell("exec sleep 1000", LIT(""), 50, &problem));
	assert_string_equal("it took too long and was stopped", buf_text(&problem));
	assert_true(clock_ms() - began >= 50 && clock_ms() - began < 30000);
	buf_done(&problem);
}

static void what_is_not_there_does_not_start(void **state)
{
	const char *const argv[] = { "/no/such/program", NULL };
	struct subprocess child = { 0 };
	struct buf problem = { 0 };

	(void)state;
	assert_err(ERR_FAULT, subprocess_start(&child, argv, LIT(""), LONG_MS, &problem));
	assert_string_equal("/no/such/program does not start: No such file or directory",
			    buf_text(&problem));
	assert_int_equal(0, child.pid);
	buf_done(&problem);
}

/* As in a daemon: signals blocked and ignored, children not waited for. */
static void it_starts_with_clean_signals(void **state)
{
	struct buf problem = { 0 };
	sigset_t term, before;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	/* 32 and 33 are the C library's own */
	assert_err(ERR_NONE, shell("grep -q '^SigBlk:.0*$' /proc/self/status && grep -Eq "
				   "'^SigIgn:.0*(180000000)?$' /proc/self/status",
				   LIT(""), LONG_MS, &problem));
	assert_err(ERR_FAULT, shell("kill -TERM $$; sleep 1000", LIT(""), LONG_MS, &problem));
	assert_string_equal("it was ended by signal 15", buf_text(&problem));
	sigprocmask(SIG_SETMASK, &before, NULL);
	buf_done(&problem);
}

static void one_that_runs_can_be_dropped(void **state)
{
	const char *const argv[] = { "/bin/sleep", "1000", NULL };
	struct subprocess child = { 0 };
	struct buf problem = { 0 };
	struct pollfd fd;
	pid_t pid;

	(void)state;
	assert_err(ERR_NONE, subprocess_start(&child, argv, LIT(""), LONG_MS, &problem));
	assert_err(ERR_PACE, subprocess_take(&child, &problem));
	pid = child.pid;
	subprocess_done(&child);
	assert_int_equal(-1, kill(pid, 0));
	assert_int_equal(-1, subprocess_poll(&child, &fd));
	assert_int_equal(-1, fd.fd);
	subprocess_done(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gets_its_input),
		cmocka_unit_test(its_output_is_returned),
		cmocka_unit_test(it_is_stopped_when_its_time_is_over),
		cmocka_unit_test(what_is_not_there_does_not_start),
		cmocka_unit_test(it_starts_with_clean_signals),
		cmocka_unit_test(one_that_runs_can_be_dropped),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
