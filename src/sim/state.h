/* SPDX-License-Identifier: ISC */
/* What a made-up workspace has besides time entries: rates and rounding, clients,
   projects and their members, tags, tasks; and the changes that people make to them. */
#ifndef HL_SIM_STATE_H
#define HL_SIM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"
#include "sim/payload.h"

enum {
	STATE_CLIENTS = 24,
	STATE_PROJECTS = 48,
	STATE_TAGS = 14, /* fewer than there are names for */
	STATE_TASKS = 64,
	STATE_MEMBERS = 64,
	STATE_GROUPS = 16, /* of people, given to projects */
};

struct state {
	struct prng *prng; /* borrowed */
	int64_t now_us;
	int64_t somebody_id; /* a user, for the next member of a project */
	int64_t last_id;

	struct payload_workspace own;
	struct payload_client clients[STATE_CLIENTS];
	struct payload_project projects[STATE_PROJECTS];
	struct payload_tag tags[STATE_TAGS];
	struct payload_task tasks[STATE_TASKS];
	struct payload_project_user members[STATE_MEMBERS];
	struct payload_project_group groups[STATE_GROUPS];
	int client_count, project_count, tag_count, task_count, member_count, group_count;

	/* what was deleted, for its event */
	union {
		struct payload_client client;
		struct payload_project project;
		struct payload_project_user member;
		struct payload_project_group group;
		struct payload_tag tag;
		struct payload_task task;
	} deleted;
};

/* Makes one change and sets model, action and entity of the payload; the entity is borrowed
   until the next change. false: there is nothing of the kind to change; the payload stays
   as it was. */
typedef bool state_act(struct state *ws, struct payload_event *payload);

state_act state_add_client, state_add_project, state_change_project;
state_act state_add_member, state_add_group, state_add_tag, state_add_task;
state_act state_change;

/* A random change, each as often as people make it; some only by administrators. */
bool state_keep(struct state *ws, bool is_admin, struct payload_event *payload);

/* 45 to 180 an hour, in quarters. */
int state_rate(struct state *ws);

#endif
