/* SPDX-License-Identifier: ISC */
#include "ledger/ledger_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct ledger_conf, name)

static const struct conf_part part = { sizeof(struct ledger_conf) };

const struct ledger_conf *ledger_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row spool_rows[] = {
	{ "spool_dir", CONF_TEXT, FIELD(spool_dir), HL_LOCALSTATEDIR "/lib/hookledger/spool", 0, 0,
	  false,
	  "Folder for callbacks that arrive while the database is unavailable; on a disk, writable "
	  "by the receiver." },
	{ "spool_max_bytes", CONF_NUMBER, FIELD(spool_max_bytes), "1073741824", 4096, INT64_MAX,
	  false, "Largest size of the spool folder; above it callbacks are answered 503." },
	{ "spool_unverified_max_bytes", CONF_NUMBER, FIELD(spool_unverified_max_bytes), "16777216",
	  0, INT64_MAX, false,
	  "Limit for unverified callbacks, kept only while no secret has ever been loaded; 0 "
	  "refuses them." },
	{ "spool_retry_ms", CONF_NUMBER, FIELD(spool_retry_ms), "10000", 10, 86400000, false,
	  "Pause before a callback from the spool that the database refused alone is retried; "
	  "doubled each time." },
	{ "spool_late_s", CONF_NUMBER, FIELD(spool_late_s), "60", 1, 31536000, false,
	  "A callback that waits longer in the spool raises an alert, and health answers 503." },
};

const struct conf_table ledger_conf_spool = { &part, spool_rows,
					      sizeof(spool_rows) / sizeof(spool_rows[0]) };

static const struct conf_row counters_rows[] = {
	{ "counters_keep_days", CONF_NUMBER, FIELD(counters_keep_days), "1100", 1, 36500, false,
	  "How long counters are kept: refusals by minute, and values of an unexpected type by "
	  "day." },
};

const struct conf_table ledger_conf_counters = { &part, counters_rows,
						 sizeof(counters_rows) / sizeof(counters_rows[0]) };

static const struct conf_row mail_rows[] = {
	{ "mail_sendmail", CONF_TEXT, FIELD(mail_sendmail), "/usr/sbin/sendmail", 0, 0, false,
	  "Program that sends the e-mails of alerts, unless smtp_url is set." },
	{ "mail_from", CONF_TEXT, FIELD(mail_from), NULL, 0, 0, false,
	  "Sender of the e-mails; not set: hookledger at the name of this host." },
	{ "smtp_url", CONF_TEXT, FIELD(smtp_url), NULL, 0, 0, false,
	  "Mail server for the e-mails, such as smtps://mail.example.org:465 or "
	  "smtp://localhost:25." },
	{ "smtp_user", CONF_TEXT, FIELD(smtp_user), NULL, 0, 0, false,
	  "User name for the mail server; not set: no login." },
	{ "smtp_password", CONF_TEXT, FIELD(smtp_password), NULL, 0, 0, true,
	  "Password for the mail server; it is sent by TLS only, or to this machine." },
	{ "watch_ms", CONF_NUMBER, FIELD(watch_ms), "60000", 100, 86400000, false,
	  "How often a courier looks for findings and sends alerts." },
};

const struct conf_table ledger_conf_mail = { &part, mail_rows,
					     sizeof(mail_rows) / sizeof(mail_rows[0]) };

static const struct conf_row sql_rows[] = {
	{ "sql_dir", CONF_TEXT, FIELD(sql_dir), HL_DATADIR "/sql", 0, 0, false,
	  "Folder of the schema for `hookledger migrate`." },
};

const struct conf_table ledger_conf_sql = { &part, sql_rows,
					    sizeof(sql_rows) / sizeof(sql_rows[0]) };
