/* SPDX-License-Identifier: ISC */
/* Runs the jobs at Toggl that no user has just started: those whose time to wait is over, and the
   regular check of the subscriptions at Toggl. Called in a child process of the courier and in the
   API's tick. It waits for the database and for Toggl, so it needs a process that has
   nothing else to do. */
#ifndef HL_TOGGL_TOGGL_CHECK_H
#define HL_TOGGL_TOGGL_CHECK_H

#include <stdint.h>

#include "base/err.h"

struct conf;

/* Returns when nothing is due, when for_ms (0: no limit) are over, or when stop_fd (-1: none)
   becomes readable; the rest is left to the next round. Connects as the courier's role.
   ERR_BUSY: the database could not be reached. */
MUST_USE enum err toggl_check_run(const struct conf *conf, int64_t for_ms, int stop_fd);

#endif
