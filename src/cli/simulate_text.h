/* SPDX-License-Identifier: ISC */
/* What `hookledger simulate` prints at its end: the counts, for people or as JSON. */
#ifndef HL_CLI_SIMULATE_TEXT_H
#define HL_CLI_SIMULATE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/record.h"
#include "sim/send.h"

struct simulate_endpoint {
	int64_t endpoint_id, workspace_id;
	bool is_new; /* made by this command */
};

/* Prints on stdout. false, reported on stderr: that failed. */
bool simulate_text_sent(const struct schedule_options *schedule, const struct send_result *result,
			bool is_json);
bool simulate_text_recorded(const struct schedule_options *schedule,
			    const struct record_result *result,
			    const struct simulate_endpoint *endpoint, bool is_json);

#endif
