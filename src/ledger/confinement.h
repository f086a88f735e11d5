/* SPDX-License-Identifier: ISC */
/* Puts a program into the sandbox (base/sandbox) that its settings ask for. Each program calls
   this when it has opened everything, before its first request. */
#ifndef HL_LEDGER_CONFINEMENT_H
#define HL_LEDGER_CONFINEMENT_H

#include <stdbool.h>

struct conf;

/* Does nothing when the setting `sandbox` says no, and when the program sends e-mails through
   sendmail. Inside the sandbox only spool_dir is writable. Logs which of the kernel's two
   mechanisms are in force. */
void confinement_enter(const struct conf *conf, bool sends_mail);

/* Do e-mails go through sendmail? It cannot run in a sandbox. */
bool confinement_excludes_mail(const struct conf *conf);

#endif
