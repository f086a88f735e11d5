/* SPDX-License-Identifier: ISC */
#include "ledger/sealing.h"

#include <stdio.h>

enum {
	SECRET_RANDOM = 32,
	ADDRESS_RANDOM = 24,
	PLACE_MAX = 40,		/* "subscription:" and 19 digits */
};

void sealing_new_secret(struct buf *out)
{
	crypto_random_text(out, SECRET_RANDOM);
}

void sealing_new_address(struct buf *out)
{
	crypto_random_text(out, ADDRESS_RANDOM);
}

enum err sealing_endpoint(const struct sealer *sealer, struct str address, struct str secret, struct buf *out)
{
	return seal(sealer, address, secret, out);
}

enum err sealing_endpoint_open(const struct sealer *sealer, struct str address, struct str sealed, struct buf *out)
{
	return seal_open(sealer, address, sealed, out);
}

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

enum err sealing_totp(const struct sealer *sealer, int64_t operator_id, struct str secret, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "totp:%lld", (long long)operator_id);
	return seal(sealer, str_of(place), secret, out);
}

enum err sealing_totp_open(const struct sealer *sealer, int64_t operator_id, struct str sealed, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "totp:%lld", (long long)operator_id);
	return seal_open(sealer, str_of(place), sealed, out);
}

enum err sealing_notice(const struct sealer *sealer, int64_t notice_id, struct str secret, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "notice:%lld", (long long)notice_id);
	return seal(sealer, str_of(place), secret, out);
}

enum err sealing_notice_open(const struct sealer *sealer, int64_t notice_id, struct str sealed, struct buf *out)
{
	char place[PLACE_MAX];

	snprintf(place, sizeof(place), "notice:%lld", (long long)notice_id);
	return seal_open(sealer, str_of(place), sealed, out);
}
