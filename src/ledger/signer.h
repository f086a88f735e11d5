/* SPDX-License-Identifier: ISC */
/* Signs callbacks to subscribers: Toggl's signature, and that of the Standard Webhooks
   specification beside it. */
#ifndef HL_LEDGER_SIGNER_H
#define HL_LEDGER_SIGNER_H

#include <stdint.h>

#include "base/mem.h"

struct signer;

/* With one secret, which is set once and used many times. Copies the secret; signer_free() wipes
   it. */
struct signer *signer_new(struct str secret);
void signer_free(struct signer *signer);

/* Appends the value of X-Webhook-Signature-256: "sha256=" and the HMAC-SHA-256 of the body in
   hex. Its key is the text of the secret. */
void signer_write_toggl(struct signer *signer, struct str body, struct buf *out);

/* Appends the value of webhook-signature: "v1," and the HMAC-SHA-256 of "id.timestamp.body" in
   base64. Its key is the base64 behind "whsec_" or "v1,whsec_"; a secret without that form is
   the key itself. `id` has no full stop. With two secrets the header has both values, separated
   by a space. */
void signer_write_standard(struct signer *signer, struct str id, int64_t timestamp, struct str body,
			   struct buf *out);

#endif
