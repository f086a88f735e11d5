/* SPDX-License-Identifier: ISC */
/* Ctrl-C for commands that have something to put away: the first SIGINT or
   SIGTERM is noted, the second ends the program at once. */
#ifndef HL_BIN_STOP_H
#define HL_BIN_STOP_H

/* From now on; gives a descriptor that can be read once a signal has come.
   System calls are interrupted (EINTR). To be called once. */
int stop_open(void);

int stop_signal(void);	/* the signal that came, or 0 */

#endif
