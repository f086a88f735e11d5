/* SPDX-License-Identifier: ISC */
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void wire_record(struct buf *out, int type, int id, struct str content, int padding)
{
	static const char zeros[255];

	if (content.len > 65535)
		abort();
	buf_add_char(out, 1);
	buf_add_char(out, (char)type);
	buf_add_u16(out, (uint16_t)id);
	buf_add_u16(out, (uint16_t)content.len);
	buf_add_char(out, (char)padding);
	buf_add_char(out, 0);
	buf_add_str(out, content);
	buf_add(out, zeros, (size_t)padding);
}

void wire_begin(struct buf *out, int role, int flags)
{
	char content[8] = { 0, (char)role, (char)flags };

	wire_record(out, WIRE_BEGIN, 1, (struct str){ content, 8 }, 0);
}

static void add_length(struct buf *out, size_t len)
{
	if (len < 128)
		buf_add_char(out, (char)len);
	else
		buf_add_u32(out, (uint32_t)len | 0x80000000u);
}

void wire_param(struct buf *out, const char *name, struct str value)
{
	add_length(out, strlen(name));
	add_length(out, value.len);
	buf_add_text(out, name);
	buf_add_str(out, value);
}

void wire_post(struct buf *out, const char *uri, struct str body, int64_t length)
{
	struct buf params = { 0 };
	char digits[32];

	snprintf(digits, sizeof(digits), "%" PRId64, length == -2 ? (int64_t)body.len : length);
	wire_param(&params, "REQUEST_METHOD", str_of("POST"));
	wire_param(&params, "REQUEST_URI", str_of(uri));
	wire_param(&params, "CONTENT_TYPE", str_of("application/json; charset=utf-8"));
	if (length != -1)
		wire_param(&params, "CONTENT_LENGTH", str_of(digits));
	wire_begin(out, 1, 0);
	wire_record(out, WIRE_PARAMS, 1, buf_str(&params), 3);
	wire_record(out, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
	while (body.len) {
		struct str piece = { body.at, body.len < 32768 ? body.len : 32768 };

		wire_record(out, WIRE_STDIN, 1, piece, (int)(piece.len % 7));
		body.at += piece.len;
		body.len -= piece.len;
	}
	wire_record(out, WIRE_STDIN, 1, (struct str){ 0 }, 0);
	buf_done(&params);
}

bool wire_answer(int fd, struct buf *raw, struct buf *text)
{
	bool has_ended = false;
	char piece[4096];
	ssize_t got;

	while ((got = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
		buf_add(raw, piece, (size_t)got);
	if (got < 0)
		return false;
	buf_clear(text);
	for (size_t at = 0; at + 8 <= raw->len;) {
		const unsigned char *head = (const unsigned char *)raw->at + at;
		size_t len = (size_t)head[4] << 8 | head[5];

		if (at + 8 + len > raw->len || head[0] != 1)
			return false;
		if (head[1] == WIRE_STDOUT)
			buf_add(text, head + 8, len);
		has_ended = has_ended || head[1] == WIRE_END;
		at += 8 + len + head[6];
	}
	return has_ended;
}
