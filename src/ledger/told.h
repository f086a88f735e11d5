/* SPDX-License-Identifier: ISC */
/* How Toggl tells of a thing that happened: the exact bytes of a callback's
   body, with all the oddities of the real ones. What happens is story's. */
#ifndef HL_LEDGER_TOLD_H
#define HL_LEDGER_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "ledger/wording.h"

enum told_model {
	TOLD_CLIENT,
	TOLD_PROJECT,
	TOLD_PROJECT_GROUP,
	TOLD_PROJECT_USER,
	TOLD_TAG,
	TOLD_TASK,
	TOLD_TIME_ENTRY,
	TOLD_WORKSPACE,
	TOLD_WORKSPACE_USER,
};

enum told_action { TOLD_CREATED, TOLD_UPDATED, TOLD_DELETED };

enum { TOLD_TAGS_MAX = 4, TOLD_COLORS = 8, TOLD_ZONES = 12, TOLD_APPS = 5 };

struct told_person {
	int64_t id;
	int64_t membership_id;	/* of the workspace_user */
	struct phrase name;
	int zone;		/* below TOLD_ZONES */
	int app;		/* below TOLD_APPS */
	int rate_cents;		/* 0: none */
	int labor_cents;	/* what an hour costs; 0: unknown */
	int64_t rate_us;	/* when the rate was set */
	bool is_admin;
};

struct told_workspace {
	int64_t organization_id;
	struct phrase name;
	int rate_cents;		/* of what has no rate of its own; 0: none */
	int64_t rate_us;
	int rounding_minutes;	/* 0: reports do not round */
};

struct told_client {
	int64_t id;
	struct phrase name;
	bool is_archived;
};

struct told_project {
	int64_t id;
	int64_t client_id;	/* 0: none */
	struct phrase name;
	int color;		/* below TOLD_COLORS */
	int rate_cents;		/* 0: none */
	int fee_cents;		/* for all of it; 0: billed by the hour */
	int estimated_hours;	/* 0: none */
	int64_t created_us, rate_us;
	bool is_private, is_active, is_billable;
};

struct told_project_user {
	int64_t id;
	int64_t project_id;
	int64_t user_id;
	int rate_cents;		/* 0: none */
	int64_t rate_us;
	bool is_private;	/* the project is */
	bool is_manager;
};

struct told_project_group {
	int64_t id;
	int64_t project_id;
	int64_t group_id;	/* of people */
	bool is_private;	/* the project is */
};

struct told_tag {
	int64_t id;
	struct phrase name;
};

struct told_task {
	int64_t id;
	int64_t project_id;
	struct phrase name;
	int64_t estimated_seconds;	/* 0: none */
	int64_t user_id;	/* who is to do it; 0: nobody */
	int rate_cents;		/* 0: none */
	int64_t rate_us;
	bool is_private;	/* the project is */
	bool is_active;
};

struct told_entry {
	int64_t id;
	int64_t project_id;	/* 0: none */
	int64_t task_id;	/* 0: none */
	struct phrase description;
	struct told_tag tags[TOLD_TAGS_MAX];
	int tag_count;
	int64_t start_us;
	int64_t stop_us;	/* 0: it is running */
	bool is_private;	/* the project is */
	bool is_billable;
};

struct told_place {
	int64_t workspace_id;
	int64_t subscription_id;
	const char *url_callback;
};

struct told_event {
	int64_t event_id;
	int64_t created_us;
	int64_t sent_ns;	/* from created_us to the delivery */
	enum told_action action;
	enum told_model model;	/* says which of these it is */
	union {
		const struct told_client *client;
		const struct told_project *project;
		const struct told_project_group *project_group;
		const struct told_project_user *project_user;
		const struct told_tag *tag;
		const struct told_task *task;
		const struct told_entry *entry;
		const struct told_workspace *workspace;
		const struct told_person *person;
	} what;
	const struct told_person *by;
};

/* Minutes from UTC of a zone. */
int told_zone_minutes(int zone);

const char *told_model_word(enum told_model model);
const char *told_action_word(enum told_action action);

/* The body of the event; appends. `scratch` is storage to work in. */
void told_write_event(struct buf *out, struct buf *scratch, const struct told_place *place,
                      const struct told_event *event);

/* The body of a ping that asks for `code`, or of one to a validated
   subscription (code NULL); appends. */
void told_write_ping(struct buf *out, const struct told_place *place, int64_t user_id,
                     int64_t at_us, const char *code);

/* The same event delivered again at `at_ns` after created_us: `body` with
   another timestamp, and nothing else changed; appends. */
void told_write_again(struct buf *out, struct str body, int64_t created_us, int64_t at_ns);

#endif
