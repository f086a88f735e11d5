/* SPDX-License-Identifier: ISC */
/* Where each sealed secret of the ledger is at home: the place it is bound to,
   so that one copied to another row does not open. */
#ifndef HL_LEDGER_SEALING_H
#define HL_LEDGER_SEALING_H

#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

/* What is made up here, and appended: a secret of 256 random bits, the address of a
   new endpoint of 192. */
void sealing_new_secret(struct buf *out);
void sealing_new_address(struct buf *out);

/* The secret of an endpoint: at home at its address. Both append to `out`, with
   the errors of seal() and seal_open(). */
MUST_USE enum err sealing_endpoint(const struct sealer *sealer, struct str address,
				   struct str secret, struct buf *out);
MUST_USE enum err sealing_endpoint_open(const struct sealer *sealer, struct str address,
					struct str sealed, struct buf *out);

/* The secret of a subscription of our own; likewise. */
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

/* The secret of a notice; likewise. */
MUST_USE enum err sealing_alert(const struct sealer *sealer, int64_t alert_id, struct str secret,
				struct buf *out);
MUST_USE enum err sealing_alert_open(const struct sealer *sealer, int64_t alert_id,
				     struct str sealed, struct buf *out);

#endif
