/* SPDX-License-Identifier: ISC */
/* Delivers: moves events from the outbox to deliveries, claims those that are
   due, sends them, settles what came of it. One loop over one connection to the
   database and many requests; any number of couriers work beside each other. */
#ifndef HL_LEDGER_COURIER_H
#define HL_LEDGER_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct courier;

/* Borrows the settings until courier_free(). Does not connect yet. */
struct courier *courier_new(const struct conf *conf);
void courier_free(struct courier *courier);

struct courier_task {
	bool is_round;		/* ends when nothing is due */
	int64_t for_ms;		/* and at the latest then; 0: no limit */
	int stop_fd;		/* ends when it can be read; -1: none */
};

/* Works. Ends with what is under way finished and settled. ERR_BUSY: a round
   whose database could not be reached; the log says why. */
MUST_USE enum err courier_run(struct courier *courier, const struct courier_task *task);

struct courier_count {
	int64_t delivered, failed;	/* attempts */
};
struct courier_count courier_total(const struct courier *courier);

#endif
