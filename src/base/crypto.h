/* SPDX-License-Identifier: ISC */
/* OpenSSL's only user: signatures, comparison in constant time, sealing of
   secrets at rest, digests and random bytes. */
#ifndef HL_BASE_CRYPTO_H
#define HL_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

enum { MAC_BYTES = 32, SHA1_BYTES = 20, DIGEST_BYTES = 32, SEAL_KEY_BYTES = 32 };

/* HMAC-SHA-256 with one secret, keyed once and used many times. Copies the
   secret; mac_free() wipes it. */
struct mac;
struct mac *mac_new(struct str secret);
void mac_free(struct mac *mac);
void mac_sign(struct mac *mac, struct str bytes, unsigned char out[MAC_BYTES]);
/* The same over several pieces as if they were one. */
void mac_sign_parts(struct mac *mac, const struct str *parts, size_t count,
		    unsigned char out[MAC_BYTES]);

/* HMAC-SHA-1, for codes of a standard that has it (RFC 6238), and for nothing else. */
void crypto_hmac_sha1(struct str key, struct str bytes, unsigned char out[SHA1_BYTES]);

/* Equal? Takes the same time wherever the first difference is. */
bool crypto_equal(const unsigned char *a, const unsigned char *b, size_t len);

void crypto_digest(struct str bytes, unsigned char out[DIGEST_BYTES]); /* SHA-256 */
/* Makes a password expensive to guess (RFC 7914): N = 2^log_n, and 128 * N * r
   bytes of memory. false: these numbers are none, or ask for more than 64 MiB. */
MUST_USE bool crypto_scrypt(struct str password, struct str salt, unsigned log_n, unsigned r,
			    unsigned p, unsigned char out[DIGEST_BYTES]);

void crypto_random(unsigned char *out, size_t len); /* aborts when the system has none */

/* Appends `bytes` random bytes in base64url without padding (RFC 4648, 5). */
void crypto_random_text(struct buf *out, size_t bytes);

/* A new token of 192 random bits, appended; of it is kept only its digest. */
void crypto_token(struct buf *token, unsigned char digest[DIGEST_BYTES]);

/* Seals with AES-256-GCM. A sealed value is: one byte version (1), four bytes
   that tell the key (of its SHA-256), twelve bytes nonce, the ciphertext,
   sixteen bytes tag. `place` is authenticated with it, so that a sealed value
   copied to another row does not open. */
struct sealer;

/* `key` and `previous` are 64 hex digits, or NULL; without a key everything
   below answers ERR_FAULT. Opens with either, seals with `key`. */
struct sealer *sealer_new(const char *key, const char *previous);
void sealer_free(struct sealer *sealer);
bool sealer_has_key(const struct sealer *sealer);

/* Appends to `out`. ERR_FAULT without a key. */
MUST_USE enum err seal(const struct sealer *sealer, struct str place, struct str plain,
		       struct buf *out);

/* Appends to `out`. ERR_DENIED: another key, another place, or changed bytes. */
MUST_USE enum err seal_open(const struct sealer *sealer, struct str place, struct str sealed,
			    struct buf *out);

/* Was it sealed with the current key (not the previous one)? */
bool seal_is_current(const struct sealer *sealer, struct str sealed);

#endif
