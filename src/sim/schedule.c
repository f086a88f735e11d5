/* SPDX-License-Identifier: ISC */
#include "sim/schedule.h"

#include <stdlib.h>

#include "base/prng.h"

enum {
	LATER_MAX = 20,		 /* a redelivery comes at most so many events later */
	AGAIN_US = 60 * 1000000, /* and says that it is about a minute later */
};

struct schedule {
	struct schedule_options options;
	struct generator *generator;
	struct prng prng;
	int64_t generated;	       /* events, so far */
	bool is_over;		       /* no more events */
	struct schedule_item **window; /* what may come next */
	int64_t count, room;
	/* redeliveries; due_ms is the number of the event they wait for */
	struct schedule_item *later;
};

struct schedule *schedule_new(const struct schedule_options *options)
{
	struct schedule *schedule = mem_zero(1, sizeof(*schedule));

	schedule->options = *options;
	schedule->room = options->shuffle > 1 ? options->shuffle : 1;
	schedule->window = mem_zero((size_t)schedule->room, sizeof(struct schedule_item *));
	schedule->generator = generator_new(&options->generator);
	/* a generator of its own: with or without duplicates the events are the same */
	schedule->prng.state = options->generator.seed ^ UINT64_C(0x5ca1ab1e);
	return schedule;
}

void schedule_item_free(struct schedule_item *item)
{
	if (!item)
		return;
	buf_done(&item->body);
	free(item);
}

void schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	for (int64_t i = 0; i < schedule->count; i++)
		schedule_item_free(schedule->window[i]);
	while (schedule->later) {
		struct schedule_item *next = schedule->later->next;

		schedule_item_free(schedule->later);
		schedule->later = next;
	}
	generator_free(schedule->generator);
	free(schedule->window);
	free(schedule);
}

int64_t schedule_count(const struct schedule *schedule)
{
	return schedule->generated;
}

const struct generator *schedule_generator(const struct schedule *schedule)
{
	return schedule->generator;
}

void schedule_item_repeat(struct schedule_item *item)
{
	struct buf fresh = { 0 };

	item->deliveries++;
	generator_write_again(&fresh, &item->event, (int64_t)item->deliveries * AGAIN_US);
	buf_done(&item->body);
	item->body = fresh;
	item->event.body = buf_str(&item->body);
}

static struct schedule_item *copy(const struct generator_event *event, int64_t index)
{
	struct schedule_item *item = mem_zero(1, sizeof(*item));

	item->index = index;
	item->event = *event;
	buf_add_str(&item->body, event->body);
	item->event.body = buf_str(&item->body);
	return item;
}

static void generate_next(struct schedule *schedule)
{
	struct generator_event event;

	do
		generator_next(schedule->generator, &event);
	while (event.created_us < schedule->options.since_us);
	if (schedule->options.until_us && event.created_us >= schedule->options.until_us) {
		schedule->is_over = true;
		return;
	}
	schedule->window[schedule->count++] = copy(&event, schedule->generated);
	if (prng_chance(&schedule->prng, (int)schedule->options.duplicates)) {
		struct schedule_item *again = copy(&event, schedule->generated);

		schedule_item_repeat(again);
		again->due_ms = schedule->generated + prng_below(&schedule->prng, LATER_MAX);
		again->next = schedule->later;
		schedule->later = again;
	}
	schedule->is_over = ++schedule->generated == schedule->options.events;
}

/* A redelivery that is due, or any one after the last event. */
static struct schedule_item *take_later(struct schedule *schedule)
{
	for (struct schedule_item **at = &schedule->later; *at; at = &(*at)->next) {
		struct schedule_item *item = *at;

		if (item->due_ms >= schedule->generated && !schedule->is_over)
			continue;
		*at = item->next;
		item->next = NULL;
		item->due_ms = 0;
		return item;
	}
	return NULL;
}

struct schedule_item *schedule_next(struct schedule *schedule)
{
	struct schedule_item *item;
	int64_t pick;

	while (schedule->count < schedule->room) {
		struct schedule_item *again = take_later(schedule);

		if (again)
			schedule->window[schedule->count++] = again;
		else if (!schedule->is_over)
			generate_next(schedule);
		else
			break;
	}
	if (!schedule->count)
		return NULL;
	pick = schedule->count > 1 ? prng_below(&schedule->prng, schedule->count) : 0;
	item = schedule->window[pick];
	schedule->window[pick] = schedule->window[--schedule->count];
	return item;
}
