/* SPDX-License-Identifier: ISC */
/* Codes that an app on a phone shows for half a minute each: TOTP (RFC 6238) with HMAC-SHA-1, 6
   digits and 30 seconds, which all such apps support. */
#ifndef HL_LEDGER_TOTP_H
#define HL_LEDGER_TOTP_H

#include <stdint.h>

#include "base/mem.h"

enum {
	TOTP_SECRET_BYTES = 20, /* RFC 4226, 4: as long as the hash */
	TOTP_STEP_S = 30,
	TOTP_DIGITS = 6,
	TOTP_WINDOW = 1, /* steps for a wrong clock, or for a code that takes a while to arrive (RFC
			    6238, 5.2) */
};

/* The code of a step (seconds since 1970 / 30), with `digits` digits, 6 to 8. */
uint32_t totp_code(struct str secret, int64_t step, unsigned digits);

/* Which step this code belongs to: that of `now` or one beside it; -1: none. The text may
   contain blanks. Takes equally long for each. */
int64_t totp_match(struct str secret, struct str code, int64_t now);

/* Appends the URI that an app reads (otpauth://totp/…) for an account of an issuer. The secret
   is appended in base32. */
void totp_uri(struct str secret, struct str account, struct str issuer, struct buf *out);
void totp_text(struct str secret, struct buf *out);

#endif
