/* SPDX-License-Identifier: ISC */
#include "base/password.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/password_guess.h"
#include "base/unicode.h"

/* Five pieces of a thousand common ones are at most 50 bits, and an attacker tries the most
   common first. */
enum { PIECES_MIN = 8 };
enum { LOG_N = 15, BLOCK = 8, PARALLEL = 1, SALT_BYTES = 16 };

/* A stored value with other costs than these matches no password. */
#define HEAD "$scrypt$ln=15,r=8,p=1$"

const char *password_flaw(struct str password, struct str owner)
{
	struct buf plain = { 0 };
	const char *flaw = NULL;

	if (password.len > PASSWORD_MAX)
		flaw = "password.too_long";
	else if (!unicode_opaque(password, &plain))
		flaw = "password.not_text";
	else if (unicode_length(buf_str(&plain)) < PASSWORD_MIN)
		flaw = "password.too_short";
	else if (password_guess_pieces(buf_str(&plain), owner) < PIECES_MIN)
		flaw = "password.guessable";
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	return flaw;
}

/* The PHC format uses base64 without padding. */
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

/* Two keyboards may write the same letter with different characters, so the password is
   normalised (RFC 8265). Bytes that are no text stay as they are. */
static bool hash_of(struct str password, const unsigned char salt[SALT_BYTES],
		    unsigned char hash[DIGEST_BYTES])
{
	struct buf plain = { 0 };
	bool is_made;

	if (!unicode_opaque(password, &plain))
		buf_add_str(&plain, password);
	is_made = crypto_scrypt(buf_str(&plain), (struct str){ (const char *)salt, SALT_BYTES },
				LOG_N, BLOCK, PARALLEL, hash);
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	return is_made;
}

void password_keep(struct str password, struct buf *kept)
{
	unsigned char salt[SALT_BYTES], hash[DIGEST_BYTES];

	crypto_random(salt, sizeof(salt));
	if (!hash_of(password, salt, hash))
		abort(); /* out of memory */
	buf_add_text(kept, HEAD);
	add_bare(kept, salt, sizeof(salt));
	buf_add_char(kept, '$');
	add_bare(kept, hash, sizeof(hash));
	mem_wipe(hash, sizeof(hash));
}

bool password_fits(struct str password, struct str kept)
{
	unsigned char salt[SALT_BYTES] = { 0 }, wanted[DIGEST_BYTES] = { 0 },
		      got[DIGEST_BYTES] = { 0 };
	bool has_head = str_starts(kept, HEAD);
	struct str rest = has_head ? (struct str){ kept.at + strlen(HEAD), kept.len - strlen(HEAD) }
				   : (struct str){ 0 };
	bool is_ours = has_head && read_bare(str_cut(&rest, '$'), salt, sizeof(salt)) &&
		       read_bare(rest, wanted, sizeof(wanted));
	bool was_made = hash_of(password, salt, got);
	bool fits = crypto_equal(got, wanted, sizeof(got)) && is_ours && was_made;

	mem_wipe(got, sizeof(got));
	return fits;
}
