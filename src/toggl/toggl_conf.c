/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct toggl_conf, name)

static const struct conf_part part = { sizeof(struct toggl_conf) };

const struct toggl_conf *toggl_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row rows[] = {
	{ "toggl_webhooks_url", CONF_TEXT, FIELD(webhooks_url),
	  "https://api.track.toggl.com/webhooks/api/v1", 0, 0, false,
	  "Toggl's Webhooks API; another hookledger can play it." },
	{ "toggl_api_url", CONF_TEXT, FIELD(api_url), "https://api.track.toggl.com/api/v9", 0, 0,
	  false, "Toggl's Track API." },
	{ "toggl_timeout_ms", CONF_NUMBER, FIELD(timeout_ms), "30000", 100, 600000, false,
	  "How long a request to Toggl may take." },
	{ "toggl_hold_ms", CONF_NUMBER, FIELD(hold_ms), "25000", 0, 600000, false,
	  "How long the admin page waits for an answer from Toggl before it is told to look again "
	  "later." },
	{ "toggl_pace_ms", CONF_NUMBER, FIELD(pace_ms), "1000", 0, 60000, false,
	  "Between two requests to Toggl with one token, by all programs together." },
	{ "toggl_reserve", CONF_NUMBER, FIELD(reserve), "5", 0, 1000000, false,
	  "Requests of each quota window that are kept for work that somebody waits for." },
	{ "toggl_check_hours", CONF_NUMBER, FIELD(check_hours), "6", 0, 8760, false,
	  "How often the subscriptions at Toggl are compared with ours; 0: never." },
	{ "toggl_repair", CONF_YESNO, FIELD(repair), "no", 0, 0, false,
	  "yes: that look also mends what it finds different." },
};

const struct conf_table toggl_conf_table = { &part, rows, sizeof(rows) / sizeof(rows[0]) };
