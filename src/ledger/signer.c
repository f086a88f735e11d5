/* SPDX-License-Identifier: ISC */
#include "ledger/signer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/crypto.h"

struct signer {
	struct mac *toggl, *standard;
};

static struct mac *standard_mac(struct str secret)
{
	struct str text = secret;
	struct buf key = { 0 };
	struct mac *mac;

	/* some pages show the secret with the version of the signature in front */
	if (str_starts(text, "v1,whsec_"))
		text = (struct str){ text.at + 3, text.len - 3 };
	if (str_starts(text, "whsec_"))
		text = (struct str){ text.at + 6, text.len - 6 };
	if (text.len < secret.len && text.len && base64_read(text, &key))
		mac = mac_new(buf_str(&key));
	else
		mac = mac_new(secret);
	mem_wipe(key.at, key.cap);
	buf_done(&key);
	return mac;
}

struct signer *signer_new(struct str secret)
{
	struct signer *signer = mem_zero(1, sizeof(*signer));

	signer->toggl = mac_new(secret);
	signer->standard = standard_mac(secret);
	return signer;
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	mac_free(signer->toggl);
	mac_free(signer->standard);
	free(signer);
}

void signer_write_toggl(struct signer *signer, struct str body, struct buf *out)
{
	unsigned char mac[MAC_BYTES];

	mac_sign(signer->toggl, body, mac);
	buf_add_text(out, "sha256=");
	buf_add_hex(out, mac, sizeof(mac));
}

void signer_write_standard(struct signer *signer, struct str id, int64_t timestamp, struct str body,
			   struct buf *out)
{
	unsigned char mac[MAC_BYTES];
	char middle[32];

	snprintf(middle, sizeof(middle), ".%" PRId64 ".", timestamp);
	mac_sign_parts(signer->standard, (const struct str[]){ id, str_of(middle), body }, 3, mac);
	buf_add_text(out, "v1,");
	base64_write(out, mac, sizeof(mac));
}
