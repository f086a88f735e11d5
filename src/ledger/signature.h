/* SPDX-License-Identifier: ISC */
/* Was what is recorded really sent by who has the secret? A body judged again,
   years later, by the secret that judged it first. */
#ifndef HL_LEDGER_SIGNATURE_H
#define HL_LEDGER_SIGNATURE_H

#include "base/mem.h"

struct mac;

enum signature_verdict {
	SIGNATURE_VALID,
	SIGNATURE_INVALID,	  /* the signature does not fit the body */
	SIGNATURE_NO_SECRET,	  /* the secret is not there, or sealed with another master key */
	SIGNATURE_BODY_FORGOTTEN, /* the body says that it was replaced (`hookledger forget`) */
};

/* mac: of the secret, NULL when it did not open. */
enum signature_verdict signature_verify(struct mac *mac, struct str body, struct str signature);
const char *signature_word(enum signature_verdict verdict);

#endif
