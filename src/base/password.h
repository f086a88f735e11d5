/* SPDX-License-Identifier: ISC */
/* Stores passwords so that a reader of the database cannot recover them: scrypt (RFC 7914) as a
   PHC string, "$scrypt$ln=15,r=8,p=1$salt$hash". */
#ifndef HL_BASE_PASSWORD_H
#define HL_BASE_PASSWORD_H

#include <stdbool.h>

#include "base/mem.h"

enum {
	PASSWORD_MIN = 12,   /* characters */
	PASSWORD_MAX = 1000, /* bytes */
};

/* Why a new password is refused, as a code of the catalogue; NULL: it is not. `owner`: the name of
   its user, which is easily guessed; {0}: not known. */
const char *password_flaw(struct str password, struct str owner);

/* Appends the value to store. Normalises Unicode first (RFC 8265); takes a tenth of a second and
   32 MiB. */
void password_keep(struct str password, struct buf *kept);

/* Is it this password? Takes equally long for a stored value that is empty or not valid, which
   matches no password. */
bool password_fits(struct str password, struct str kept);

#endif
