/* SPDX-License-Identifier: ISC */
/* The settings: one table, read from one file and the environment, printed as
   an annotated sample. tests/house.sh compares the table with the manual. */
#ifndef HL_BASE_CONF_H
#define HL_BASE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* One field a setting; conf_sample() explains each. Strings are owned by the
   struct and NULL when not set. */
struct conf {
	char *path; /* the file that was read, NULL if none */
	char *database;
	char *database_receiver;
	char *database_operator;
	char *database_api;
	char *database_courier;
	char *database_admin;
	char *database_owner;
	bool db_pooled;
	int64_t db_deadline_ms;
	bool db_roles;
	char *master_key;
	char *master_key_previous;
	char *public_url;
	char *base_path;
	char *spool_dir;
	int64_t spool_max_bytes;
	int64_t spool_again_ms;
	int64_t spool_late_s;
	int64_t spool_unjudged_max_bytes;
	int64_t body_max_bytes;
	int64_t batch_max;
	int64_t batch_max_bytes;
	int64_t request_timeout_ms;
	int64_t connections_max;
	int64_t cgi_connections;
	int64_t api_burst;
	int64_t api_per_minute;
	int64_t api_body_max_bytes;
	int64_t enterprise_requests, enterprise_user_requests;
	char *api_cors_origin;
	char *setup_token;
	int64_t page_export_max;
	int64_t page_connections;
	int64_t page_exports;
	int64_t password_hashes;
	int64_t session_idle_hours;
	int64_t session_max_hours;
	int64_t session_proof_minutes;
	int64_t handshake_timeout_ms;
	char *allowed_networks;
	char *ca_file;
	char *trusted_proxies;
	int64_t delivery_timeout_ms;
	int64_t delivery_parallel;
	int64_t delivery_answer_max_bytes;
	int64_t delivery_retry_first_ms;
	int64_t delivery_retry_factor;
	int64_t delivery_retry_longest_ms;
	int64_t delivery_give_up_ms;
	int64_t delivery_failing_ms;
	int64_t delivery_keep_days;
	int64_t delivery_keep_dead_days;
	int64_t counters_keep_days;
	int64_t courier_requests_max;
	int64_t courier_poll_ms;
	int64_t courier_lease_ms;
	char *toggl_webhooks_url;
	char *toggl_api_url;
	int64_t toggl_timeout_ms;
	int64_t toggl_hold_ms;
	int64_t toggl_pace_ms;
	int64_t toggl_reserve;
	int64_t toggl_check_hours;
	bool toggl_repair;
	char *mail_sendmail;
	char *mail_from;
	char *smtp_url;
	char *smtp_user;
	char *smtp_password;
	int64_t watch_ms;
	bool sandbox;
	char *metrics_token;
	char *log_level;
	char *sql_dir;
};

/* Reads `path`, or the file that HOOKLEDGER_CONF names, or the installed one, or
   the user's own (base/conf_file): the first that there is, or none. Then the
   environment (HOOKLEDGER_ and the key in capitals, '.' as '_'). ERR_INPUT:
   *problem says file, line, key and what to do, never a secret; *conf is
   untouched then. */
MUST_USE enum err conf_load(struct conf *conf, const char *path, struct buf *problem);
void conf_done(struct conf *conf); /* wipes the secrets */

/* The connection string for "receiver", "api", "courier", "admin", "operator"
   or "owner": its own setting or the common one; NULL when there is neither. */
const char *conf_database(const struct conf *conf, const char *program);

/* Where the outside reaches us: public_url, base_path and `where` ("/hook/"), then
   `last`; appends. Every address of ours that others get is made here. Slashes at the
   end of public_url do no harm, nor does base_path at its end, which is not repeated;
   scheme and host become lower case. Without public_url a host that says that it is
   none. */
void conf_public_url(const struct conf *conf, const char *where, struct str last, struct buf *out);

enum log_level conf_log_level(const struct conf *conf);

void conf_sample(struct buf *out);			  /* annotated, all defaults */
void conf_show(const struct conf *conf, struct buf *out); /* what is in force; secrets as "(set)" */

#endif
