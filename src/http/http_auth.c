/* SPDX-License-Identifier: ISC */
#include "http/http_auth.h"

#include <string.h>

#include "base/base64.h"

/* Reads all bytes, so that the time does not reveal the position. */
static bool has_control(struct str text)
{
	bool has = false;

	for (size_t i = 0; i < text.len; i++)
		has |= (unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f;
	return has;
}

bool http_auth_read_basic(struct str header, struct buf *user, struct buf *password)
{
	struct str scheme = str_cut(&header, ' '), rest;
	struct buf both = { 0 };
	bool fine = false;

	if (!str_equal_nocase(scheme, "Basic") || header.len > HTTP_AUTH_MAX ||
	    !base64_read(str_trim(header), &both))
		goto done;
	rest = buf_str(&both);
	if (has_control(rest) || !memchr(buf_text(&both), ':', rest.len))
		goto done;
	/* a user's name has no colon, a password may have some */
	buf_add_str(user, str_cut(&rest, ':'));
	buf_add_str(password, rest);
	fine = true;
done:
	mem_wipe(both.at, both.cap);
	buf_done(&both);
	return fine;
}
