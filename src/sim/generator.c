/* SPDX-License-Identifier: ISC */
/* Each worker has a plan and the time of it; the next event is always what the earliest of them
   does. Only whole numbers, and one random number a statement: no compiler may change the
   order in which they are drawn. */
#include "sim/generator.h"

#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "sim/payload.h"
#include "sim/state.h"

enum {
	PEOPLE = 12,
	PAST_MAX = 8, /* entries that a worker may still change */
};

static const int64_t MS = 1000, SECOND = 1000000, MINUTE = 60000000, HOUR = 3600000000,
		     DAY = 86400000000;

/* What a worker does next. */
enum plan {
	SET_UP, /* the owner, on the first morning */
	ARRIVE,
	CHOOSE,
	DETAIL, /* say what the running timer is for */
	STOP,
	TOUCH_UP, /* correct what was just stopped */
	WRITE_UP, /* enter the day's work in the evening */
	GO_HOME,
	STOP_FORGOTTEN, /* the timer that ran all night: stop it, */
	REPAIR,		/* then correct its end */
};

struct worker {
	struct payload_person person;
	enum plan plan;
	int64_t next_us;
	int arrives;	/* minutes after midnight, by habit */
	bool writes_up; /* no timers: enters it all in the evening */
	bool had_lunch, is_running;
	bool has_joined;	    /* the workspace */
	int64_t lunch_us, leave_us; /* today */
	int64_t written_us;	    /* up to here the day is entered */
	int to_write;
	int64_t right_stop_us; /* of the forgotten timer */
	struct payload_entry running;
	struct payload_entry past[PAST_MAX]; /* the newest last */
	int past_count;
};

struct generator {
	struct prng prng;
	struct payload_subscription subscription;
	char *url_callback;
	int64_t start_us, now_us;
	bool every_day;
	int64_t event_id, entry_id;
	size_t setup_step;

	struct worker *workers;
	int count;
	int *queue; /* a heap of workers, the earliest on top */

	struct state workspace;
	struct payload_entry deleted; /* an entry that was deleted, for its event */
	struct payload_event payload;
	struct buf body, scratch;
};

static int64_t between(struct generator *generator, int64_t least, int64_t most)
{
	return prng_between(&generator->prng, least, most);
}

static bool chance(struct generator *generator, int percent)
{
	return prng_chance(&generator->prng, percent);
}

static int any(struct generator *generator, int count)
{
	return (int)prng_below(&generator->prng, count);
}

/* ---- who is next */

static bool is_earlier(const struct generator *generator, int a, int b)
{
	int64_t left = generator->workers[a].next_us, right = generator->workers[b].next_us;

	return left != right ? left < right : a < b;
}

/* Moves the worker at `at` down the heap to its place. */
static void sink(struct generator *generator, int at)
{
	int *queue = generator->queue;

	for (;;) {
		int best = at, left = 2 * at + 1, right = left + 1, swap;

		if (left < generator->count && is_earlier(generator, queue[left], queue[best]))
			best = left;
		if (right < generator->count && is_earlier(generator, queue[right], queue[best]))
			best = right;
		if (best == at)
			return;
		swap = queue[at];
		queue[at] = queue[best];
		queue[best] = swap;
		at = best;
	}
}

static void after(struct generator *generator, struct worker *worker, enum plan plan, int64_t least,
		  int64_t most)
{
	worker->plan = plan;
	worker->next_us = generator->now_us + between(generator, least / MS, most / MS) * MS;
}

/* The next morning at work that begins after `from_us`. Weekends are rare, unless
   they work every day. */
static int64_t next_morning(struct generator *generator, const struct worker *worker,
			    int64_t from_us)
{
	int64_t zone = payload_zone_minutes(worker->person.zone) * MINUTE;
	int64_t day = (from_us + zone) / DAY;

	for (;; day++) {
		int64_t late = between(generator, -20 * MINUTE / MS, 25 * MINUTE / MS) * MS;
		int64_t at = day * DAY + worker->arrives * MINUTE + late - zone;
		bool is_weekend = (day + 4) % 7 == 0 ||
				  (day + 4) % 7 == 6; /* day 0 was a Thursday */

		if (at <= from_us)
			continue;
		if (chance(generator, is_weekend && !generator->every_day ? 3 : 96))
			return at;
	}
}

/* Completes the event whose entity is set already. */
static bool emit(struct generator *generator, struct worker *by, enum payload_model model,
		 enum payload_action action)
{
	struct payload_event *payload = &generator->payload;
	int64_t sent_ms = between(generator, 120, 900);

	generator->event_id += between(generator, 1, 97);
	payload->event_id = generator->event_id;
	payload->created_us = generator->now_us;
	payload->sent_ns = sent_ms * 1000000 + prng_below(&generator->prng, 1000000);
	payload->action = action;
	payload->model = model;
	payload->by = &by->person;
	return true;
}

static bool emit_entry(struct generator *generator, struct worker *by, enum payload_action action,
		       const struct payload_entry *entry)
{
	generator->payload.entity.entry = entry;
	return emit(generator, by, PAYLOAD_TIME_ENTRY, action);
}

/* ---- the workspace */

/* A random member of the workspace; the owner is one from the start. */
static struct worker *somebody(struct generator *generator)
{
	struct worker *worker = &generator->workers[any(generator, generator->count)];

	return worker->has_joined ? worker : &generator->workers[0];
}

static bool emit_person(struct generator *generator, struct worker *by, enum payload_action action,
			struct worker *worker)
{
	worker->has_joined = true;
	generator->payload.entity.person = &worker->person;
	return emit(generator, by, PAYLOAD_WORKSPACE_USER, action);
}

static bool change_person(struct generator *generator, struct worker *by)
{
	struct worker *worker = somebody(generator);

	if (worker != &generator->workers[0] && chance(generator, 30)) {
		worker->person.is_admin = !worker->person.is_admin;
	} else {
		worker->person.rate_cents = state_rate(&generator->workspace);
		worker->person.rate_us = generator->now_us;
	}
	return emit_person(generator, by, PAYLOAD_UPDATED, worker);
}

/* Changes something in the workspace. false: there was nothing to change. */
static bool in_workspace(struct generator *generator, struct worker *by, state_act *act)
{
	struct state *ws = &generator->workspace;
	bool is_done;

	ws->now_us = generator->now_us;
	ws->somebody_id = somebody(generator)->person.id;
	is_done = act ? act(ws, &generator->payload)
		      : state_keep(ws, by->person.is_admin, &generator->payload);
	return is_done && emit(generator, by, generator->payload.model, generator->payload.action);
}

static bool manage(struct generator *generator, struct worker *by)
{
	if (by->person.is_admin && chance(generator, 4))
		return change_person(generator, by);
	return in_workspace(generator, by, NULL);
}

/* ---- time entries */

static void choose_tags(struct generator *generator, struct payload_entry *entry)
{
	int wanted = chance(generator, 55) ? 0 : (int)between(generator, 1, PAYLOAD_TAGS_MAX);

	entry->tag_count = 0;
	for (int i = 0; i < wanted && generator->workspace.tag_count; i++) {
		struct payload_tag tag =
			generator->workspace.tags[any(generator, generator->workspace.tag_count)];
		bool is_there = false;

		for (int k = 0; k < entry->tag_count; k++)
			is_there |= entry->tags[k].id == tag.id;
		if (!is_there)
			entry->tags[entry->tag_count++] = tag;
	}
}

static void choose_project(struct generator *generator, struct payload_entry *entry)
{
	const struct payload_project *project;

	entry->project_id = entry->task_id = 0;
	entry->is_private = false;
	if (!generator->workspace.project_count)
		return;
	project =
		&generator->workspace.projects[any(generator, generator->workspace.project_count)];
	if (!project->is_active)
		return;
	entry->project_id = project->id;
	entry->is_private = project->is_private;
	entry->is_billable = project->is_billable;
	for (int i = 0; i < generator->workspace.task_count; i++)
		if (generator->workspace.tasks[i].project_id == project->id &&
		    chance(generator, 40))
			entry->task_id = generator->workspace.tasks[i].id;
}

static struct payload_entry new_entry(struct generator *generator, int64_t start_us)
{
	struct payload_entry entry = { .start_us = start_us };

	entry.id = generator->entry_id += between(generator, 1, 29);
	entry.description = names_work(&generator->prng);
	if (chance(generator, 55))
		choose_project(generator, &entry);
	if (chance(generator, 60))
		choose_tags(generator, &entry);
	return entry;
}

static struct payload_entry *remember(struct worker *worker, const struct payload_entry *entry)
{
	if (worker->past_count == PAST_MAX) {
		worker->past_count--;
		memmove(worker->past, worker->past + 1, (PAST_MAX - 1) * sizeof(*worker->past));
	}
	worker->past[worker->past_count] = *entry;
	return &worker->past[worker->past_count++];
}

/* How long a piece of work takes: mostly below an hour, now and then three. */
static int64_t spell(struct generator *generator)
{
	int64_t length = between(generator, 3 * MINUTE / MS, 45 * MINUTE / MS) * MS;

	return chance(generator, 25) ? length * 4 : length;
}

static void change_entry(struct generator *generator, struct payload_entry *entry)
{
	switch (any(generator, 6)) {
	case 0:
		entry->is_billable = !entry->is_billable;
		break;
	case 1:
		choose_tags(generator, entry);
		break;
	case 2:
		choose_project(generator, entry);
		break;
	case 3:
		/* it had begun earlier */
		entry->start_us -= between(generator, 1, 30) * MINUTE;
		break;
	case 4:
		/* it had ended later, but not after now */
		if (entry->stop_us && entry->stop_us + 10 * MINUTE < generator->now_us) {
			entry->stop_us += between(generator, 1, 10) * MINUTE;
			break;
		}
		entry->description = names_work(&generator->prng);
		break;
	default:
		entry->description = names_work(&generator->prng);
	}
}

static bool start_timer(struct generator *generator, struct worker *worker)
{
	int64_t end_us = generator->now_us + spell(generator);

	/* the click, and its way to Toggl */
	worker->running = new_entry(generator,
				    generator->now_us - between(generator, 80, 600) * MS);
	worker->is_running = true;
	if (!worker->had_lunch && end_us > worker->lunch_us)
		end_us = worker->lunch_us + 5 * MINUTE;
	if (end_us > worker->leave_us)
		end_us = worker->leave_us;
	if (end_us < generator->now_us + 2 * MINUTE)
		end_us = generator->now_us + 2 * MINUTE;
	emit_entry(generator, worker, PAYLOAD_CREATED, &worker->running);
	if (chance(generator, 45)) {
		after(generator, worker, DETAIL, 8 * SECOND, 100 * SECOND);
		return true;
	}
	worker->plan = STOP;
	worker->next_us = end_us;
	return true;
}

static bool stop_timer(struct generator *generator, struct worker *worker)
{
	struct payload_entry *entry;

	worker->running.stop_us = generator->now_us - between(generator, 80, 600) * MS;
	worker->is_running = false;
	entry = remember(worker, &worker->running);
	return emit_entry(generator, worker, PAYLOAD_UPDATED, entry);
}

static bool remove_entry(struct generator *generator, struct worker *worker)
{
	int at = any(generator, worker->past_count);

	generator->deleted = worker->past[at];
	worker->past_count--;
	memmove(worker->past + at, worker->past + at + 1,
		(size_t)(worker->past_count - at) * sizeof(*worker->past));
	return emit_entry(generator, worker, PAYLOAD_DELETED, &generator->deleted);
}

/* ---- what each plan does; true: there is an event */

/* The first morning: what every workspace has before anybody tracks time. */
static bool set_up(struct generator *generator, struct worker *owner)
{
	static const struct {
		state_act *act; /* NULL: a person joins; of the owner (0) the data is updated */
		int person;
	} steps[] = {
		{ state_change, 0 },
		{ NULL, 0 },
		{ state_add_client, 0 },
		{ state_add_project, 0 },
		{ state_add_tag, 0 },
		{ NULL, 1 },
		{ state_add_tag, 0 },
		{ state_add_client, 0 },
		{ state_add_project, 0 },
		{ state_add_task, 0 },
		{ NULL, 2 },
		{ state_add_member, 0 },
		{ state_add_tag, 0 },
		{ state_add_project, 0 },
		{ state_add_tag, 0 },
		{ state_add_task, 0 },
		{ state_add_client, 0 },
		{ state_add_project, 0 },
		{ NULL, 3 },
		{ state_add_member, 0 },
		{ state_add_group, 0 },
		{ state_change_project, 0 },
		{ state_add_tag, 0 },
		{ state_add_project, 0 },
		{ state_add_task, 0 },
	};
	size_t step = generator->setup_step++;

	if (step == sizeof(steps) / sizeof(steps[0])) {
		after(generator, owner, CHOOSE, MINUTE, 10 * MINUTE);
		return false;
	}
	after(generator, owner, SET_UP, 4 * SECOND, 40 * SECOND);
	if (steps[step].act)
		return in_workspace(generator, owner, steps[step].act);
	if (steps[step].person >= generator->count)
		return false;
	return emit_person(generator, owner, steps[step].person ? PAYLOAD_CREATED : PAYLOAD_UPDATED,
			   &generator->workers[steps[step].person]);
}

static bool arrive(struct generator *generator, struct worker *worker)
{
	int64_t lunch = between(generator, 170, 260), day = between(generator, 450, 570);

	worker->right_stop_us = worker->leave_us;
	worker->had_lunch = false;
	worker->lunch_us = generator->now_us + lunch * MINUTE;
	worker->leave_us = generator->now_us + day * MINUTE;
	if (worker->is_running) {
		after(generator, worker, STOP_FORGOTTEN, MINUTE, 20 * MINUTE);
	} else if (worker->writes_up) {
		worker->to_write = (int)between(generator, 3, 7);
		worker->written_us = generator->now_us;
		worker->plan = WRITE_UP;
		worker->next_us = worker->leave_us;
	} else {
		after(generator, worker, CHOOSE, MINUTE, 25 * MINUTE);
	}
	/* the first morning begins with an invitation */
	return !worker->has_joined &&
	       emit_person(generator, &generator->workers[0], PAYLOAD_CREATED, worker);
}

static bool choose(struct generator *generator, struct worker *worker)
{
	int64_t roll;

	if (generator->now_us >= worker->leave_us) {
		worker->plan = GO_HOME;
		worker->next_us = generator->now_us;
		return false;
	}
	if (!worker->had_lunch && generator->now_us >= worker->lunch_us) {
		worker->had_lunch = true;
		after(generator, worker, CHOOSE, 25 * MINUTE, 70 * MINUTE);
		return false;
	}
	roll = any(generator, 100);
	if (roll < 7 && manage(generator, worker)) {
		after(generator, worker, CHOOSE, 5 * SECOND, 2 * MINUTE);
		return true;
	}
	if (roll < 17 && worker->past_count) {
		struct payload_entry *entry = &worker->past[any(generator, worker->past_count)];

		after(generator, worker, CHOOSE, 5 * SECOND, MINUTE);
		change_entry(generator, entry);
		return emit_entry(generator, worker, PAYLOAD_UPDATED, entry);
	}
	if (roll < 21 && worker->past_count) {
		after(generator, worker, CHOOSE, 2 * SECOND, MINUTE);
		return remove_entry(generator, worker);
	}
	return start_timer(generator, worker);
}

static bool detail(struct generator *generator, struct worker *worker)
{
	int64_t end_us = generator->now_us + spell(generator);

	if (!worker->running.project_id || chance(generator, 30))
		choose_project(generator, &worker->running);
	if (!worker->running.description.form || chance(generator, 30))
		worker->running.description = names_work(&generator->prng);
	worker->plan = STOP;
	worker->next_us = end_us > worker->leave_us ? worker->leave_us : end_us;
	if (worker->next_us <= generator->now_us)
		worker->next_us = generator->now_us + MINUTE;
	return emit_entry(generator, worker, PAYLOAD_UPDATED, &worker->running);
}

static bool stop(struct generator *generator, struct worker *worker)
{
	if (generator->now_us >= worker->leave_us && chance(generator, 6)) {
		worker->plan = GO_HOME;
		worker->next_us = generator->now_us;
		return false;
	}
	if (chance(generator, 22))
		after(generator, worker, TOUCH_UP, 4 * SECOND, 90 * SECOND);
	else if (chance(generator, 35))
		/* the next timer was started, which stopped this one */
		after(generator, worker, CHOOSE, 0, 30 * MS);
	else
		after(generator, worker, CHOOSE, 20 * SECOND, 18 * MINUTE);
	return stop_timer(generator, worker);
}

static bool write_up(struct generator *generator, struct worker *worker)
{
	struct payload_entry entry;

	if (worker->to_write-- == 0) {
		worker->plan = GO_HOME;
		worker->next_us = generator->now_us;
		return false;
	}
	/* by people, in whole minutes */
	entry = new_entry(generator, worker->written_us / MINUTE * MINUTE);
	entry.stop_us = entry.start_us + between(generator, 1, 6) * 15 * MINUTE;
	if (entry.stop_us > generator->now_us)
		entry.stop_us = entry.start_us + MINUTE;
	worker->written_us = entry.stop_us;
	after(generator, worker, WRITE_UP, 15 * SECOND, 2 * MINUTE);
	return emit_entry(generator, worker, PAYLOAD_CREATED, remember(worker, &entry));
}

static bool repair(struct generator *generator, struct worker *worker)
{
	struct payload_entry *entry = &worker->past[worker->past_count - 1];

	if (worker->right_stop_us > entry->start_us && worker->right_stop_us < entry->stop_us)
		entry->stop_us = worker->right_stop_us;
	else
		entry->stop_us = entry->start_us + HOUR;
	after(generator, worker, CHOOSE, MINUTE, 10 * MINUTE);
	return emit_entry(generator, worker, PAYLOAD_UPDATED, entry);
}

static bool act(struct generator *generator, struct worker *worker)
{
	switch (worker->plan) {
	case SET_UP:
		return set_up(generator, worker);
	case ARRIVE:
		return arrive(generator, worker);
	case CHOOSE:
		return choose(generator, worker);
	case DETAIL:
		return detail(generator, worker);
	case STOP:
		return stop(generator, worker);
	case TOUCH_UP:
		after(generator, worker, CHOOSE, 10 * SECOND, 12 * MINUTE);
		change_entry(generator, &worker->past[worker->past_count - 1]);
		return emit_entry(generator, worker, PAYLOAD_UPDATED,
				  &worker->past[worker->past_count - 1]);
	case WRITE_UP:
		return write_up(generator, worker);
	case GO_HOME:
		worker->plan = ARRIVE;
		worker->next_us = next_morning(generator, worker, generator->now_us + 4 * HOUR);
		return false;
	case STOP_FORGOTTEN:
		after(generator, worker, REPAIR, 8 * SECOND, 50 * SECOND);
		return stop_timer(generator, worker);
	case REPAIR:
		return repair(generator, worker);
	}
	return false;
}

/* ---- making and running it */

static void make_workers(struct generator *generator, int64_t first_id)
{
	for (int i = 0; i < generator->count; i++) {
		struct worker *worker = &generator->workers[i];
		bool has_rate;

		worker->person.id = first_id + i * INT64_C(7);
		worker->person.membership_id = first_id + 1000000 + i * INT64_C(3);
		worker->person.name = names_person(&generator->prng);
		/* the first people are the company's own, the others anywhere */
		worker->person.zone = i < 4 ? i % 3 : any(generator, PAYLOAD_ZONES);
		worker->person.app = any(generator, PAYLOAD_APPS);
		worker->person.is_admin = i == 0 || chance(generator, 10);
		has_rate = chance(generator, 60);
		if (has_rate || i == 0) {
			worker->person.rate_cents = state_rate(&generator->workspace);
			worker->person.rate_us = generator->start_us;
		}
		if (chance(generator, 40))
			worker->person.labor_cents = state_rate(&generator->workspace) / 2;
		worker->arrives = (int)between(generator, 7 * 60, 10 * 60);
		worker->writes_up = i > 1 && chance(generator, 15);
	}
}

struct generator *generator_new(const struct generator_options *options)
{
	struct generator *generator = mem_zero(1, sizeof(*generator));
	int64_t first_us, own;
	struct prng seed;

	generator->count = options->people > 0 ? options->people : PEOPLE;
	generator->workers = mem_zero((size_t)generator->count, sizeof(*generator->workers));
	generator->queue = mem_zero((size_t)generator->count, sizeof(*generator->queue));
	generator->url_callback = mem_dup(str_of(options->url_callback));
	generator->subscription = (struct payload_subscription){
		.workspace_id = options->workspace_id,
		.subscription_id = options->subscription_id,
		.url_callback = generator->url_callback,
	};
	/* workspaces of one seed have different events */
	seed = (struct prng){ options->seed };
	generator->prng.state = prng_next(&seed) + (uint64_t)options->workspace_id;
	generator->start_us = options->start_us;
	generator->every_day = options->every_day;

	/* So that no id passes through a double or 32 bits unnoticed: event ids
	   pass 2^53 after some ten events, entry ids a multiple of 2^32. Different
	   seeds have different ids. */
	generator->event_id = (INT64_C(1) << 53) - between(generator, 300, 900);
	generator->entry_id = between(generator, 1, 1000) << 32;
	generator->entry_id -= between(generator, 200, 600);
	own = between(generator, 0, 9999);
	generator->workspace.prng = &generator->prng;
	generator->workspace.last_id = 60000000 + own * 1000000;
	generator->workers[0].has_joined = true;
	make_workers(generator, 9000001 + own * 1000000000);

	first_us = next_morning(generator, &generator->workers[0], options->start_us);
	for (int i = 0; i < generator->count; i++) {
		struct worker *worker = &generator->workers[i];

		worker->plan = i ? ARRIVE : SET_UP;
		worker->next_us = i ? next_morning(generator, worker, first_us + 15 * MINUTE)
				    : first_us;
		worker->lunch_us = first_us + 3 * HOUR;
		worker->leave_us = first_us + 8 * HOUR;
		generator->queue[i] = i;
	}
	for (int i = generator->count / 2; i-- > 0;)
		sink(generator, i);
	return generator;
}

void generator_free(struct generator *generator)
{
	if (!generator)
		return;
	free(generator->workers);
	free(generator->queue);
	free(generator->url_callback);
	buf_done(&generator->body);
	buf_done(&generator->scratch);
	free(generator);
}

void generator_next(struct generator *generator, struct generator_event *event)
{
	bool is_emitted;

	do {
		struct worker *worker = &generator->workers[generator->queue[0]];

		if (worker->next_us > generator->now_us)
			generator->now_us = worker->next_us;
		is_emitted = act(generator, worker);
		sink(generator, 0);
	} while (!is_emitted);
	buf_clear(&generator->body);
	payload_write_event(&generator->body, &generator->scratch, &generator->subscription,
			    &generator->payload);
	*event = (struct generator_event){
		.event_id = generator->payload.event_id,
		.created_us = generator->payload.created_us,
		.model = payload_model_word(generator->payload.model),
		.action = payload_action_word(generator->payload.action),
		.body = buf_str(&generator->body),
	};
}

void generator_write_again(struct buf *out, const struct generator_event *event, int64_t after_us)
{
	/* no redelivery in the same nanosecond as the delivery */
	payload_write_again(out, event->body, event->created_us, after_us * 1000 + 999999999);
}

void generator_write_ping(struct buf *out, const struct generator *generator, const char *code)
{
	payload_write_ping(out, &generator->subscription, generator->workers[0].person.id,
			   generator->start_us, code);
}
