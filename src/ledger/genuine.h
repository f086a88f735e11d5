/* SPDX-License-Identifier: ISC */
/* Was what is recorded really sent by who has the secret? A body judged again,
   years later, by the secret that judged it first. */
#ifndef HL_LEDGER_GENUINE_H
#define HL_LEDGER_GENUINE_H

#include "base/mem.h"

struct mac;

enum judged {
	JUDGED_GENUINE,
	JUDGED_FALSE,	/* the signature does not fit the body */
	JUDGED_UNKNOWN,	/* the secret is not there, or sealed with another master key */
	JUDGED_FORGOTTEN,	/* the body says that it was replaced (`hookledger forget`) */
};

/* mac: of the secret, NULL when it did not open. */
enum judged genuine_judge(struct mac *mac, struct str body, struct str signature);
const char *judged_word(enum judged judged);

#endif
