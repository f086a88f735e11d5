/* SPDX-License-Identifier: ISC */
/* Verifies a recorded body again, years later, with the secret that verified it first. */
#ifndef HL_LEDGER_SIGNATURE_H
#define HL_LEDGER_SIGNATURE_H

#include "base/mem.h"

struct mac;

enum signature_verdict {
	SIGNATURE_VALID,
	SIGNATURE_INVALID,	  /* the signature does not match the body */
	SIGNATURE_NO_SECRET,	  /* the secret is missing, or sealed with another master key */
	SIGNATURE_BODY_FORGOTTEN, /* the body says that it was replaced (`hookledger forget`) */
};

/* mac: of the secret, NULL when it did not open. */
enum signature_verdict signature_verify(struct mac *mac, struct str body, struct str signature);
const char *signature_word(enum signature_verdict verdict);

#endif
