/* SPDX-License-Identifier: ISC */
/* The settings of hookledger-receiver alone. */
#ifndef HL_RECEIVER_RECEIVER_CONF_H
#define HL_RECEIVER_RECEIVER_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct receiver_conf {
	int64_t body_max_bytes;
	int64_t cgi_connections;
};

/* Borrowed from the settings. */
const struct receiver_conf *receiver_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table receiver_conf_body, receiver_conf_cgi;

#endif
