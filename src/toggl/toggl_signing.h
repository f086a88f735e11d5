/* SPDX-License-Identifier: ISC */
/* Signs events that a job has loaded from Toggl's API, with the secret of a local endpoint,
   so that they can be verified like callbacks. */
#ifndef HL_TOGGL_TOGGL_SIGNING_H
#define HL_TOGGL_TOGGL_SIGNING_H

#include <stdint.h>

#include "base/err.h"

struct toggl_client_options;

/* Signs and records all loaded events of the job that are not signed yet. After an error the next
   call continues. Errors of toggl_db_call(), and of a secret that does not open. */
MUST_USE enum err toggl_signing_run(const struct toggl_client_options *options, int64_t job_id);

#endif
