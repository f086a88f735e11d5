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

/* The secret of one of our subscriptions; likewise. */
MUST_USE enum err sealing_subscription(const struct sealer *sealer, int64_t subscription_id,
				       struct str secret, struct buf *out);
MUST_USE enum err sealing_subscription_open(const struct sealer *sealer, int64_t subscription_id,
					    struct str sealed, struct buf *out);

/* The API token of a connection to Toggl; likewise. */
MUST_USE enum err sealing_toggl(const struct sealer *sealer, int64_t connection_id,
				struct str token, struct buf *out);
MUST_USE enum err sealing_toggl_open(const struct sealer *sealer, int64_t connection_id,
				     struct str sealed, struct buf *out);

/* The secret of an operator's codes (ledger/totp.h); likewise. */
MUST_USE enum err sealing_totp(const struct sealer *sealer, int64_t operator_id, struct str secret,
			       struct buf *out);
MUST_USE enum err sealing_totp_open(const struct sealer *sealer, int64_t operator_id,
				    struct str sealed, struct buf *out);

/* The secret of an alert; likewise. */
MUST_USE enum err sealing_alert(const struct sealer *sealer, int64_t alert_id, struct str secret,
				struct buf *out);
MUST_USE enum err sealing_alert_open(const struct sealer *sealer, int64_t alert_id,
				     struct str sealed, struct buf *out);

#endif
