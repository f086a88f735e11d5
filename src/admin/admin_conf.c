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
	  "20 characters or more that you choose; with it the first visitor of the admin page "
	  "makes the first operator. Of no effect after that." },
	{ "page_export_max", CONF_NUMBER, FIELD(page_export_max), "1000000", 1, 1000000000, false,
	  "The most events of one export of the admin page; `hookledger event export` has no such "
	  "limit." },
	{ "page_exports", CONF_NUMBER, FIELD(page_exports), "2", 1, 64, false,
	  "Exports of the admin page at once on this host, at most one for each operator; each "
	  "uses a database connection." },
	{ "page_connections", CONF_NUMBER, FIELD(page_connections), "4", 1, 64, false,
	  "The most database connections of hookledger-admin for the page's requests; one operator "
	  "uses at most half." },
	{ "password_hashes", CONF_NUMBER, FIELD(password_hashes), "2", 1, 64, false,
	  "The most passwords that are hashed at once on this host; each takes a tenth of a second "
	  "and 32 MiB." },
	{ "session_idle_hours", CONF_NUMBER, FIELD(session_idle_hours), "12", 1, 8760, false,
	  "A session of the admin page ends after this time without use." },
	{ "session_max_hours", CONF_NUMBER, FIELD(session_max_hours), "168", 1, 87600, false,
	  "A session of the admin page ends after this time in any case." },
	{ "session_proof_minutes", CONF_NUMBER, FIELD(session_proof_minutes), "10", 1, 1440, false,
	  "Powerful actions (on operators, tokens, secrets, settings) ask for the password again "
	  "if it was entered longer ago." },
};

const struct conf_table admin_conf_page = { &part, page_rows,
					    sizeof(page_rows) / sizeof(page_rows[0]) };

static const struct conf_row metrics_rows[] = {
	{ "metrics_token", CONF_TEXT, FIELD(metrics_token), NULL, 0, 0, true,
	  "Bearer token of Prometheus for /admin/api/metrics; not set: there are no metrics." },
};

const struct conf_table admin_conf_metrics = { &part, metrics_rows,
					       sizeof(metrics_rows) / sizeof(metrics_rows[0]) };
