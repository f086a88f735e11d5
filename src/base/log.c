/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A longer value is truncated; any address or SQL message fits. */
enum { VALUE_MAX = 512 };

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *program_name = "hookledger";
static enum log_level level_max = LOG_INFO;

void log_open(const char *program, enum log_level level)
{
	program_name = program;
	level_max = level;
}

bool log_level_read(struct str name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (str_is(name, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool is_plain(struct str value)
{
	if (value.len == 0 || value.len > VALUE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return true;
}

static void add_value(struct buf *line, struct str value)
{
	bool cut = value.len > VALUE_MAX;

	if (is_plain(value)) {
		buf_add_str(line, value);
		return;
	}
	buf_add_char(line, '"');
	for (size_t i = 0; i < value.len && i < VALUE_MAX; i++) {
		unsigned char c = (unsigned char)value.at[i];

		/* Bytes above ASCII are escaped too: some terminals take 0x9b for the start of a
		   command. */
		if (c == '"' || c == '\\')
			buf_addf(line, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			buf_addf(line, "\\x%02x", c);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_text(line, cut ? "…\"" : "\"");
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	struct buf line = { 0 };
	struct timespec now;
	struct tm utc;
	char stamp[32];

	if (level > level_max)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	buf_addf(&line, "ts=%s.%03ldZ level=%s program=%s event=%s", stamp, now.tv_nsec / 1000000,
		 level_names[level], program_name, event);
	for (; fields && fields->key; fields++) {
		buf_addf(&line, " %s=", fields->key);
		if (fields->is_number)
			buf_addf(&line, "%lld", (long long)fields->number);
		else
			add_value(&line, fields->text);
	}
	buf_add_char(&line, '\n');
	/* One write, so that lines of several processes do not mix. An error of the log cannot be
	   reported anywhere. */
	if (write(STDERR_FILENO, line.at, line.len) < 0)
		line.len = 0;
	buf_done(&line);
}

struct log_field log_text(const char *key, const char *value)
{
	return log_str(key, str_of(value));
}

struct log_field log_str(const char *key, struct str value)
{
	/* libpq's messages end with a newline */
	while (value.len && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == ' '))
		value.len--;
	return (struct log_field){ .key = key, .text = value };
}

struct log_field log_num(const char *key, int64_t value)
{
	return (struct log_field){ .key = key, .number = value, .is_number = true };
}

struct log_field log_end(void)
{
	return (struct log_field){ 0 };
}

bool log_gate_passes(struct log_gate *gate, int64_t burst)
{
	static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
	int64_t now = (int64_t)time(NULL);
	bool passes;

	pthread_mutex_lock(&all);
	if (now != gate->second) {
		gate->second = now;
		gate->passed = 0;
	}
	passes = gate->passed < burst;
	if (passes)
		gate->passed++;
	else
		gate->held++;
	pthread_mutex_unlock(&all);
	return passes;
}
