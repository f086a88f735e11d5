/* SPDX-License-Identifier: ISC */
/* Work at Toggl, request by request, through one gate that keeps to the quota
   and to the pace. What is done and what an answer means stands in SQL (jobs
   that outlive their process); here requests are sent, secrets put into them,
   and what was loaded is signed. Several jobs at once, without waiting, for a
   program that has a loop of its own. */
#ifndef HL_LEDGER_TOGGL_H
#define HL_LEDGER_TOGGL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db;
struct sealer;
struct toggl;

/* Whose door the functions are taken from. */
enum toggl_door { TOGGL_OPERATOR, TOGGL_COURIER, TOGGL_ADMIN };

struct toggl_how {
	struct db *db;
	const struct conf *conf;
	const struct sealer *sealer;
	enum toggl_door door;
	const char *hook_url;	/* public address up to and with /hook/ */
	const char *agent;	/* User-Agent */
	int64_t wait_ms;	/* for one call of the database */
};

struct toggl_task {
	int64_t connection_id;	/* 0: that of the workspace or subscription in `asked` */
	/* connect, refresh, quota, subscribe, change, rotate, adopt, repair, ping,
	   validate, delete, load, check, resume: see ledger.toggl_begin() */
	const char *what;
	struct str asked;	/* a JSON object: workspace, subscription, description, filters, … */
	struct str address;	/* rotate: of the subscription's endpoint */
	bool is_interactive;	/* somebody waits: may use the reserve */
	struct str who;		/* TOGGL_ADMIN: the session that asks, see ledger.enter() */
	void *user;		/* given back with the outcome */
};

enum toggl_end {
	TOGGL_DONE,
	TOGGL_FAILED,	/* it cannot be done, and what was begun is cleared up */
	TOGGL_WAITS,	/* the quota is spent: goes on by itself, or by "resume" after wait_ms */
	TOGGL_LOST,	/* the database is away, or another process has taken it over */
};

struct toggl_outcome {
	void *user;
	enum toggl_end end;
	int64_t job_id;
	int64_t wait_ms;
	struct str words;	/* for people: what came of it, lines with \n between */
	struct str result;	/* JSON: subscription_id, workspace_id, …; empty unless done or failed */
};

/* Copies `how`; borrows what it points to until toggl_free(), which breaks off
   what is under way: another process can go on with it. */
struct toggl *toggl_new(const struct toggl_how *how);
void toggl_free(struct toggl *toggl);

size_t toggl_count(const struct toggl *toggl);	/* jobs under way or not given out yet */

/* Stores an API token, sealed, as a new connection, which the job "connect" then
   proves. `who` as in a task. ERR_FAULT: no master key; ERR_BUSY, ERR_DENIED:
   see db_problem(). */
MUST_USE enum err toggl_connection(struct toggl *toggl, struct str who, struct str token, int64_t *connection_id);

/* Begins a job; what a new subscription needs (address, secret) is made and
   stored first. Copies the task; *job_id may be NULL. ERR_INPUT, ERR_ABSENT: db_problem() says what
   is wrong with it; ERR_FAULT: no master key; ERR_PACE: as many as can be are
   under way; ERR_BUSY: the database is away. */
MUST_USE enum err toggl_start(struct toggl *toggl, const struct toggl_task *task, int64_t *job_id);

/* Begins what is due by nobody's order: jobs that waited long enough, and the
   look at Toggl's side every toggl_check_hours. *begun may be NULL. */
MUST_USE enum err toggl_start_due(struct toggl *toggl, size_t *begun);

/* Moves all jobs on as far as it goes without waiting for Toggl (calls of the
   database it waits for), and gives one that has ended; what the outcome points
   to is borrowed until the next call. ERR_PACE: none has; ERR_ABSENT: there is none. */
MUST_USE enum err toggl_take(struct toggl *toggl, struct toggl_outcome *outcome);

/* Before the end of a process: judges the answers that come within wait_ms, asks
   nothing more, and gives the jobs back, so that another process can go on with
   them at once. Then only toggl_free() may follow. */
void toggl_leave(struct toggl *toggl, int64_t wait_ms);

/* What to wait for before the next toggl_take(), as fetch_poll() says it. */
int toggl_poll(const struct toggl *toggl, struct pollfd *fd);

/* The same with waiting, until one has ended or `stop_fd` (-1: none) can be
   read: ERR_BUSY then. */
MUST_USE enum err toggl_wait(struct toggl *toggl, int stop_fd, struct toggl_outcome *outcome);

#endif
