/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prefork.h"
#include "scratch.h"

/* Workers write their process ids to this pipe, and the test reads them. */
static int report[2];

static int patient(void *argument)
{
	pid_t me = getpid();

	(void)argument;
	if (write(report[1], &me, sizeof(me)) != sizeof(me))
		return 1;
	pause();
	return 0;
}

static int hasty(void *argument)
{
	pid_t me = getpid();

	(void)argument;
	return write(report[1], &me, sizeof(me)) == sizeof(me) ? 3 : 1;
}

static pid_t prefork_of(int count, int (*work)(void *))
{
	pid_t pid;

	assert_int_equal(0, pipe(report));
	pid = fork();
	if (pid == 0) {
		scratch_hush();
		_exit(prefork_run(count, work, NULL));
	}
	close(report[1]);
	return pid;
}

static pid_t next_said(int wait_ms)
{
	struct pollfd fd = { .fd = report[0], .events = POLLIN };
	pid_t pid = 0;

	if (poll(&fd, 1, wait_ms) != 1 || read(report[0], &pid, sizeof(pid)) != sizeof(pid))
		return 0;
	return pid;
}

static void assert_ends(pid_t parent)
{
	int64_t until = clock_ms() + 5000;
	int status = 99;

	while (waitpid(parent, &status, WNOHANG) == 0 && clock_ms() < until)
		usleep(2000);
	assert_int_equal(0, status);
	close(report[0]);
}

/* It has ended; it may still be a zombie if no process reaps orphans. */
static bool is_gone(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strstr(text, ") Z ") != NULL;
}

static void assert_gone(pid_t pid)
{
	int64_t until = clock_ms() + 5000;

	while (!is_gone(pid) && clock_ms() < until)
		usleep(2000);
	assert_true(is_gone(pid));
}

static void all_are_started_and_ended(void **state)
{
	pid_t parent = prefork_of(3, patient), workers[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		workers[i] = next_said(5000);
		assert_true(workers[i] > 0);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(workers[k], workers[i]);
	}
	kill(parent, SIGTERM);
	assert_ends(parent);
	for (int i = 0; i < 3; i++)
		assert_gone(workers[i]);
}

static void one_that_died_is_replaced(void **state)
{
	pid_t parent = prefork_of(1, patient), first = next_said(5000), second;

	(void)state;
	usleep(1100000); /* it lasted, so there is no pause */
	kill(first, SIGKILL);
	second = next_said(700);
	assert_true(second > 0);
	assert_int_not_equal(first, second);
	kill(parent, SIGINT);
	assert_ends(parent);
	assert_gone(second);
}

/* A worker that fails at once is started again, but not endlessly within a second; the pause
   does not delay the end of the program. */
static void what_does_not_last_is_tried_in_peace(void **state)
{
	pid_t parent = prefork_of(2, hasty);
	int64_t begun = clock_ms();
	int starts = 0;

	(void)state;
	while (clock_ms() - begun < 2500)
		starts += next_said(100) > 0;
	assert_in_range(starts, 4, 6);
	begun = clock_ms();
	kill(parent, SIGTERM);
	assert_ends(parent);
	assert_true(clock_ms() - begun < 500);
}

static void the_crew_does_not_outlive_its_parent(void **state)
{
	pid_t parent = prefork_of(2, patient), one = next_said(5000), two = next_said(5000);

	(void)state;
	kill(parent, SIGKILL);
	assert_int_equal(parent, waitpid(parent, NULL, 0));
	assert_gone(one);
	assert_gone(two);
	close(report[0]);
}

static void ignored_children_are_waited_for(void **state)
{
	pid_t parent, worker;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	parent = prefork_of(1, patient);
	signal(SIGCHLD, SIG_DFL);
	worker = next_said(5000);
	assert_true(worker > 0);
	kill(parent, SIGTERM);
	assert_ends(parent);
	assert_gone(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_started_and_ended),
		cmocka_unit_test(one_that_died_is_replaced),
		cmocka_unit_test(what_does_not_last_is_tried_in_peace),
		cmocka_unit_test(the_crew_does_not_outlive_its_parent),
		cmocka_unit_test(ignored_children_are_waited_for),
	};

	return cmocka_run_group_tests_name("parent", tests, NULL, NULL);
}
