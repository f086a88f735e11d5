/* SPDX-License-Identifier: ISC */
/* Signs events that a job has loaded from Toggl's API, with the secret of a local endpoint,
   so that they can be verified like callbacks. */
#ifndef HL_TOGGL_TOGGL_SIGNING_H
#define HL_TOGGL_TOGGL_SIGNING_H

#include <stdint.h>

#include "base/err.h"

struct toggl_client_options;

/* Signs and records all events of the job that wait for it. After an error the next call goes
   on. */
MUST_USE enum err toggl_signing_run(const struct toggl_client_options *options, int64_t job_id);

#endif
