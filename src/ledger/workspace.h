/* SPDX-License-Identifier: ISC */
/* What a made-up workspace has besides time entries: rates and rounding, clients,
   projects and who belongs to them, tags, tasks; and what people do to keep them in order. */
#ifndef HL_LEDGER_WORKSPACE_H
#define HL_LEDGER_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dice.h"
#include "ledger/told.h"

enum {
	WORKSPACE_CLIENTS = 24,
	WORKSPACE_PROJECTS = 48,
	WORKSPACE_TAGS = 14,	/* fewer than there are names for */
	WORKSPACE_TASKS = 64,
	WORKSPACE_MEMBERS = 64,
	WORKSPACE_GROUPS = 16,	/* of people, given to projects */
};

struct workspace {
	struct dice *dice;	/* borrowed */
	int64_t now_us;
	int64_t somebody_id;	/* a user, for the next member of a project */
	int64_t last_id;

	struct told_workspace own;
	struct told_client clients[WORKSPACE_CLIENTS];
	struct told_project projects[WORKSPACE_PROJECTS];
	struct told_tag tags[WORKSPACE_TAGS];
	struct told_task tasks[WORKSPACE_TASKS];
	struct told_project_user members[WORKSPACE_MEMBERS];
	struct told_project_group groups[WORKSPACE_GROUPS];
	int client_count, project_count, tag_count, task_count, member_count, group_count;

	/* what was deleted, for the event that says so */
	union {
		struct told_client client;
		struct told_project project;
		struct told_project_user member;
		struct told_project_group group;
		struct told_tag tag;
		struct told_task task;
	} gone;
};

/* Does one thing and says which: model, action and what of `told`, borrowed
   until the next change. false, with nothing said: there is nothing of the
   kind to do now. */
typedef bool workspace_act(struct workspace *ws, struct told_event *told);

workspace_act workspace_add_client, workspace_add_project, workspace_change_project;
workspace_act workspace_add_member, workspace_add_group, workspace_add_tag, workspace_add_task;
workspace_act workspace_change;

/* Any act, as often as people do it; some are for administrators only. */
bool workspace_keep(struct workspace *ws, bool is_admin, struct told_event *told);

/* 45 to 180 an hour, in quarters. */
int workspace_rate(struct workspace *ws);

#endif
