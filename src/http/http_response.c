/* SPDX-License-Identifier: ISC */
#include "http/http_response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where a wanted header stands in `values`. */
struct http_response_found {
	size_t at, len;
	bool is_there;
};

void http_response_init(struct http_response *answer, const struct http_response_options *options)
{
	*answer = (struct http_response){ .options = options };
	while (options->wanted && options->wanted[answer->wanted_count])
		answer->wanted_count++;
	answer->found = mem_zero(answer->wanted_count, sizeof(*answer->found));
}

static void forget_headers(struct http_response *answer)
{
	buf_clear(&answer->values);
	memset(answer->found, 0, answer->wanted_count * sizeof(*answer->found));
}

void http_response_clear(struct http_response *answer)
{
	buf_clear(&answer->body);
	forget_headers(answer);
	answer->body_bytes = answer->header_bytes = 0;
	answer->is_cut = answer->is_over = false;
	answer->problem = NULL;
}

void http_response_done(struct http_response *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->values);
	free(answer->found);
	*answer = (struct http_response){ 0 };
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

bool http_response_add_line(struct http_response *answer, struct str line)
{
	struct str name;

	answer->header_bytes += line.len;
	if (answer->header_bytes > HTTP_RESPONSE_HEADERS_MAX) {
		answer->problem = "the answer's headers are larger than allowed";
		return false;
	}
	/* one with status 100 or 103 may stand before the answer itself */
	if (str_starts(line, "HTTP/"))
		forget_headers(answer);
	while (line.len && is_line_end(line.at[line.len - 1]))
		line.len--;
	name = str_cut(&line, ':');
	line = str_trim(line);
	for (size_t i = 0; i < answer->wanted_count; i++) {
		struct http_response_found *found = &answer->found[i];

		if (found->is_there || line.len > HTTP_RESPONSE_HEADER_MAX ||
		    !str_equal_nocase(name, answer->options->wanted[i]))
			continue;
		*found = (struct http_response_found){ answer->values.len, line.len, true };
		buf_add_str(&answer->values, line);
	}
	return true;
}

bool http_response_add_body(struct http_response *answer, struct str bytes)
{
	size_t max = answer->options->body_max, room = max - answer->body.len;

	answer->body_bytes += bytes.len;
	buf_add(&answer->body, bytes.at, bytes.len < room ? bytes.len : room);
	if (answer->body_bytes <= max)
		return true;
	answer->is_cut = true;
	if (!answer->options->cuts)
		answer->problem = "the answer is larger than allowed";
	else
		answer->is_over = answer->body_bytes - max > HTTP_RESPONSE_DROPPED_MAX;
	return !answer->problem && !answer->is_over;
}

struct str http_response_find(const struct http_response *answer, const char *name)
{
	for (size_t i = 0; i < answer->wanted_count; i++)
		if (answer->found[i].is_there && strcasecmp(answer->options->wanted[i], name) == 0)
			/* buf_text(), because nothing may be all that was kept */
			return (struct str){ buf_text(&answer->values) + answer->found[i].at,
					     answer->found[i].len };
	return (struct str){ 0 };
}
