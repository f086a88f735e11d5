/* SPDX-License-Identifier: ISC */
#include "base/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where a wanted header stands in `values`. */
struct answer_found {
	size_t at, len;
	bool is_there;
};

void answer_init(struct answer *answer, const struct answer_how *how)
{
	*answer = (struct answer){ .how = how };
	while (how->wanted && how->wanted[answer->wanted_count])
		answer->wanted_count++;
	answer->found = mem_zero(answer->wanted_count, sizeof(*answer->found));
}

static void forget_headers(struct answer *answer)
{
	buf_clear(&answer->values);
	memset(answer->found, 0, answer->wanted_count * sizeof(*answer->found));
}

void answer_clear(struct answer *answer)
{
	buf_clear(&answer->body);
	forget_headers(answer);
	answer->body_bytes = answer->header_bytes = 0;
	answer->is_cut = answer->is_over = false;
	answer->problem = NULL;
}

void answer_done(struct answer *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->values);
	free(answer->found);
	*answer = (struct answer){ 0 };
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

bool answer_add_line(struct answer *answer, struct str line)
{
	struct str name;

	answer->header_bytes += line.len;
	if (answer->header_bytes > ANSWER_HEADERS_MAX) {
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
		struct answer_found *found = &answer->found[i];

		if (found->is_there || line.len > ANSWER_HEADER_MAX ||
		    !str_equal_nocase(name, answer->how->wanted[i]))
			continue;
		*found = (struct answer_found){ answer->values.len, line.len, true };
		buf_add_str(&answer->values, line);
	}
	return true;
}

bool answer_add_body(struct answer *answer, struct str bytes)
{
	size_t max = answer->how->body_max, room = max - answer->body.len;

	answer->body_bytes += bytes.len;
	buf_add(&answer->body, bytes.at, bytes.len < room ? bytes.len : room);
	if (answer->body_bytes <= max)
		return true;
	answer->is_cut = true;
	if (!answer->how->cuts)
		answer->problem = "the answer is larger than allowed";
	else
		answer->is_over = answer->body_bytes - max > ANSWER_DROPPED_MAX;
	return !answer->problem && !answer->is_over;
}

struct str answer_find(const struct answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->wanted_count; i++)
		if (answer->found[i].is_there && strcasecmp(answer->how->wanted[i], name) == 0)
			/* buf_text(), because nothing may be all that was kept */
			return (struct str){ buf_text(&answer->values) + answer->found[i].at,
				             answer->found[i].len };
	return (struct str){ 0 };
}
