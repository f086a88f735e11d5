/* SPDX-License-Identifier: ISC */
/* Everybody has one next thing to do and the time of it; the story is always
   what the earliest of them does. Whole numbers only and one throw of the dice
   a statement, so that no compiler can change the order of the throws. */
#include "ledger/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/dice.h"
#include "ledger/told.h"

#define COUNT(list) ((int64_t)(sizeof(list) / sizeof((list)[0])))

enum {
	PEOPLE = 12,
	PAST_MAX = 8,		/* entries that somebody still thinks of */
	CLIENTS_MAX = 24,
	PROJECTS_MAX = 48,
	TAGS_MAX = 14,		/* fewer than there are names for */
	TASKS_MAX = 64,
	MEMBERS_MAX = 64,
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
	int64_t event_id, entry_id, entity_id;
	size_t setup_step;

	struct worker *workers;
	int count;
	int *queue;		/* a heap of workers, the earliest on top */

	struct told_client clients[CLIENTS_MAX];
	struct told_project projects[PROJECTS_MAX];
	struct told_tag tags[TAGS_MAX];
	struct told_task tasks[TASKS_MAX];
	struct told_project_user members[MEMBERS_MAX];
	int client_count, project_count, tag_count, task_count, member_count;

	/* what was deleted, for the event that says so */
	union {
		struct told_client client;
		struct told_project project;
		struct told_tag tag;
		struct told_task task;
		struct told_entry entry;
	} gone;
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

/* The next morning at work that begins after `from_us`. Weekends are rare. */
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
		if (chance(story, is_weekend ? 3 : 96))
			return at;
	}
}

static void tell(struct story *story, struct worker *by, enum told_model model,
                 enum told_action action)
{
	int64_t sent_ms = between(story, 120, 900);

	story->event_id += between(story, 1, 97);
	story->told = (struct told_event){
		.event_id = story->event_id,
		.created_us = story->now_us,
		.sent_ns = sent_ms * 1000000 + dice_below(&story->dice, 1000000),
		.action = action,
		.model = model,
		.by = &by->person,
	};
}

static bool tell_entry(struct story *story, struct worker *by, enum told_action action,
                       const struct told_entry *entry)
{
	tell(story, by, TOLD_TIME_ENTRY, action);
	story->told.what.entry = entry;
	return true;
}

/* ---- clients, projects, tags, tasks */

static int64_t new_id(struct story *story)
{
	return story->entity_id += between(story, 1, 9);
}

static bool is_same(struct phrase a, struct phrase b)
{
	return a.form == b.form && a.a == b.a && a.b == b.b;
}

static bool add_client(struct story *story, struct worker *by)
{
	struct told_client client = { .name = wording_client(&story->dice) };

	if (story->client_count == CLIENTS_MAX)
		return false;
	for (int i = 0; i < story->client_count; i++)
		if (is_same(story->clients[i].name, client.name))
			return false;
	client.id = new_id(story);
	story->clients[story->client_count] = client;
	tell(story, by, TOLD_CLIENT, TOLD_CREATED);
	story->told.what.client = &story->clients[story->client_count++];
	return true;
}

static bool change_client(struct story *story, struct worker *by)
{
	struct told_client *client;

	if (!story->client_count)
		return false;
	client = &story->clients[any(story, story->client_count)];
	if (chance(story, 50))
		client->is_archived = !client->is_archived;
	else
		client->name = wording_client(&story->dice);
	tell(story, by, TOLD_CLIENT, TOLD_UPDATED);
	story->told.what.client = client;
	return true;
}

static bool remove_client(struct story *story, struct worker *by)
{
	int at;

	if (story->client_count < 4)
		return false;
	at = any(story, story->client_count);
	story->gone.client = story->clients[at];
	story->clients[at] = story->clients[--story->client_count];
	for (int i = 0; i < story->project_count; i++)
		if (story->projects[i].client_id == story->gone.client.id)
			story->projects[i].client_id = 0;
	tell(story, by, TOLD_CLIENT, TOLD_DELETED);
	story->told.what.client = &story->gone.client;
	return true;
}

/* 45 to 180 an hour, in quarters. */
static int rate(struct story *story)
{
	return (int)between(story, 180, 720) * 25;
}

static bool add_project(struct story *story, struct worker *by)
{
	struct told_project *project = &story->projects[story->project_count];

	if (story->project_count == PROJECTS_MAX)
		return false;
	*project = (struct told_project){ .created_us = story->now_us, .is_active = true };
	project->id = new_id(story);
	project->name = wording_project(&story->dice);
	project->color = any(story, TOLD_COLORS);
	project->is_private = chance(story, 25);
	project->is_billable = chance(story, 70);
	if (story->client_count && chance(story, 80))
		project->client_id = story->clients[any(story, story->client_count)].id;
	if (project->is_billable && chance(story, 60)) {
		project->rate_cents = rate(story);
		project->rate_us = story->now_us;
	}
	if (chance(story, 30))
		project->estimated_hours = (int)between(story, 1, 40) * 10;
	story->project_count++;
	tell(story, by, TOLD_PROJECT, TOLD_CREATED);
	story->told.what.project = project;
	return true;
}

static bool change_project(struct story *story, struct worker *by)
{
	struct told_project *project;

	if (!story->project_count)
		return false;
	project = &story->projects[any(story, story->project_count)];
	switch (any(story, 5)) {
	case 0:
		project->name = wording_project(&story->dice);
		break;
	case 1:
		project->color = any(story, TOLD_COLORS);
		break;
	case 2:
		project->is_active = !project->is_active;
		break;
	case 3:
		project->estimated_hours = (int)between(story, 1, 40) * 10;
		break;
	default:
		project->is_billable = true;
		project->rate_cents = rate(story);
		project->rate_us = story->now_us;
	}
	tell(story, by, TOLD_PROJECT, TOLD_UPDATED);
	story->told.what.project = project;
	return true;
}

/* Its tasks and members go with it, of which Toggl sends nothing more. */
static bool remove_project(struct story *story, struct worker *by)
{
	int at;
	int64_t id;

	if (story->project_count < 8)
		return false;
	at = any(story, story->project_count);
	story->gone.project = story->projects[at];
	story->projects[at] = story->projects[--story->project_count];
	id = story->gone.project.id;
	for (int i = story->task_count; i-- > 0;)
		if (story->tasks[i].project_id == id)
			story->tasks[i] = story->tasks[--story->task_count];
	for (int i = story->member_count; i-- > 0;)
		if (story->members[i].project_id == id)
			story->members[i] = story->members[--story->member_count];
	tell(story, by, TOLD_PROJECT, TOLD_DELETED);
	story->told.what.project = &story->gone.project;
	return true;
}

static bool add_member(struct story *story, struct worker *by)
{
	struct told_project_user *member = &story->members[story->member_count];
	const struct told_project *project;

	if (!story->project_count || story->member_count == MEMBERS_MAX)
		return false;
	project = &story->projects[any(story, story->project_count)];
	*member = (struct told_project_user){ .project_id = project->id,
		                              .is_private = project->is_private };
	member->id = new_id(story);
	member->user_id = story->workers[any(story, story->count)].person.id;
	member->is_manager = chance(story, 20);
	story->member_count++;
	tell(story, by, TOLD_PROJECT_USER, TOLD_CREATED);
	story->told.what.project_user = member;
	return true;
}

static bool change_member(struct story *story, struct worker *by)
{
	struct told_project_user *member;

	if (!story->member_count)
		return false;
	member = &story->members[any(story, story->member_count)];
	member->rate_cents = rate(story);
	tell(story, by, TOLD_PROJECT_USER, TOLD_UPDATED);
	story->told.what.project_user = member;
	return true;
}

static bool has_tag_named(const struct story *story, struct phrase name)
{
	for (int i = 0; i < story->tag_count; i++)
		if (is_same(story->tags[i].name, name))
			return true;
	return false;
}

static bool add_tag(struct story *story, struct worker *by)
{
	struct phrase name = wording_tag(&story->dice);

	if (story->tag_count == TAGS_MAX || has_tag_named(story, name))
		return false;
	story->tags[story->tag_count].id = new_id(story);
	story->tags[story->tag_count].name = name;
	tell(story, by, TOLD_TAG, TOLD_CREATED);
	story->told.what.tag = &story->tags[story->tag_count++];
	return true;
}

static bool change_tag(struct story *story, struct worker *by)
{
	struct phrase name = wording_tag(&story->dice);
	struct told_tag *tag;

	if (!story->tag_count || has_tag_named(story, name))
		return false;
	tag = &story->tags[any(story, story->tag_count)];
	tag->name = name;
	tell(story, by, TOLD_TAG, TOLD_UPDATED);
	story->told.what.tag = tag;
	return true;
}

static bool remove_tag(struct story *story, struct worker *by)
{
	int at;

	if (story->tag_count < 6)
		return false;
	at = any(story, story->tag_count);
	story->gone.tag = story->tags[at];
	story->tags[at] = story->tags[--story->tag_count];
	tell(story, by, TOLD_TAG, TOLD_DELETED);
	story->told.what.tag = &story->gone.tag;
	return true;
}

static bool add_task(struct story *story, struct worker *by)
{
	struct told_task *task = &story->tasks[story->task_count];
	const struct told_project *project;

	if (!story->project_count || story->task_count == TASKS_MAX)
		return false;
	project = &story->projects[any(story, story->project_count)];
	*task = (struct told_task){ .project_id = project->id,
		                    .is_private = project->is_private,
		                    .is_active = true };
	task->id = new_id(story);
	task->name = wording_task(&story->dice);
	if (chance(story, 50))
		task->estimated_seconds = between(story, 1, 80) * 1800;
	story->task_count++;
	tell(story, by, TOLD_TASK, TOLD_CREATED);
	story->told.what.task = task;
	return true;
}

static bool change_task(struct story *story, struct worker *by)
{
	struct told_task *task;

	if (!story->task_count)
		return false;
	task = &story->tasks[any(story, story->task_count)];
	if (chance(story, 70))
		task->is_active = !task->is_active;
	else
		task->name = wording_task(&story->dice);
	tell(story, by, TOLD_TASK, TOLD_UPDATED);
	story->told.what.task = task;
	return true;
}

static bool remove_task(struct story *story, struct worker *by)
{
	int at;

	if (story->task_count < 5)
		return false;
	at = any(story, story->task_count);
	story->gone.task = story->tasks[at];
	story->tasks[at] = story->tasks[--story->task_count];
	tell(story, by, TOLD_TASK, TOLD_DELETED);
	story->told.what.task = &story->gone.task;
	return true;
}

static bool change_person(struct story *story, struct worker *by)
{
	struct worker *worker = &story->workers[any(story, story->count)];

	if (worker != &story->workers[0] && chance(story, 30))
		worker->person.is_admin = !worker->person.is_admin;
	else
		worker->person.rate_cents = rate(story);
	tell(story, by, TOLD_WORKSPACE_USER, TOLD_UPDATED);
	story->told.what.person = &worker->person;
	return true;
}

/* One of many that keep the workspace in order; how often each is done. false:
   there is nothing of the kind to do. */
static bool manage(struct story *story, struct worker *by)
{
	static const struct {
		int weight;
		bool is_for_all;
		bool (*act)(struct story *, struct worker *);
	} acts[] = {
		{ 24, true, add_tag },        { 9, true, change_tag },      { 7, true, remove_tag },
		{ 16, true, add_task },       { 14, true, change_task },    { 7, true, remove_task },
		{ 7, false, add_project },    { 14, false, change_project }, { 2, false, remove_project },
		{ 5, false, add_client },     { 5, false, change_client },  { 1, false, remove_client },
		{ 4, false, add_member },     { 2, false, change_member },  { 2, false, change_person },
	};
	int total = 0, roll;

	for (int64_t i = 0; i < COUNT(acts); i++)
		total += acts[i].weight;
	roll = any(story, total);
	for (int64_t i = 0; i < COUNT(acts); i++) {
		roll -= acts[i].weight;
		if (roll < 0)
			return (acts[i].is_for_all || by->person.is_admin) && acts[i].act(story, by);
	}
	return false;
}

/* ---- time entries */

static void choose_tags(struct story *story, struct told_entry *entry)
{
	int wanted = chance(story, 55) ? 0 : (int)between(story, 1, TOLD_TAGS_MAX);

	entry->tag_count = 0;
	for (int i = 0; i < wanted && story->tag_count; i++) {
		struct told_tag tag = story->tags[any(story, story->tag_count)];
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
	if (!story->project_count)
		return;
	project = &story->projects[any(story, story->project_count)];
	if (!project->is_active)
		return;
	entry->project_id = project->id;
	entry->is_private = project->is_private;
	entry->is_billable = project->is_billable;
	for (int i = 0; i < story->task_count; i++)
		if (story->tasks[i].project_id == project->id && chance(story, 40))
			entry->task_id = story->tasks[i].id;
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

	story->gone.entry = worker->past[at];
	worker->past_count--;
	memmove(worker->past + at, worker->past + at + 1,
	        (size_t)(worker->past_count - at) * sizeof(*worker->past));
	return tell_entry(story, worker, TOLD_DELETED, &story->gone.entry);
}

/* ---- what each plan does; true: there is an event to tell */

/* The first morning: what every workspace has before anybody tracks time. */
static bool set_up(struct story *story, struct worker *owner)
{
	static const struct {
		bool (*act)(struct story *, struct worker *);	/* NULL: somebody joins */
		int who;
	} steps[] = {
		{ add_client, 0 },  { add_project, 0 }, { add_tag, 0 },     { NULL, 1 },
		{ add_tag, 0 },     { add_client, 0 },  { add_project, 0 }, { add_task, 0 },
		{ NULL, 2 },        { add_member, 0 },  { add_tag, 0 },     { add_project, 0 },
		{ add_tag, 0 },     { add_task, 0 },    { add_client, 0 },  { add_project, 0 },
		{ NULL, 3 },        { add_member, 0 },  { change_project, 0 }, { add_tag, 0 },
		{ add_project, 0 }, { add_task, 0 },
	};
	size_t step = story->setup_step++;

	if (step == sizeof(steps) / sizeof(steps[0])) {
		after(story, owner, CHOOSE, MINUTE, 10 * MINUTE);
		return false;
	}
	after(story, owner, SET_UP, 4 * SECOND, 40 * SECOND);
	if (steps[step].act)
		return steps[step].act(story, owner);
	if (steps[step].who >= story->count)
		return false;
	tell(story, owner, TOLD_WORKSPACE_USER, TOLD_CREATED);
	story->told.what.person = &story->workers[steps[step].who].person;
	return true;
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
	return false;
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

		worker->person.id = first_id + i * INT64_C(7);
		worker->person.membership_id = first_id + 1000000 + i * INT64_C(3);
		worker->person.name = wording_person(&story->dice);
		/* the first people are the company's own, the others anywhere */
		worker->person.zone = i < 4 ? i % 3 : any(story, TOLD_ZONES);
		worker->person.app = any(story, TOLD_APPS);
		worker->person.is_admin = i == 0 || chance(story, 10);
		if (chance(story, 60))
			worker->person.rate_cents = rate(story);
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

	/* So that no id passes through a double or 32 bits unnoticed: event ids
	   pass 2^53 after some ten events, entry ids a multiple of 2^32. Stories
	   of different seeds have different ids. */
	story->event_id = (INT64_C(1) << 53) - between(story, 300, 900);
	story->entry_id = between(story, 1, 1000) << 32;
	story->entry_id -= between(story, 200, 600);
	own = between(story, 0, 9999);
	story->entity_id = 60000000 + own * 1000000;
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
