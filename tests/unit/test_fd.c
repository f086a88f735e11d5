/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "scratch.h"

static rlim_t limit_now(void)
{
	struct rlimit limit;

	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
	return limit.rlim_cur;
}

static void needs_add_up(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 100;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	/* beside the descriptors that every program has, there is room for these */
	fd_raise_limit(10);
	assert_int_equal(100, limit_now());
	fd_raise_limit(100);
	assert_in_range(limit_now(), 111, 500);
	/* never lowered */
	limit.rlim_cur = 600;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd_raise_limit(100);
	assert_int_equal(600, limit_now());
}

static void a_low_hard_limit_is_reported(void **state)
{
	struct rlimit limit;
	struct buf heard = { 0 };

	(void)state;
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max = 700;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	scratch_hush();
	fd_raise_limit(10000);
	scratch_heard(&heard);
	assert_int_equal(700, limit_now());
	assert_has(&heard, "descriptors_limited");
	assert_has(&heard, "limit=700");
	buf_done(&heard);
}

static void all_above_are_closed(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		int low = dup(STDERR_FILENO), high = fcntl(low, F_DUPFD, low + 20);

		fd_close_from(high);
		_exit(fcntl(low, F_GETFD) < 0 || fcntl(high, F_GETFD) >= 0);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_add_up),
		cmocka_unit_test(all_above_are_closed),
		cmocka_unit_test(a_low_hard_limit_is_reported),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
