/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slot.h"
#include "scratch.h"

static void so_many_and_no_more(void **state)
{
	const char *dir = scratch_make();
	int first, second, third;

	(void)state;
	first = slot_take(dir, "hash", 2, 0);
	second = slot_take(dir, "hash", 2, 0);
	assert_in_range(first, 0, 1000);
	assert_in_range(second, 0, 1000);
	assert_int_equal(SLOT_NONE, slot_take(dir, "hash", 2, 0));
	third = slot_take(dir, "other", 1, 0);
	assert_in_range(third, 0, 1000);
	slot_release(first);
	first = slot_take(dir, "hash", 2, 0);
	assert_in_range(first, 0, 1000);
	slot_release(first);
	slot_release(second);
	slot_release(third);
	scratch_remove();
}

static void it_is_known_to_be_taken(void **state)
{
	const char *dir = scratch_make();
	int place;

	(void)state;
	assert_false(slot_are_taken(dir, "hash", 1));
	place = slot_take(dir, "hash", 1, 0);
	assert_true(slot_are_taken(dir, "hash", 1));
	assert_false(slot_are_taken(dir, "hash", 2));
	assert_false(slot_are_taken(dir, "other", 1));
	slot_release(place);
	assert_false(slot_are_taken(dir, "hash", 1));
	/* asking takes no slot */
	place = slot_take(dir, "hash", 1, 0);
	assert_in_range(place, 0, 1000);
	slot_release(place);
	scratch_remove();
}

static void it_waits_for_one(void **state)
{
	const char *dir = scratch_make();
	int64_t began = clock_ms();
	int place = slot_take(dir, "hash", 1, 0), ends[2];
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(SLOT_NONE, slot_take(dir, "hash", 1, 50));
	assert_in_range(clock_ms() - began, 50, 10000);
	slot_release(place);
	/* the slot of a killed process is free again */
	assert_int_equal(0, pipe(ends));
	if ((child = fork()) == 0) {
		place = slot_take(dir, "hash", 1, 0);
		if (place < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(1, read(ends[0], &byte, 1));
	assert_int_equal(SLOT_NONE, slot_take(dir, "hash", 1, 0));
	kill(child, SIGKILL);
	assert_int_equal(child, waitpid(child, NULL, 0));
	place = slot_take(dir, "hash", 1, 10000);
	assert_in_range(place, 0, 1000);
	slot_release(place);
	close(ends[0]);
	close(ends[1]);
	scratch_remove();
}

static void without_a_folder_nobody_counts(void **state)
{
	struct buf heard = { 0 };

	(void)state;
	scratch_hush();
	assert_int_equal(SLOT_FREE, slot_take("/nonexistent", "hash", 1, 1000));
	assert_int_equal(SLOT_FREE, slot_take("/nonexistent", "hash", 1, 1000));
	scratch_heard(&heard);
	assert_has(&heard, "slots_not_counted");
	slot_release(SLOT_FREE);
	buf_done(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(it_is_known_to_be_taken),
		cmocka_unit_test(it_waits_for_one),
		cmocka_unit_test(without_a_folder_nobody_counts),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
