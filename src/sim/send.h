/* SPDX-License-Identifier: ISC */
/* Sends generated events to an endpoint as Toggl does: signed HTTP requests. Called by
   `hookledger simulate`, which reads the options and prints the result; this module
   writes nothing to the terminal. It needs neither settings nor a database. */
#ifndef HL_SIM_SEND_H
#define HL_SIM_SEND_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/histogram.h"
#include "sim/schedule.h"

struct send_options {
	struct schedule_options schedule;
	const char *url;     /* of an endpoint; http_client_can_reach() has accepted it */
	struct str secret;   /* of the endpoint, to sign with */
	FILE *events_file;   /* gets event_id and created_at of each acknowledged event; or NULL */
	int64_t rate;	     /* requests a second; 0: no limit */
	int64_t connections; /* requests at once */
	bool is_live;	     /* sends each event at its own time, until interrupted */
	bool repeats;	     /* sends again, with back-off, what was not acknowledged */
	bool begins_with_ping; /* validates the subscription first */
	const volatile sig_atomic_t *is_interrupted;
	void (*progress)(void *user, int64_t acknowledged); /* called often */
	void *user;
};

enum { SEND_STATUS_MAX = 600 };

struct send_result {
	int64_t events;			  /* to be acknowledged */
	int64_t sent;			  /* requests */
	int64_t acknowledged;		  /* requests answered with 200 */
	int64_t distinct;		  /* events acknowledged at least once */
	int64_t failed;			  /* requests without an answer */
	int64_t refused[SEND_STATUS_MAX]; /* requests with another answer, by its status */
	int64_t duration_ms;
	struct histogram latency;
	bool has_ended;	    /* every event of the schedule was sent */
	struct buf problem; /* the last one; empty: there was none */
};

/* Sends until the schedule ends or *is_interrupted is set; waits for the requests in
   flight in either case. `result` must be {0}. ERR_DENIED: the ping was not answered as it
   should be; result->problem says how, and no event was sent. */
MUST_USE enum err send_run(const struct send_options *options, struct send_result *result);

void send_result_done(struct send_result *result);

#endif
