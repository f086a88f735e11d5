/* SPDX-License-Identifier: ISC */
/* Abnormal contents of the spool: records that fail alone, and foreign files in its folder. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/callback.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/counters.h"
#include "scratch.h"

static const char *folder;
static struct buf heard;

static int in_a_folder(void **state)
{
	(void)state;
	folder = scratch_make();
	/* a test that hangs has failed */
	alarm(60);
	scratch_hush();
	return 0;
}

static int and_out_again(void **state)
{
	(void)state;
	scratch_heard(&heard);
	buf_done(&heard);
	scratch_remove();
	return 0;
}

static struct spool *open_it(int64_t retry_ms, bool retry_now)
{
	struct spool_options options = { .dir = folder,
					 .max_bytes = 1 << 20,
					 .unverified_max_bytes = 1 << 20,
					 .retry_ms = retry_ms,
					 .retry_now = retry_now };
	struct spool *spool = NULL;

	assert_err(ERR_NONE, spool_open(&spool, &options));
	return spool;
}

static void append(struct spool *spool, int64_t n)
{
	struct callback cb = { .address = LIT("an-address-of-22-chars"),
			       .body = LIT("{\"event_id\":1}"),
			       .received_us = n,
			       .endpoint_id = n };

	assert_err(ERR_NONE,
		   spool_append(spool, SPOOL_EVENT, (const struct callback *[]){ &cb }, 1));
}

/* The number of the next record, 0 when there is none. */
static int64_t next(struct spool *spool)
{
	struct callback cb;
	enum spool_kind kind;
	size_t count;

	assert_err(ERR_NONE, spool_read(spool, 1, 1 << 20, &cb, &count, &kind));
	return count ? cb.received_us : 0;
}

static int64_t next_in_time(struct spool *spool)
{
	int64_t until = clock_ms() + 20000, n;

	while ((n = next(spool)) == 0 && clock_ms() < until)
		usleep(1000);
	return n;
}

static struct spool_status count(struct spool *spool)
{
	struct spool_status status;

	assert_err(ERR_NONE, spool_count(spool, &status));
	return status;
}

static void one_that_fails_alone_keeps_nobody_waiting(void **state)
{
	struct spool *spool = open_it(3600000, false);
	bool is_aside = true;

	(void)state;
	for (int64_t n = 1; n <= 3; n++)
		append(spool, n);
	assert_int_equal(1, next(spool));
	assert_err(ERR_NONE, spool_defer(spool, &is_aside));
	assert_false(is_aside);
	assert_int_equal(3, count(spool).records);
	assert_int_equal(2, next(spool));
	spool_settle(spool);
	assert_int_equal(3, next(spool));
	spool_settle(spool);
	assert_int_equal(0, next(spool));
	/* it is on disk, and every process sees it */
	spool_close(spool);
	spool = open_it(3600000, false);
	assert_int_equal(1, count(spool).records);
	assert_int_equal(1, count(spool).oldest_us);
	assert_int_equal(0, next(spool));
	spool_close(spool);
	spool = open_it(1, false);
	assert_int_equal(1, next_in_time(spool));
	append(spool, 4);
	spool_settle(spool);
	assert_int_equal(4, next(spool));
	spool_settle(spool);
	assert_int_equal(0, count(spool).files);
	spool_close(spool);
}

static void who_drains_by_hand_tries_each_once(void **state)
{
	struct spool *spool = open_it(3600000, false);
	bool is_aside;

	(void)state;
	append(spool, 1);
	assert_int_equal(1, next(spool));
	assert_err(ERR_NONE, spool_defer(spool, &is_aside));
	assert_int_equal(0, next(spool));
	spool_close(spool);
	usleep(1000);
	spool = open_it(3600000, true);
	assert_int_equal(1, next(spool));
	assert_err(ERR_NONE, spool_defer(spool, &is_aside));
	assert_int_equal(0, next(spool));
	spool_close(spool);
}

/* A client with the secret of one endpoint sends slow callbacks: callbacks of other endpoints
   are recorded first. */
static void what_is_dear_lets_others_pass(void **state)
{
	struct spool *spool = open_it(3600000, false);
	struct buf body = { 0 };
	bool is_aside = true;

	(void)state;
	buf_add_text(&body, "{\"event_id\":1,\"payload\":{\"duration\":");
	for (int i = 0; i < 70000; i++)
		buf_add_char(&body, '9');
	buf_add_text(&body, "}}");
	for (int64_t n = 1; n <= 4; n++) {
		struct callback dear = { .address = LIT("an-address-of-22-chars"),
					 .body = buf_str(&body),
					 .received_us = 100 + n,
					 .endpoint_id = 9 };

		assert_err(ERR_NONE, spool_append(spool, SPOOL_EVENT,
						  (const struct callback *[]){ &dear }, 1));
		append(spool, n);
	}
	for (int64_t n = 1; n <= 4; n++) {
		assert_int_equal(n, next(spool));
		spool_settle(spool);
	}
	assert_int_equal(4, count(spool).records);
	assert_int_equal(101, count(spool).oldest_us);
	/* after them, also in another process; at once in `hookledger spool drain` */
	spool_close(spool);
	spool = open_it(3600000, true);
	assert_int_equal(101, next(spool));
	assert_err(ERR_NONE, spool_defer(spool, &is_aside));
	assert_false(is_aside);
	for (int64_t n = 2; n <= 4; n++) {
		assert_int_equal(100 + n, next(spool));
		spool_settle(spool);
	}
	assert_int_equal(0, next(spool));
	assert_int_equal(1, count(spool).records);
	spool_close(spool);
	buf_done(&body);
}

static void a_database_that_hangs_sets_nothing_aside(void **state)
{
	struct spool *spool = open_it(1, false);
	bool is_aside;

	(void)state;
	append(spool, 1);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(1, next_in_time(spool));
		assert_err(ERR_NONE, spool_defer(spool, &is_aside));
		assert_false(is_aside);
	}
	assert_int_equal(0, count(spool).aside_records);
	assert_int_equal(1, count(spool).records);
	spool_close(spool);
}

static char name[256];
static int listed;

static void look(void *user, const char *aside, const struct callback *cb)
{
	(void)user;
	snprintf(name, sizeof(name), "%s", aside);
	assert_int_equal(1, cb->received_us);
	assert_true(str_is(cb->body, "{\"event_id\":1}"));
	listed++;
}

/* Fails until the record is set aside. */
static void set_aside(struct spool *spool)
{
	bool is_aside = false;
	int tries = 0;

	append(spool, 1);
	while (!is_aside) {
		assert_true(tries++ < 50);
		assert_int_equal(1, next_in_time(spool));
		assert_err(ERR_NONE, spool_defer(spool, &is_aside));
		usleep(150000);
		spool_note_recorded(spool);
	}
	assert_true(tries >= 3);
}

static void one_that_fails_while_others_do_not_is_set_aside(void **state)
{
	struct spool *spool = open_it(1, false);
	struct spool_options options = { .dir = folder,
					 .max_bytes = 400,
					 .unverified_max_bytes = 400 };
	struct callback large = {
		.address = LIT("an-address-of-22-chars"),
		.body = LIT("{\"event_id\":1,\"x\":"
			    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}")
	};
	struct spool *other = NULL;

	(void)state;
	set_aside(spool);
	assert_int_equal(0, next(spool));
	assert_int_equal(0, count(spool).records);
	assert_int_equal(1, count(spool).aside_records);
	assert_int_equal(1, count(spool).oldest_us);
	assert_err(ERR_NONE, spool_aside_each(spool, look, NULL));
	assert_int_equal(1, listed);
	/* it still counts for the limit */
	assert_err(ERR_NONE, spool_open(&other, &options));
	assert_err(ERR_BUSY,
		   spool_append(other, SPOOL_EVENT, (const struct callback *[]){ &large }, 1));
	spool_close(other);
	/* and after `retry` it has no failures */
	assert_err(ERR_ABSENT, spool_aside_retry(spool, LIT("retry-1-1-00000000.3.aside")));
	assert_err(ERR_ABSENT, spool_aside_retry(spool, LIT("../retry-1.aside")));
	assert_err(ERR_ABSENT, spool_aside_retry(spool, LIT("keyring")));
	assert_err(ERR_NONE, spool_aside_retry(spool, str_of(name)));
	assert_int_equal(0, count(spool).aside_records);
	assert_int_equal(1, next(spool));
	spool_settle(spool);
	assert_int_equal(0, count(spool).files);
	spool_close(spool);
}

static void what_is_no_file_of_ours_is_left_alone(void **state)
{
	struct spool *spool = open_it(0, false);
	struct sealer *sealer = sealer_new(NULL, NULL);
	struct keyring *ring = keyring_new(sealer);
	struct counters *counters = counters_new();
	int fd;

	(void)state;
	append(spool, 1);
	assert_int_equal(0,
			 mkfifo(scratch_path("callbacks-0000000000000001-1-00000000.spool"), 0600));
	assert_int_equal(0,
			 mkfifo(scratch_path("retry-0000000000000001-1-00000000.1.spool"), 0600));
	assert_int_equal(0,
			 mkfifo(scratch_path("retry-0000000000000001-1-00000000.3.aside"), 0600));
	assert_int_equal(0, mkfifo(scratch_path("callbacks-1.spool.damaged"), 0600));
	assert_int_equal(0, mkfifo(scratch_path("recorded"), 0600));
	assert_int_equal(0, mkfifo(scratch_path("keyring"), 0600));
	assert_int_equal(0, mkfifo(scratch_path("counters"), 0600));
	assert_int_equal(0,
			 mkdir(scratch_path("unverified-0000000000000002-1-00000000.spool"), 0700));
	assert_int_equal(0, symlink("/dev/zero",
				    scratch_path("callbacks-0000000000000003-1-00000000.spool")));
	assert_int_equal(
		0, symlink("lock", scratch_path("callbacks-0000000000000004-1-00000000.spool")));
	scratch_write("callbacks-0000000000000005-1-00000000.spool", "HLSPOOL1", 8);
	fd = open(scratch_path("callbacks-0000000000000005-1-00000000.spool"),
		  O_WRONLY | O_CLOEXEC);
	assert_int_equal(0, ftruncate(fd, (off_t)1 << 40));
	close(fd);
	if (geteuid() == 0) {
		scratch_write("callbacks-0000000000000006-1-00000000.spool", "HLSPOOL1", 8);
		assert_int_equal(0,
				 chown(scratch_path("callbacks-0000000000000006-1-00000000.spool"),
				       65534, 65534));
	}
	assert_int_equal(1, count(spool).records);
	assert_int_equal(1, count(spool).files);
	append(spool, 2); /* within the limit all the same */
	assert_int_equal(1, next(spool));
	spool_settle(spool);
	assert_int_equal(2, next(spool));
	spool_settle(spool);
	assert_int_equal(0, next(spool));
	spool_note_recorded(spool);
	assert_err(ERR_NONE, spool_aside_each(spool, look, NULL));
	assert_err(ERR_FAULT, keyring_load_file(ring, spool_keyring_path(spool)));
	assert_err(ERR_ABSENT, counters_load(counters, folder));
	counters_add(counters, REASON_METHOD, 0);
	assert_err(ERR_BUSY, counters_save(counters, folder));
	assert_int_equal(0,
			 access(scratch_path("callbacks-0000000000000005-1-00000000.spool"), F_OK));
	rmdir(scratch_path("unverified-0000000000000002-1-00000000.spool"));
	counters_free(counters);
	keyring_free(ring);
	sealer_free(sealer);
	spool_close(spool);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, in_a_folder, and_out_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(one_that_fails_alone_keeps_nobody_waiting),
		IN_FOLDER(who_drains_by_hand_tries_each_once),
		IN_FOLDER(what_is_dear_lets_others_pass),
		IN_FOLDER(a_database_that_hangs_sets_nothing_aside),
		IN_FOLDER(one_that_fails_while_others_do_not_is_set_aside),
		IN_FOLDER(what_is_no_file_of_ours_is_left_alone),
	};

	return cmocka_run_group_tests_name("spool_aside", tests, NULL, NULL);
}
