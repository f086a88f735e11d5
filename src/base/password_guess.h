/* SPDX-License-Identifier: ISC */
/* Estimates how easily a password is guessed: an attacker first tries passwords that consist of
   a few well-known pieces. */
#ifndef HL_BASE_PASSWORD_GUESS_H
#define HL_BASE_PASSWORD_GUESS_H

#include <stddef.h>

#include "base/mem.h"

/* The least number of pieces that a password consists of. A piece is one of the most common
   words, also reversed, in capitals or with signs for letters (p@55w0rd); a word of `owner` (the
   name of its user; {0}: not known); a run of one character, a sequence (abc, 321), neighbouring
   keys (qwer, 1qaz), a year, two digits; or else one character. A repetition of the pieces right
   before it counts nothing. 0: no UTF-8. */
size_t password_guess_pieces(struct str password, struct str owner);

#endif
