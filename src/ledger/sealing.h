/* SPDX-License-Identifier: ISC */
/* Where each sealed secret of the ledger is at home: the place it is bound to,
   so that one copied to another row does not open. */
#ifndef HL_LEDGER_SEALING_H
#define HL_LEDGER_SEALING_H

#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

/* The secret of a subscription of our own; both append to `out`, with the
   errors of seal() and seal_open(). */
MUST_USE enum err sealing_subscription(const struct sealer *sealer, int64_t subscription_id,
                                       struct str secret, struct buf *out);
MUST_USE enum err sealing_subscription_open(const struct sealer *sealer, int64_t subscription_id,
                                            struct str sealed, struct buf *out);

/* The API token of a connection to Toggl; likewise. */
MUST_USE enum err sealing_toggl(const struct sealer *sealer, int64_t connection_id, struct str token,
                                struct buf *out);
MUST_USE enum err sealing_toggl_open(const struct sealer *sealer, int64_t connection_id, struct str sealed,
                                     struct buf *out);

#endif
