/* SPDX-License-Identifier: ISC */
/* Runs jobs at Toggl's REST API: several at once and without waiting, for a program that has a
   loop of its own. SQL decides the steps of a job, what an answer means, and when a request
   may be sent (quota and rate limit); a job outlives the process that runs it. This client
   calls these functions, sends the requests and signs loaded events. */
#ifndef HL_TOGGL_TOGGL_CLIENT_H
#define HL_TOGGL_TOGGL_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "toggl/toggl_job.h"

struct conf;
struct db;
struct sealer;
struct toggl_client;

enum toggl_job_end {
	TOGGL_JOB_DONE,
	TOGGL_JOB_FAILED,  /* it cannot be done; its changes were undone */
	TOGGL_JOB_WAITING, /* the quota is used up: it goes on by itself later, or by "resume" after
			      wait_ms */
	TOGGL_JOB_LOST,	   /* the database is away, or another process has taken it over */
};

struct toggl_job_result {
	void *user;
	enum toggl_job_end end;
	int64_t job_id;
	int64_t wait_ms;
	struct str message; /* the outcome for people, lines separated by \n */
	struct str result; /* JSON: subscription_id, workspace_id, …; empty unless done or failed */
};

/* Copies `options`; what the members point to must outlive the client. toggl_client_free()
   aborts requests in flight; another process can continue these jobs when their leases end. */
struct toggl_client *toggl_client_new(const struct toggl_client_options *options);
void toggl_client_free(struct toggl_client *toggl);

/* Stores an API token, sealed, as a new connection and gives its number; a job "connect" then
   tests the token. `session`: as in struct toggl_job. ERR_FAULT: no master key; ERR_BUSY,
   ERR_DENIED: see db_problem(). */
MUST_USE enum err toggl_client_add_connection(struct toggl_client *toggl, struct str session,
					      struct str token, int64_t *connection_id);

/* Begins a job. The address and the secret of a new subscription are made and stored first.
   Borrows `wanted` for the call only; job_id may be NULL. ERR_INPUT, ERR_ABSENT: db_problem()
   says what is wrong with the job; ERR_FAULT: no master key; ERR_PACE: this client has no room
   for another job; ERR_BUSY: the database is away. */
MUST_USE enum err toggl_client_start(struct toggl_client *toggl, const struct toggl_job *wanted,
				     int64_t *job_id);

/* Begins jobs that no user has asked for: those that have waited long enough, and the check of
   Toggl's side every toggl_check_hours. `begun` gets their number; it may be NULL. */
MUST_USE enum err toggl_client_start_due(struct toggl_client *toggl, size_t *begun);

/* Runs all jobs as far as possible without waiting for Toggl (it does wait for the database),
   and gives the result of one that has ended, borrowed until the next call. ERR_PACE: none
   has ended; ERR_ABSENT: there are no jobs. */
MUST_USE enum err toggl_client_take(struct toggl_client *toggl, struct toggl_job_result *outcome);

/* Before the end of a process: waits up to wait_ms for answers in flight, sends no more
   requests, and releases the jobs, so that another process can go on with them at once.
   Only toggl_client_free() may follow. */
void toggl_client_leave(struct toggl_client *toggl, int64_t wait_ms);

/* What to wait for before the next toggl_client_take(), as http_client_poll(). */
int toggl_client_poll(const struct toggl_client *toggl, struct pollfd *fd);

/* Like toggl_client_take(), but waits until a job has ended. ERR_BUSY: `stop_fd` (-1: none)
   became readable. */
MUST_USE enum err toggl_client_wait(struct toggl_client *toggl, int stop_fd,
				    struct toggl_job_result *outcome);

#endif
