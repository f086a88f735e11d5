/* SPDX-License-Identifier: ISC */
/* What is to be done at Toggl by nobody's order: jobs that have waited long
   enough, and the look at Toggl's side. Waits for the database and for Toggl, so
   it belongs into a process that has nothing else to do. */
#ifndef HL_TOGGL_TOGGL_CHECK_H
#define HL_TOGGL_TOGGL_CHECK_H

#include <stdint.h>

#include "base/err.h"

struct conf;

/* Until nothing is due, for_ms (0: no limit) are over, or stop_fd (-1: none) can
   be read; what is not done then is left to the next round. Connects as the
   courier does. ERR_BUSY: the database could not be reached. */
MUST_USE enum err toggl_check_run(const struct conf *conf, int64_t for_ms, int stop_fd);

#endif
