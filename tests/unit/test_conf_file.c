/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf_file.h"
#include "scratch.h"

static const char *home;

static int with_a_home(void **state)
{
	(void)state;
	home = scratch_make();
	return 0;
}

static int without(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

/* ~/hookledger and its settings, with these modes. */
static void put(mode_t folder, mode_t file)
{
	assert_int_equal(0, mkdir(scratch_path("hookledger"), 0700));
	scratch_write(HOME_CONF, "batch_max = 7\n", 14);
	assert_int_equal(0, chmod(scratch_path(HOME_CONF), file));
	assert_int_equal(0, chmod(scratch_path("hookledger"), folder));
}

static void assert_found(const char *in)
{
	struct buf path = { 0 }, problem = { 0 };
	char text[32] = { 0 };
	int fd = -1;

	assert_err(ERR_NONE, conf_file_open_in(in, &fd, &path, &problem));
	assert_string_equal("", buf_text(&problem));
	assert_true(fd >= 0);
	assert_int_equal(14, read(fd, text, sizeof(text)));
	assert_string_equal("batch_max = 7\n", text);
	assert_has(&path, "/" HOME_CONF);
	close(fd);
	buf_done(&path);
	buf_done(&problem);
}

static void assert_none(const char *in)
{
	struct buf path = { 0 }, problem = { 0 };
	int fd = 99;

	assert_err(ERR_NONE, conf_file_open_in(in, &fd, &path, &problem));
	assert_int_equal(-1, fd);
	assert_string_equal("", buf_text(&problem));
	buf_done(&path);
}

static void assert_refused(const char *why)
{
	struct buf path = { 0 }, problem = { 0 };
	int fd = 99;

	assert_err(ERR_INPUT, conf_file_open_in(home, &fd, &path, &problem));
	assert_int_equal(-1, fd);
	assert_has(&problem, "/" HOME_CONF " cannot be used: ");
	assert_has(&problem, why);
	buf_done(&path);
	buf_done(&problem);
}

static void the_users_own_file_is_found(void **state)
{
	(void)state;
	put(0711, 0600);
	assert_found(home);
	assert_int_equal(0, chmod(scratch_path(HOME_CONF), 0400));
	assert_found(home);
}

static void none_is_no_error(void **state)
{
	(void)state;
	assert_none(home);
	assert_none("");
	assert_none("relative");
	assert_none("/nonexistent");
	assert_int_equal(0, mkdir(scratch_path("hookledger"), 0777));
	assert_none(home);
	assert_int_equal(0, rmdir(scratch_path("hookledger")));
	scratch_write("hookledger", "", 0);
	assert_none(home);
}

static void what_others_may_use_is_refused(void **state)
{
	static const mode_t open_to[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644 };

	(void)state;
	put(0711, 0600);
	for (size_t i = 0; i < sizeof(open_to) / sizeof(open_to[0]); i++) {
		assert_int_equal(0, chmod(scratch_path(HOME_CONF), open_to[i]));
		assert_refused("chmod 600");
	}
	assert_int_equal(0, chmod(scratch_path(HOME_CONF), 0600));
	assert_int_equal(0, chmod(scratch_path("hookledger"), 0770));
	assert_refused("others may write to its folder");
	assert_int_equal(0, chmod(scratch_path("hookledger"), 01777));
	assert_refused("others may write to its folder");
	assert_int_equal(0, chmod(scratch_path("hookledger"), 0755));
	assert_found(home);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	put(0700, 0600);
	assert_int_equal(0, rename(scratch_path(HOME_CONF), scratch_path("real")));
	assert_int_equal(0, symlink(scratch_path("real"), scratch_path(HOME_CONF)));
	assert_refused("symbolic link");
	assert_int_equal(0, unlink(scratch_path(HOME_CONF)));
	assert_int_equal(0, symlink("nowhere", scratch_path(HOME_CONF)));
	assert_refused("symbolic link");
	assert_int_equal(0, unlink(scratch_path(HOME_CONF)));
	/* a FIFO without a writer: it must not wait */
	assert_int_equal(0, mkfifo(scratch_path(HOME_CONF), 0600));
	assert_refused("no regular file");
	assert_int_equal(0, unlink(scratch_path(HOME_CONF)));
	assert_int_equal(0, mkdir(scratch_path(HOME_CONF), 0700));
	assert_refused("no regular file");
}

static void a_folder_that_is_a_link_is_refused(void **state)
{
	(void)state;
	put(0700, 0600);
	assert_int_equal(0, rename(scratch_path("hookledger"), scratch_path("elsewhere")));
	assert_int_equal(0, symlink(scratch_path("elsewhere"), scratch_path("hookledger")));
	assert_refused("its folder is a symbolic link");
}

static void what_is_somebody_elses_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
		return;
	}
	put(0755, 0600);
	assert_int_equal(0, chown(scratch_path(HOME_CONF), 12345, 0));
	assert_refused("it belongs to another user");
	assert_int_equal(0, chown(scratch_path(HOME_CONF), 0, 0));
	assert_int_equal(0, chown(scratch_path("hookledger"), 12345, 0));
	assert_refused("its folder belongs to another user");
}

/* Root's home is not used; HOME of another user's environment is ignored. */
static void home_is_what_the_user_database_says(void **state)
{
	struct buf path = { 0 }, problem = { 0 };
	int fd = 99, status;
	pid_t child;

	(void)state;
	put(0755, 0600);
	setenv("HOME", home, 1);
	if (geteuid() == 0) {
		assert_err(ERR_NONE, conf_file_open_home(&fd, &path, &problem));
		assert_int_equal(-1, fd);
		assert_int_equal(0, path.len);
		/* the user of a web server, with another home */
		child = fork();
		if (child == 0)
			_exit(setuid(33) || conf_file_open_home(&fd, &path, &problem) || fd != -1 ||
			      strncmp(buf_text(&path), home, strlen(home)) == 0);
		assert_int_equal(child, waitpid(child, &status, 0));
		assert_int_equal(0, status);
	} else {
		assert_err(ERR_NONE, conf_file_open_home(&fd, &path, &problem));
		assert_int_not_equal(0, strncmp(buf_text(&path), home, strlen(home)));
	}
	buf_done(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_users_own_file_is_found, with_a_home, without),
		cmocka_unit_test_setup_teardown(none_is_no_error, with_a_home, without),
		cmocka_unit_test_setup_teardown(what_others_may_use_is_refused, with_a_home,
						without),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, with_a_home, without),
		cmocka_unit_test_setup_teardown(a_folder_that_is_a_link_is_refused, with_a_home,
						without),
		cmocka_unit_test_setup_teardown(what_is_somebody_elses_is_refused, with_a_home,
						without),
		cmocka_unit_test_setup_teardown(home_is_what_the_user_database_says, with_a_home,
						without),
	};

	return cmocka_run_group_tests_name("conf_file", tests, NULL, NULL);
}
