/* SPDX-License-Identifier: ISC */
#include "api/api_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct api_conf, name)

static const struct conf_part part = { sizeof(struct api_conf) };

const struct api_conf *api_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row pace_rows[] = {
	{ "api_burst", CONF_NUMBER, FIELD(burst), "30", 1, 100000, false,
	  "Requests that an account may make at once from one address before api_per_minute limits "
	  "it." },
	{ "api_per_minute", CONF_NUMBER, FIELD(per_minute), "60", 1, 6000000, false,
	  "Requests a minute for each token and address; above it the answer is 429." },
};

const struct conf_table api_conf_pace = { &part, pace_rows,
					  sizeof(pace_rows) / sizeof(pace_rows[0]) };

static const struct conf_row cors_rows[] = {
	{ "api_cors_origin", CONF_TEXT, FIELD(cors_origin), NULL, 0, 0, false,
	  "Origin of web pages that may use the API, such as https://app.example.org; not set: "
	  "none." },
};

const struct conf_table api_conf_cors = { &part, cors_rows,
					  sizeof(cors_rows) / sizeof(cors_rows[0]) };
