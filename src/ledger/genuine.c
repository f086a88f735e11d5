/* SPDX-License-Identifier: ISC */
#include "ledger/genuine.h"

#include "base/crypto.h"
#include "base/json.h"

/* What ledger.body_without() leaves in place of a body. */
static bool is_forgotten(struct str body)
{
	static const struct json_want want = { "forgotten", "sha256" };
	struct json_value found;

	return json_scan(body, &want, &found, 1, NULL) == ERR_NONE && found.kind == JSON_STRING &&
	       found.raw.len == 2 * DIGEST_BYTES + 2;
}

enum judged genuine_judge(struct mac *mac, struct str body, struct str signature)
{
	unsigned char code[MAC_BYTES];

	if (mac && signature.len == MAC_BYTES) {
		mac_sign(mac, body, code);
		if (crypto_equal(code, (const unsigned char *)signature.at, MAC_BYTES))
			return JUDGED_GENUINE;
	}
	if (is_forgotten(body))
		return JUDGED_FORGOTTEN;
	return mac ? JUDGED_FALSE : JUDGED_UNKNOWN;
}

const char *judged_word(enum judged judged)
{
	switch (judged) {
	case JUDGED_GENUINE:
		return "genuine";
	case JUDGED_FALSE:
		return "false";
	case JUDGED_UNKNOWN:
		return "unknown";
	case JUDGED_FORGOTTEN:
		return "forgotten";
	}
	return "unknown";
}
