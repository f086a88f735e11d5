/* SPDX-License-Identifier: ISC */
#include "http/cookie.h"

#include <string.h>

unsigned cookie_find(struct str header, const char *name, struct str *value)
{
	unsigned count = 0;

	while (header.len && count < 2) {
		struct str rest = str_trim(str_cut(&header, ';'));

		if (rest.len && memchr(rest.at, '=', rest.len) &&
		    str_is(str_trim(str_cut(&rest, '=')), name) && count++ == 0)
			*value = str_trim(rest);
	}
	return count;
}
