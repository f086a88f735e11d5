/* SPDX-License-Identifier: ISC */
#include "ledger/totp.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/base32.h"
#include "base/crypto.h"
#include "http/uri.h"

/* RFC 4226, 5.3: four bytes of the hash, at the offset in its last half byte. */
uint32_t totp_code(struct str secret, int64_t step, unsigned digits)
{
	unsigned char counter[8], hash[SHA1_BYTES];
	uint32_t bits, modulus = 1;
	unsigned at;

	for (size_t i = 0; i < sizeof(counter); i++)
		counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	crypto_hmac_sha1(secret, (struct str){ (const char *)counter, sizeof(counter) }, hash);
	at = hash[SHA1_BYTES - 1] & 15;
	bits = (uint32_t)(hash[at] & 127) << 24 | (uint32_t)hash[at + 1] << 16 |
	       (uint32_t)hash[at + 2] << 8 | hash[at + 3];
	mem_wipe(hash, sizeof(hash));
	while (digits--)
		modulus *= 10;
	return bits % modulus;
}

static bool read_digits(struct str text, char digits[TOTP_DIGITS])
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ' ')
			continue;
		if (count == TOTP_DIGITS || text.at[i] < '0' || text.at[i] > '9')
			return false;
		digits[count++] = text.at[i];
	}
	return count == TOTP_DIGITS;
}

int64_t totp_match(struct str secret, struct str code, int64_t now)
{
	char digits[TOTP_DIGITS], wanted[16];
	int64_t found = -1;

	if (!read_digits(code, digits))
		return -1;
	for (int64_t step = now - TOTP_WINDOW; step <= now + TOTP_WINDOW; step++) {
		snprintf(wanted, sizeof(wanted), "%06u", totp_code(secret, step, TOTP_DIGITS));
		if (crypto_equal((const unsigned char *)wanted, (const unsigned char *)digits,
				 TOTP_DIGITS))
			found = step;
	}
	mem_wipe(wanted, sizeof(wanted));
	return found;
}

void totp_text(struct str secret, struct buf *out)
{
	base32_write(out, (const unsigned char *)secret.at, secret.len);
}

void totp_uri(struct str secret, struct str account, struct str issuer, struct buf *out)
{
	buf_add_text(out, "otpauth://totp/hookledger:");
	uri_encode(account, out);
	buf_add_text(out, "%20");
	uri_encode(issuer, out);
	buf_add_text(out, "?secret=");
	totp_text(secret, out);
	buf_addf(out, "&issuer=hookledger&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS,
		 TOTP_STEP_S);
}
