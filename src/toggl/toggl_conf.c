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
	  "Toggl's Webhooks API, or another hookledger's API." },
	{ "toggl_api_url", CONF_TEXT, FIELD(api_url), "https://api.track.toggl.com/api/v9", 0, 0,
	  false, "Toggl's Track API." },
	{ "toggl_reports_url", CONF_TEXT, FIELD(reports_url),
	  "https://api.track.toggl.com/reports/api/v3", 0, 0, false, "Toggl's Reports API." },
	{ "toggl_timeout_ms", CONF_NUMBER, FIELD(timeout_ms), "30000", 100, 600000, false,
	  "How long a request to Toggl may take." },
	{ "toggl_hold_ms", CONF_NUMBER, FIELD(hold_ms), "25000", 0, 600000, false,
	  "How long a request of the admin page waits for a job at Toggl; then the page polls the "
	  "job." },
	{ "toggl_pace_ms", CONF_NUMBER, FIELD(pace_ms), "1000", 0, 60000, false,
	  "Time between two requests to Toggl with one token, for all programs together." },
	{ "toggl_reserve", CONF_NUMBER, FIELD(reserve), "5", 0, 1000000, false,
	  "Requests of each quota window that background work leaves to people." },
	{ "toggl_check_hours", CONF_NUMBER, FIELD(check_hours), "6", 0, 8760, false,
	  "How often the courier checks the subscriptions at Toggl; 0: never." },
	{ "toggl_compare_days", CONF_NUMBER, FIELD(compare_days), "7", 0, 366, false,
	  "How many of the last days the courier compares with Toggl every night; 0: none." },
	{ "toggl_prove_hours", CONF_NUMBER, FIELD(prove_hours), "6", 0, 8760, false,
	  "After how many hours without an event Toggl is asked for a ping, which proves that "
	  "callbacks still arrive; 0: never." },
	{ "toggl_load_hours", CONF_NUMBER, FIELD(load_hours), "24", 0, 8760, false,
	  "How often the courier loads again what no subscription at Toggl brings, such as the "
	  "names of projects; 0: never." },
	{ "toggl_repair", CONF_YESNO, FIELD(repair), "yes", 0, 0, false,
	  "yes: the courier repairs subscriptions at Toggl that were disabled, were changed or "
	  "lost their validation." },
};

const struct conf_table toggl_conf_table = { &part, rows, sizeof(rows) / sizeof(rows[0]) };
