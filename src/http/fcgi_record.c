/* SPDX-License-Identifier: ISC */
#include "http/fcgi_record.h"

#include <string.h>

/* FastCGI specification, sections 3.3, 3.4 and 8, and appendix B */
enum {
	FCGI_HEADER_BYTES = 8,
	FCGI_VERSION = 1,
	FCGI_BEGIN_BYTES = 8,
	PARAM_MAX = 1024 * 1024, /* libfcgi allocates as much as a parameter's length says */
	FCGI_TYPE_BEGIN = 1,
	FCGI_TYPE_PARAMS = 4,
	FCGI_TYPE_STDIN = 5,
};

/* Accepts only what a web server sends to a responder: libfcgi handles other records badly, and
   leaks or waits for some of them. An abort ends the connection too. */
static bool is_next(struct fcgi_record *r, unsigned type, unsigned id, size_t content,
		    size_t padding)
{
	/* libfcgi ignores the padding of the first record and of the one that ends the
	   parameters, and takes it for the header of the next record: it would read lengths that
	   nobody checked. */
	if (!r->id) {
		r->id = id;
		return type == FCGI_TYPE_BEGIN && id && content == FCGI_BEGIN_BYTES && padding == 0;
	}
	if (id != r->id)
		return false;
	if (type == FCGI_TYPE_PARAMS && !r->params_are_over) {
		r->params_are_over = content == 0;
		return content || (!r->param && !r->lengths_have && padding == 0);
	}
	return type == FCGI_TYPE_STDIN && r->params_are_over;
}

static size_t length_at(const unsigned char *at)
{
	if (!(at[0] & 0x80))
		return at[0];
	return (size_t)(at[0] & 0x7f) << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

/* Refuses parameters whose lengths do not fit into the record: libfcgi would allocate gigabytes,
   and their sum would overflow. */
static void follow_params(struct fcgi_record *r, const char *at, size_t len)
{
	while (len && !r->is_broken) {
		size_t step = r->param < len ? r->param : len, first, second;

		at += step;
		len -= step;
		r->param -= step;
		if (len == 0)
			return;
		r->lengths[r->lengths_have++] = (unsigned char)*at++;
		len--;
		first = r->lengths[0] & 0x80 ? 4 : 1;
		if (r->lengths_have <= first)
			continue;
		second = r->lengths[first] & 0x80 ? 4 : 1;
		if (r->lengths_have < first + second)
			continue;
		r->param = length_at(r->lengths) + length_at(r->lengths + first);
		r->lengths_have = 0;
		r->is_broken = r->param > PARAM_MAX;
	}
}

/* Skips the rest of the record; returns the number of bytes. */
static size_t follow_content(struct fcgi_record *r, const char *at, size_t len)
{
	size_t content = r->content < len ? r->content : len, padding;

	if (r->header[1] == FCGI_TYPE_PARAMS)
		follow_params(r, at, content);
	r->content -= content;
	padding = r->padding < len - content ? r->padding : len - content;
	r->padding -= padding;
	return content + padding;
}

void fcgi_record_follow(struct fcgi_record *r, const char *at, size_t len)
{
	while (len && !r->is_whole && !r->is_broken) {
		size_t step = follow_content(r, at, len);

		at += step;
		len -= step;
		if (len == 0)
			return;
		step = FCGI_HEADER_BYTES - r->have < len ? FCGI_HEADER_BYTES - r->have : len;
		memcpy(r->header + r->have, at, step);
		r->have += step;
		at += step;
		len -= step;
		if (r->have < FCGI_HEADER_BYTES)
			return;
		r->have = 0;
		r->content = (size_t)r->header[4] << 8 | r->header[5];
		r->padding = r->header[6];
		if (r->header[0] != FCGI_VERSION ||
		    !is_next(r, r->header[1], (unsigned)r->header[2] << 8 | r->header[3],
			     r->content, r->padding))
			r->is_broken = true;
		else if (r->header[1] == FCGI_TYPE_STDIN && r->content == 0)
			r->is_whole = true;
	}
}
