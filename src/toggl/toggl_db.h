/* SPDX-License-Identifier: ISC */
/* The SQL functions that Toggl jobs call, by the interface schema of the program. A job or
   connection of the admin page begins as an operation of an operator's session
   (options->operate); all other functions are called directly. */
#ifndef HL_TOGGL_TOGGL_DB_H
#define HL_TOGGL_TOGGL_DB_H

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "toggl/toggl_job.h"

struct db_args;
struct db_rows;

enum toggl_db_function {
	TOGGL_DB_BEGIN,
	TOGGL_DB_TURN,	   /* the next step of a job */
	TOGGL_DB_UNSIGNED, /* loaded events that have no signature */
	TOGGL_DB_LOCAL,	   /* stores a local endpoint, for loaded events */
	TOGGL_DB_RECORD,   /* records loaded events with their signatures */
	TOGGL_DB_LEAVE,	   /* releases a job for other processes */
	TOGGL_DB_DUE,	   /* jobs that no user has asked for */
	TOGGL_DB_CONNECTION_ADD,
	TOGGL_DB_CONNECTION_TOKEN,
	TOGGL_DB_FUNCTIONS,
};

/* Calls the function in options->schema; waits for the connection when it is lost. ERR_BUSY: the
   database is away; else the errors of db_call(). */
MUST_USE enum err toggl_db_call(const struct toggl_client_options *options,
				enum toggl_db_function function, const struct db_args *args,
				struct db_rows **rows);

/* The number of a job, and the number that proves that this process holds its lease. */
struct toggl_db_lease {
	int64_t job_id, lease;
};

/* Begins a job in the database. `address` and `sealed` are empty when it makes no secret. */
MUST_USE enum err toggl_db_begin(const struct toggl_client_options *options,
				 const struct toggl_job *wanted, const struct buf *parameters,
				 const struct buf *address, const struct buf *sealed,
				 struct toggl_db_lease *lease);

/* As toggl_client_add_connection(). */
MUST_USE enum err toggl_db_add_connection(const struct toggl_client_options *options,
					  struct str session, struct str token,
					  int64_t *connection_id);

#endif
