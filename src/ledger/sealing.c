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

static struct str context_of(char text[CONTEXT_MAX], enum sealing_kind kind, int64_t id)
{
	/* Stored secrets are bound to these words. */
	static const char *const names[] = {
		[SEALING_SUBSCRIPTION] = "subscription",
		[SEALING_TOGGL] = "toggl",
		[SEALING_TOTP] = "totp",
		[SEALING_ALERT] = "alert",
	};
	int len = snprintf(text, CONTEXT_MAX, "%s:%lld", names[kind], (long long)id);

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

enum err sealing_row(const struct sealer *sealer, enum sealing_kind kind, int64_t id,
		     struct str secret, struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal(sealer, context_of(context, kind, id), secret, out);
}

enum err sealing_row_open(const struct sealer *sealer, enum sealing_kind kind, int64_t id,
			  struct str sealed, struct buf *out)
{
	char context[CONTEXT_MAX];

	return seal_open(sealer, context_of(context, kind, id), sealed, out);
}
