/* SPDX-License-Identifier: ISC */
/* The settings of hookledger-api alone. */
#ifndef HL_API_API_CONF_H
#define HL_API_API_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct api_conf {
	int64_t burst;
	int64_t per_minute;
	char *cors_origin;
};

/* Borrowed from the settings. */
const struct api_conf *api_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table api_conf_pace, api_conf_cors;

#endif
