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

/* HMAC-SHA-256 with one secret, which is set once and used many times. Copies the secret;
   mac_free() wipes it. */
struct mac;
struct mac *mac_new(struct str secret);
void mac_free(struct mac *mac);
void mac_sign(struct mac *mac, struct str bytes, unsigned char out[MAC_BYTES]);
/* The same over several pieces, as if they were one. */
void mac_sign_parts(struct mac *mac, const struct str *parts, size_t count,
		    unsigned char out[MAC_BYTES]);

/* HMAC-SHA-1, only for codes of a standard that requires it (RFC 6238). */
void crypto_hmac_sha1(struct str key, struct str bytes, unsigned char out[SHA1_BYTES]);

/* Takes the same time wherever the first difference is. */
bool crypto_equal(const unsigned char *a, const unsigned char *b, size_t len);

void crypto_digest(struct str bytes, unsigned char out[DIGEST_BYTES]); /* SHA-256 */
/* Makes a password expensive to guess (RFC 7914): N = 2^log_n, and 128 * N * r bytes of memory.
   false: the numbers are not valid, or need more than 64 MiB. */
MUST_USE bool crypto_scrypt(struct str password, struct str salt, unsigned log_n, unsigned r,
			    unsigned p, unsigned char out[DIGEST_BYTES]);

void crypto_random(unsigned char *out, size_t len); /* aborts when the system has none */

/* Appends `bytes` random bytes in base64url without padding (RFC 4648, 5). */
void crypto_random_text(struct buf *out, size_t bytes);

/* Appends a new token of 192 random bits. Only its digest is stored. */
void crypto_token(struct buf *token, unsigned char digest[DIGEST_BYTES]);

/* Seals with AES-256-GCM. A sealed value is one byte version (1), four bytes of the key's
   SHA-256, twelve bytes nonce, the ciphertext, sixteen bytes tag. The tag also covers `context`,
   so a sealed value that is copied to another row does not open. */
struct sealer;

/* `key` and `previous` are 64 hex digits, or NULL. Opens with either, seals with `key`; without
   a key every function below returns ERR_FAULT. */
struct sealer *sealer_new(const char *key, const char *previous);
void sealer_free(struct sealer *sealer);
bool sealer_has_key(const struct sealer *sealer);

/* Appends to `out`. ERR_FAULT without a key. */
MUST_USE enum err seal(const struct sealer *sealer, struct str context, struct str plain,
		       struct buf *out);

/* Appends to `out`. ERR_DENIED: another key, another context, or changed bytes. */
MUST_USE enum err seal_open(const struct sealer *sealer, struct str context, struct str sealed,
			    struct buf *out);

/* Was it sealed with `key`, not with `previous`? */
bool seal_is_current(const struct sealer *sealer, struct str sealed);

#endif
