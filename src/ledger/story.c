/* SPDX-License-Identifier: ISC */
/* Everybody has one next thing to do and the time of it; the story is always
   what the earliest of them does. Whole numbers only and one throw of the dice
   a statement, so that no compiler changes their order. */
#include "ledger/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/dice.h"
#include "ledger/told.h"
#include "ledger/workspace.h"

enum {
	PEOPLE = 12,
	PAST_MAX = 8,	/* entries that somebody still thinks of */
};

static const int64_t MS = 1000, SECOND = 1000000, MINUTE = 60000000, HOUR = 3600000000, DAY = 86400000000;

/* What somebody does next. */
enum plan {
	SET_UP,		/* the owner, on the first morning */
	ARRIVE,
	CHOOSE,
	DETAIL,		/* say what the running timer is for */
	STOP,
	TOUCH_UP,	/* correct what was just stopped */
	WRITE_UP,	/* enter the day's work in the evening */
	GO_HOME,
	NOTICE,		/* the timer that ran all night: stop it, */
	REPAIR,		/* then correct its end */
};

struct worker {
	struct told_person person;
	enum plan plan;
	int64_t next_us;
	int arrives;		/* minutes after midnight, by habit */
	bool writes_up;		/* no timers: enters it all in the evening */
	bool had_lunch, is_running;
	bool has_joined;	/* the workspace */
	int64_t lunch_us, leave_us;	/* today */
	int64_t written_us;	/* up to here the day is entered */
	int to_write;
	int64_t right_stop_us;	/* of the forgotten timer */
	struct told_entry running;
	struct told_entry past[PAST_MAX];	/* the newest last */
	int past_count;
};

struct story {
	struct dice dice;
	struct told_place place;
	char *url_callback;
	int64_t start_us, now_us;
	bool every_day;
	int64_t event_id, entry_id;
	size_t setup_step;

	struct worker *workers;
	int count;
	int *queue;		/* a heap of workers, the earliest on top */

	struct workspace workspace;
	struct told_entry gone;	/* deleted, for the event that says so */
	struct told_event told;
	struct buf body, scratch;
};

static int64_t between(struct story *story, int64_t least, int64_t most)
{
	return dice_between(&story->dice, least, most);
}

static bool chance(struct story *story, int percent)
{
	return dice_chance(&story->dice, percent);
}

static int any(struct story *story, int count)
{
	return (int)dice_below(&story->dice, count);
}

/* ---- the order of things */

static bool is_earlier(const struct story *story, int a, int b)
{
	int64_t left = story->workers[a].next_us, right = story->workers[b].next_us;

	return left != right ? left < right : a < b;
}

/* Puts the one at `at` where its time belongs, downwards. */
static void sink(struct story *story, int at)
{
	int *queue = story->queue;

	for (;;) {
		int best = at, left = 2 * at + 1, right = left + 1, swap;

		if (left < story->count && is_earlier(story, queue[left], queue[best]))
			best = left;
		if (right < story->count && is_earlier(story, queue[right], queue[best]))
			best = right;
		if (best == at)
			return;
		swap = queue[at];
		queue[at] = queue[best];
		queue[best] = swap;
		at = best;
	}
}

static void after(struct story *story, struct worker *worker, enum plan plan, int64_t least,
                  int64_t most)
{
	worker->plan = plan;
	worker->next_us = story->now_us + between(story, least / MS, most / MS) * MS;
}

/* The next morning at work that begins after `from_us`. Weekends are rare, unless
   they work every day. */
static int64_t next_morning(struct story *story, const struct worker *worker, int64_t from_us)
{
	int64_t zone = told_zone_minutes(worker->person.zone) * MINUTE;
	int64_t day = (from_us + zone) / DAY;

	for (;; day++) {
		int64_t late = between(story, -20 * MINUTE / MS, 25 * MINUTE / MS) * MS;
		int64_t at = day * DAY + worker->arrives * MINUTE + late - zone;
		bool is_weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6;	/* day 0 was a Thursday */

		if (at <= from_us)
			continue;
		if (chance(story, is_weekend && !story->every_day ? 3 : 96))
			return at;
	}
}

/* Tells of story->told.what, which is there already. */
static bool tell(struct story *story, struct worker *by, enum told_model model,
                 enum told_action action)
{
	struct told_event *told = &story->told;
	int64_t sent_ms = between(story, 120, 900);

	story->event_id += between(story, 1, 97);
	told->event_id = story->event_id;
	told->created_us = story->now_us;
	told->sent_ns = sent_ms * 1000000 + dice_below(&story->dice, 1000000);
	told->action = action;
	told->model = model;
	told->by = &by->person;
	return true;
}

static bool tell_entry(struct story *story, struct worker *by, enum told_action action,
                       const struct told_entry *entry)
{
	story->told.what.entry = entry;
	return tell(story, by, TOLD_TIME_ENTRY, action);
}

/* ---- what is done with the workspace */

/* Who is in the workspace already; the owner always is. */
static struct worker *somebody(struct story *story)
{
	struct worker *worker = &story->workers[any(story, story->count)];

	return worker->has_joined ? worker : &story->workers[0];
}

static bool tell_person(struct story *story, struct worker *by, enum told_action action,
                        struct worker *worker)
{
	worker->has_joined = true;
	story->told.what.person = &worker->person;
	return tell(story, by, TOLD_WORKSPACE_USER, action);
}

static bool change_person(struct story *story, struct worker *by)
{
	struct worker *worker = somebody(story);

	if (worker != &story->workers[0] && chance(story, 30)) {
		worker->person.is_admin = !worker->person.is_admin;
	} else {
		worker->person.rate_cents = workspace_rate(&story->workspace);
		worker->person.rate_us = story->now_us;
	}
	return tell_person(story, by, TOLD_UPDATED, worker);
}

/* Lets somebody do something with the workspace. false: there was nothing to do. */
static bool in_workspace(struct story *story, struct worker *by, workspace_act *act)
{
	struct workspace *ws = &story->workspace;
	bool is_done;

	ws->now_us = story->now_us;
	ws->somebody_id = somebody(story)->person.id;
	is_done = act ? act(ws, &story->told) : workspace_keep(ws, by->person.is_admin, &story->told);
	return is_done && tell(story, by, story->told.model, story->told.action);
}

static bool manage(struct story *story, struct worker *by)
{
	if (by->person.is_admin && chance(story, 4))
		return change_person(story, by);
	return in_workspace(story, by, NULL);
}

/* ---- time entries */

static void choose_tags(struct story *story, struct told_entry *entry)
{
	int wanted = chance(story, 55) ? 0 : (int)between(story, 1, TOLD_TAGS_MAX);

	entry->tag_count = 0;
	for (int i = 0; i < wanted && story->workspace.tag_count; i++) {
		struct told_tag tag = story->workspace.tags[any(story, story->workspace.tag_count)];
		bool is_there = false;

		for (int k = 0; k < entry->tag_count; k++)
			is_there |= entry->tags[k].id == tag.id;
		if (!is_there)
			entry->tags[entry->tag_count++] = tag;
	}
}

static void choose_project(struct story *story, struct told_entry *entry)
{
	const struct told_project *project;

	entry->project_id = entry->task_id = 0;
	entry->is_private = false;
	if (!story->workspace.project_count)
		return;
	project = &story->workspace.projects[any(story, story->workspace.project_count)];
	if (!project->is_active)
		return;
	entry->project_id = project->id;
	entry->is_private = project->is_private;
	entry->is_billable = project->is_billable;
	for (int i = 0; i < story->workspace.task_count; i++)
		if (story->workspace.tasks[i].project_id == project->id && chance(story, 40))
			entry->task_id = story->workspace.tasks[i].id;
}

static struct told_entry new_entry(struct story *story, int64_t start_us)
{
	struct told_entry entry = { .start_us = start_us };

	entry.id = story->entry_id += between(story, 1, 29);
	entry.description = wording_work(&story->dice);
	if (chance(story, 55))
		choose_project(story, &entry);
	if (chance(story, 60))
		choose_tags(story, &entry);
	return entry;
}

static struct told_entry *remember(struct worker *worker, const struct told_entry *entry)
{
	if (worker->past_count == PAST_MAX) {
		worker->past_count--;
		memmove(worker->past, worker->past + 1, (PAST_MAX - 1) * sizeof(*worker->past));
	}
	worker->past[worker->past_count] = *entry;
	return &worker->past[worker->past_count++];
}

/* How long a piece of work takes: mostly below an hour, now and then three. */
static int64_t spell(struct story *story)
{
	int64_t length = between(story, 3 * MINUTE / MS, 45 * MINUTE / MS) * MS;

	return chance(story, 25) ? length * 4 : length;
}

static void change_entry(struct story *story, struct told_entry *entry)
{
	switch (any(story, 6)) {
	case 0:
		entry->is_billable = !entry->is_billable;
		break;
	case 1:
		choose_tags(story, entry);
		break;
	case 2:
		choose_project(story, entry);
		break;
	case 3:
		/* it had begun earlier */
		entry->start_us -= between(story, 1, 30) * MINUTE;
		break;
	case 4:
		/* it had ended later, but not after now */
		if (entry->stop_us && entry->stop_us + 10 * MINUTE < story->now_us) {
			entry->stop_us += between(story, 1, 10) * MINUTE;
			break;
		}
		entry->description = wording_work(&story->dice);
		break;
	default:
		entry->description = wording_work(&story->dice);
	}
}

static bool start_timer(struct story *story, struct worker *worker)
{
	int64_t end_us = story->now_us + spell(story);

	/* the click, and its way to Toggl */
	worker->running = new_entry(story, story->now_us - between(story, 80, 600) * MS);
	worker->is_running = true;
	if (!worker->had_lunch && end_us > worker->lunch_us)
		end_us = worker->lunch_us + 5 * MINUTE;
	if (end_us > worker->leave_us)
		end_us = worker->leave_us;
	if (end_us < story->now_us + 2 * MINUTE)
		end_us = story->now_us + 2 * MINUTE;
	tell_entry(story, worker, TOLD_CREATED, &worker->running);
	if (chance(story, 45)) {
		after(story, worker, DETAIL, 8 * SECOND, 100 * SECOND);
		return true;
	}
	worker->plan = STOP;
	worker->next_us = end_us;
	return true;
}

static bool stop_timer(struct story *story, struct worker *worker)
{
	struct told_entry *entry;

	worker->running.stop_us = story->now_us - between(story, 80, 600) * MS;
	worker->is_running = false;
	entry = remember(worker, &worker->running);
	return tell_entry(story, worker, TOLD_UPDATED, entry);
}

static bool remove_entry(struct story *story, struct worker *worker)
{
	int at = any(story, worker->past_count);

	story->gone = worker->past[at];
	worker->past_count--;
	memmove(worker->past + at, worker->past + at + 1,
	        (size_t)(worker->past_count - at) * sizeof(*worker->past));
	return tell_entry(story, worker, TOLD_DELETED, &story->gone);
}

/* ---- what each plan does; true: there is an event to tell */

/* The first morning: what every workspace has before anybody tracks time. */
static bool set_up(struct story *story, struct worker *owner)
{
	static const struct {
		workspace_act *act;	/* NULL: somebody joins, or the owner (0) says who he is */
		int who;
	} steps[] = {
		{ workspace_change, 0 },
		{ NULL, 0 },
		{ workspace_add_client, 0 },
		{ workspace_add_project, 0 },
		{ workspace_add_tag, 0 },
		{ NULL, 1 },
		{ workspace_add_tag, 0 },
		{ workspace_add_client, 0 },
		{ workspace_add_project, 0 },
		{ workspace_add_task, 0 },
		{ NULL, 2 },
		{ workspace_add_member, 0 },
		{ workspace_add_tag, 0 },
		{ workspace_add_project, 0 },
		{ workspace_add_tag, 0 },
		{ workspace_add_task, 0 },
		{ workspace_add_client, 0 },
		{ workspace_add_project, 0 },
		{ NULL, 3 },
		{ workspace_add_member, 0 },
		{ workspace_add_group, 0 },
		{ workspace_change_project, 0 },
		{ workspace_add_tag, 0 },
		{ workspace_add_project, 0 },
		{ workspace_add_task, 0 },
	};
	size_t step = story->setup_step++;

	if (step == sizeof(steps) / sizeof(steps[0])) {
		after(story, owner, CHOOSE, MINUTE, 10 * MINUTE);
		return false;
	}
	after(story, owner, SET_UP, 4 * SECOND, 40 * SECOND);
	if (steps[step].act)
		return in_workspace(story, owner, steps[step].act);
	if (steps[step].who >= story->count)
		return false;
	return tell_person(story, owner, steps[step].who ? TOLD_CREATED : TOLD_UPDATED,
	                   &story->workers[steps[step].who]);
}

static bool arrive(struct story *story, struct worker *worker)
{
	int64_t lunch = between(story, 170, 260), day = between(story, 450, 570);

	worker->right_stop_us = worker->leave_us;
	worker->had_lunch = false;
	worker->lunch_us = story->now_us + lunch * MINUTE;
	worker->leave_us = story->now_us + day * MINUTE;
	if (worker->is_running) {
		after(story, worker, NOTICE, MINUTE, 20 * MINUTE);
	} else if (worker->writes_up) {
		worker->to_write = (int)between(story, 3, 7);
		worker->written_us = story->now_us;
		worker->plan = WRITE_UP;
		worker->next_us = worker->leave_us;
	} else {
		after(story, worker, CHOOSE, MINUTE, 25 * MINUTE);
	}
	/* the first morning begins with an invitation */
	return !worker->has_joined && tell_person(story, &story->workers[0], TOLD_CREATED, worker);
}

static bool choose(struct story *story, struct worker *worker)
{
	int64_t roll;

	if (story->now_us >= worker->leave_us) {
		worker->plan = GO_HOME;
		worker->next_us = story->now_us;
		return false;
	}
	if (!worker->had_lunch && story->now_us >= worker->lunch_us) {
		worker->had_lunch = true;
		after(story, worker, CHOOSE, 25 * MINUTE, 70 * MINUTE);
		return false;
	}
	roll = any(story, 100);
	if (roll < 7 && manage(story, worker)) {
		after(story, worker, CHOOSE, 5 * SECOND, 2 * MINUTE);
		return true;
	}
	if (roll < 17 && worker->past_count) {
		struct told_entry *entry = &worker->past[any(story, worker->past_count)];

		after(story, worker, CHOOSE, 5 * SECOND, MINUTE);
		change_entry(story, entry);
		return tell_entry(story, worker, TOLD_UPDATED, entry);
	}
	if (roll < 21 && worker->past_count) {
		after(story, worker, CHOOSE, 2 * SECOND, MINUTE);
		return remove_entry(story, worker);
	}
	return start_timer(story, worker);
}

static bool detail(struct story *story, struct worker *worker)
{
	int64_t end_us = story->now_us + spell(story);

	if (!worker->running.project_id || chance(story, 30))
		choose_project(story, &worker->running);
	if (!worker->running.description.form || chance(story, 30))
		worker->running.description = wording_work(&story->dice);
	worker->plan = STOP;
	worker->next_us = end_us > worker->leave_us ? worker->leave_us : end_us;
	if (worker->next_us <= story->now_us)
		worker->next_us = story->now_us + MINUTE;
	return tell_entry(story, worker, TOLD_UPDATED, &worker->running);
}

static bool stop(struct story *story, struct worker *worker)
{
	if (story->now_us >= worker->leave_us && chance(story, 6)) {
		worker->plan = GO_HOME;
		worker->next_us = story->now_us;
		return false;
	}
	if (chance(story, 22))
		after(story, worker, TOUCH_UP, 4 * SECOND, 90 * SECOND);
	else if (chance(story, 35))
		/* the next timer was started, which stopped this one */
		after(story, worker, CHOOSE, 0, 30 * MS);
	else
		after(story, worker, CHOOSE, 20 * SECOND, 18 * MINUTE);
	return stop_timer(story, worker);
}

static bool write_up(struct story *story, struct worker *worker)
{
	struct told_entry entry;

	if (worker->to_write-- == 0) {
		worker->plan = GO_HOME;
		worker->next_us = story->now_us;
		return false;
	}
	/* by people, in whole minutes */
	entry = new_entry(story, worker->written_us / MINUTE * MINUTE);
	entry.stop_us = entry.start_us + between(story, 1, 6) * 15 * MINUTE;
	if (entry.stop_us > story->now_us)
		entry.stop_us = entry.start_us + MINUTE;
	worker->written_us = entry.stop_us;
	after(story, worker, WRITE_UP, 15 * SECOND, 2 * MINUTE);
	return tell_entry(story, worker, TOLD_CREATED, remember(worker, &entry));
}

static bool repair(struct story *story, struct worker *worker)
{
	struct told_entry *entry = &worker->past[worker->past_count - 1];

	if (worker->right_stop_us > entry->start_us && worker->right_stop_us < entry->stop_us)
		entry->stop_us = worker->right_stop_us;
	else
		entry->stop_us = entry->start_us + HOUR;
	after(story, worker, CHOOSE, MINUTE, 10 * MINUTE);
	return tell_entry(story, worker, TOLD_UPDATED, entry);
}

static bool act(struct story *story, struct worker *worker)
{
	switch (worker->plan) {
	case SET_UP:
		return set_up(story, worker);
	case ARRIVE:
		return arrive(story, worker);
	case CHOOSE:
		return choose(story, worker);
	case DETAIL:
		return detail(story, worker);
	case STOP:
		return stop(story, worker);
	case TOUCH_UP:
		after(story, worker, CHOOSE, 10 * SECOND, 12 * MINUTE);
		change_entry(story, &worker->past[worker->past_count - 1]);
		return tell_entry(story, worker, TOLD_UPDATED, &worker->past[worker->past_count - 1]);
	case WRITE_UP:
		return write_up(story, worker);
	case GO_HOME:
		worker->plan = ARRIVE;
		worker->next_us = next_morning(story, worker, story->now_us + 4 * HOUR);
		return false;
	case NOTICE:
		after(story, worker, REPAIR, 8 * SECOND, 50 * SECOND);
		return stop_timer(story, worker);
	case REPAIR:
		return repair(story, worker);
	}
	return false;
}

/* ---- the door */

static void cast(struct story *story, int64_t first_id)
{
	for (int i = 0; i < story->count; i++) {
		struct worker *worker = &story->workers[i];
		bool has_rate;

		worker->person.id = first_id + i * INT64_C(7);
		worker->person.membership_id = first_id + 1000000 + i * INT64_C(3);
		worker->person.name = wording_person(&story->dice);
		/* the first people are the company's own, the others anywhere */
		worker->person.zone = i < 4 ? i % 3 : any(story, TOLD_ZONES);
		worker->person.app = any(story, TOLD_APPS);
		worker->person.is_admin = i == 0 || chance(story, 10);
		has_rate = chance(story, 60);
		if (has_rate || i == 0) {
			worker->person.rate_cents = workspace_rate(&story->workspace);
			worker->person.rate_us = story->start_us;
		}
		if (chance(story, 40))
			worker->person.labor_cents = workspace_rate(&story->workspace) / 2;
		worker->arrives = (int)between(story, 7 * 60, 10 * 60);
		worker->writes_up = i > 1 && chance(story, 15);
	}
}

struct story *story_new(const struct story_how *how)
{
	struct story *story = mem_zero(1, sizeof(*story));
	int64_t first_us, own;
	struct dice seed;

	story->count = how->people > 0 ? how->people : PEOPLE;
	story->workers = mem_zero((size_t)story->count, sizeof(*story->workers));
	story->queue = mem_zero((size_t)story->count, sizeof(*story->queue));
	story->url_callback = mem_dup(str_of(how->url_callback));
	story->place = (struct told_place){
		.workspace_id = how->workspace_id,
		.subscription_id = how->subscription_id,
		.url_callback = story->url_callback,
	};
	/* workspaces of one seed have different stories */
	seed = (struct dice){ how->seed };
	story->dice.state = dice_next(&seed) + (uint64_t)how->workspace_id;
	story->start_us = how->start_us;
	story->every_day = how->every_day;

	/* So that no id passes through a double or 32 bits unnoticed: event ids
	   pass 2^53 after some ten events, entry ids a multiple of 2^32. Stories
	   of different seeds have different ids. */
	story->event_id = (INT64_C(1) << 53) - between(story, 300, 900);
	story->entry_id = between(story, 1, 1000) << 32;
	story->entry_id -= between(story, 200, 600);
	own = between(story, 0, 9999);
	story->workspace.dice = &story->dice;
	story->workspace.last_id = 60000000 + own * 1000000;
	story->workers[0].has_joined = true;
	cast(story, 9000001 + own * 1000000000);

	first_us = next_morning(story, &story->workers[0], how->start_us);
	for (int i = 0; i < story->count; i++) {
		struct worker *worker = &story->workers[i];

		worker->plan = i ? ARRIVE : SET_UP;
		worker->next_us = i ? next_morning(story, worker, first_us + 15 * MINUTE) : first_us;
		worker->lunch_us = first_us + 3 * HOUR;
		worker->leave_us = first_us + 8 * HOUR;
		story->queue[i] = i;
	}
	for (int i = story->count / 2; i-- > 0;)
		sink(story, i);
	return story;
}

void story_free(struct story *story)
{
	if (!story)
		return;
	free(story->workers);
	free(story->queue);
	free(story->url_callback);
	buf_done(&story->body);
	buf_done(&story->scratch);
	free(story);
}

void story_next(struct story *story, struct story_event *event)
{
	bool is_told;

	do {
		struct worker *worker = &story->workers[story->queue[0]];

		if (worker->next_us > story->now_us)
			story->now_us = worker->next_us;
		is_told = act(story, worker);
		sink(story, 0);
	} while (!is_told);
	buf_clear(&story->body);
	told_write_event(&story->body, &story->scratch, &story->place, &story->told);
	*event = (struct story_event){
		.event_id = story->told.event_id,
		.created_us = story->told.created_us,
		.model = told_model_word(story->told.model),
		.action = told_action_word(story->told.action),
		.body = buf_str(&story->body),
	};
}

void story_write_again(struct buf *out, const struct story_event *event, int64_t after_us)
{
	/* no redelivery in the same nanosecond as the delivery */
	told_write_again(out, event->body, event->created_us, after_us * 1000 + 999999999);
}

void story_write_ping(struct buf *out, const struct story *story, const char *code)
{
	told_write_ping(out, &story->place, story->workers[0].person.id, story->start_us, code);
}
