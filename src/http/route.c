/* SPDX-License-Identifier: ISC */
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

/* The name in "{name}"; at == NULL: the part is literal. */
static struct str name_of(struct str part)
{
	if (part.len < 3 || part.at[0] != '{' || part.at[part.len - 1] != '}')
		return (struct str){ 0 };
	return (struct str){ part.at + 1, part.len - 2 };
}

static bool is_id(struct str name)
{
	return name.len > 3 && memcmp(name.at + name.len - 3, "_id", 3) == 0;
}

static bool read_id(struct str text, int64_t *id)
{
	if (text.len == 0 || text.at[0] == '-' || (text.len > 1 && text.at[0] == '0'))
		return false;
	return str_int(text, id);
}

static bool fits_part(struct str part, struct str segment, struct route_match *match)
{
	struct str name = name_of(part);
	int64_t id;

	if (!name.at)
		return str_equal(part, segment);
	if (segment.len == 0 || (is_id(name) && !read_id(segment, &id)))
		return false;
	if (match->count == ROUTE_VALUES_MAX)
		abort(); /* the table has too many parts */
	match->values[match->count++] = segment;
	return true;
}

static bool fits(const struct route *row, struct str path, struct route_match *match)
{
	struct str parts = str_of(row->path);

	*match = (struct route_match){ .row = row };
	if (path.len == 0 || path.at[0] != '/')
		return false;
	/* before the first slash there is nothing; behind the last one there is a segment,
	   perhaps an empty one */
	(void)str_cut(&parts, '/');
	(void)str_cut(&path, '/');
	while (parts.at && path.at) {
		struct str part = str_cut(&parts, '/'), segment = str_cut(&path, '/');

		if (!fits_part(part, segment, match))
			return false;
	}
	return !parts.at && !path.at;
}

static const struct route *row_at(const struct route_table *table, size_t index)
{
	return (const struct route *)(const void *)((const char *)table->first +
						    index * table->stride);
}

enum route_end route_find(const struct route_table *table, struct str method, struct str path,
			  struct route_match *match)
{
	enum route_end end = ROUTE_ABSENT;
	struct route_match found;

	if (str_is(method, "HEAD"))
		method = str_of("GET");
	for (size_t i = 0; i < table->count; i++) {
		if (!fits(row_at(table, i), path, &found))
			continue;
		if (str_is(method, found.row->method)) {
			*match = found;
			return ROUTE_FOUND;
		}
		end = ROUTE_OTHER_METHOD;
	}
	return end;
}

struct str route_text(const struct route_match *match, const char *name)
{
	struct str parts = str_of(match->row->path);
	size_t index = 0;

	while (parts.at) {
		struct str found = name_of(str_cut(&parts, '/'));

		if (found.at && str_is(found, name))
			return match->values[index];
		index += found.at != NULL;
	}
	abort(); /* no such part: caller and table do not match */
}

int64_t route_int(const struct route_match *match, const char *name)
{
	int64_t id;

	if (!is_id(str_of(name)) || !read_id(route_text(match, name), &id))
		abort(); /* route_find() has read it already */
	return id;
}

static void add_method(const char *method, struct buf *out)
{
	if (out->len)
		buf_add_text(out, ", ");
	buf_add_text(out, method);
}

void route_write_allow(const struct route_table *table, struct str path, struct buf *out)
{
	struct buf all = { 0 };
	struct route_match found;

	for (size_t i = 0; i < table->count; i++) {
		if (!fits(row_at(table, i), path, &found))
			continue;
		add_method(found.row->method, &all);
		if (strcmp(found.row->method, "GET") == 0)
			add_method("HEAD", &all);
	}
	buf_add_str(out, buf_str(&all));
	buf_done(&all);
}
