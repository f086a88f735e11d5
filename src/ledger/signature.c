/* SPDX-License-Identifier: ISC */
#include "ledger/signature.h"

#include "base/crypto.h"
#include "base/json.h"

/* What ledger.body_without() leaves instead of a body. */
static bool is_forgotten(struct str body)
{
	static const struct json_want want = { "forgotten", "sha256" };
	struct json_value found;

	return json_scan(body, &want, &found, 1, NULL) == ERR_NONE && found.kind == JSON_STRING &&
	       found.raw.len == 2 * DIGEST_BYTES + 2;
}

enum signature_verdict signature_verify(struct mac *mac, struct str body, struct str signature)
{
	unsigned char code[MAC_BYTES];

	if (mac && signature.len == MAC_BYTES) {
		mac_sign(mac, body, code);
		if (crypto_equal(code, (const unsigned char *)signature.at, MAC_BYTES))
			return SIGNATURE_VALID;
	}
	if (is_forgotten(body))
		return SIGNATURE_BODY_FORGOTTEN;
	return mac ? SIGNATURE_INVALID : SIGNATURE_NO_SECRET;
}

const char *signature_word(enum signature_verdict verdict)
{
	switch (verdict) {
	case SIGNATURE_VALID:
		return "genuine";
	case SIGNATURE_INVALID:
		return "false";
	case SIGNATURE_NO_SECRET:
		return "unknown";
	case SIGNATURE_BODY_FORGOTTEN:
		return "forgotten";
	}
	return "unknown";
}
