/* SPDX-License-Identifier: ISC */
/* The settings of hookledger-admin alone. */
#ifndef HL_ADMIN_ADMIN_CONF_H
#define HL_ADMIN_ADMIN_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct admin_conf {
	char *setup_token;
	int64_t page_export_max;
	int64_t page_exports;
	int64_t page_connections;
	int64_t password_hashes;
	int64_t session_idle_hours;
	int64_t session_max_hours;
	int64_t session_proof_minutes;
	char *metrics_token;
};

/* Borrowed from the settings. */
const struct admin_conf *admin_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table admin_conf_page, admin_conf_metrics;

#endif
