/* SPDX-License-Identifier: ISC */
/* Lists of the command line, with rows that need no database. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/list.h"

/* ---- rows of our own, in place of those of libpq */

enum { COLUMNS = 6 };

static const char *const names[COLUMNS] = { "account_id", "name",    "enabled",
					    "waiting",	  "seen_us", "a_us" };

/* As text, NULL for null; the times are set by the tests. */
struct db_rows {
	const char *cells[3][COLUMNS];
	size_t count;
};

static size_t place_of(const char *column)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (strcmp(names[i], column) == 0)
			return i;
	fail_msg("there is no column %s", column);
	return 0;
}

size_t db_rows_count(const struct db_rows *rows)
{
	return rows->count;
}

size_t db_rows_columns(const struct db_rows *rows)
{
	(void)rows;
	return COLUMNS;
}

const char *db_column(const struct db_rows *rows, size_t column)
{
	(void)rows;
	return names[column];
}

bool db_is_number(const struct db_rows *rows, const char *column)
{
	(void)rows;
	return strcmp(column, "name") != 0 && strcmp(column, "enabled") != 0;
}

bool db_is_flag(const struct db_rows *rows, const char *column)
{
	(void)rows;
	return strcmp(column, "enabled") == 0;
}

bool db_is_json(const struct db_rows *rows, const char *column)
{
	(void)rows;
	return strcmp(column, "words") == 0;
}

bool db_is_null(const struct db_rows *rows, size_t row, const char *column)
{
	return !rows->cells[row][place_of(column)];
}

struct str db_str(const struct db_rows *rows, size_t row, const char *column)
{
	return str_of(rows->cells[row][place_of(column)]);
}

int64_t db_int(const struct db_rows *rows, size_t row, const char *column)
{
	return strtoll(rows->cells[row][place_of(column)], NULL, 10);
}

bool db_bool(const struct db_rows *rows, size_t row, const char *column)
{
	return *rows->cells[row][place_of(column)] == 't';
}

void db_bytes(const struct db_rows *rows, size_t row, const char *column, struct buf *bytes)
{
	buf_add_str(bytes, db_str(rows, row, column));
}

static const struct db_rows two = {
	{ { "9223372036854775807", "Ada \"A\"", "t", "9007199254740993", "1767225600500000", NULL },
	  { "2", NULL, "f", "0", NULL, NULL } },
	2,
};
static const struct db_rows none = { 0 };

/* ---- for scripts */

static void test_json(void **state)
{
	struct buf out = { 0 };

	(void)state;
	list_add_array(&out, "accounts", NULL, &two);
	assert_str(buf_str(&out), "\"accounts\":[{\"account_id\":\"9223372036854775807\",\"name\":"
				  "\"Ada \\\"A\\\"\",\"enabled\":true,"
				  "\"waiting\":9007199254740993,\"seen_at\":\"2026-01-01T00:00:00."
				  "500000Z\",\"a_at\":null},"
				  "{\"account_id\":\"2\",\"name\":null,\"enabled\":false,"
				  "\"waiting\":0,\"seen_at\":null,\"a_at\":null}]");
	buf_clear(&out);
	list_add_array(&out, "accounts", NULL, &none);
	assert_str(buf_str(&out), "\"accounts\":[]");
	buf_clear(&out);
	list_add_members(&out, NULL, NULL, &two, 1);
	assert_has(&out, "\"account_id\":\"2\",");
	buf_done(&out);
}

/* ---- on stdout */

static void write_and_read(const struct db_rows *rows, bool json, const struct list_column *columns,
			   struct buf *out)
{
	struct list list = { .name = "accounts", .columns = columns };
	int file = memfd_create("stdout", 0), before = dup(STDOUT_FILENO);
	char bytes[4096];
	ssize_t got;
	bool fine;

	assert_true(file >= 0 && before >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	list.json = json;
	list_add(&list, rows, rows->count);
	fine = list_write(&list);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	assert_true(fine);
	got = pread(file, bytes, sizeof(bytes), 0);
	assert_true(got >= 0);
	buf_clear(out);
	buf_add(out, bytes, (size_t)got);
	close(file);
}

static void test_stdout(void **state)
{
	struct db_rows rows = two;
	struct buf out = { 0 }, ago = { 0 };

	(void)state;
	write_and_read(&none, true, NULL, &out);
	assert_str(buf_str(&out), "{\"accounts\":[]}\n");
	write_and_read(&none, false, NULL, &out);
	assert_str(buf_str(&out), "ACCOUNT ID  NAME  ENABLED  WAITING  SEEN  A\n");

	/* control characters in a name do not move the cursor */
	rows.cells[0][1] = "\x1b[2J";
	buf_addf(&ago, "%lld", (long long)(clock_now_us() - INT64_C(7200) * 1000000));
	rows.cells[0][4] = buf_text(&ago);
	write_and_read(&rows, false, NULL, &out);
	assert_lacks(&out, "\x1b");
	assert_has(&out, "2 hours ago");
	assert_has(&out, "9223372036854775807");
	assert_has(&out, "yes");
	assert_has(&out, "no ");
	assert_has(&out, " - ");
	buf_done(&ago);
	buf_done(&out);
}

/* ---- columns of its own */

static void add_state(struct buf *out, const struct db_rows *rows, size_t row, const void *context)
{
	buf_addf(out, "%s, %s", db_bool(rows, row, "enabled") ? "on" : "off",
		 (const char *)context);
}

static void test_columns(void **state)
{
	static const struct list_column columns[] = {
		{ .column = "account_id", .member = "id", .form = LIST_TEXT },
		{ .column = "waiting", .head = "SIZE", .member = "bytes", .form = LIST_SIZE },
		{ .column = "seen_us", .head = "SEEN", .form = LIST_TIME, .absent = "never" },
		{ .column = "name", .member = "name", .form = LIST_HEX },
		{ .column = "enabled", .head = "STATE", .member = "state", .add = add_state },
		{ 0 },
	};
	struct list list = {
		.name = "accounts", .json = true, .columns = columns, .context = "so far"
	};
	struct buf out = { 0 };

	(void)state;
	list_add(&list, &two, 1);
	list_add(&list, &two, 2);
	json_put_bool(list_end(&list), "more", true);
	assert_str(buf_str(&list.text),
		   "{\"accounts\":["
		   "{\"id\":\"9223372036854775807\",\"bytes\":9007199254740993,\"name\":"
		   "\"41646120224122\",\"state\":\"on, so far\"},"
		   "{\"id\":\"9223372036854775807\",\"bytes\":9007199254740993,\"name\":"
		   "\"41646120224122\",\"state\":\"on, so far\"},"
		   "{\"id\":\"2\",\"bytes\":0,\"name\":null,\"state\":\"off, so far\"}],"
		   "\"more\":true");
	list_done(&list);

	write_and_read(&none, false, columns, &out);
	assert_str(buf_str(&out), "SIZE  SEEN  STATE\n");
	buf_done(&out);
}

static void test_csv(void **state)
{
	static const struct list_column columns[] = {
		{ .column = "name", .member = "name" },
		{ .column = "seen_us", .member = "seen_at" },
		{ .column = "enabled", .member = "enabled" },
		{ 0 },
	};
	struct db_rows rows = two;
	struct buf out = { 0 };

	(void)state;
	list_add_csv_head(&out, columns);
	list_add_csv(&out, columns, &rows, 0);
	list_add_csv(&out, columns, &rows, 1);
	rows.cells[1][1] = "";
	list_add_csv(&out, columns, &rows, 1);
	assert_str(buf_str(&out), "name,seen_at,enabled\r\n"
				  "\"Ada \"\"A\"\"\",2026-01-01T00:00:00.500000Z,t\r\n"
				  ",,f\r\n"
				  "\"\",,f\r\n");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_stdout),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_csv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
