/* SPDX-License-Identifier: ISC */
/* json_pretty() with json-c, in its own file: the receiver, which starts anew for every plain
   CGI request, must not load that library. */
#include "base/json.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

void json_pretty(struct buf *out, struct str text)
{
	struct json_tokener *parser = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	struct json_object *root = NULL;
	struct json_value none;
	bool fine = parser && text.len <= INT32_MAX &&
		    json_scan(text, NULL, &none, 0, NULL) == ERR_NONE;

	if (fine)
		root = json_tokener_parse_ex(parser, text.at, (int)text.len);
	if (root)
		buf_add_text(out, json_object_to_json_string_ext(
					  root, JSON_C_TO_STRING_PRETTY |
							JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		buf_add_str(out, text);
	json_object_put(root);
	if (parser)
		json_tokener_free(parser);
}
