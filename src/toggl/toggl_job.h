/* SPDX-License-Identifier: ISC */
/* What a job at Toggl is, and what the client that runs it works with. For
   toggl/toggl_client and its parts. */
#ifndef HL_TOGGL_TOGGL_JOB_H
#define HL_TOGGL_TOGGL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db;
struct sealer;

/* The interface schema of the program: its functions are called. */
enum toggl_schema { TOGGL_SCHEMA_OPERATOR, TOGGL_SCHEMA_COURIER, TOGGL_SCHEMA_ADMIN };

struct toggl_client_options {
	struct db *db;
	const struct conf *conf;
	const struct sealer *sealer;
	enum toggl_schema schema;
	const char *hook_url; /* public address up to and with /hook/ */
	const char *agent;    /* User-Agent */
	int64_t wait_ms;      /* for one call of the database */
	/* TOGGL_SCHEMA_ADMIN, else NULL: runs the operation toggl_begin, toggl_connection_add
	   or toggl_connection_token for the operator of this session. `input` is a JSON
	   object, or empty; the JSON result is appended to `output`. Its first
	   argument is operate_context, the pointer below. */
	enum err (*operate)(void *operate_context, struct str session, const char *operation,
			    struct str input, struct buf *output);
	void *operate_context;
	/* Called after each request that was sent, with sent_context; NULL: nobody is. */
	void (*sent)(void *sent_context);
	void *sent_context;
};

struct toggl_job {
	int64_t connection_id; /* 0: that of the workspace or subscription in `parameters` */
	/* connect, refresh, quota, subscribe, change, rotate, adopt, repair, ping,
	   validate, delete, load, check, resume: see ledger.toggl_begin() */
	const char *kind;
	struct str parameters; /* a JSON object: workspace, subscription, description, filters, … */
	struct str address;    /* rotate: of the subscription's endpoint */
	bool is_interactive;   /* a user waits: may use the quota's reserve */
	struct str session;    /* TOGGL_SCHEMA_ADMIN: the session of the operator */
	void *user;	       /* comes back with the result */
};

#endif
