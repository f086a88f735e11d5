/* SPDX-License-Identifier: ISC */
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

bool unicode_opaque(struct str text, struct buf *out)
{
	size_t count = 0, len = 0;
	uint32_t *all = u8_to_u32((const uint8_t *)(text.len ? text.at : ""), text.len, NULL,
				  &count);
	uint8_t *plain = NULL, *made = NULL;
	bool fine = all;

	for (size_t i = 0; fine && i < count; i++) {
		if (uc_is_general_category_withtable(all[i], UC_CATEGORY_MASK_Zs))
			all[i] = ' ';
		fine = !uc_is_general_category_withtable(all[i], UC_CATEGORY_MASK_Cc);
	}
	plain = fine ? u32_to_u8(all, count, NULL, &len) : NULL;
	made = plain ? u8_normalize(UNINORM_NFC, plain, len, NULL, &len) : NULL;
	if (made)
		buf_add(out, made, len);
	if (made)
		mem_wipe(made, len);
	if (all)
		mem_wipe(all, count * sizeof(*all));
	free(made);
	free(plain);
	free(all);
	return made;
}

uint32_t *unicode_folded(struct str text, size_t *count)
{
	const uint8_t *bytes = (const uint8_t *)(text.len ? text.at : "");
	size_t len = 0;
	/* u8_casefold() alone accepts invalid UTF-8 */
	uint8_t *folded = u8_check(bytes, text.len)
				  ? NULL
				  : u8_casefold(bytes, text.len, NULL, UNINORM_NFKD, NULL, &len);
	size_t all_count = 0, kept = 0;
	uint32_t *all = folded ? u8_to_u32(folded, len, NULL, &all_count) : NULL;

	for (size_t i = 0; all && i < all_count; i++)
		if (!uc_is_general_category_withtable(all[i], UC_CATEGORY_MASK_Mn))
			all[kept++] = all[i];
	*count = kept;
	if (folded)
		mem_wipe(folded, len);
	free(folded);
	return all;
}

size_t unicode_length(struct str text)
{
	size_t characters = 0;

	for (size_t i = 0; i < text.len; i++)
		characters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return characters;
}
