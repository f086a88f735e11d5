/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static void every_spelling_is_read(void **state)
{
	const struct {
		struct str text;
		int64_t us;
	} cases[] = {
		{ LIT("1970-01-01T00:00:00Z"), 0 },
		{ LIT("1970-01-01t00:00:00z"), 0 },
		{ LIT("1970-01-01 00:00:00+00:00"), 0 },
		{ LIT("1970-01-01T00:00:00-00:00"), 0 },
		{ LIT("1970-01-01T00:00:00.1Z"), 100000 },
		{ LIT("1970-01-01T00:00:00.000001Z"), 1 },
		{ LIT("1970-01-01T00:00:00.0000019Z"), 1 },
		{ LIT("1970-01-01T00:00:00.99999999999999999999999999999Z"), 999999 },
		{ LIT("1969-12-31T23:59:59.999999Z"), -1 },
		{ LIT("1970-01-01T05:30:00+05:30"), 0 },
		{ LIT("1969-12-31T16:00:00-08:00"), 0 },
		{ LIT("1970-01-01T23:59:00+23:59"), 0 },
		{ LIT("2026-07-17T11:43:32.827Z"), INT64_C(1784288612827000) },
		{ LIT("2022-06-25T03:58:10.207820267Z"), INT64_C(1656129490207820) },
		{ LIT("2000-02-29T00:00:00Z"), INT64_C(951782400000000) },
		{ LIT("2024-02-29T12:00:00Z"), INT64_C(1709208000000000) },
		{ LIT("2016-12-31T23:59:60Z"), INT64_C(1483228800000000) },
		{ LIT("0000-01-01T00:00:00Z"), INT64_C(-62167219200000000) },
		{ LIT("0001-01-01T00:00:00Z"), INT64_C(-62135596800000000) },
		{ LIT("9999-12-31T23:59:59.999999Z"), INT64_C(253402300799999999) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t us = 42;

		if (!clock_read(cases[i].text, &us) || us != cases[i].us)
			fail_msg("%s gave %lld", cases[i].text.at, (long long)us);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	const struct str cases[] = {
		LIT(""),
		LIT("now"),
		LIT("2026"),
		LIT("2026-07-17"),
		LIT("2026-07-17T11:43:32"),
		LIT("2026-07-17T11:43Z"),
		LIT("2026-7-17T11:43:32Z"),
		LIT("26-07-17T11:43:32Z"),
		LIT("12026-07-17T11:43:32Z"),
		LIT("-2026-07-17T11:43:32Z"),
		LIT("+002026-07-17T11:43:32Z"),
		LIT("2026-07-17T11:43:32.Z"),
		LIT("2026-07-17T11:43:32,5Z"),
		LIT("2026-07-17T11:43:32.5"),
		LIT("2026-07-17T11:43:32 Z"),
		LIT("2026-07-17T11:43:32Z "),
		LIT(" 2026-07-17T11:43:32Z"),
		LIT("2026-07-17T11:43:32Z\0"),
		LIT("2026-07-17T11:43:32\0Z"),
		LIT("2026-07-17_11:43:32Z"),
		LIT("2026-07-17T11:43:32+0000"),
		LIT("2026-07-17T11:43:32+00"),
		LIT("2026-07-17T11:43:32+24:00"),
		LIT("2026-07-17T11:43:32+00:60"),
		LIT("2026-07-17T11:43:32+0:00"),
		LIT("2026-07-17T11:43:32UTC"),
		LIT("2026-00-17T11:43:32Z"),
		LIT("2026-13-17T11:43:32Z"),
		LIT("2026-07-00T11:43:32Z"),
		LIT("2026-07-32T11:43:32Z"),
		LIT("2026-04-31T11:43:32Z"),
		LIT("2026-02-29T11:43:32Z"),
		LIT("1900-02-29T11:43:32Z"),
		LIT("2100-02-29T00:00:00Z"),
		LIT("2024-02-30T00:00:00Z"),
		LIT("2026-07-17T24:00:00Z"),
		LIT("2026-07-17T11:60:32Z"),
		LIT("2026-07-17T11:43:61Z"),
		LIT("2026-07-17T11:43:-1Z"),
		LIT("2026-W29-5T11:43:32Z"),
		LIT("2026-198T11:43:32Z"),
		LIT("20260717T114332Z"),
		LIT("\xd9\xa2"
		    "026-07-17T11:43:32Z"),
		LIT("2026-07-17T11:43:32.5.5Z"),
		LIT("2026-07-17T11:43:32ZZ"),
		LIT("2026-07-17T11:43:32+00:00Z"),
		LIT("1784288612"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t us = 42;

		if (clock_read(cases[i], &us))
			fail_msg("%s was taken for a time", cases[i].at);
		assert_int_equal(42, us);
	}
}

/* Every day of the years 0000 to 9999 follows the day before by 24 hours, and
   reads back as it was written. */
static void every_day_is_counted_once(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t expected = INT64_C(-62167219200000000);

	(void)state;
	for (int year = 0; year <= 9999; year++) {
		bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

		for (int month = 1; month <= 12; month++) {
			int last = days[month - 1] + (month == 2 && leap);

			for (int day = 1; day <= last; day++, expected += INT64_C(86400000000)) {
				char text[32];
				int64_t us = 0;

				snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year,
					 month, day);
				if (!clock_read(str_of(text), &us) || us != expected)
					fail_msg("%s gave %lld", text, (long long)us);
			}
		}
	}
}

static void what_is_written_reads_back(void **state)
{
	static const int64_t times[] = {
		0,
		1,
		-1,
		999999,
		-1000000,
		INT64_C(1784288612827001),
		INT64_C(-62167219200000000),
		INT64_C(253402300799999999),
		INT64_C(951782400000000),
		INT64_C(-2208988800000001),
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t us = 42;

		buf_clear(&out);
		clock_write(&out, times[i]);
		if (!clock_read(buf_str(&out), &us) || us != times[i])
			fail_msg("%lld was written as %s", (long long)times[i], buf_text(&out));
	}
	buf_clear(&out);
	clock_write(&out, INT64_C(1784288612827000));
	assert_string_equal("2026-07-17T11:43:32.827000Z", buf_text(&out));
	/* not a time, but no crash either */
	clock_write(&out, INT64_MIN);
	clock_write(&out, INT64_MAX);
	buf_done(&out);
}

static void durations_have_units(void **state)
{
	const struct {
		struct str text;
		int64_t us;
	} good[] = {
		{ LIT("0"), 0 },
		{ LIT("90"), INT64_C(90000000) },
		{ LIT("90s"), INT64_C(90000000) },
		{ LIT("15m"), INT64_C(900000000) },
		{ LIT("24h"), INT64_C(86400000000) },
		{ LIT("7d"), INT64_C(604800000000) },
		{ LIT("106751991d"), INT64_C(106751991) * 86400000000 },
	};
	const struct str bad[] = {
		LIT(""),
		LIT("s"),
		LIT("-1s"),
		LIT("1.5h"),
		LIT("1h30m"),
		LIT("1w"),
		LIT("1 h"),
		LIT("h1"),
		LIT("106751992d"),
		LIT("9223372036854775807"),
		LIT("9223372036854775808d"),
		LIT("1H"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t us = 42;

		assert_true(clock_read_duration(good[i].text, &us));
		assert_true(us == good[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t us = 42;

		if (clock_read_duration(bad[i], &us))
			fail_msg("%s was taken for a duration", bad[i].at);
		assert_int_equal(42, us);
	}
}

static void the_monotonic_clock_goes_on(void **state)
{
	int64_t before = clock_ms();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t now = clock_ms();

		assert_true(now >= before);
		before = now;
	}
	assert_true(clock_now_us() > INT64_C(1700000000000000));
}

static void of_two_waits_the_shorter_one_counts(void **state)
{
	(void)state;
	assert_int_equal(3, clock_sooner(3, 4));
	assert_int_equal(3, clock_sooner(4, 3));
	assert_int_equal(0, clock_sooner(0, -1));
	assert_int_equal(4, clock_sooner(-1, 4));
	assert_int_equal(-1, clock_sooner(-1, -1));
}

static void a_wait_ends_with_the_time_that_is_left(void **state)
{
	(void)state;
	assert_int_equal(3, clock_within(3, 4));
	assert_int_equal(4, clock_within(5, 4));
	assert_int_equal(4, clock_within(-1, 4));
	assert_int_equal(0, clock_within(-1, -1));
	assert_int_equal(0, clock_within(5, INT64_MIN));
	assert_int_equal(5, clock_within(5, INT64_MAX));
	assert_int_equal(INT32_MAX, clock_within(-1, INT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(every_day_is_counted_once),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(the_monotonic_clock_goes_on),
		cmocka_unit_test(of_two_waits_the_shorter_one_counts),
		cmocka_unit_test(a_wait_ends_with_the_time_that_is_left),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
