/* SPDX-License-Identifier: ISC */
#include "base/cookie.h"

#include <string.h>

struct str cookie_find(struct str header, const char *name)
{
	while (header.len) {
		struct str value = str_trim(str_cut(&header, ';'));

		if (value.len && memchr(value.at, '=', value.len) && str_is(str_trim(str_cut(&value, '=')), name))
			return str_trim(value);
	}
	return (struct str){ 0 };
}
