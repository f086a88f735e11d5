/* SPDX-License-Identifier: ISC */
/* The settings of the spool, the alerts' mail, the monitor and the schema. */
#ifndef HL_LEDGER_LEDGER_CONF_H
#define HL_LEDGER_LEDGER_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct ledger_conf {
	char *spool_dir;
	int64_t spool_max_bytes;
	int64_t spool_unverified_max_bytes;
	int64_t spool_retry_ms;
	int64_t spool_late_s;
	int64_t counters_keep_days;
	char *mail_sendmail;
	char *mail_from;
	char *smtp_url;
	char *smtp_user;
	char *smtp_password;
	int64_t watch_ms;
	char *sql_dir;
};

/* Borrowed from the settings. */
const struct ledger_conf *ledger_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table ledger_conf_spool, ledger_conf_counters, ledger_conf_mail,
	ledger_conf_sql;

#endif
