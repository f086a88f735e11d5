/* SPDX-License-Identifier: ISC */
/* Questions to the person at the terminal, whatever stdin and stdout are: a
   line, or a secret that is not shown while it is typed. */
#ifndef HL_CLI_PROMPT_H
#define HL_CLI_PROMPT_H

#include <stdbool.h>

#include "base/mem.h"

/* Is there a terminal with a person to ask (stdin is one)? */
bool prompt_is_possible(void);

/* Shows the words and reads a line without its end; appends. false, said on
   stderr unless it was Ctrl-C or the end of input: none came. */
bool prompt_line(const char *words, struct buf *line);

/* The same without echo. mem_wipe() and buf_done() it. */
bool prompt_secret(const char *words, struct buf *secret);

#endif
