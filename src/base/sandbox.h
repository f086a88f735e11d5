/* SPDX-License-Identifier: ISC */
/* Takes rights away from this process that it never needs, so that whoever takes it
   over gets little: it starts no program, traces no process, writes to no file outside
   one folder. For programs that read requests or answers of unauthenticated clients;
   needs no root. */
#ifndef HL_BASE_SANDBOX_H
#define HL_BASE_SANDBOX_H

#include <stdbool.h>

struct conf;

struct sandbox {
	bool has_seccomp;  /* the kernel filters system calls from now on */
	bool has_landlock; /* the kernel refuses to write outside the folder from now on */
};

/* For this process and its later children, for ever. `writable` is the one folder below
   which files may be made and changed; NULL, or one that is not there: nowhere. What is
   open already stays so.
   A kernel that lacks one of the two (seccomp(2), landlock(7) from 5.13) leaves it out:
   that is no error, and the result says it. Sets no_new_privs, so a setgid program such
   as sendmail does not work behind it, and is not started either. */
struct sandbox sandbox_enter(const char *writable);

/* The same as the setting `sandbox` says, with spool_dir writable; the log says what came of
   it. `sends_mail`: not while e-mails go through sendmail. Called when all is open, before
   the first request. */
void sandbox_confine(const struct conf *conf, bool sends_mail);

/* Do e-mails go through sendmail, which cannot run in a sandbox? */
bool sandbox_is_against_mail(const struct conf *conf);

#endif
