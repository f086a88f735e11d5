/* SPDX-License-Identifier: ISC */
/* Questions to the person at the terminal, wherever stdin and stdout go: a line, or a
   secret without echo. */
#ifndef HL_CLI_PROMPT_H
#define HL_CLI_PROMPT_H

#include <stdbool.h>

#include "base/mem.h"

/* Is stdin a terminal, so that a person can answer? */
bool prompt_has_terminal(void);

/* Shows the question and appends one line, without its end. false: no line came. It is
   said on stderr, except after Ctrl-C or the end of input. */
bool prompt_line(const char *question, struct buf *line);

/* The same without echo. The caller wipes the secret. */
bool prompt_secret(const char *question, struct buf *secret);

#endif
