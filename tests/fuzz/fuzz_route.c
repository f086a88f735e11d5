/* SPDX-License-Identifier: ISC */
/* Any bytes as a path: the row that is found, filled in with the values that it
   gave, is the path. */
#include "fuzz.h"

#include "http/route.h"

static const struct route rows[] = {
	{ "GET", "/status" },
	{ "GET", "/subscriptions/{workspace_id}" },
	{ "PUT", "/subscriptions/{workspace_id}/{subscription_id}" },
	{ "GET", "/validate/{workspace_id}/{subscription_id}/{validation_code}" },
	{ "GET", "/tick/{token}" },
};
static const struct route_table table = { rows, sizeof(rows[0]), sizeof(rows) / sizeof(rows[0]) };

static void check(struct str path, const struct route_match *match)
{
	struct str parts = str_of(match->row->path);
	struct buf again = { 0 };

	(void)str_cut(&parts, '/');
	while (parts.at) {
		struct str part = str_cut(&parts, '/');
		char name[32];

		buf_add_char(&again, '/');
		if (part.at[0] != '{') {
			buf_add_str(&again, part);
			continue;
		}
		MUST(part.len < sizeof(name));
		memcpy(name, part.at + 1, part.len - 2);
		name[part.len - 2] = '\0';
		if (strstr(name, "_id"))
			buf_addf(&again, "%lld", (long long)route_int(match, name));
		else
			buf_add_str(&again, route_text(match, name));
	}
	MUST(str_equal(path, buf_str(&again)));
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = { "GET", "PUT", "HEAD", "POST" };
	struct str path = { (const char *)data, size };
	struct buf allow = { 0 };

	route_write_allow(&table, path, &allow);
	for (size_t i = 0; i < 4; i++) {
		struct route_match match = { 0 };
		enum route_end end = route_find(&table, str_of(methods[i]), path, &match);

		MUST((end == ROUTE_ABSENT) == (allow.len == 0));
		MUST((end == ROUTE_FOUND) == (allow.len && strstr(allow.at, methods[i]) != NULL));
		if (end == ROUTE_FOUND)
			check(path, &match);
	}
	buf_done(&allow);
	return 0;
}
