/* SPDX-License-Identifier: ISC */
/* The addresses under which others reach us, made from the settings. */
#include <string.h>

#include "base/conf.h"

static struct str without_slashes(struct str text)
{
	while (text.len && text.at[text.len - 1] == '/')
		text.len--;
	return text;
}

/* The length of scheme and host, which are case-insensitive; the path follows. */
static size_t host_end(struct str url)
{
	const char *from = url.len ? memmem(url.at, url.len, "://", 3) : NULL;
	const char *end;

	if (!from)
		return 0;
	from += 3;
	end = memchr(from, '/', url.len - (size_t)(from - url.at));
	return end ? (size_t)(end - url.at) : url.len;
}

void conf_public_url(const struct conf *conf, const char *path, struct str last, struct buf *out)
{
	struct str base = without_slashes(str_of(conf->public_url)),
		   prefix = without_slashes(str_of(conf->base_path));
	size_t host = host_end(base);

	if (!base.len)
		base = str_of("https://YOUR-HOST");
	for (size_t i = 0; i < base.len; i++)
		buf_add_char(out, i < host && base.at[i] >= 'A' && base.at[i] <= 'Z'
					  ? (char)(base.at[i] - 'A' + 'a')
					  : base.at[i]);
	/* not again where public_url ends with it */
	if (prefix.len && (base.len - host < prefix.len ||
			   memcmp(base.at + base.len - prefix.len, prefix.at, prefix.len) != 0))
		buf_add_str(out, prefix);
	buf_add_text(out, path);
	buf_add_str(out, last);
}
