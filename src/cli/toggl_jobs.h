/* SPDX-License-Identifier: ISC */
/* Work at Toggl as commands do it: begun, waited for, and said what came of it. */
#ifndef HL_CLI_TOGGL_JOBS_H
#define HL_CLI_TOGGL_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "toggl/toggl_client.h"

struct cli;
struct sealer;

struct toggl_jobs {
	struct cli *cli;
	struct sealer *sealer;
	struct buf hook_url;
	struct toggl_client *toggl;
	bool waits; /* through a spent quota, until it goes on */
	bool json;
};

/* false, said on stderr: there is no master key. toggl_jobs_close() it in any case. */
bool toggl_jobs_open(struct toggl_jobs *jobs, struct cli *cli);
void toggl_jobs_close(struct toggl_jobs *jobs);

/* Does one and says on stdout what came of it (stderr: what went wrong); gives
   the exit status. *result may be NULL, else gets the JSON object that the job
   left; with errands->json nothing is said but that object. */
int toggl_jobs_run(struct toggl_jobs *jobs, const struct toggl_job *task, struct buf *result);

#endif
