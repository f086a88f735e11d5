/* SPDX-License-Identifier: ISC */
/* The settings of deliveries to subscribers, and of the courier that makes them. */
#ifndef HL_DELIVERY_DELIVERY_CONF_H
#define HL_DELIVERY_DELIVERY_CONF_H

#include <stdint.h>

struct conf;
struct conf_table;

/* `hookledger conf --sample` explains each. Texts are NULL when they are not set. */
struct delivery_conf {
	int64_t enterprise_requests;
	int64_t enterprise_user_requests;
	int64_t handshake_timeout_ms;
	int64_t parallel;
	int64_t answer_max_bytes;
	int64_t retry_first_ms;
	int64_t retry_factor;
	int64_t retry_longest_ms;
	int64_t give_up_ms;
	int64_t failing_ms;
	int64_t keep_days;
	int64_t keep_dead_days;
	int64_t courier_requests_max;
	int64_t courier_poll_ms;
	int64_t courier_lease_ms;
};

/* Borrowed from the settings. */
const struct delivery_conf *delivery_conf(const struct conf *conf);

/* For src/settings. */
extern const struct conf_table delivery_conf_plan, delivery_conf_handshake, delivery_conf_delivery,
	delivery_conf_courier;

#endif
