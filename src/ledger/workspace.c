/* SPDX-License-Identifier: ISC */
/* One throw of the dice a statement, so that no compiler can change the order
   of the throws. */
#include "ledger/workspace.h"

static int64_t between(struct workspace *ws, int64_t least, int64_t most)
{
	return dice_between(ws->dice, least, most);
}

static bool chance(struct workspace *ws, int percent)
{
	return dice_chance(ws->dice, percent);
}

static int any(struct workspace *ws, int count)
{
	return (int)dice_below(ws->dice, count);
}

static void say(struct told_event *told, enum told_model model, enum told_action action)
{
	told->model = model;
	told->action = action;
}

static int64_t new_id(struct workspace *ws)
{
	return ws->last_id += between(ws, 1, 9);
}

int workspace_rate(struct workspace *ws)
{
	return (int)between(ws, 180, 720) * 25;
}

static bool is_same(struct phrase a, struct phrase b)
{
	return a.form == b.form && a.a == b.a && a.b == b.b;
}

/* Its name and rate for a start, later one of them. */
bool workspace_change(struct workspace *ws, struct told_event *told)
{
	static const int minutes[] = { 0, 5, 6, 15 };
	struct told_workspace *own = &ws->own;

	if (!own->organization_id) {
		own->organization_id = new_id(ws);
		own->name = wording_client(ws->dice);
	}
	if (!own->rate_us || chance(ws, 50)) {
		own->rate_cents = workspace_rate(ws);
		own->rate_us = ws->now_us;
	} else {
		own->rounding_minutes = minutes[any(ws, 4)];
	}
	say(told, TOLD_WORKSPACE, TOLD_UPDATED);
	told->what.workspace = own;
	return true;
}

bool workspace_add_client(struct workspace *ws, struct told_event *told)
{
	struct told_client client = { .name = wording_client(ws->dice) };

	if (ws->client_count == WORKSPACE_CLIENTS)
		return false;
	for (int i = 0; i < ws->client_count; i++)
		if (is_same(ws->clients[i].name, client.name))
			return false;
	client.id = new_id(ws);
	ws->clients[ws->client_count] = client;
	say(told, TOLD_CLIENT, TOLD_CREATED);
	told->what.client = &ws->clients[ws->client_count++];
	return true;
}

static bool change_client(struct workspace *ws, struct told_event *told)
{
	struct told_client *client;

	if (!ws->client_count)
		return false;
	client = &ws->clients[any(ws, ws->client_count)];
	if (chance(ws, 50))
		client->is_archived = !client->is_archived;
	else
		client->name = wording_client(ws->dice);
	say(told, TOLD_CLIENT, TOLD_UPDATED);
	told->what.client = client;
	return true;
}

static bool remove_client(struct workspace *ws, struct told_event *told)
{
	int at;

	if (ws->client_count < 4)
		return false;
	at = any(ws, ws->client_count);
	ws->gone.client = ws->clients[at];
	ws->clients[at] = ws->clients[--ws->client_count];
	for (int i = 0; i < ws->project_count; i++)
		if (ws->projects[i].client_id == ws->gone.client.id)
			ws->projects[i].client_id = 0;
	say(told, TOLD_CLIENT, TOLD_DELETED);
	told->what.client = &ws->gone.client;
	return true;
}

/* 1000 to 30000, in steps of 500. */
static int fixed_fee(struct workspace *ws)
{
	return (int)between(ws, 2, 60) * 50000;
}

bool workspace_add_project(struct workspace *ws, struct told_event *told)
{
	struct told_project *project = &ws->projects[ws->project_count];

	if (ws->project_count == WORKSPACE_PROJECTS)
		return false;
	*project = (struct told_project){ .created_us = ws->now_us, .is_active = true };
	project->id = new_id(ws);
	project->name = wording_project(ws->dice);
	project->color = any(ws, TOLD_COLORS);
	project->is_private = chance(ws, 25);
	project->is_billable = chance(ws, 70);
	if (ws->client_count && chance(ws, 80))
		project->client_id = ws->clients[any(ws, ws->client_count)].id;
	if (project->is_billable && chance(ws, 60)) {
		project->rate_cents = workspace_rate(ws);
		project->rate_us = ws->now_us;
	} else if (project->is_billable && chance(ws, 25)) {
		project->fee_cents = fixed_fee(ws);
	}
	if (chance(ws, 30))
		project->estimated_hours = (int)between(ws, 1, 40) * 10;
	ws->project_count++;
	say(told, TOLD_PROJECT, TOLD_CREATED);
	told->what.project = project;
	return true;
}

bool workspace_change_project(struct workspace *ws, struct told_event *told)
{
	struct told_project *project;

	if (!ws->project_count)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	switch (any(ws, 6)) {
	case 0:
		project->name = wording_project(ws->dice);
		break;
	case 1:
		project->color = any(ws, TOLD_COLORS);
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
		project->rate_cents = workspace_rate(ws);
		project->rate_us = ws->now_us;
	}
	say(told, TOLD_PROJECT, TOLD_UPDATED);
	told->what.project = project;
	return true;
}

/* Its tasks, members and groups go with it, of which Toggl sends nothing more. */
static bool remove_project(struct workspace *ws, struct told_event *told)
{
	int at;
	int64_t id;

	if (ws->project_count < 8)
		return false;
	at = any(ws, ws->project_count);
	ws->gone.project = ws->projects[at];
	ws->projects[at] = ws->projects[--ws->project_count];
	id = ws->gone.project.id;
	for (int i = ws->task_count; i-- > 0;)
		if (ws->tasks[i].project_id == id)
			ws->tasks[i] = ws->tasks[--ws->task_count];
	for (int i = ws->member_count; i-- > 0;)
		if (ws->members[i].project_id == id)
			ws->members[i] = ws->members[--ws->member_count];
	for (int i = ws->group_count; i-- > 0;)
		if (ws->groups[i].project_id == id)
			ws->groups[i] = ws->groups[--ws->group_count];
	say(told, TOLD_PROJECT, TOLD_DELETED);
	told->what.project = &ws->gone.project;
	return true;
}

bool workspace_add_member(struct workspace *ws, struct told_event *told)
{
	struct told_project_user *member = &ws->members[ws->member_count];
	const struct told_project *project;

	if (!ws->project_count || ws->member_count == WORKSPACE_MEMBERS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	for (int i = 0; i < ws->member_count; i++)
		if (ws->members[i].project_id == project->id && ws->members[i].user_id == ws->somebody_id)
			return false;
	*member = (struct told_project_user){ .project_id = project->id,
		                              .is_private = project->is_private };
	member->id = new_id(ws);
	member->user_id = ws->somebody_id;
	member->is_manager = chance(ws, 20);
	if (chance(ws, 30)) {
		member->rate_cents = workspace_rate(ws);
		member->rate_us = ws->now_us;
	}
	ws->member_count++;
	say(told, TOLD_PROJECT_USER, TOLD_CREATED);
	told->what.project_user = member;
	return true;
}

static bool change_member(struct workspace *ws, struct told_event *told)
{
	struct told_project_user *member;

	if (!ws->member_count)
		return false;
	member = &ws->members[any(ws, ws->member_count)];
	member->rate_cents = workspace_rate(ws);
	member->rate_us = ws->now_us;
	say(told, TOLD_PROJECT_USER, TOLD_UPDATED);
	told->what.project_user = member;
	return true;
}

static bool remove_member(struct workspace *ws, struct told_event *told)
{
	int at;

	if (ws->member_count < 4)
		return false;
	at = any(ws, ws->member_count);
	ws->gone.member = ws->members[at];
	ws->members[at] = ws->members[--ws->member_count];
	say(told, TOLD_PROJECT_USER, TOLD_DELETED);
	told->what.project_user = &ws->gone.member;
	return true;
}

/* The company has a few groups of people, made before the story begins. */
bool workspace_add_group(struct workspace *ws, struct told_event *told)
{
	struct told_project_group *group = &ws->groups[ws->group_count];
	const struct told_project *project;
	int64_t group_id;

	if (!ws->project_count || ws->group_count == WORKSPACE_GROUPS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	group_id = between(ws, 410001, 410004);
	for (int i = 0; i < ws->group_count; i++)
		if (ws->groups[i].project_id == project->id && ws->groups[i].group_id == group_id)
			return false;
	*group = (struct told_project_group){ .project_id = project->id,
		                              .group_id = group_id,
		                              .is_private = project->is_private };
	group->id = new_id(ws);
	ws->group_count++;
	say(told, TOLD_PROJECT_GROUP, TOLD_CREATED);
	told->what.project_group = group;
	return true;
}

static bool remove_group(struct workspace *ws, struct told_event *told)
{
	int at;

	if (ws->group_count < 2)
		return false;
	at = any(ws, ws->group_count);
	ws->gone.group = ws->groups[at];
	ws->groups[at] = ws->groups[--ws->group_count];
	say(told, TOLD_PROJECT_GROUP, TOLD_DELETED);
	told->what.project_group = &ws->gone.group;
	return true;
}

static bool has_tag_named(const struct workspace *ws, struct phrase name)
{
	for (int i = 0; i < ws->tag_count; i++)
		if (is_same(ws->tags[i].name, name))
			return true;
	return false;
}

bool workspace_add_tag(struct workspace *ws, struct told_event *told)
{
	struct phrase name = wording_tag(ws->dice);

	if (ws->tag_count == WORKSPACE_TAGS || has_tag_named(ws, name))
		return false;
	ws->tags[ws->tag_count].id = new_id(ws);
	ws->tags[ws->tag_count].name = name;
	say(told, TOLD_TAG, TOLD_CREATED);
	told->what.tag = &ws->tags[ws->tag_count++];
	return true;
}

static bool change_tag(struct workspace *ws, struct told_event *told)
{
	struct phrase name = wording_tag(ws->dice);
	struct told_tag *tag;

	if (!ws->tag_count || has_tag_named(ws, name))
		return false;
	tag = &ws->tags[any(ws, ws->tag_count)];
	tag->name = name;
	say(told, TOLD_TAG, TOLD_UPDATED);
	told->what.tag = tag;
	return true;
}

static bool remove_tag(struct workspace *ws, struct told_event *told)
{
	int at;

	if (ws->tag_count < 6)
		return false;
	at = any(ws, ws->tag_count);
	ws->gone.tag = ws->tags[at];
	ws->tags[at] = ws->tags[--ws->tag_count];
	say(told, TOLD_TAG, TOLD_DELETED);
	told->what.tag = &ws->gone.tag;
	return true;
}

bool workspace_add_task(struct workspace *ws, struct told_event *told)
{
	struct told_task *task = &ws->tasks[ws->task_count];
	const struct told_project *project;

	if (!ws->project_count || ws->task_count == WORKSPACE_TASKS)
		return false;
	project = &ws->projects[any(ws, ws->project_count)];
	*task = (struct told_task){ .project_id = project->id,
		                    .is_private = project->is_private,
		                    .is_active = true };
	task->id = new_id(ws);
	task->name = wording_task(ws->dice);
	if (chance(ws, 50))
		task->estimated_seconds = between(ws, 1, 80) * 1800;
	if (chance(ws, 30))
		task->user_id = ws->somebody_id;
	if (chance(ws, 10)) {
		task->rate_cents = workspace_rate(ws);
		task->rate_us = ws->now_us;
	}
	ws->task_count++;
	say(told, TOLD_TASK, TOLD_CREATED);
	told->what.task = task;
	return true;
}

static bool change_task(struct workspace *ws, struct told_event *told)
{
	struct told_task *task;

	if (!ws->task_count)
		return false;
	task = &ws->tasks[any(ws, ws->task_count)];
	if (chance(ws, 70))
		task->is_active = !task->is_active;
	else
		task->name = wording_task(ws->dice);
	say(told, TOLD_TASK, TOLD_UPDATED);
	told->what.task = task;
	return true;
}

static bool remove_task(struct workspace *ws, struct told_event *told)
{
	int at;

	if (ws->task_count < 5)
		return false;
	at = any(ws, ws->task_count);
	ws->gone.task = ws->tasks[at];
	ws->tasks[at] = ws->tasks[--ws->task_count];
	say(told, TOLD_TASK, TOLD_DELETED);
	told->what.task = &ws->gone.task;
	return true;
}

bool workspace_keep(struct workspace *ws, bool is_admin, struct told_event *told)
{
	static const struct {
		int weight;
		bool is_for_all;
		workspace_act *act;
	} acts[] = {
		{ 24, true, workspace_add_tag },
		{ 9, true, change_tag },
		{ 7, true, remove_tag },
		{ 16, true, workspace_add_task },
		{ 14, true, change_task },
		{ 7, true, remove_task },
		{ 7, false, workspace_add_project },
		{ 14, false, workspace_change_project },
		{ 2, false, remove_project },
		{ 5, false, workspace_add_client },
		{ 5, false, change_client },
		{ 1, false, remove_client },
		{ 4, false, workspace_add_member },
		{ 2, false, change_member },
		{ 1, false, remove_member },
		{ 2, false, workspace_add_group },
		{ 1, false, remove_group },
		{ 1, false, workspace_change },
	};
	const int count = sizeof(acts) / sizeof(acts[0]);
	int total = 0, roll;

	for (int i = 0; i < count; i++)
		total += acts[i].weight;
	roll = any(ws, total);
	for (int i = 0; i < count; i++) {
		roll -= acts[i].weight;
		if (roll < 0)
			return (is_admin || acts[i].is_for_all) && acts[i].act(ws, told);
	}
	return false;
}
