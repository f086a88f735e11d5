/* SPDX-License-Identifier: ISC */
/* Ctrl-C for commands that must clean up: the first SIGINT or SIGTERM is only noted, the
   second ends the program at once. */
#ifndef HL_CLI_INTERRUPT_H
#define HL_CLI_INTERRUPT_H

/* Catches the signals from now on. Returns a descriptor that is readable after a signal.
   A signal interrupts system calls (EINTR). Call it once. */
int interrupt_open(void);

int interrupt_signal(void); /* the signal that has come, or 0 */

#endif
