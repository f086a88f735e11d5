/* SPDX-License-Identifier: ISC */
/* Seals and opens the secrets of the ledger, each with its own context, so that a sealed secret
   that is copied to another row does not open. */
#ifndef HL_LEDGER_SEALING_H
#define HL_LEDGER_SEALING_H

#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

/* Append new random values: a secret of 256 bits, an endpoint's address of 192 bits. */
void sealing_new_secret(struct buf *out);
void sealing_new_address(struct buf *out);

/* The secret of an endpoint; its context is the address. Both append to `out`, with the errors
   of seal() and seal_open(). */
MUST_USE enum err sealing_endpoint(const struct sealer *sealer, struct str address,
				   struct str secret, struct buf *out);
MUST_USE enum err sealing_endpoint_open(const struct sealer *sealer, struct str address,
					struct str sealed, struct buf *out);

/* The rows with a number that have a secret. */
enum sealing_kind {
	SEALING_SUBSCRIPTION, /* of one of our subscribers */
	SEALING_TOGGL,	      /* a connection to Toggl: its API token */
	SEALING_TOTP,	      /* an operator: the secret of the codes (ledger/totp.h) */
	SEALING_ALERT,	      /* signs its messages, or is the address itself */
};

/* The secret of such a row; its context is kind and number. Likewise. */
MUST_USE enum err sealing_row(const struct sealer *sealer, enum sealing_kind kind, int64_t id,
			      struct str secret, struct buf *out);
MUST_USE enum err sealing_row_open(const struct sealer *sealer, enum sealing_kind kind, int64_t id,
				   struct str sealed, struct buf *out);

#endif
