/* SPDX-License-Identifier: ISC */
/* Passwords of people, kept so that whoever reads the database cannot tell them:
   scrypt (RFC 7914) as a PHC string, "$scrypt$ln=15,r=8,p=1$salt$hash". */
#ifndef HL_BASE_PASSWORD_H
#define HL_BASE_PASSWORD_H

#include <stdbool.h>

#include "base/mem.h"

enum {
	PASSWORD_MIN = 12,   /* characters */
	PASSWORD_MAX = 1000, /* bytes */
};

/* What is wrong with a password that somebody wants to have, in words; NULL:
   nothing. `owner`: the name of whoever wants it, which is easily guessed; {0}: not
   known. */
const char *password_flaw(struct str password, struct str owner);

/* Appends what is kept of it, in one form of Unicode (RFC 8265): takes a tenth of a second and 32
 * MiB. */
void password_keep(struct str password, struct buf *kept);

/* Is it this one? Takes as long for a `kept` that is empty or no such string,
   which no password fits. */
bool password_fits(struct str password, struct str kept);

#endif
