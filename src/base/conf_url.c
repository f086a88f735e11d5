/* SPDX-License-Identifier: ISC */
/* Where the outside reaches us, by the settings. */
#include <string.h>

#include "base/conf.h"

static struct str without_slashes(struct str text)
{
	while (text.len && text.at[text.len - 1] == '/')
		text.len--;
	return text;
}

/* Scheme and host, which are the same in any case; what follows is the path. */
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

void conf_public_url(const struct conf *conf, const char *where, struct str last, struct buf *out)
{
	struct str base = without_slashes(str_of(conf->public_url)),
		   path = without_slashes(str_of(conf->base_path));
	size_t host = host_end(base);

	if (!base.len)
		base = str_of("https://YOUR-HOST");
	for (size_t i = 0; i < base.len; i++)
		buf_add_char(out, i < host && base.at[i] >= 'A' && base.at[i] <= 'Z'
					  ? (char)(base.at[i] - 'A' + 'a')
					  : base.at[i]);
	/* base_path stands once, also where public_url has it already */
	if (path.len && (base.len - host < path.len ||
			 memcmp(base.at + base.len - path.len, path.at, path.len) != 0))
		buf_add_str(out, path);
	buf_add_text(out, where);
	buf_add_str(out, last);
}
