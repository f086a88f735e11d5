/* SPDX-License-Identifier: ISC */
/* How easily a password is guessed: what is guessed first is put together from a
   few pieces that everybody knows. */
#ifndef HL_BASE_PASSWORD_GUESS_H
#define HL_BASE_PASSWORD_GUESS_H

#include <stddef.h>

#include "base/mem.h"

/* Of how few pieces a password consists, as somebody sees it who guesses. A piece is
   one of the commonest words, also backwards, in capitals or with signs for letters
   (p@55w0rd); a word of `owner` (the name of whose it is; {0}: nobody); a run of one
   character, a sequence (abc, 321), a walk over the keyboard (qwer, 1qaz), a year,
   two digits; else a character. What repeats the piece or pieces right before it
   counts nothing. 0 of what is no UTF-8. */
size_t password_guess_pieces(struct str password, struct str owner);

#endif
