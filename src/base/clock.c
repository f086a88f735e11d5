/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include <time.h>

int64_t clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_sooner(int a_ms, int b_ms)
{
	return a_ms < 0 ? b_ms : b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

int clock_within(int wait_ms, int64_t left_ms)
{
	return clock_sooner(wait_ms, left_ms < 0	   ? 0
				     : left_ms > INT32_MAX ? INT32_MAX
							   : (int)left_ms);
}

/* Reads exactly `count` digits at the start of *text, which moves behind them. */
static bool digits(struct str *text, size_t count, int *value)
{
	int sum = 0;

	if (text->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		sum = sum * 10 + (text->at[i] - '0');
	}
	text->at += count;
	text->len -= count;
	*value = sum;
	return true;
}

static bool skip(struct str *text, char wanted)
{
	if (text->len == 0 || text->at[0] != wanted)
		return false;
	text->at++;
	text->len--;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last day
   (year 0 to 9999 only). */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	/* 146097 days are 400 years; 719468 days are from 0000-03-01 to 1970-01-01 */
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_fraction(struct str *text, int *us)
{
	int value = 0, places = 0;

	if (!skip(text, '.'))
		return true;
	if (text->len == 0 || text->at[0] < '0' || text->at[0] > '9')
		return false;
	while (text->len && text->at[0] >= '0' && text->at[0] <= '9') {
		if (places < 6) {
			value = value * 10 + (text->at[0] - '0');
			places++;
		}
		text->at++;
		text->len--;
	}
	for (; places < 6; places++)
		value *= 10;
	*us = value;
	return true;
}

static bool read_zone(struct str *text, int *minutes)
{
	int sign, hour, minute;

	if (skip(text, 'Z') || skip(text, 'z')) {
		*minutes = 0;
		return true;
	}
	if (skip(text, '+'))
		sign = 1;
	else if (skip(text, '-'))
		sign = -1;
	else
		return false;
	if (!digits(text, 2, &hour) || !skip(text, ':') || !digits(text, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*minutes = sign * (hour * 60 + minute);
	return true;
}

bool clock_read(struct str text, int64_t *us)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day, hour, minute, second, fraction = 0, zone;

	if (!digits(&text, 4, &year) || !skip(&text, '-') || !digits(&text, 2, &month) ||
	    !skip(&text, '-') || !digits(&text, 2, &day))
		return false;
	if (!skip(&text, 'T') && !skip(&text, 't') && !skip(&text, ' '))
		return false;
	if (!digits(&text, 2, &hour) || !skip(&text, ':') || !digits(&text, 2, &minute) ||
	    !skip(&text, ':') || !digits(&text, 2, &second))
		return false;
	if (!read_fraction(&text, &fraction) || !read_zone(&text, &zone) || text.len)
		return false;
	if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60)
		return false;
	if (day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	*us = ((days_of(year, month, day) * 24 + hour) * 60 + minute - zone) * 60000000 +
	      (int64_t)second * 1000000 + fraction;
	return true;
}

void clock_write(struct buf *out, int64_t us)
{
	int64_t fraction = us % 1000000, seconds = us / 1000000;
	struct tm utc;
	time_t at;

	if (fraction < 0) {
		fraction += 1000000;
		seconds--;
	}
	at = (time_t)seconds;
	gmtime_r(&at, &utc);
	buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06lldZ", utc.tm_year + 1900, utc.tm_mon + 1,
		 utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (long long)fraction);
}

bool clock_read_duration(struct str text, int64_t *us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	int64_t factor = 1, count, total;

	for (size_t i = 0; text.len && i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.at[text.len - 1] == units[i].unit) {
			factor = units[i].seconds;
			text.len--;
			break;
		}
	}
	if (!str_int(text, &count) || count < 0)
		return false;
	if (__builtin_mul_overflow(count, factor * 1000000, &total))
		return false;
	*us = total;
	return true;
}
