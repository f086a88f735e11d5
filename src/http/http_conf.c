/* SPDX-License-Identifier: ISC */
#include "http/http_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct http_conf, name)

static const struct conf_part part = { sizeof(struct http_conf) };

const struct http_conf *http_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row batch_rows[] = {
	{ "batch_max", CONF_NUMBER, FIELD(batch_max), "128", 1, 10000, false,
	  "The most callbacks recorded by one transaction." },
	{ "batch_max_bytes", CONF_NUMBER, FIELD(batch_max_bytes), "8388608", 65536, 268435456,
	  false, "The most bytes of bodies recorded by one transaction." },
	{ "request_timeout_ms", CONF_NUMBER, FIELD(request_timeout_ms), "30000", 100, 3600000,
	  false, "How long a request may take to arrive completely." },
	{ "connections_max", CONF_NUMBER, FIELD(connections_max), "4096", 1, 100000, false,
	  "The most connections from the web server that one process holds at once." },
};

const struct conf_table http_conf_batch = { &part, batch_rows,
					    sizeof(batch_rows) / sizeof(batch_rows[0]) };

static const struct conf_row body_rows[] = {
	{ "api_body_max_bytes", CONF_NUMBER, FIELD(api_body_max_bytes), "65536", 1024, 67108864,
	  false, "The largest request body of the API; above it the answer is 413." },
};

const struct conf_table http_conf_body = { &part, body_rows,
					   sizeof(body_rows) / sizeof(body_rows[0]) };

static const struct conf_row client_rows[] = {
	{ "allowed_networks", CONF_NETWORKS, FIELD(allowed_networks), NULL, 0, 0, false,
	  "Networks of subscribers that are allowed although their addresses are not public." },
	{ "ca_file", CONF_TEXT, FIELD(ca_file), NULL, 0, 0, false,
	  "Certificate authorities (PEM) for requests to subscribers, instead of the system's." },
	{ "trusted_proxies", CONF_NETWORKS, FIELD(trusted_proxies), NULL, 0, 0, false,
	  "Networks of the proxies in front of the web server; only their X-Forwarded-For is "
	  "trusted." },
	{ "delivery_timeout_ms", CONF_NUMBER, FIELD(delivery_timeout_ms), "10000", 100, 600000,
	  false, "How long an attempt to deliver may take: name, connection, request and answer." },
};

const struct conf_table http_conf_client = { &part, client_rows,
					     sizeof(client_rows) / sizeof(client_rows[0]) };
