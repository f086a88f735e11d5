/* SPDX-License-Identifier: ISC */
/* Generates the events of one made-up Toggl workspace: people in several time zones start
   timers, stop, correct and forget them, and keep clients, projects, tags and tasks. Gives
   the bodies of Toggl's callbacks one after another, without an end. The same seed gives the
   same events on every machine; each workspace has events of its own. */
#ifndef HL_SIM_GENERATOR_H
#define HL_SIM_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct generator;

struct generator_options {
	uint64_t seed;
	int64_t workspace_id;
	int64_t subscription_id;
	const char *url_callback;
	int64_t start_us; /* the owner's first morning is the next one after this */
	int people;	  /* 0: a dozen. Each makes some 25 events a working day */
	bool every_day;	  /* they work on weekends too */
};

struct generator_event {
	int64_t event_id; /* about 2^53, and beyond it after the first few */
	int64_t created_us;
	const char *model;  /* "time_entry" */
	const char *action; /* "created" */
	struct str body;
};

/* Copies `options`. */
struct generator *generator_new(const struct generator_options *options);
void generator_free(struct generator *generator);

/* The next event; (created_us, event_id) is greater each time. The body is
   borrowed until the next call. */
void generator_next(struct generator *generator, struct generator_event *event);

/* The body of the same event as Toggl delivers it again `after_us` later: with
   another timestamp, so with another signature; appends. */
void generator_write_again(struct buf *out, const struct generator_event *event, int64_t after_us);

/* The ping that comes before the first event, which asks for `code`; appends. */
void generator_write_ping(struct buf *out, const struct generator *generator, const char *code);

#endif
