/* SPDX-License-Identifier: ISC */
/* The two ways of `hookledger simulate`: a story is sent as Toggl would send it, or
   goes straight into the ledger, without a web server. */
#ifndef HL_SIM_SIMULATE_H
#define HL_SIM_SIMULATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/schedule.h"

enum { SIMULATE_WORKSPACE = 7435584 }; /* unless another is given */

struct simulate_send {
	struct schedule_options schedule;
	const char *url;	 /* of an endpoint; http_client_can_reach() */
	struct str secret;	 /* of the endpoint, which signs */
	const char *events_file; /* gets event_id and created_at of what is acknowledged; or NULL */
	int64_t rate;		 /* requests a second; 0: as fast as it goes */
	int64_t connections;	 /* requests at once */
	bool live;		 /* each event when its time has come, until interrupted */
	bool retry;		 /* what is not acknowledged, with back-off */
	bool ping;		 /* first the validation of the subscription */
	bool json;		 /* the counts */
	const volatile sig_atomic_t *is_interrupted;
};

/* Sends the story, signed, and says what was acknowledged. Gives the exit status;
   fine when every event was acknowledged in the end. */
int simulate_send(const struct simulate_send *options);

struct simulate_record {
	const char *conf_path;		  /* of --conf, or NULL */
	struct schedule_options schedule; /* its url_callback does not count; workspace_id 0: that
					     of the endpoint */
	int64_t endpoint;    /* 0: the first of the workspace, made when there is none */
	int64_t connections; /* to PostgreSQL */
	bool json;
	const volatile sig_atomic_t *is_interrupted;
};

/* Records the story as callbacks are recorded: signed with the endpoint's
   secret, by the receiver's function, in large batches. Says what became of it.
   Gives the exit status; fine when every event is recorded in the end. */
int simulate_record(const struct simulate_record *options);

#endif
