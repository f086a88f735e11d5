/* SPDX-License-Identifier: ISC */
/* Drops rights that the process never needs: it can start no program, trace no process, and
   write to no file outside one folder. An attacker who takes over the process gets little. For
   programs that read requests of unauthenticated clients or responses of other servers. Needs
   no root. */
#ifndef HL_BASE_SANDBOX_H
#define HL_BASE_SANDBOX_H

#include <stdbool.h>

struct sandbox {
	bool has_seccomp;  /* the kernel filters system calls */
	bool has_landlock; /* the kernel refuses writes outside the folder */
};

/* Confines this process and its later children for ever. Files can be made and changed only
   below the folder `writable`; nowhere when it is NULL or does not exist. Open files stay open.
   A kernel may lack seccomp(2), or landlock(7) before 5.13: that is no error, and the result
   says which one is in force. Sets no_new_privs, so setgid programs such as sendmail cannot
   work. */
struct sandbox sandbox_enter(const char *writable);

#endif
