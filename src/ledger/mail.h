/* SPDX-License-Identifier: ISC */
/* An e-mail in the form of RFC 5322 and MIME: one plain text. Nothing that is
   put into it can become a header, whatever bytes it has. */
#ifndef HL_LEDGER_MAIL_H
#define HL_LEDGER_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* One plain address, printable ASCII, of nothing that a header or a command line
   could take for more, such as a space, a comma or '-' at its beginning? */
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
