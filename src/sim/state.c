/* SPDX-License-Identifier: ISC */
/* One random number a statement, so that no compiler can change their order. */
#include "sim/state.h"

static int64_t between(struct state *ws, int64_t least, int64_t most)
{
	return prng_between(ws->prng, least, most);
}

static bool chance(struct state *ws, int percent)
{
	return prng_chance(ws->prng, percent);
}

static int any(struct state *ws, int count)
{
	return (int)prng_below(ws->prng, count);
}

static void describe(struct payload_event *payload, enum payload_model model,
		     enum payload_action action)
{
	payload->model = model;
	payload->action = action;
}

static int64_t new_id(struct state *ws)
{
	return ws->last_id += between(ws, 1, 9);
}

int state_rate(struct state *ws)
{
	return (int)between(ws, 180, 720) * 25;
}

static bool is_same(struct phrase a, struct phrase b)
{
	return a.form == b.form && a.a == b.a && a.b == b.b;
}

/* Its name and rate for a start, later one of them. */
bool state_change(struct state *ws, struct payload_event *payload)
{
	static const int minutes[] = { 0, 5, 6, 15 };
	struct payload_workspace *own = &ws->own;

	if (!own->organization_id) {
		own->organization_id = new_id(ws);
		own->name = names_client(ws->prng);
	}
	if (!own->rate_us || chance(ws, 50)) {
		own->rate_cents = state_rate(ws);
		own->rate_us = ws->now_us;
	} else {
		own->rounding_minutes = minutes[any(ws, 4)];
	}
	describe(payload, PAYLOAD_WORKSPACE, PAYLOAD_UPDATED);
	payload->entity.workspace = own;
	return true;
}

bool state_add_client(struct state *ws, struct payload_event *payload)
{
	struct payload_client client = { .name = names_client(ws->prng) };

	if (ws->client_count == STATE_CLIENTS)
		return false;
	for (int i = 0; i < ws->client_count; i++)
		if (is_same(ws->clients[i].name, client.name))
			return false;
	client.id = new_id(ws);
	ws->clients[ws->client_count] = client;
	describe(payload, PAYLOAD_CLIENT, PAYLOAD_CREATED);
	payload->entity.client = &ws->clients[ws->client_count++];
	return true;
}

static bool change_client(struct state *ws, struct payload_event *payload)
{
	struct payload_client *client;

	if (!ws->client_count)
		return false;
	client = &ws->clients[any(ws, ws->client_count)];
	if (chance(ws, 50))
		client->is_archived = !client->is_archived;
	else
		client->name = names_client(ws->prng);
	describe(payload, PAYLOAD_CLIENT, PAYLOAD_UPDATED);
	payload->entity.client = client;
	return true;
}

static bool remove_client(struct state *ws, struct payload_event *payload)
{
	int at;

	if (ws->client_count < 4)
		return false;
	at = any(ws, ws->client_count);
	ws->deleted.client = ws->clients[at];
	ws->clients[at] = ws->clients[--ws->client_count];
	for (int i = 0; i < ws->project_count; i++)
		if (ws->projects[i].client_id == ws->deleted.client.id)
			ws->projects[i].client_id = 0;
	describe(payload, PAYLOAD_CLIENT, PAYLOAD_DELETED);
	payload->entity.client = &ws->deleted.client;
	return true;
}

/* 1000 to 30000, in steps of 500. */
static int fixed_fee(struct state *ws)
{
	return (int)between(ws, 2, 60) * 50000;
}

bool state_add_project(struct state *ws, struct payload_event *payload)
{
	struct payload_project *project = &ws->projects[ws->project_count];

	if (ws->project_count == STATE_PROJECTS)
		return false;
	*project = (struct payload_project){ .created_us = ws->now_us, .is_active = true };
	project->id = new_id(ws);
	project->name = names_project(ws->prng);
	project->color = any(ws, PAYLOAD_COLORS);
	project->is_private = chance(ws, 25);
	project->is_billable = chance(ws, 70);
	if (ws->client_count && chance(ws, 80))
		project->client_id = ws->clients[any(ws, ws->client_count)].id;
	if (project->is_billable && chance(ws, 60)) {
		project->rate_cents = state_rate(ws);
		project->rate_us = ws->now_us;
	} else if (project->is_billable && chance(ws, 25)) {
		project->fee_cents = fixed_fee(ws);
	}
	if (chance(ws, 30))
		project->estimated_hours = (int)between(ws, 1, 40) * 10;
	ws->project_count++;
	describe(payload, PAYLOAD_PROJECT, PAYLOAD_CREATED);
	payload->entity.project = project;
	return true;
}

bool state_change_project(struct state *ws, struct payload_event *payload)
{
	struct payload_project *project;

	if (!ws->project_count)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	switch (any(ws, 6)) {
	case 0:
		project->name = names_project(ws->prng);
		break;
	case 1:
		project->color = any(ws, PAYLOAD_COLORS);
		break;
	case 2:
		project->is_active = !project->is_active;
		break;
	case 3:
		project->estimated_hours = (int)between(ws, 1, 40) * 10;
		break;
	case 4:
		project->is_billable = true;
		project->fee_cents = fixed_fee(ws);
		project->rate_cents = 0;
		project->rate_us = ws->now_us;
		break;
	default:
		project->is_billable = true;
		project->fee_cents = 0;
		project->rate_cents = state_rate(ws);
		project->rate_us = ws->now_us;
	}
	describe(payload, PAYLOAD_PROJECT, PAYLOAD_UPDATED);
	payload->entity.project = project;
	return true;
}

/* Its tasks, members and groups go with it, of which Toggl sends nothing more. */
static bool remove_project(struct state *ws, struct payload_event *payload)
{
	int at;
	int64_t id;

	if (ws->project_count < 8)
		return false;
	at = any(ws, ws->project_count);
	ws->deleted.project = ws->projects[at];
	ws->projects[at] = ws->projects[--ws->project_count];
	id = ws->deleted.project.id;
	for (int i = ws->task_count; i-- > 0;)
		if (ws->tasks[i].project_id == id)
			ws->tasks[i] = ws->tasks[--ws->task_count];
	for (int i = ws->member_count; i-- > 0;)
		if (ws->members[i].project_id == id)
			ws->members[i] = ws->members[--ws->member_count];
	for (int i = ws->group_count; i-- > 0;)
		if (ws->groups[i].project_id == id)
			ws->groups[i] = ws->groups[--ws->group_count];
	describe(payload, PAYLOAD_PROJECT, PAYLOAD_DELETED);
	payload->entity.project = &ws->deleted.project;
	return true;
}

bool state_add_member(struct state *ws, struct payload_event *payload)
{
	struct payload_project_user *member = &ws->members[ws->member_count];
	const struct payload_project *project;

	if (!ws->project_count || ws->member_count == STATE_MEMBERS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	for (int i = 0; i < ws->member_count; i++)
		if (ws->members[i].project_id == project->id &&
		    ws->members[i].user_id == ws->somebody_id)
			return false;
	*member = (struct payload_project_user){ .project_id = project->id,
						 .is_private = project->is_private };
	member->id = new_id(ws);
	member->user_id = ws->somebody_id;
	member->is_manager = chance(ws, 20);
	if (chance(ws, 30)) {
		member->rate_cents = state_rate(ws);
		member->rate_us = ws->now_us;
	}
	ws->member_count++;
	describe(payload, PAYLOAD_PROJECT_USER, PAYLOAD_CREATED);
	payload->entity.project_user = member;
	return true;
}

static bool change_member(struct state *ws, struct payload_event *payload)
{
	struct payload_project_user *member;

	if (!ws->member_count)
		return false;
	member = &ws->members[any(ws, ws->member_count)];
	member->rate_cents = state_rate(ws);
	member->rate_us = ws->now_us;
	describe(payload, PAYLOAD_PROJECT_USER, PAYLOAD_UPDATED);
	payload->entity.project_user = member;
	return true;
}

static bool remove_member(struct state *ws, struct payload_event *payload)
{
	int at;

	if (ws->member_count < 4)
		return false;
	at = any(ws, ws->member_count);
	ws->deleted.member = ws->members[at];
	ws->members[at] = ws->members[--ws->member_count];
	describe(payload, PAYLOAD_PROJECT_USER, PAYLOAD_DELETED);
	payload->entity.project_user = &ws->deleted.member;
	return true;
}

/* The company has a few groups of people, made before the events begin. */
bool state_add_group(struct state *ws, struct payload_event *payload)
{
	struct payload_project_group *group = &ws->groups[ws->group_count];
	const struct payload_project *project;
	int64_t group_id;

	if (!ws->project_count || ws->group_count == STATE_GROUPS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	group_id = between(ws, 410001, 410004);
	for (int i = 0; i < ws->group_count; i++)
		if (ws->groups[i].project_id == project->id && ws->groups[i].group_id == group_id)
			return false;
	*group = (struct payload_project_group){ .project_id = project->id,
						 .group_id = group_id,
						 .is_private = project->is_private };
	group->id = new_id(ws);
	ws->group_count++;
	describe(payload, PAYLOAD_PROJECT_GROUP, PAYLOAD_CREATED);
	payload->entity.project_group = group;
	return true;
}

static bool remove_group(struct state *ws, struct payload_event *payload)
{
	int at;

	if (ws->group_count < 2)
		return false;
	at = any(ws, ws->group_count);
	ws->deleted.group = ws->groups[at];
	ws->groups[at] = ws->groups[--ws->group_count];
	describe(payload, PAYLOAD_PROJECT_GROUP, PAYLOAD_DELETED);
	payload->entity.project_group = &ws->deleted.group;
	return true;
}

static bool has_tag_named(const struct state *ws, struct phrase name)
{
	for (int i = 0; i < ws->tag_count; i++)
		if (is_same(ws->tags[i].name, name))
			return true;
	return false;
}

bool state_add_tag(struct state *ws, struct payload_event *payload)
{
	struct phrase name = names_tag(ws->prng);

	if (ws->tag_count == STATE_TAGS || has_tag_named(ws, name))
		return false;
	ws->tags[ws->tag_count].id = new_id(ws);
	ws->tags[ws->tag_count].name = name;
	describe(payload, PAYLOAD_TAG, PAYLOAD_CREATED);
	payload->entity.tag = &ws->tags[ws->tag_count++];
	return true;
}

static bool change_tag(struct state *ws, struct payload_event *payload)
{
	struct phrase name = names_tag(ws->prng);
	struct payload_tag *tag;

	if (!ws->tag_count || has_tag_named(ws, name))
		return false;
	tag = &ws->tags[any(ws, ws->tag_count)];
	tag->name = name;
	describe(payload, PAYLOAD_TAG, PAYLOAD_UPDATED);
	payload->entity.tag = tag;
	return true;
}

static bool remove_tag(struct state *ws, struct payload_event *payload)
{
	int at;

	if (ws->tag_count < 6)
		return false;
	at = any(ws, ws->tag_count);
	ws->deleted.tag = ws->tags[at];
	ws->tags[at] = ws->tags[--ws->tag_count];
	describe(payload, PAYLOAD_TAG, PAYLOAD_DELETED);
	payload->entity.tag = &ws->deleted.tag;
	return true;
}

bool state_add_task(struct state *ws, struct payload_event *payload)
{
	struct payload_task *task = &ws->tasks[ws->task_count];
	const struct payload_project *project;

	if (!ws->project_count || ws->task_count == STATE_TASKS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	*task = (struct payload_task){ .project_id = project->id,
				       .is_private = project->is_private,
				       .is_active = true };
	task->id = new_id(ws);
	task->name = names_task(ws->prng);
	if (chance(ws, 50))
		task->estimated_seconds = between(ws, 1, 80) * 1800;
	if (chance(ws, 30))
		task->user_id = ws->somebody_id;
	if (chance(ws, 10)) {
		task->rate_cents = state_rate(ws);
		task->rate_us = ws->now_us;
	}
	ws->task_count++;
	describe(payload, PAYLOAD_TASK, PAYLOAD_CREATED);
	payload->entity.task = task;
	return true;
}

static bool change_task(struct state *ws, struct payload_event *payload)
{
	struct payload_task *task;

	if (!ws->task_count)
		return false;
	task = &ws->tasks[any(ws, ws->task_count)];
	if (chance(ws, 70))
		task->is_active = !task->is_active;
	else
		task->name = names_task(ws->prng);
	describe(payload, PAYLOAD_TASK, PAYLOAD_UPDATED);
	payload->entity.task = task;
	return true;
}

static bool remove_task(struct state *ws, struct payload_event *payload)
{
	int at;

	if (ws->task_count < 5)
		return false;
	at = any(ws, ws->task_count);
	ws->deleted.task = ws->tasks[at];
	ws->tasks[at] = ws->tasks[--ws->task_count];
	describe(payload, PAYLOAD_TASK, PAYLOAD_DELETED);
	payload->entity.task = &ws->deleted.task;
	return true;
}

bool state_keep(struct state *ws, bool is_admin, struct payload_event *payload)
{
	static const struct {
		int weight;
		bool is_for_all;
		state_act *act;
	} acts[] = {
		{ 24, true, state_add_tag },	 { 9, true, change_tag },
		{ 7, true, remove_tag },	 { 16, true, state_add_task },
		{ 14, true, change_task },	 { 7, true, remove_task },
		{ 7, false, state_add_project }, { 14, false, state_change_project },
		{ 2, false, remove_project },	 { 5, false, state_add_client },
		{ 5, false, change_client },	 { 1, false, remove_client },
		{ 4, false, state_add_member },	 { 2, false, change_member },
		{ 1, false, remove_member },	 { 2, false, state_add_group },
		{ 1, false, remove_group },	 { 1, false, state_change },
	};
	const int count = sizeof(acts) / sizeof(acts[0]);
	int total = 0, roll;

	for (int i = 0; i < count; i++)
		total += acts[i].weight;
	roll = any(ws, total);
	for (int i = 0; i < count; i++) {
		roll -= acts[i].weight;
		if (roll < 0)
			return (is_admin || acts[i].is_for_all) && acts[i].act(ws, payload);
	}
	return false;
}
