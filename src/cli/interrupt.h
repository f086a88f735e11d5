/* SPDX-License-Identifier: ISC */
/* Ctrl-C for commands that have something to put away: the first SIGINT or
   SIGTERM is noted, the second ends the program at once. */
#ifndef HL_CLI_INTERRUPT_H
#define HL_CLI_INTERRUPT_H

/* From now on; gives a descriptor that can be read once a signal has come.
   System calls are interrupted (EINTR). To be called once. */
int interrupt_open(void);

int interrupt_signal(void); /* the signal that came, or 0 */

#endif
