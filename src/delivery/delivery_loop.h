/* SPDX-License-Identifier: ISC */
/* The delivery loop, run by hookledger-courier and by the API's tick: moves events from the
   outbox to deliveries, claims due deliveries under a lease, sends them and writes the
   results. One thread with one connection to the database and many requests in flight. Any
   number of couriers work side by side. It ends when a signal comes, or, as a round, when
   nothing is due. */
#ifndef HL_DELIVERY_DELIVERY_LOOP_H
#define HL_DELIVERY_DELIVERY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct delivery_loop;

/* Borrows the settings until delivery_loop_free(). Does not connect yet. */
struct delivery_loop *delivery_loop_new(const struct conf *conf);
void delivery_loop_free(struct delivery_loop *courier);

struct delivery_loop_task {
	bool is_round;	/* ends when nothing is due */
	int64_t for_ms; /* and at the latest then; 0: no limit */
	int stop_fd;	/* ends when it can be read; -1: none */
};

/* Runs the loop; at the end the requests in flight are finished and settled. ERR_BUSY: a round
   whose database could not be reached; the log says why. */
MUST_USE enum err delivery_loop_run(struct delivery_loop *courier,
				    const struct delivery_loop_task *task);

struct delivery_loop_count {
	int64_t delivered, failed; /* attempts */
};
struct delivery_loop_count delivery_loop_total(const struct delivery_loop *courier);

#endif
