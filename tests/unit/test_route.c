/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/route.h"

struct row {
	struct route route;
	int number;
};

static const struct row rows[] = {
	{ { "GET", "/status" }, 1 },
	{ { "GET", "/subscriptions/{workspace_id}" }, 2 },
	{ { "POST", "/subscriptions/{workspace_id}" }, 3 },
	{ { "PUT", "/subscriptions/{workspace_id}/{subscription_id}" }, 4 },
	{ { "DELETE", "/subscriptions/{workspace_id}/{subscription_id}" }, 5 },
	{ { "GET", "/subscriptions/{workspace_id}/{subscription_id}/events" }, 6 },
	{ { "GET", "/validate/{workspace_id}/{subscription_id}/{validation_code}" }, 7 },
	{ { "GET", "/names/first" }, 8 },
	{ { "GET", "/names/{name}" }, 9 },
	{ { "GET", "/" }, 10 },
	{ { "GET", "/braces/{}/{x" }, 11 },
	{ { "GET", "/_id/{_id}" }, 12 },
};

static const struct route_table table = { &rows[0].route, sizeof(rows[0]),
					  sizeof(rows) / sizeof(rows[0]) };

/* The number of the row; 404, 405 when there is none. */
static int row_for(const char *method, struct str path)
{
	struct route_match match = { 0 };

	switch (route_find(&table, str_of(method), path, &match)) {
	case ROUTE_FOUND:
		return ((const struct row *)(const void *)match.row)->number;
	case ROUTE_OTHER_METHOD:
		assert_null(match.row);
		return 405;
	case ROUTE_ABSENT:
		break;
	}
	assert_null(match.row);
	return 404;
}

static void rows_are_found(void **state)
{
	static const struct {
		const char *method, *path;
		int row;
	} cases[] = {
		{ "GET", "/status", 1 },
		{ "HEAD", "/status", 1 },
		{ "POST", "/status", 405 },
		{ "OPTIONS", "/status", 405 },
		{ "get", "/status", 405 },
		{ "", "/status", 405 },
		{ "GET", "/Status", 404 },
		{ "GET", "/status/", 404 },
		{ "GET", "//status", 404 },
		{ "GET", "/status/x", 404 },
		{ "GET", "status", 404 },
		{ "GET", "", 404 },
		{ "GET", "/", 10 },
		{ "GET", "//", 404 },
		{ "GET", "/subscriptions/1", 2 },
		{ "POST", "/subscriptions/1", 3 },
		{ "HEAD", "/subscriptions/1", 2 },
		{ "PUT", "/subscriptions/1", 405 },
		{ "PUT", "/subscriptions/1/2", 4 },
		{ "HEAD", "/subscriptions/1/2", 405 },
		{ "DELETE", "/subscriptions/1/2", 5 },
		{ "GET", "/subscriptions/1/2/events", 6 },
		{ "GET", "/subscriptions/1/2/event", 404 },
		{ "GET", "/subscriptions", 404 },
		{ "GET", "/subscriptions/", 404 },
		{ "PUT", "/subscriptions/1/", 404 },
		{ "PUT", "/subscriptions//2", 404 },
		{ "GET", "/validate/1/2/some-code", 7 },
		{ "GET", "/validate/1/2/", 404 },
		{ "GET", "/validate/1/2/some/code", 404 },
		{ "GET", "/names/first", 8 },
		{ "GET", "/names/second", 9 },
		{ "GET", "/names/{name}", 9 },
		{ "GET", "/braces/{}/{x", 11 },
		{ "GET", "/braces/a/{x", 404 },
		/* "_id" alone names no id */
		{ "GET", "/_id/word", 12 },
		/* ids */
		{ "GET", "/subscriptions/0", 2 },
		{ "GET", "/subscriptions/9223372036854775807", 2 },
		{ "GET", "/subscriptions/9223372036854775808", 404 },
		{ "GET", "/subscriptions/18446744073709551617", 404 },
		{ "GET", "/subscriptions/-1", 404 },
		{ "GET", "/subscriptions/+1", 404 },
		{ "GET", "/subscriptions/01", 404 },
		{ "GET", "/subscriptions/1.0", 404 },
		{ "GET", "/subscriptions/1e3", 404 },
		{ "GET", "/subscriptions/ 1", 404 },
		{ "GET", "/subscriptions/0x1", 404 },
		{ "GET", "/subscriptions/me", 404 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int row = row_for(cases[i].method, str_of(cases[i].path));

		if (row != cases[i].row)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, row);
	}
	assert_int_equal(404, row_for("GET", (struct str){ 0 }));
	assert_int_equal(404, row_for("GET", LIT("/subscriptions/1\0")));
	assert_int_equal(404, row_for("GET", LIT("/status\0")));
}

static void values_are_given(void **state)
{
	struct route_match match;

	(void)state;
	assert_int_equal(ROUTE_FOUND,
			 route_find(&table, str_of("GET"),
				    LIT("/validate/7435584/9007199254740993/a b%2Fc"), &match));
	assert_int_equal(3, match.count);
	assert_int_equal(7435584, route_int(&match, "workspace_id"));
	assert_true(route_int(&match, "subscription_id") == 9007199254740993);
	/* not decoded twice */
	assert_str(route_text(&match, "validation_code"), "a b%2Fc");
	assert_str(route_text(&match, "workspace_id"), "7435584");
}

static void allowed_methods(void **state)
{
	static const char *const cases[][2] = {
		{ "/status", "GET, HEAD" },
		{ "/subscriptions/1", "GET, HEAD, POST" },
		{ "/subscriptions/1/2", "PUT, DELETE" },
		{ "/subscriptions/x", "" },
		{ "/nothing", "" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		buf_add_text(&out, "Allow: ");
		route_write_allow(&table, str_of(cases[i][0]), &out);
		assert_string_equal(cases[i][1], buf_text(&out) + 7);
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(values_are_given),
		cmocka_unit_test(allowed_methods),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
