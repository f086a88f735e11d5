/* SPDX-License-Identifier: ISC */
#include "delivery/delivery_conf.h"

#include <stddef.h>

#include "base/conf.h"

#define FIELD(name) offsetof(struct delivery_conf, name)

static const struct conf_part part = { sizeof(struct delivery_conf) };

const struct delivery_conf *delivery_conf(const struct conf *conf)
{
	return conf_part(conf, &part);
}

static const struct conf_row plan_rows[] = {
	{ "enterprise_requests", CONF_NUMBER, FIELD(enterprise_requests), "1000000", 0, 100000000,
	  false,
	  "Requests an hour for its workspaces that a new organization of plan enterprise gets." },
	{ "enterprise_user_requests", CONF_NUMBER, FIELD(enterprise_user_requests), "1000000", 0,
	  100000000, false, "The same for requests without a workspace." },
};

const struct conf_table delivery_conf_plan = { &part, plan_rows,
					       sizeof(plan_rows) / sizeof(plan_rows[0]) };

static const struct conf_row handshake_rows[] = {
	{ "handshake_timeout_ms", CONF_NUMBER, FIELD(handshake_timeout_ms), "5000", 100, 60000,
	  false, "How long a callback may take to answer the ping that validates it." },
};

const struct conf_table delivery_conf_handshake = {
	&part, handshake_rows, sizeof(handshake_rows) / sizeof(handshake_rows[0])
};

static const struct conf_row delivery_rows[] = {
	{ "delivery_parallel", CONF_NUMBER, FIELD(parallel), "8", 1, 256, false,
	  "Requests at once to one subscriber; a subscription may have its own number." },
	{ "delivery_answer_max_bytes", CONF_NUMBER, FIELD(answer_max_bytes), "1000", 0, 65536,
	  false, "How much of a subscriber's answer is kept with the attempt." },
	{ "delivery_retry_first_ms", CONF_NUMBER, FIELD(retry_first_ms), "10000", 1, 86400000,
	  false, "The pause after the first failed attempt, plus or minus a fifth." },
	{ "delivery_retry_factor", CONF_NUMBER, FIELD(retry_factor), "3", 1, 10, false,
	  "Each further pause is the previous one multiplied by this number." },
	{ "delivery_retry_longest_ms", CONF_NUMBER, FIELD(retry_longest_ms), "14400000", 1,
	  604800000, false, "The longest pause, and the longest that Retry-After may ask for." },
	{ "delivery_give_up_ms", CONF_NUMBER, FIELD(give_up_ms), "259200000", 0, 31536000000, false,
	  "A delivery whose next attempt would be later than this after its first is dead." },
	{ "delivery_failing_ms", CONF_NUMBER, FIELD(failing_ms), "432000000", 0, 31536000000, false,
	  "A subscription whose attempts have all failed for this time is disabled." },
	{ "delivery_keep_days", CONF_NUMBER, FIELD(keep_days), "7", 1, 36500, false,
	  "How long deliveries are kept after their end, with their attempts." },
	{ "delivery_keep_dead_days", CONF_NUMBER, FIELD(keep_dead_days), "30", 1, 36500, false,
	  "The same for dead deliveries." },
};

const struct conf_table delivery_conf_delivery = {
	&part, delivery_rows, sizeof(delivery_rows) / sizeof(delivery_rows[0])
};

static const struct conf_row courier_rows[] = {
	{ "courier_requests_max", CONF_NUMBER, FIELD(courier_requests_max), "512", 1, 10000, false,
	  "The most requests in flight of one courier, to all subscribers together." },
	{ "courier_poll_ms", CONF_NUMBER, FIELD(courier_poll_ms), "5000", 100, 3600000, false,
	  "How often an idle courier looks for work without a notification." },
	{ "courier_lease_ms", CONF_NUMBER, FIELD(courier_lease_ms), "60000", 1000, 86400000, false,
	  "How long the subscriptions of a dead courier wait; at least twice delivery_timeout_ms "
	  "plus 2 s." },
};

const struct conf_table delivery_conf_courier = { &part, courier_rows,
						  sizeof(courier_rows) / sizeof(courier_rows[0]) };
