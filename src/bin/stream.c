/* SPDX-License-Identifier: ISC */
#include "bin/stream.h"

#include <stdlib.h>

#include "base/dice.h"

enum {
	LATER_MAX = 20,		/* a redelivery comes at most so many events later */
	AGAIN_US = 60 * 1000000,	/* and says that it is about a minute later */
};

struct stream {
	struct stream_how how;
	struct story *story;
	struct dice dice;
	int64_t told;		/* events taken from the story */
	bool is_over;		/* none of it is left */
	struct callout **window;	/* what may come next */
	int64_t count, room;
	struct callout *later;	/* redeliveries; due_ms is the number of the event they wait for */
};

struct stream *stream_new(const struct stream_how *how)
{
	struct stream *stream = mem_zero(1, sizeof(*stream));

	stream->how = *how;
	stream->room = how->shuffle > 1 ? how->shuffle : 1;
	stream->window = mem_zero((size_t)stream->room, sizeof(struct callout *));
	stream->story = story_new(&how->story);
	/* a game of its own: with or without duplicates the story is the same */
	stream->dice.state = how->story.seed ^ UINT64_C(0x5ca1ab1e);
	return stream;
}

void callout_free(struct callout *callout)
{
	if (!callout)
		return;
	buf_done(&callout->body);
	free(callout);
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	for (int64_t i = 0; i < stream->count; i++)
		callout_free(stream->window[i]);
	while (stream->later) {
		struct callout *next = stream->later->next;

		callout_free(stream->later);
		stream->later = next;
	}
	story_free(stream->story);
	free(stream->window);
	free(stream);
}

int64_t stream_told(const struct stream *stream)
{
	return stream->told;
}

const struct story *stream_story(const struct stream *stream)
{
	return stream->story;
}

void callout_repeat(struct callout *callout)
{
	struct buf fresh = { 0 };

	callout->deliveries++;
	story_write_again(&fresh, &callout->event, (int64_t)callout->deliveries * AGAIN_US);
	buf_done(&callout->body);
	callout->body = fresh;
	callout->event.body = buf_str(&callout->body);
}

static struct callout *copy(const struct story_event *event, int64_t place)
{
	struct callout *callout = mem_zero(1, sizeof(*callout));

	callout->place = place;
	callout->event = *event;
	buf_add_str(&callout->body, event->body);
	callout->event.body = buf_str(&callout->body);
	return callout;
}

static void tell_next(struct stream *stream)
{
	struct story_event event;

	do
		story_next(stream->story, &event);
	while (event.created_us < stream->how.since_us);
	if (stream->how.until_us && event.created_us >= stream->how.until_us) {
		stream->is_over = true;
		return;
	}
	stream->window[stream->count++] = copy(&event, stream->told);
	if (dice_chance(&stream->dice, (int)stream->how.duplicates)) {
		struct callout *again = copy(&event, stream->told);

		callout_repeat(again);
		again->due_ms = stream->told + dice_below(&stream->dice, LATER_MAX);
		again->next = stream->later;
		stream->later = again;
	}
	stream->is_over = ++stream->told == stream->how.events;
}

/* A redelivery whose time has come, or any when the story has ended. */
static struct callout *take_later(struct stream *stream)
{
	for (struct callout **at = &stream->later; *at; at = &(*at)->next) {
		struct callout *callout = *at;

		if (callout->due_ms >= stream->told && !stream->is_over)
			continue;
		*at = callout->next;
		callout->next = NULL;
		callout->due_ms = 0;
		return callout;
	}
	return NULL;
}

struct callout *stream_next(struct stream *stream)
{
	struct callout *callout;
	int64_t pick;

	while (stream->count < stream->room) {
		struct callout *again = take_later(stream);

		if (again)
			stream->window[stream->count++] = again;
		else if (!stream->is_over)
			tell_next(stream);
		else
			break;
	}
	if (!stream->count)
		return NULL;
	pick = stream->count > 1 ? dice_below(&stream->dice, stream->count) : 0;
	callout = stream->window[pick];
	stream->window[pick] = stream->window[--stream->count];
	return callout;
}
