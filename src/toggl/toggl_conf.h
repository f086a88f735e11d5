/* SPDX-License-Identifier: ISC */
/* The settings of requests to Toggl's REST API. */
#ifndef HL_TOGGL_TOGGL_CONF_H
#define HL_TOGGL_TOGGL_CONF_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct toggl_conf {
	char *webhooks_url;
	char *api_url;
	char *reports_url;
	int64_t timeout_ms;
	int64_t hold_ms;
	int64_t pace_ms;
	int64_t reserve;
	int64_t check_hours;
	int64_t compare_days;
	int64_t prove_hours;
	int64_t load_hours;
	bool repair;
};

/* Borrowed from the settings. */
const struct toggl_conf *toggl_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table toggl_conf_table;

#endif
