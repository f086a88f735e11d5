/* SPDX-License-Identifier: ISC */
#include "admin/admin_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct admin_conf, name)

static const struct conf_part part = { sizeof(struct admin_conf) };

const struct admin_conf *admin_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row page_rows[] = {
	{ "setup_token", CONF_TEXT, FIELD(setup_token), NULL, 0, 0, true,
	  "20 characters or more of your own that make the first visit of the admin page yours; "
	  "then of no use." },
	{ "page_export_max", CONF_NUMBER, FIELD(page_export_max), "1000000", 1, 1000000000, false,
	  "The most events that one export of the admin page has; `hookledger event export` has no "
	  "such limit." },
	{ "page_exports", CONF_NUMBER, FIELD(page_exports), "2", 1, 64, false,
	  "Exports of the admin page at once on this host, and one for each operator; each has a "
	  "connection." },
	{ "page_connections", CONF_NUMBER, FIELD(page_connections), "4", 1, 64, false,
	  "The most database connections of the admin page's program for what the page shows; an "
	  "operator uses at most half." },
	{ "password_hashes", CONF_NUMBER, FIELD(password_hashes), "2", 1, 64, false,
	  "The most passwords that are computed at once on this host; each takes a tenth of a "
	  "second and 32 MiB." },
	{ "session_idle_hours", CONF_NUMBER, FIELD(session_idle_hours), "12", 1, 8760, false,
	  "A login to the admin page ends when it is not used for so long." },
	{ "session_max_hours", CONF_NUMBER, FIELD(session_max_hours), "168", 1, 87600, false,
	  "And after so long however much it is used." },
	{ "session_proof_minutes", CONF_NUMBER, FIELD(session_proof_minutes), "10", 1, 1440, false,
	  "What gives power to somebody (operators, tokens, secrets, set-up) asks for the password "
	  "again when it was given longer ago." },
};

const struct conf_table admin_conf_page = { &part, page_rows,
					    sizeof(page_rows) / sizeof(page_rows[0]) };

static const struct conf_row metrics_rows[] = {
	{ "metrics_token", CONF_TEXT, FIELD(metrics_token), NULL, 0, 0, true,
	  "Bearer token with which Prometheus may read /admin/api/metrics; not set: nobody may." },
};

const struct conf_table admin_conf_metrics = { &part, metrics_rows,
					       sizeof(metrics_rows) / sizeof(metrics_rows[0]) };
