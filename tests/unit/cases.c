/* SPDX-License-Identifier: ISC */
#include "cases.h"

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

static const char *data_folder(void)
{
	const char *given = getenv("HL_DATA");

	return given && *given ? given : HL_DATA;
}

static void read_file(const char *name, struct buf *out)
{
	struct buf path = { 0 };

	buf_addf(&path, "%s/%s", data_folder(), name);
	scratch_read(buf_text(&path), out);
	buf_done(&path);
}

static struct str text_of(struct json_object *value)
{
	return (struct str){ json_object_get_string(value),
			     (size_t)json_object_get_string_len(value) };
}

static void add_base64(struct buf *out, struct str text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < text.len && text.at[i] != '='; i++) {
		const char *letter = strchr(letters, text.at[i]);

		if (!letter)
			abort();
		bits = bits << 6 | (unsigned)(letter - letters);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_add_char(out, (char)(bits >> have));
			bits &= (1u << have) - 1;
		}
	}
}

static void add_parts(struct buf *out, struct json_object *parts)
{
	for (size_t i = 0; i < json_object_array_length(parts); i++) {
		struct json_object *part = json_object_array_get_idx(parts, i);
		int64_t times = json_object_get_int64(json_object_array_get_idx(part, 1));

		while (times-- > 0)
			buf_add_str(out, text_of(json_object_array_get_idx(part, 0)));
	}
}

static void fill(struct test_case *c, struct json_object *root)
{
	struct json_object *value;

	if (json_object_object_get_ex(root, "body", &value))
		buf_add_str(&c->body, text_of(value));
	if (json_object_object_get_ex(root, "body_base64", &value))
		add_base64(&c->body, text_of(value));
	if (json_object_object_get_ex(root, "body_file", &value))
		read_file(text_of(value).at, &c->body);
	if (json_object_object_get_ex(root, "body_parts", &value))
		add_parts(&c->body, value);
	if (json_object_object_get_ex(root, "status", &value))
		c->status = json_object_get_int(value);
	if (json_object_object_get_ex(root, "kind", &value))
		snprintf(c->kind, sizeof(c->kind), "%s", text_of(value).at);
	if (json_object_object_get_ex(root, "reason", &value))
		snprintf(c->reason, sizeof(c->reason), "%s", text_of(value).at);
}

static int only_cases(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

size_t cases_each(void (*look)(const struct test_case *))
{
	struct dirent **names = NULL;
	struct buf dir = { 0 };
	int count;

	buf_addf(&dir, "%s/cases", data_folder());
	count = scandir(buf_text(&dir), &names, only_cases, alphasort);
	for (int i = 0; i < count; i++) {
		struct test_case c = { 0 };
		struct buf path = { 0 }, text = { 0 };
		struct json_object *root;

		buf_addf(&path, "cases/%s", names[i]->d_name);
		read_file(buf_text(&path), &text);
		root = json_tokener_parse(buf_text(&text));
		if (!root) {
			fprintf(stderr, "%s is no JSON\n", names[i]->d_name);
			abort();
		}
		snprintf(c.name, sizeof(c.name), "%.*s", (int)strlen(names[i]->d_name) - 5,
			 names[i]->d_name);
		fill(&c, root);
		look(&c);
		json_object_put(root);
		buf_done(&c.body);
		buf_done(&path);
		buf_done(&text);
		free(names[i]);
	}
	free(names);
	buf_done(&dir);
	return count > 0 ? (size_t)count : 0;
}
