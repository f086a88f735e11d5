/* SPDX-License-Identifier: ISC */
#include "ledger/sealing.h"

#include <stdio.h>

enum { PLACE_MAX = 40 };	/* "subscription:" and 19 digits */

enum err sealing_subscription(const struct sealer *sealer, int64_t subscription_id, struct str secret,
                              struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "subscription:%lld", (long long)subscription_id);
	return seal(sealer, str_of(place), secret, out);
}

enum err sealing_subscription_open(const struct sealer *sealer, int64_t subscription_id,
                                   struct str sealed, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "subscription:%lld", (long long)subscription_id);
	return seal_open(sealer, str_of(place), sealed, out);
}

enum err sealing_toggl(const struct sealer *sealer, int64_t connection_id, struct str token, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "toggl:%lld", (long long)connection_id);
	return seal(sealer, str_of(place), token, out);
}

enum err sealing_toggl_open(const struct sealer *sealer, int64_t connection_id, struct str sealed, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "toggl:%lld", (long long)connection_id);
	return seal_open(sealer, str_of(place), sealed, out);
}
