/* SPDX-License-Identifier: ISC */
/* The settings of connections from the web server, and of requests to other servers. */
#ifndef HL_HTTP_HTTP_CONF_H
#define HL_HTTP_HTTP_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct http_conf {
	int64_t batch_max;
	int64_t batch_max_bytes;
	int64_t request_timeout_ms;
	int64_t connections_max;
	int64_t api_body_max_bytes;
	char *allowed_networks;
	char *ca_file;
	char *trusted_proxies;
	int64_t delivery_timeout_ms;
};

/* Borrowed from the settings. */
const struct http_conf *http_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table http_conf_batch, http_conf_body, http_conf_client;

#endif
