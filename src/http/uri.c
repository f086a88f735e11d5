/* SPDX-License-Identifier: ISC */
#include "http/uri.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* A decoded name and its value, as offsets in `text`. */
struct pair {
	size_t name, name_len, value, value_len;
};

struct query {
	struct buf text;
	struct pair pairs[URI_PAIRS_MAX];
	size_t count;
};

static bool decode(struct str raw, bool plus_is_space, struct buf *out)
{
	for (size_t i = 0; i < raw.len; i++) {
		unsigned char byte = (unsigned char)raw.at[i];

		if (byte == '%') {
			if (raw.len - i < 3 ||
			    !hex_read((struct str){ raw.at + i + 1, 2 }, &byte, 1))
				return false;
			i += 2;
		} else if (byte == '+' && plus_is_space) {
			byte = ' ';
		}
		if (byte == '\0')
			return false;
		buf_add_char(out, (char)byte);
	}
	return true;
}

void uri_encode(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr("-._~", c)))
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

bool uri_decode(struct str raw, struct buf *out)
{
	return decode(raw, false, out);
}

static bool read_part(struct str raw, struct query *query, size_t *at, size_t *len)
{
	*at = query->text.len;
	if (!decode(raw, true, &query->text))
		return false;
	*len = query->text.len - *at;
	return utf8_is_valid((struct str){ buf_text(&query->text) + *at, *len });
}

static enum err read_query(struct str raw, struct query *query)
{
	while (raw.len) {
		struct str value = str_cut(&raw, '&'), name;
		struct pair *pair = &query->pairs[query->count];

		if (value.len == 0)
			continue;
		if (query->count == URI_PAIRS_MAX)
			return ERR_INPUT;
		name = str_cut(&value, '=');
		if (!read_part(name, query, &pair->name, &pair->name_len) ||
		    !read_part(value, query, &pair->value, &pair->value_len))
			return ERR_INPUT;
		query->count++;
	}
	return ERR_NONE;
}

static struct str name_of(const struct query *query, size_t index)
{
	return (struct str){ buf_text(&query->text) + query->pairs[index].name,
			     query->pairs[index].name_len };
}

static struct str value_of(const struct query *query, size_t index)
{
	return (struct str){ buf_text(&query->text) + query->pairs[index].value,
			     query->pairs[index].value_len };
}

/* The first with this name; count when there is none. */
static size_t first_of(const struct query *query, struct str name)
{
	size_t index = 0;

	while (index < query->count && !str_equal(name_of(query, index), name))
		index++;
	return index;
}

enum err uri_value(struct str raw, const char *name, struct buf *out)
{
	struct query query = { 0 };
	enum err err = read_query(raw, &query);
	size_t index;

	if (err)
		goto done;
	index = first_of(&query, str_of(name));
	if (index < query.count)
		buf_add_str(out, value_of(&query, index));
	else
		err = ERR_ABSENT;
done:
	buf_done(&query.text);
	return err;
}

static bool is_among(struct str name, struct str list)
{
	while (list.len)
		if (str_equal(str_trim(str_cut(&list, ',')), name))
			return true;
	return false;
}

enum err uri_unknown(struct str raw, const char *known, struct buf *out)
{
	struct query query = { 0 };
	enum err err = read_query(raw, &query);
	size_t index = 0;

	if (err)
		goto done;
	while (index < query.count && is_among(name_of(&query, index), str_of(known)))
		index++;
	if (index < query.count)
		buf_add_str(out, name_of(&query, index));
	else
		err = ERR_ABSENT;
done:
	buf_done(&query.text);
	return err;
}

enum err uri_query_json(struct str raw, struct buf *out)
{
	struct query query = { 0 };
	enum err err = read_query(raw, &query);

	if (err)
		goto done;
	json_begin(out, NULL);
	for (size_t i = 0; i < query.count; i++) {
		if (first_of(&query, name_of(&query, i)) < i)
			continue;
		json_item(out, name_of(&query, i));
		buf_add_char(out, ':');
		json_quote(out, value_of(&query, i));
	}
	json_end(out);
done:
	buf_done(&query.text);
	return err;
}

/* ---- secrets in text */

/* How many bytes at the beginning of `message` are this part; at the end of `message`, the
   beginning of the part is enough. */
static size_t hidden_by(struct str message, struct str part, size_t least)
{
	size_t len = part.len < message.len ? part.len : message.len;

	return len >= least && memcmp(message.at, part.at, len) == 0 ? len : 0;
}

/* The longest match at the beginning of `message` with a part of `text`. */
static size_t hidden_at(struct str message, struct str text, size_t least)
{
	size_t longest = 0, start = 0;

	for (size_t i = 0; i <= text.len; i++) {
		size_t len;

		if (i < text.len && !strchr("/?#&=@:;,", text.at[i]))
			continue;
		len = hidden_by(message, (struct str){ text.at + start, i - start }, least);
		longest = len > longest ? len : longest;
		start = i + 1;
	}
	return longest;
}

void uri_hide(struct str message, struct str url, size_t least, struct buf *out)
{
	struct str user = { url.at, 0 }, rest = { url.at, 0 };
	size_t from = 0;

	for (size_t i = 0; i + 2 < url.len && !from; i++)
		if (memcmp(url.at + i, "://", 3) == 0)
			from = i + 3;
	for (size_t i = from; i < url.len && !rest.len; i++) {
		if (url.at[i] == '@')
			user = (struct str){ url.at + from, i - from };
		else if (strchr("/?#", url.at[i]))
			rest = (struct str){ url.at + i, url.len - i };
	}
	while (message.len) {
		size_t of_user = hidden_at(message, user, least),
		       of_rest = hidden_at(message, rest, least);
		size_t len = of_user > of_rest ? of_user : of_rest;

		if (len)
			buf_add_text(out, "…");
		else
			buf_add_char(out, message.at[0]);
		message.at += len ? len : 1;
		message.len -= len ? len : 1;
	}
}
