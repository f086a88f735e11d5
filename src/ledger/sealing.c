/* SPDX-License-Identifier: ISC */
#include "ledger/sealing.h"

#include <stdio.h>

enum {
	SECRET_RANDOM = 32,
	ADDRESS_RANDOM = 24,
	CONTEXT_MAX = 40, /* "subscription:" and 19 digits */
};

void sealing_new_secret(struct buf *out)
{
	crypto_random_text(out, SECRET_RANDOM);
}

void sealing_new_address(struct buf *out)
{
	crypto_random_text(out, ADDRESS_RANDOM);
}

/* The context of a secret whose row has a number. */
static struct str context_of(char text[CONTEXT_MAX], const char *kind, int64_t id)
{
	int len = snprintf(text, CONTEXT_MAX, "%s:%lld", kind, (long long)id);

	return (struct str){ text, (size_t)len };
}

enum err sealing_endpoint(const struct sealer *sealer, struct str address, struct str secret,
			  struct buf *out)
{
	return seal(sealer, address, secret, out);
}

enum err sealing_endpoint_open(const struct sealer *sealer, struct str address, struct str sealed,
			       struct buf *out)
{
	return seal_open(sealer, address, sealed, out);
}

enum err sealing_subscription(const struct sealer *sealer, int64_t subscription_id,
			      struct str secret, struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal(sealer, context_of(context, "subscription", subscription_id), secret, out);
}

enum err sealing_subscription_open(const struct sealer *sealer, int64_t subscription_id,
				   struct str sealed, struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal_open(sealer, context_of(context, "subscription", subscription_id), sealed, out);
}

enum err sealing_toggl(const struct sealer *sealer, int64_t connection_id, struct str token,
		       struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal(sealer, context_of(context, "toggl", connection_id), token, out);
}

enum err sealing_toggl_open(const struct sealer *sealer, int64_t connection_id, struct str sealed,
			    struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal_open(sealer, context_of(context, "toggl", connection_id), sealed, out);
}

enum err sealing_totp(const struct sealer *sealer, int64_t operator_id, struct str secret,
		      struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal(sealer, context_of(context, "totp", operator_id), secret, out);
}

enum err sealing_totp_open(const struct sealer *sealer, int64_t operator_id, struct str sealed,
			   struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal_open(sealer, context_of(context, "totp", operator_id), sealed, out);
}

enum err sealing_alert(const struct sealer *sealer, int64_t alert_id, struct str secret,
		       struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal(sealer, context_of(context, "alert", alert_id), secret, out);
}

enum err sealing_alert_open(const struct sealer *sealer, int64_t alert_id, struct str sealed,
			    struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal_open(sealer, context_of(context, "alert", alert_id), sealed, out);
}
