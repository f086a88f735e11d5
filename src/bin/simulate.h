/* SPDX-License-Identifier: ISC */
/* The second way of `hookledger simulate`: the story goes straight into the
   ledger, without a web server. */
#ifndef HL_BIN_SIMULATE_H
#define HL_BIN_SIMULATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "bin/stream.h"

enum { SIMULATE_WORKSPACE = 7435584 };	/* unless another is given */

struct simulate_record {
	const char *conf_path;	/* of --conf, or NULL */
	struct stream_how stream;	/* its url_callback does not count; workspace_id 0: that of the endpoint */
	int64_t endpoint;	/* 0: the first of the workspace, made when there is none */
	int64_t connections;	/* to PostgreSQL */
	bool json;
	const volatile sig_atomic_t *is_interrupted;
};

/* Records the story as callbacks are recorded: signed with the endpoint's
   secret, by the receiver's function, in large batches. Says what became of it.
   Gives the exit status; fine when every event is recorded in the end. */
int simulate_record(const struct simulate_record *how);

#endif
