/* SPDX-License-Identifier: ISC */
#include "base/password.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"

enum { LOG_N = 15, BLOCK = 8, PARALLEL = 1, SALT_BYTES = 16 };

/* Other costs than ours are for later: a string that names them fits nobody. */
#define HEAD "$scrypt$ln=15,r=8,p=1$"

const char *password_flaw(struct str password)
{
	size_t characters = 0;

	for (size_t i = 0; i < password.len; i++)
		characters += ((unsigned char)password.at[i] & 0xc0) != 0x80;
	if (characters < PASSWORD_MIN)
		return "a password needs at least 10 characters; three or four words are easy to remember";
	if (password.len > PASSWORD_MAX)
		return "a password has at most 1000 bytes";
	return NULL;
}

/* The PHC format leaves the padding of base64 out. */
static void add_bare(struct buf *out, const unsigned char *bytes, size_t len)
{
	struct buf text = { 0 };

	base64_write(&text, bytes, len);
	while (text.len && text.at[text.len - 1] == '=')
		text.len--;
	buf_add(out, text.at, text.len);
	buf_done(&text);
}

static bool read_bare(struct str bare, unsigned char *out, size_t wanted)
{
	struct buf padded = { 0 }, bytes = { 0 };
	bool fine;

	buf_add(&padded, bare.at, bare.len);
	while (padded.len % 4)
		buf_add_char(&padded, '=');
	fine = base64_read(buf_str(&padded), &bytes) && bytes.len == wanted;
	if (fine)
		memcpy(out, bytes.at, wanted);
	buf_done(&padded);
	buf_done(&bytes);
	return fine;
}

void password_keep(struct str password, struct buf *kept)
{
	unsigned char salt[SALT_BYTES], hash[DIGEST_BYTES];

	crypto_random(salt, sizeof(salt));
	if (!crypto_scrypt(password, (struct str){ (const char *)salt, sizeof(salt) }, LOG_N, BLOCK, PARALLEL, hash))
		abort();	/* there is no memory for it */
	buf_add_text(kept, HEAD);
	add_bare(kept, salt, sizeof(salt));
	buf_add_char(kept, '$');
	add_bare(kept, hash, sizeof(hash));
	mem_wipe(hash, sizeof(hash));
}

bool password_fits(struct str password, struct str kept)
{
	unsigned char salt[SALT_BYTES] = { 0 }, wanted[DIGEST_BYTES] = { 0 }, got[DIGEST_BYTES] = { 0 };
	bool has_head = str_starts(kept, HEAD);
	struct str rest = has_head ? (struct str){ kept.at + strlen(HEAD), kept.len - strlen(HEAD) } : (struct str){ 0 };
	bool is_ours = has_head && read_bare(str_cut(&rest, '$'), salt, sizeof(salt)) && read_bare(rest, wanted, sizeof(wanted));
	bool was_made = crypto_scrypt(password, (struct str){ (const char *)salt, sizeof(salt) }, LOG_N, BLOCK, PARALLEL, got);
	bool fits = crypto_equal(got, wanted, sizeof(got)) && is_ours && was_made;

	mem_wipe(got, sizeof(got));
	return fits;
}
