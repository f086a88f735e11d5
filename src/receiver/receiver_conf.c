/* SPDX-License-Identifier: ISC */
#include "receiver/receiver_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct receiver_conf, name)

static const struct conf_part part = { sizeof(struct receiver_conf) };

const struct receiver_conf *receiver_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row body_rows[] = {
	{ "body_max_bytes", CONF_NUMBER, FIELD(body_max_bytes), "1048576", 1024, 67108864, false,
	  "The largest callback body; above it the answer is 413." },
};

const struct conf_table receiver_conf_body = { &part, body_rows,
					       sizeof(body_rows) / sizeof(body_rows[0]) };

static const struct conf_row cgi_rows[] = {
	{ "cgi_connections", CONF_NUMBER, FIELD(cgi_connections), "4", 1, 1000, false,
	  "The most database connections of all plain CGI processes together." },
};

const struct conf_table receiver_conf_cgi = { &part, cgi_rows,
					      sizeof(cgi_rows) / sizeof(cgi_rows[0]) };
