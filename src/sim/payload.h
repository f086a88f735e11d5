/* SPDX-License-Identifier: ISC */
/* Writes the exact bytes of a callback's body as Toggl does, with all its oddities. What
   happens is decided by the generator. */
#ifndef HL_SIM_PAYLOAD_H
#define HL_SIM_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "sim/names.h"

enum payload_model {
	PAYLOAD_CLIENT,
	PAYLOAD_PROJECT,
	PAYLOAD_PROJECT_GROUP,
	PAYLOAD_PROJECT_USER,
	PAYLOAD_TAG,
	PAYLOAD_TASK,
	PAYLOAD_TIME_ENTRY,
	PAYLOAD_WORKSPACE,
	PAYLOAD_WORKSPACE_USER,
};

enum payload_action { PAYLOAD_CREATED, PAYLOAD_UPDATED, PAYLOAD_DELETED };

enum { PAYLOAD_TAGS_MAX = 4, PAYLOAD_COLORS = 8, PAYLOAD_ZONES = 12, PAYLOAD_APPS = 5 };

struct payload_person {
	int64_t id;
	int64_t membership_id; /* of the workspace_user */
	struct phrase name;
	int zone;	 /* below PAYLOAD_ZONES */
	int app;	 /* below PAYLOAD_APPS */
	int rate_cents;	 /* 0: none */
	int labor_cents; /* labour cost of an hour; 0: unknown */
	int64_t rate_us; /* when the rate was set */
	bool is_admin;
};

struct payload_workspace {
	int64_t organization_id;
	struct phrase name;
	int rate_cents; /* of what has no rate of its own; 0: none */
	int64_t rate_us;
	int rounding_minutes; /* 0: reports do not round */
};

struct payload_client {
	int64_t id;
	struct phrase name;
	bool is_archived;
};

struct payload_project {
	int64_t id;
	int64_t client_id; /* 0: none */
	struct phrase name;
	int color;	     /* below PAYLOAD_COLORS */
	int rate_cents;	     /* 0: none */
	int fee_cents;	     /* for all of it; 0: billed by the hour */
	int estimated_hours; /* 0: none */
	int64_t created_us, rate_us;
	bool is_private, is_active, is_billable;
};

struct payload_project_user {
	int64_t id;
	int64_t project_id;
	int64_t user_id;
	int rate_cents; /* 0: none */
	int64_t rate_us;
	bool is_private; /* the project is */
	bool is_manager;
};

struct payload_project_group {
	int64_t id;
	int64_t project_id;
	int64_t group_id; /* of people */
	bool is_private;  /* the project is */
};

struct payload_tag {
	int64_t id;
	struct phrase name;
};

struct payload_task {
	int64_t id;
	int64_t project_id;
	struct phrase name;
	int64_t estimated_seconds; /* 0: none */
	int64_t user_id;	   /* who is to do it; 0: nobody */
	int rate_cents;		   /* 0: none */
	int64_t rate_us;
	bool is_private; /* the project is */
	bool is_active;
};

struct payload_entry {
	int64_t id;
	int64_t project_id; /* 0: none */
	int64_t task_id;    /* 0: none */
	struct phrase description;
	struct payload_tag tags[PAYLOAD_TAGS_MAX];
	int tag_count;
	int64_t start_us;
	int64_t stop_us; /* 0: it is running */
	bool is_private; /* the project is */
	bool is_billable;
};

struct payload_subscription {
	int64_t workspace_id;
	int64_t subscription_id;
	const char *url_callback;
};

struct payload_event {
	int64_t event_id;
	int64_t created_us;
	int64_t sent_ns; /* from created_us to the delivery */
	enum payload_action action;
	enum payload_model model; /* says which of these it is */
	union {
		const struct payload_client *client;
		const struct payload_project *project;
		const struct payload_project_group *project_group;
		const struct payload_project_user *project_user;
		const struct payload_tag *tag;
		const struct payload_task *task;
		const struct payload_entry *entry;
		const struct payload_workspace *workspace;
		const struct payload_person *person;
	} entity;
	const struct payload_person *by;
};

/* Minutes from UTC of a zone. */
int payload_zone_minutes(int zone);

const char *payload_model_word(enum payload_model model);
const char *payload_action_word(enum payload_action action);

/* The body of the event; appends. `scratch` is storage to work in. */
void payload_write_event(struct buf *out, struct buf *scratch,
			 const struct payload_subscription *subscription,
			 const struct payload_event *event);

/* The body of a ping that asks for `code`, or of one to a validated
   subscription (code NULL); appends. */
void payload_write_ping(struct buf *out, const struct payload_subscription *subscription,
			int64_t user_id, int64_t at_us, const char *code);

/* The same event delivered again at `at_ns` after created_us: `body` with
   another timestamp, and nothing else changed; appends. */
void payload_write_again(struct buf *out, struct str body, int64_t created_us, int64_t at_ns);

#endif
