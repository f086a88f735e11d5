/* SPDX-License-Identifier: ISC */
/* What shows a subscriber that a callback is genuine: Toggl's signature, and
   that of the Standard Webhooks specification beside it. */
#ifndef HL_LEDGER_SIGNER_H
#define HL_LEDGER_SIGNER_H

#include <stdint.h>

#include "base/mem.h"

struct signer;

/* With one secret, keyed once and used many times. Copies the secret;
   signer_free() wipes it. */
struct signer *signer_new(struct str secret);
void signer_free(struct signer *signer);

/* The value of X-Webhook-Signature-256: "sha256=" and the HMAC-SHA-256 of the
   body in hex; its key is the secret as it is written. Appends. */
void signer_write_toggl(struct signer *signer, struct str body, struct buf *out);

/* The value of webhook-signature: "v1," and the HMAC-SHA-256 of
   "id.timestamp.body" in base64. Its key is what stands in base64 behind
   "whsec_" or "v1,whsec_"; a secret that is not of that form is its own key. `id` holds no
   full stop. Appends: with two secrets the header has both values, with a space
   between. */
void signer_write_standard(struct signer *signer, struct str id, int64_t timestamp, struct str body,
			   struct buf *out);

#endif
