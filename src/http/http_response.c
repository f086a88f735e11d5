/* SPDX-License-Identifier: ISC */
#include "http/http_response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where the value of a wanted header is in `values`. */
struct http_response_found {
	size_t at, len;
	bool is_there;
};

void http_response_init(struct http_response *response, const struct http_response_options *options)
{
	*response = (struct http_response){ .options = options };
	while (options->wanted && options->wanted[response->wanted_count])
		response->wanted_count++;
	response->found = mem_zero(response->wanted_count, sizeof(*response->found));
}

static void forget_headers(struct http_response *response)
{
	buf_clear(&response->values);
	memset(response->found, 0, response->wanted_count * sizeof(*response->found));
}

void http_response_clear(struct http_response *response)
{
	buf_clear(&response->body);
	forget_headers(response);
	response->body_bytes = response->header_bytes = 0;
	response->is_cut = response->is_over = false;
	response->problem = NULL;
}

void http_response_done(struct http_response *response)
{
	buf_done(&response->body);
	buf_done(&response->values);
	free(response->found);
	*response = (struct http_response){ 0 };
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

bool http_response_add_line(struct http_response *response, struct str line)
{
	struct str name;

	response->header_bytes += line.len;
	if (response->header_bytes > HTTP_RESPONSE_HEADERS_MAX) {
		response->problem = "the answer's headers are larger than allowed";
		return false;
	}
	/* a response with status 100 or 103 may come before the final one */
	if (str_starts(line, "HTTP/"))
		forget_headers(response);
	while (line.len && is_line_end(line.at[line.len - 1]))
		line.len--;
	name = str_cut(&line, ':');
	line = str_trim(line);
	for (size_t i = 0; i < response->wanted_count; i++) {
		struct http_response_found *found = &response->found[i];

		if (found->is_there || line.len > HTTP_RESPONSE_HEADER_MAX ||
		    !str_equal_nocase(name, response->options->wanted[i]))
			continue;
		*found = (struct http_response_found){ response->values.len, line.len, true };
		buf_add_str(&response->values, line);
	}
	return true;
}

bool http_response_add_body(struct http_response *response, struct str bytes)
{
	size_t max = response->options->body_max, room = max - response->body.len;

	response->body_bytes += bytes.len;
	buf_add(&response->body, bytes.at, bytes.len < room ? bytes.len : room);
	if (response->body_bytes <= max)
		return true;
	response->is_cut = true;
	if (!response->options->cuts)
		response->problem = "the answer is larger than allowed";
	else
		response->is_over = response->body_bytes - max > HTTP_RESPONSE_DROPPED_MAX;
	return !response->problem && !response->is_over;
}

struct str http_response_find(const struct http_response *response, const char *name)
{
	for (size_t i = 0; i < response->wanted_count; i++)
		if (response->found[i].is_there &&
		    strcasecmp(response->options->wanted[i], name) == 0)
			/* buf_text(), because `values` may be empty */
			return (struct str){ buf_text(&response->values) + response->found[i].at,
					     response->found[i].len };
	return (struct str){ 0 };
}
