/* SPDX-License-Identifier: ISC */
/* Any bytes as a header of Basic authentication: what is read, written again,
   reads the same. */
#include "fuzz.h"

#include "base/base64.h"
#include "http/http_auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf user = { 0 }, password = { 0 }, both = { 0 }, header = { 0 };

	if (http_auth_read_basic((struct str){ (const char *)data, size }, &user, &password)) {
		MUST(!memchr(buf_text(&user), ':', user.len));
		MUST(strlen(buf_text(&user)) == user.len &&
		     strlen(buf_text(&password)) == password.len);
		buf_addf(&both, "%s:%s", buf_text(&user), buf_text(&password));
		buf_add_text(&header, "Basic ");
		base64_write(&header, both.at, both.len);
		buf_clear(&user);
		MUST(http_auth_read_basic(buf_str(&header), &user, &password));
		MUST(str_starts(buf_str(&both), buf_text(&user)));
	} else {
		MUST(user.len + password.len == 0);
	}
	buf_done(&user);
	buf_done(&password);
	buf_done(&both);
	buf_done(&header);
	return 0;
}
