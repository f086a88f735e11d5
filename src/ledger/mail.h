/* SPDX-License-Identifier: ISC */
/* An e-mail in the form of RFC 5322 and MIME: one plain text. No input can become a header,
   whatever bytes it contains. */
#ifndef HL_LEDGER_MAIL_H
#define HL_LEDGER_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* Is it one plain address of printable ASCII, without anything that has a meaning in a header or
   on a command line, such as a space, a comma or a leading '-'? */
bool mail_is_address(struct str address);

struct mail {
	struct str from, to;	  /* mail_is_address() */
	struct str subject, text; /* UTF-8; other bytes become U+FFFD */
	struct str id; /* left part of its Message-ID: letters, digits, '.', '_' and '-' */
	int64_t at_us;
	const char *line_end; /* "\r\n" for SMTP, "\n" for sendmail */
};

/* Appends. */
void mail_write(const struct mail *mail, struct buf *out);

#endif
