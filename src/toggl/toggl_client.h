/* SPDX-License-Identifier: ISC */
/* Work at Toggl, request by request, through one gate that keeps to the quota
   and to the pace. What is done and what an answer means stands in SQL (jobs
   that outlive their process); here requests are sent, secrets put into them,
   and what was loaded is signed. Several jobs at once, without waiting, for a
   program that has a loop of its own. */
#ifndef HL_TOGGL_TOGGL_CLIENT_H
#define HL_TOGGL_TOGGL_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db;
struct sealer;
struct toggl_client;

/* Whose interface schema the functions are taken from. */
enum toggl_schema { TOGGL_SCHEMA_OPERATOR, TOGGL_SCHEMA_COURIER, TOGGL_SCHEMA_ADMIN };

struct toggl_client_options {
	struct db *db;
	const struct conf *conf;
	const struct sealer *sealer;
	enum toggl_schema schema;
	const char *hook_url; /* public address up to and with /hook/ */
	const char *agent;    /* User-Agent */
	int64_t wait_ms;      /* for one call of the database */
	/* TOGGL_SCHEMA_ADMIN: does toggl_begin, toggl_connection_add or
	   toggl_connection_token, with the JSON object `made`, for the operator whose
	   session `who` is; adds what the operation gives, as JSON. */
	enum err (*operate)(void *operator_of, struct str who, const char *operation,
			    struct str made, struct buf *given);
	void *operator_of;
};

struct toggl_job {
	int64_t connection_id; /* 0: that of the workspace or subscription in `asked` */
	/* connect, refresh, quota, subscribe, change, rotate, adopt, repair, ping,
	   validate, delete, load, check, resume: see ledger.toggl_begin() */
	const char *what;
	struct str asked;    /* a JSON object: workspace, subscription, description, filters, … */
	struct str address;  /* rotate: of the subscription's endpoint */
	bool is_interactive; /* somebody waits: may use the reserve */
	struct str who;	     /* TOGGL_SCHEMA_ADMIN: the session that asks */
	void *user;	     /* given back with the outcome */
};

enum toggl_job_end {
	TOGGL_JOB_DONE,
	TOGGL_JOB_FAILED,  /* it cannot be done, and what was begun is cleared up */
	TOGGL_JOB_WAITING, /* the quota is spent: goes on by itself, or by "resume" after wait_ms */
	TOGGL_JOB_LOST,	   /* the database is away, or another process has taken it over */
};

struct toggl_job_result {
	void *user;
	enum toggl_job_end end;
	int64_t job_id;
	int64_t wait_ms;
	struct str words; /* for people: what came of it, lines with \n between */
	struct str result; /* JSON: subscription_id, workspace_id, …; empty unless done or failed */
};

/* Copies `how`; borrows what it points to until toggl_client_free(), which breaks off
   what is under way: another process can go on with it. */
struct toggl_client *toggl_client_new(const struct toggl_client_options *options);
void toggl_client_free(struct toggl_client *toggl);

size_t toggl_client_count(
	const struct toggl_client *toggl); /* jobs under way or not given out yet */

/* Stores an API token, sealed, as a new connection, which the job "connect" then
   proves. `who` as in a task. ERR_FAULT: no master key; ERR_BUSY, ERR_DENIED:
   see db_problem(). */
MUST_USE enum err toggl_client_connection(struct toggl_client *toggl, struct str who,
					  struct str token, int64_t *connection_id);

/* Begins a job; what a new subscription needs (address, secret) is made and
   stored first. Copies the task; *job_id may be NULL. ERR_INPUT, ERR_ABSENT: db_problem() says what
   is wrong with it; ERR_FAULT: no master key; ERR_PACE: as many as can be are
   under way; ERR_BUSY: the database is away. */
MUST_USE enum err toggl_client_start(struct toggl_client *toggl, const struct toggl_job *task,
				     int64_t *job_id);

/* Begins what is due by nobody's order: jobs that waited long enough, and the
   look at Toggl's side every toggl_check_hours. *begun may be NULL. */
MUST_USE enum err toggl_client_start_due(struct toggl_client *toggl, size_t *begun);

/* Moves all jobs on as far as it goes without waiting for Toggl (calls of the
   database it waits for), and gives one that has ended; what the outcome points
   to is borrowed until the next call. ERR_PACE: none has; ERR_ABSENT: there is none. */
MUST_USE enum err toggl_client_take(struct toggl_client *toggl, struct toggl_job_result *outcome);

/* Before the end of a process: judges the answers that come within wait_ms, asks
   nothing more, and gives the jobs back, so that another process can go on with
   them at once. Then only toggl_client_free() may follow. */
void toggl_client_leave(struct toggl_client *toggl, int64_t wait_ms);

/* What to wait for before the next toggl_client_take(), as http_client_poll() says it. */
int toggl_client_poll(const struct toggl_client *toggl, struct pollfd *fd);

/* The same with waiting, until one has ended or `stop_fd` (-1: none) can be
   read: ERR_BUSY then. */
MUST_USE enum err toggl_client_wait(struct toggl_client *toggl, int stop_fd,
				    struct toggl_job_result *outcome);

#endif
