/* SPDX-License-Identifier: ISC */
#include "http/hostname.h"

#include <stdlib.h>

#include <idn2.h>

#include "base/json.h"

static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '-' || c == '_'))
			return false;
	}
	return name.len > 0;
}

static bool is_ascii(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] >= 0x80)
			return false;
	return true;
}

enum err hostname_write_ascii(struct str name, struct buf *out)
{
	char *utf8, *ascii = NULL;
	enum err err = ERR_INPUT;

	if (is_ascii(name)) {
		if (!is_plain(name) && !(str_starts(name, "[") && name.at[name.len - 1] == ']'))
			return ERR_INPUT;
		buf_add_str(out, name);
		return ERR_NONE;
	}
	if (!utf8_is_valid(name))
		return ERR_INPUT;
	utf8 = mem_dup(name);
	if (idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	    is_plain(str_of(ascii))) {
		buf_add_text(out, ascii);
		err = ERR_NONE;
	}
	idn2_free(ascii);
	free(utf8);
	return err;
}
