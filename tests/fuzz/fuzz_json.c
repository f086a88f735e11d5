/* SPDX-License-Identifier: ISC */
/* What our scanner accepts, json-c must parse too, and see the same ids in; a
   text that is unescaped and quoted again reads the same. */
#include "fuzz.h"

#include <json-c/json.h>

#include "base/json.h"

static const struct json_want wants[] = {
	{ "event_id", NULL },	 { "payload", NULL }, { "payload", "id" },
	{ "metadata", "model" }, { "a", NULL },
};
enum { WANTS = sizeof(wants) / sizeof(wants[0]) };

static void reads_the_same(struct json_value value)
{
	static const struct json_want want = { "k", NULL };
	struct buf text = { 0 }, again = { 0 }, twice = { 0 };
	struct json_value found;

	if (json_text(value, &text) == ERR_NONE) {
		MUST(utf8_is_valid(buf_str(&text)) || text.len == 0);
		buf_add_text(&again, "{\"k\":");
		json_quote(&again, (struct str){ buf_text(&text), text.len });
		buf_add_char(&again, '}');
		MUST(json_scan(buf_str(&again), &want, &found, 1, NULL) == ERR_NONE);
		MUST(json_text(found, &twice) == ERR_NONE);
		MUST(str_equal(buf_str(&text), buf_str(&twice)));
	} else {
		MUST(text.len == 0);
	}
	buf_done(&text);
	buf_done(&again);
	buf_done(&twice);
}

static void agrees(struct json_object *theirs, struct json_value ours)
{
	int64_t number;

	MUST((theirs != NULL) == (ours.kind != JSON_ABSENT && ours.kind != JSON_NULL));
	if (!theirs)
		return;
	MUST(json_object_is_type(theirs, json_type_object) == (ours.kind == JSON_OBJECT));
	MUST(json_object_is_type(theirs, json_type_array) == (ours.kind == JSON_ARRAY));
	MUST(json_object_is_type(theirs, json_type_string) == (ours.kind == JSON_STRING));
	if (ours.kind == JSON_NUMBER && json_int(ours, &number))
		MUST(json_object_get_int64(theirs) == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct json_value found[WANTS];
	struct json_tokener *parser;
	struct json_object *root, *inner;
	struct buf pretty = { 0 };
	size_t where = SIZE_MAX;

	utf8_is_valid(text);
	if (json_scan(text, wants, found, WANTS, &where)) {
		MUST(where <= size);
		return 0;
	}
	MUST(utf8_is_valid(text));
	for (size_t i = 0; i < WANTS; i++)
		reads_the_same(found[i]);
	parser = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	root = json_tokener_parse_ex(parser, text.at, (int)text.len);
	MUST(root && json_object_is_type(root, json_type_object));
	/* json-c ends a key at \u0000, so a key of ours may stand there twice */
	if (!memmem(text.at, text.len, "\\u0000", 6)) {
		agrees(json_object_object_get(root, "event_id"), found[0]);
		inner = json_object_object_get(root, "payload");
		agrees(inner, found[1]);
		if (json_object_is_type(inner, json_type_object))
			agrees(json_object_object_get(inner, "id"), found[2]);
		agrees(json_object_object_get(root, "a"), found[4]);
	}
	json_object_put(root);
	json_tokener_free(parser);
	json_pretty(&pretty, text);
	MUST(pretty.len > 0);
	buf_done(&pretty);
	return 0;
}
