/* SPDX-License-Identifier: ISC */
/* Jobs at Toggl, run by a command: starts a job, waits for it, and prints its result. */
#ifndef HL_CLI_TOGGL_JOBS_H
#define HL_CLI_TOGGL_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/term.h"
#include "toggl/toggl_client.h"

struct cli;
struct sealer;

struct toggl_jobs {
	struct cli *cli;
	struct sealer *sealer;
	struct buf hook_url;
	struct toggl_client *toggl;
	bool waits; /* when the quota is spent, for its next window */
	bool json;
	struct progress progress; /* of the requests of a job */
};

/* false, said on stderr: there is no master key. The caller closes it in any case. */
bool toggl_jobs_open(struct toggl_jobs *jobs, struct cli *cli);
void toggl_jobs_close(struct toggl_jobs *jobs);

/* Runs one job and prints its result on stdout, or on stderr what went wrong. Returns the
   exit status. With jobs->json it prints only the JSON object. */
int toggl_jobs_run(struct toggl_jobs *jobs, const struct toggl_job *task);

/* Runs the job for each connection to Toggl, one after the other. Returns the worst exit
   status. */
int toggl_jobs_run_all(struct toggl_jobs *jobs, const char *kind, struct str parameters);

#endif
