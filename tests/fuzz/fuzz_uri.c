/* SPDX-License-Identifier: ISC */
/* Any bytes as a query: JSON that our scanner takes, with the values that are
   found one by one; as a path: never longer, and no NUL in it. */
#include "fuzz.h"

#include "base/json.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_want want = { "a", NULL };
	struct str raw = { (const char *)data, size };
	struct buf json = { 0 }, value = { 0 }, text = { 0 }, path = { 0 };
	struct json_value found;

	if (uri_query_json(raw, &json)) {
		MUST(json.len == 0);
		MUST(uri_value(raw, "a", &value) == ERR_INPUT && value.len == 0);
	} else {
		MUST(json_scan(buf_str(&json), &want, &found, 1, NULL) == ERR_NONE);
		if (uri_value(raw, "a", &value) == ERR_NONE) {
			MUST(found.kind == JSON_STRING && json_text(found, &text) == ERR_NONE);
			MUST(str_equal(buf_str(&text), buf_str(&value)));
		} else {
			MUST(found.kind == JSON_ABSENT);
		}
	}
	if (uri_decode(raw, &path))
		MUST(path.len <= size && strlen(buf_text(&path)) == path.len);
	buf_done(&json);
	buf_done(&value);
	buf_done(&text);
	buf_done(&path);
	return 0;
}
