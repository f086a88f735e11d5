/* SPDX-License-Identifier: ISC */
/* Written by hand into one buffer, numbers and times included: printf or a JSON library would
   take longer than the generator and the HMAC together. */
#include "sim/payload.h"

#include <string.h>
#include <time.h>

#include "base/json.h"

/* RFC 3339 as the parts of Toggl spell it. */
enum spelling {
	SECONDS_Z,	/* 2026-07-17T11:43:32Z */
	SECONDS_OFFSET, /* 2026-07-17T11:43:32+00:00 */
	TRIMMED,	/* 2026-07-17T11:43:32.8Z: as many decimals as it takes */
	NANOS,		/* 2026-07-17T11:43:32.827000000Z */
};

static const struct {
	const char *name;
	int minutes;
} zones[PAYLOAD_ZONES] = {
	{ "Europe/Tallinn", 180 },	 { "Europe/Berlin", 120 },     { "Europe/Paris", 120 },
	{ "Europe/London", 60 },	 { "America/New_York", -240 }, { "Europe/Warsaw", 120 },
	{ "America/Los_Angeles", -420 }, { "Asia/Kolkata", 330 },      { "Asia/Tokyo", 540 },
	{ "America/Sao_Paulo", -180 },	 { "Australia/Sydney", 600 },  { "Asia/Kathmandu", 345 },
};

static const char *const apps[PAYLOAD_APPS] = {
	"TrackExtension/3.0.11",   "Snowball", "Toggl Track Android/4.11.2", "toggl-cli",
	"Toggl Track iOS/10.14.0",
};

static const char *const colors[PAYLOAD_COLORS] = {
	"#0b83d9", "#9e5bd9", "#d94182", "#e36a00", "#bf7000", "#2da608", "#06a893", "#525266",
};

static const struct {
	const char *word;
	const char *path;   /* after /workspaces/{id}/ */
	const char *id_key; /* in metadata */
} models[] = {
	[PAYLOAD_CLIENT] = { "client", "clients", "client_id" },
	[PAYLOAD_PROJECT] = { "project", "projects", "project_id" },
	[PAYLOAD_PROJECT_GROUP] = { "project_group", "project_groups", "project_group_id" },
	[PAYLOAD_PROJECT_USER] = { "project_user", "project_users", "project_user_id" },
	[PAYLOAD_TAG] = { "tag", "tags", "tag_id" },
	[PAYLOAD_TASK] = { "task", "tasks", "task_id" },
	[PAYLOAD_TIME_ENTRY] = { "time_entry", "time_entries", "time_entry_id" },
	[PAYLOAD_WORKSPACE] = { "workspace", NULL, "workspace_id" },
	[PAYLOAD_WORKSPACE_USER] = { "workspace_user", "workspace_users", "workspace_user_id" },
};

static const char *const actions[] = { "created", "updated", "deleted" };

int payload_zone_minutes(int zone)
{
	return zones[zone].minutes;
}

const char *payload_model_word(enum payload_model model)
{
	return models[model].word;
}

const char *payload_action_word(enum payload_action action)
{
	return actions[action];
}

/* ---- pieces */

static void add(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text));
}

static void add_int(struct buf *out, int64_t value)
{
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	buf_add(out, digits + at, sizeof(digits) - at);
}

static void add_digits(struct buf *out, int64_t value, size_t count)
{
	char digits[12];

	for (size_t i = count; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	buf_add(out, digits, count);
}

/* The day in UTC, of times after 1970. */
static void add_day(struct buf *out, const struct tm *utc)
{
	add_digits(out, utc->tm_year + 1900, 4);
	buf_add_char(out, '-');
	add_digits(out, utc->tm_mon + 1, 2);
	buf_add_char(out, '-');
	add_digits(out, utc->tm_mday, 2);
}

static void add_date(struct buf *out, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	add_day(out, &utc);
}

static void add_time(struct buf *out, int64_t us, int64_t ns, enum spelling spelling)
{
	int64_t whole = us + ns / 1000, fraction = whole % 1000000 * 1000 + ns % 1000;
	time_t seconds = (time_t)(whole / 1000000);
	size_t decimals = 9;
	struct tm utc;

	gmtime_r(&seconds, &utc);
	add_day(out, &utc);
	buf_add_char(out, 'T');
	add_digits(out, utc.tm_hour, 2);
	buf_add_char(out, ':');
	add_digits(out, utc.tm_min, 2);
	buf_add_char(out, ':');
	add_digits(out, utc.tm_sec, 2);
	if (spelling == TRIMMED)
		for (; decimals && fraction % 10 == 0; decimals--)
			fraction /= 10;
	if (decimals && spelling >= TRIMMED) {
		buf_add_char(out, '.');
		add_digits(out, fraction, decimals);
	}
	add(out, spelling == SECONDS_OFFSET ? "+00:00" : "Z");
}

static void put_time(struct buf *out, const char *key, int64_t us, enum spelling spelling)
{
	add(out, key);
	buf_add_char(out, '"');
	add_time(out, us, 0, spelling);
	buf_add_char(out, '"');
}

/* Null when there is none (0). */
static void put_time_or_null(struct buf *out, const char *key, int64_t us, enum spelling spelling)
{
	if (us) {
		put_time(out, key, us, spelling);
	} else {
		add(out, key);
		add(out, "null");
	}
}

/* Keys come with their comma and colon: ",\"id\":". */
static void put_int(struct buf *out, const char *key, int64_t value)
{
	add(out, key);
	add_int(out, value);
}

static void put_int_text(struct buf *out, const char *key, int64_t value)
{
	add(out, key);
	buf_add_char(out, '"');
	add_int(out, value);
	buf_add_char(out, '"');
}

static void put_int_or_null(struct buf *out, const char *key, int64_t value)
{
	add(out, key);
	if (value)
		add_int(out, value);
	else
		add(out, "null");
}

static void put_bool(struct buf *out, const char *key, bool value)
{
	add(out, key);
	add(out, value ? "true" : "false");
}

/* 85 or 85.5 or 85.25, as a number; null for 0. */
static void put_money(struct buf *out, const char *key, int cents)
{
	add(out, key);
	if (!cents) {
		add(out, "null");
		return;
	}
	add_int(out, cents / 100);
	if (cents % 100) {
		buf_add_char(out, '.');
		add_digits(out, cents % 10 ? cents % 100 : cents % 100 / 10, cents % 10 ? 2 : 1);
	}
}

static void put_phrase(struct buf *out, const char *key, struct phrase phrase)
{
	struct buf text = { 0 };

	add(out, key);
	names_write(&text, phrase);
	json_quote(out, (struct str){ buf_text(&text), text.len });
	buf_done(&text);
}

/* "tag_ids" is null where there are none, "tags" is []. */
static void put_tags(struct buf *out, const char *key, const struct payload_entry *entry)
{
	add(out, key);
	buf_add_char(out, '[');
	for (int i = 0; i < entry->tag_count; i++)
		put_phrase(out, i ? "," : "", entry->tags[i].name);
	buf_add_char(out, ']');
}

static void put_tag_ids(struct buf *out, const char *key, const struct payload_entry *entry)
{
	add(out, key);
	if (!entry->tag_count) {
		add(out, "null");
		return;
	}
	for (int i = 0; i < entry->tag_count; i++)
		put_int(out, i ? "," : "[", entry->tags[i].id);
	buf_add_char(out, ']');
}

/* A running entry counts from minus the Unix time of its start. */
static int64_t duration(const struct payload_entry *entry)
{
	if (!entry->stop_us)
		return -(entry->start_us / 1000000);
	return entry->stop_us / 1000000 - entry->start_us / 1000000;
}

static bool is_stop_button(const struct payload_event *event)
{
	const struct payload_entry *entry = event->entity.entry;

	/* stopped just now, by an app that has its own call for it */
	return event->model == PAYLOAD_TIME_ENTRY && event->action == PAYLOAD_UPDATED &&
	       event->by->app >= 2 && entry->stop_us / 1000000 == event->created_us / 1000000;
}

/* ---- the request to Toggl's API that caused the event */

static void write_entry_request(struct buf *out, const struct payload_subscription *subscription,
				const struct payload_event *event)
{
	const struct payload_entry *entry = event->entity.entry;
	bool is_new = event->action == PAYLOAD_CREATED;

	if (is_new) {
		put_time(out, "{\"at\":", event->created_us, TRIMMED);
		put_bool(out, ",\"billable\":", entry->is_billable);
		put_phrase(out, ",\"description\":", entry->description);
		put_int(out, ",\"duration\":", duration(entry));
		if (entry->project_id)
			put_int(out, ",\"project_id\":", entry->project_id);
		put_time(out, ",\"start\":", entry->start_us, TRIMMED);
		if (entry->stop_us)
			put_time(out, ",\"stop\":", entry->stop_us, TRIMMED);
		put_tags(out, ",\"tags\":", entry);
		put_int(out, ",\"workspace_id\":", subscription->workspace_id);
		add(out, ",\"created_with\":\"");
		add(out, apps[event->by->app]);
		add(out, "\"}");
		return;
	}
	put_int(out, "{\"id\":", entry->id);
	put_int(out, ",\"workspace_id\":", subscription->workspace_id);
	put_int_or_null(out, ",\"project_id\":", entry->project_id);
	put_int_or_null(out, ",\"task_id\":", entry->task_id);
	put_bool(out, ",\"billable\":", entry->is_billable);
	put_time(out, ",\"start\":", entry->start_us, SECONDS_Z);
	put_int(out, ",\"duration\":", duration(entry));
	put_phrase(out, ",\"description\":", entry->description);
	put_tags(out, ",\"tags\":", entry);
	buf_add_char(out, '}');
}

static void write_request(struct buf *out, const struct payload_subscription *subscription,
			  const struct payload_event *event)
{
	if (event->action == PAYLOAD_DELETED || is_stop_button(event)) {
		add(out, "{}");
		return;
	}
	switch (event->model) {
	case PAYLOAD_CLIENT:
		put_phrase(out, "{\"name\":", event->entity.client->name);
		if (event->action == PAYLOAD_UPDATED)
			put_bool(out, ",\"archived\":", event->entity.client->is_archived);
		put_int(out, ",\"wid\":", subscription->workspace_id);
		break;
	case PAYLOAD_PROJECT:
		put_phrase(out, "{\"name\":", event->entity.project->name);
		put_int_or_null(out, ",\"client_id\":", event->entity.project->client_id);
		put_bool(out, ",\"is_private\":", event->entity.project->is_private);
		add(out, ",\"color\":\"");
		add(out, colors[event->entity.project->color]);
		put_bool(out, "\",\"active\":", event->entity.project->is_active);
		if (event->entity.project->rate_cents)
			put_money(out, ",\"rate\":", event->entity.project->rate_cents);
		break;
	case PAYLOAD_PROJECT_GROUP:
		put_int(out, "{\"project_id\":", event->entity.project_group->project_id);
		put_int(out, ",\"group_id\":", event->entity.project_group->group_id);
		break;
	case PAYLOAD_PROJECT_USER:
		put_int(out, "{\"project_id\":", event->entity.project_user->project_id);
		put_int(out, ",\"user_id\":", event->entity.project_user->user_id);
		put_bool(out, ",\"manager\":", event->entity.project_user->is_manager);
		put_money(out, ",\"rate\":", event->entity.project_user->rate_cents);
		break;
	case PAYLOAD_TAG:
		put_phrase(out, "{\"name\":", event->entity.tag->name);
		break;
	case PAYLOAD_TASK:
		put_phrase(out, "{\"name\":", event->entity.task->name);
		put_bool(out, ",\"active\":", event->entity.task->is_active);
		put_int(out, ",\"estimated_seconds\":", event->entity.task->estimated_seconds);
		break;
	case PAYLOAD_TIME_ENTRY:
		write_entry_request(out, subscription, event);
		return;
	case PAYLOAD_WORKSPACE:
		put_phrase(out, "{\"name\":", event->entity.workspace->name);
		put_money(out, ",\"default_currency\":\"EUR\",\"default_hourly_rate\":",
			  event->entity.workspace->rate_cents);
		put_int(out, ",\"rounding_minutes\":", event->entity.workspace->rounding_minutes);
		break;
	case PAYLOAD_WORKSPACE_USER:
		put_bool(out, "{\"admin\":", event->entity.person->is_admin);
		put_money(out, ",\"rate\":", event->entity.person->rate_cents);
		break;
	}
	buf_add_char(out, '}');
}

/* ---- the entity as it is now */

static void put_deleted(struct buf *out, const char *key, const struct payload_event *event)
{
	put_time_or_null(out, key, event->action == PAYLOAD_DELETED ? event->created_us : 0,
			 SECONDS_Z);
}

static void write_entry(struct buf *out, const struct payload_subscription *subscription,
			const struct payload_event *event)
{
	const struct payload_entry *entry = event->entity.entry;

	put_time(out, "{\"at\":", event->created_us, SECONDS_OFFSET);
	put_bool(out, ",\"billable\":", entry->is_billable);
	put_phrase(out, ",\"description\":", entry->description);
	put_int(out, ",\"duration\":", duration(entry));
	put_int(out, ",\"duronly\":true,\"id\":", entry->id);
	put_int_or_null(out, ",\"project_id\":", entry->project_id);
	put_deleted(out, ",\"server_deleted_at\":", event);
	put_time(out, ",\"start\":", entry->start_us, SECONDS_Z);
	if (entry->stop_us)
		put_time(out, ",\"stop\":", entry->stop_us, SECONDS_Z);
	else
		add(out, ",\"stop\":null");
	put_tag_ids(out, ",\"tag_ids\":", entry);
	put_tags(out, ",\"tags\":", entry);
	put_int_or_null(out, ",\"task_id\":", entry->task_id);
	put_int(out, ",\"uid\":", event->by->id);
	put_int(out, ",\"user_id\":", event->by->id);
	put_int(out, ",\"wid\":", subscription->workspace_id);
	put_int(out, ",\"workspace_id\":", subscription->workspace_id);
	if (entry->project_id)
		put_int(out, ",\"pid\":", entry->project_id);
	if (entry->task_id)
		put_int(out, ",\"tid\":", entry->task_id);
}

static void write_project(struct buf *out, const struct payload_subscription *subscription,
			  const struct payload_event *event)
{
	const struct payload_project *project = event->entity.project;

	put_int(out, "{\"id\":", project->id);
	put_int(out, ",\"workspace_id\":", subscription->workspace_id);
	put_int(out, ",\"wid\":", subscription->workspace_id);
	put_int_or_null(out, ",\"client_id\":", project->client_id);
	if (project->client_id)
		put_int(out, ",\"cid\":", project->client_id);
	put_phrase(out, ",\"name\":", project->name);
	put_bool(out, ",\"is_private\":", project->is_private);
	put_bool(out, ",\"active\":", project->is_active);
	put_time(out, ",\"at\":", event->created_us, SECONDS_OFFSET);
	put_time(out, ",\"created_at\":", project->created_us, SECONDS_OFFSET);
	put_deleted(out, ",\"server_deleted_at\":", event);
	add(out, ",\"color\":\"");
	add(out, colors[project->color]);
	put_bool(out, "\",\"billable\":", project->is_billable);
	put_int_or_null(out, ",\"template\":null,\"auto_estimates\":null,\"estimated_hours\":",
			project->estimated_hours);
	put_int_or_null(out, ",\"estimated_seconds\":", project->estimated_hours * INT64_C(3600));
	put_money(out, ",\"rate\":", project->rate_cents);
	put_time_or_null(out, ",\"rate_last_updated\":", project->rate_us, TRIMMED);
	add(out, project->rate_cents || project->fee_cents ? ",\"currency\":\"EUR\""
							   : ",\"currency\":null");
	put_money(out, ",\"recurring\":false,\"fixed_fee\":", project->fee_cents);
	add(out, ",\"actual_hours\":0,\"actual_seconds\":0,\"start_date\":\"");
	add_date(out, project->created_us);
	add(out, "\",\"end_date\":null,\"can_track_time\":true,\"pinned\":false,\"status\":");
	add(out, event->action == PAYLOAD_DELETED ? "\"deleted\""
		 : project->is_active		  ? "\"active\""
						  : "\"archived\"");
}

/* A made-up secret, which hookledger must hide from readers; `key` ends with a quote. */
static void put_secret(struct buf *out, const char *key, int64_t number)
{
	add(out, key);
	add(out, "5ec2e7");
	add_digits(out, number, 12);
	buf_add_char(out, '"');
}

static void write_person(struct buf *out, const struct payload_subscription *subscription,
			 const struct payload_event *event)
{
	const struct payload_person *person = event->entity.person;

	put_int(out, "{\"id\":", person->membership_id);
	put_int(out, ",\"user_id\":", person->id);
	put_int(out, ",\"uid\":", person->id);
	put_int(out, ",\"workspace_id\":", subscription->workspace_id);
	put_int(out, ",\"wid\":", subscription->workspace_id);
	put_bool(out, ",\"admin\":", person->is_admin);
	put_bool(out, ",\"workspace_admin\":", person->is_admin);
	add(out, ",\"organization_admin\":false,\"active\":true,\"inactive\":false");
	put_time(out, ",\"at\":", event->created_us, SECONDS_OFFSET);
	put_phrase(out, ",\"name\":", person->name);
	put_int(out, ",\"email\":\"user", person->id);
	add(out, "@example.org\",\"timezone\":\"");
	add(out, zones[person->zone].name);
	put_money(out, "\",\"group_ids\":null,\"rate\":", person->rate_cents);
	put_time_or_null(out, ",\"rate_last_updated\":", person->rate_us, TRIMMED);
	put_money(out, ",\"labor_cost\":", person->labor_cents);
	add(out,
	    ",\"labor_cost_last_updated\":null,\"working_hours_in_minutes\":480,\"is_direct\":true,"
	    "\"2fa_enabled\":false,\"avatar_file_name\":null,\"role\":");
	add(out, person->is_admin ? "\"admin\"" : "\"user\"");
	if (event->action != PAYLOAD_CREATED)
		return;
	/* anybody who reads an invitation can use it */
	put_secret(out, ",\"invitation_code\":\"", person->membership_id);
	put_secret(out, ",\"invite_url\":\"https://track.toggl.com/invitations?code=",
		   person->membership_id);
}

static void write_workspace(struct buf *out, const struct payload_subscription *subscription,
			    const struct payload_event *event)
{
	const struct payload_workspace *workspace = event->entity.workspace;

	put_int(out, "{\"id\":", subscription->workspace_id);
	put_int(out, ",\"organization_id\":", workspace->organization_id);
	put_phrase(out, ",\"name\":", workspace->name);
	add(out, ",\"premium\":true,\"business_ws\":false,\"admin\":true,\"role\":\"admin\","
		 "\"suspended_at\":null,\"server_deleted_at\":null,\"default_hourly_rate\":");
	put_money(out, "", workspace->rate_cents);
	put_time_or_null(out, ",\"rate_last_updated\":", workspace->rate_us, TRIMMED);
	add(out, ",\"default_currency\":\"EUR\",\"only_admins_may_create_projects\":true,"
		 "\"only_admins_may_create_tags\":false,\"only_admins_see_team_dashboard\":false,"
		 "\"projects_billable_by_default\":true,\"projects_private_by_default\":false,"
		 "\"reports_collapse\":true,\"working_hours_in_minutes\":480,\"rounding\":1");
	put_int(out, ",\"rounding_minutes\":", workspace->rounding_minutes);
	put_secret(out, ",\"api_token\":\"", subscription->workspace_id);
	put_time(out, ",\"at\":", event->created_us, SECONDS_OFFSET);
	add(out, ",\"logo_url\":\"https://assets.example.org/images/workspace.jpg\"");
	put_secret(out, ",\"ical_url\":\"/ical/workspace_user/", subscription->workspace_id);
	put_time(out,
		 ",\"ical_enabled\":true,\"csv_upload\":null,\"subscription\":null,\"last_"
		 "modified\":",
		 event->created_us, SECONDS_Z);
}

static void write_payload(struct buf *out, const struct payload_subscription *subscription,
			  const struct payload_event *event)
{
	switch (event->model) {
	case PAYLOAD_CLIENT:
		put_int(out, "{\"id\":", event->entity.client->id);
		put_int(out, ",\"wid\":", subscription->workspace_id);
		put_bool(out, ",\"archived\":", event->entity.client->is_archived);
		put_phrase(out, ",\"name\":", event->entity.client->name);
		put_time(out, ",\"at\":", event->created_us, SECONDS_OFFSET);
		put_int(out, ",\"creator_id\":", event->by->id);
		if (event->action == PAYLOAD_DELETED)
			put_deleted(out, ",\"server_deleted_at\":", event);
		break;
	case PAYLOAD_PROJECT:
		write_project(out, subscription, event);
		break;
	case PAYLOAD_PROJECT_GROUP:
		put_int(out, "{\"id\":", event->entity.project_group->id);
		put_int(out, ",\"group_id\":", event->entity.project_group->group_id);
		put_int(out, ",\"pid\":", event->entity.project_group->project_id);
		put_int(out, ",\"wid\":", subscription->workspace_id);
		break;
	case PAYLOAD_PROJECT_USER:
		put_int(out, "{\"id\":", event->entity.project_user->id);
		put_int(out, ",\"project_id\":", event->entity.project_user->project_id);
		put_int(out, ",\"user_id\":", event->entity.project_user->user_id);
		put_int(out, ",\"workspace_id\":", subscription->workspace_id);
		put_bool(out, ",\"manager\":", event->entity.project_user->is_manager);
		put_money(out, ",\"rate\":", event->entity.project_user->rate_cents);
		put_time_or_null(out,
				 ",\"rate_last_updated\":", event->entity.project_user->rate_us,
				 TRIMMED);
		put_time(out, ",\"labor_cost\":null,\"group_id\":null,\"gid\":null,\"at\":",
			 event->created_us, SECONDS_OFFSET);
		break;
	case PAYLOAD_TAG:
		put_int(out, "{\"id\":", event->entity.tag->id);
		put_int(out, ",\"workspace_id\":", subscription->workspace_id);
		put_phrase(out, ",\"name\":", event->entity.tag->name);
		put_time(out, ",\"at\":", event->created_us, TRIMMED);
		put_int(out, ",\"creator_id\":", event->by->id);
		if (event->action == PAYLOAD_DELETED)
			put_deleted(out, ",\"deleted_at\":", event);
		break;
	case PAYLOAD_TASK:
		put_int(out, "{\"id\":", event->entity.task->id);
		put_phrase(out, ",\"name\":", event->entity.task->name);
		put_int(out, ",\"workspace_id\":", subscription->workspace_id);
		put_int(out, ",\"project_id\":", event->entity.task->project_id);
		put_int_or_null(out, ",\"user_id\":", event->entity.task->user_id);
		put_int(out, ",\"recurring\":false,\"estimated_seconds\":",
			event->entity.task->estimated_seconds);
		put_money(out, ",\"rate\":", event->entity.task->rate_cents);
		put_time_or_null(out, ",\"rate_last_updated\":", event->entity.task->rate_us,
				 TRIMMED);
		put_bool(out, ",\"active\":", event->entity.task->is_active);
		put_deleted(out, ",\"server_deleted_at\":", event);
		put_time(out, ",\"tracked_seconds\":0,\"at\":", event->created_us, SECONDS_OFFSET);
		break;
	case PAYLOAD_TIME_ENTRY:
		write_entry(out, subscription, event);
		break;
	case PAYLOAD_WORKSPACE:
		write_workspace(out, subscription, event);
		break;
	case PAYLOAD_WORKSPACE_USER:
		write_person(out, subscription, event);
		break;
	}
	buf_add_char(out, '}');
}

/* ---- the whole */

static int64_t entity_id(const struct payload_subscription *subscription,
			 const struct payload_event *event)
{
	switch (event->model) {
	case PAYLOAD_CLIENT:
		return event->entity.client->id;
	case PAYLOAD_PROJECT:
		return event->entity.project->id;
	case PAYLOAD_PROJECT_GROUP:
		return event->entity.project_group->id;
	case PAYLOAD_PROJECT_USER:
		return event->entity.project_user->id;
	case PAYLOAD_TAG:
		return event->entity.tag->id;
	case PAYLOAD_TASK:
		return event->entity.task->id;
	case PAYLOAD_TIME_ENTRY:
		return event->entity.entry->id;
	case PAYLOAD_WORKSPACE:
		return subscription->workspace_id;
	case PAYLOAD_WORKSPACE_USER:
		return event->entity.person->membership_id;
	}
	return 0;
}

/* The project that the entity belongs to, 0 if none. */
static int64_t project_of(const struct payload_event *event, bool *is_private)
{
	switch (event->model) {
	case PAYLOAD_PROJECT:
		*is_private = event->entity.project->is_private;
		return event->entity.project->id;
	case PAYLOAD_PROJECT_GROUP:
		*is_private = event->entity.project_group->is_private;
		return event->entity.project_group->project_id;
	case PAYLOAD_PROJECT_USER:
		*is_private = event->entity.project_user->is_private;
		return event->entity.project_user->project_id;
	case PAYLOAD_TASK:
		*is_private = event->entity.task->is_private;
		return event->entity.task->project_id;
	case PAYLOAD_TIME_ENTRY:
		*is_private = event->entity.entry->is_private;
		return event->entity.entry->project_id;
	default:
		return 0;
	}
}

static void write_path(struct buf *out, const struct payload_subscription *subscription,
		       const struct payload_event *event)
{
	bool is_private;

	put_int(out, "/api/v9/workspaces/", subscription->workspace_id);
	if (event->model == PAYLOAD_WORKSPACE)
		return;
	if (event->model == PAYLOAD_TASK)
		put_int(out, "/projects/", project_of(event, &is_private));
	buf_add_char(out, '/');
	add(out, models[event->model].path);
	if (event->action != PAYLOAD_CREATED)
		put_int(out, "/", entity_id(subscription, event));
	if (is_stop_button(event))
		add(out, "/stop");
}

static void write_metadata(struct buf *out, struct buf *scratch,
			   const struct payload_subscription *subscription,
			   const struct payload_event *event)
{
	int64_t project_id, id = entity_id(subscription, event);
	bool is_private = false;

	add(out, ",\"metadata\":{\"action\":\"");
	add(out, actions[event->action]);
	put_int_text(out, "\",\"event_user_id\":", event->by->id);
	add(out, ",\"model\":\"");
	add(out, models[event->model].word);
	put_int_text(out, "\",\"model_owner_id\":", event->by->id);
	add(out, ",\"path\":\"");
	write_path(out, subscription, event);
	add(out, "\",\"request_body\":");
	buf_clear(scratch);
	write_request(scratch, subscription, event);
	json_quote(out, buf_str(scratch));
	add(out, ",\"request_type\":");
	add(out, event->action == PAYLOAD_CREATED   ? "\"POST\""
		 : event->action == PAYLOAD_DELETED ? "\"DELETE\""
		 : is_stop_button(event)	    ? "\"PATCH\""
						    : "\"PUT\"");
	project_id = project_of(event, &is_private);
	if (project_id) {
		put_int_text(out, ",\"project_id\":", project_id);
		add(out, ",\"project_is_private\":");
		add(out, is_private ? "\"true\"" : "\"false\"");
	}
	if (event->model != PAYLOAD_PROJECT && event->model != PAYLOAD_WORKSPACE) {
		add(out, ",\"");
		add(out, models[event->model].id_key);
		put_int_text(out, "\":", id);
	}
	put_int_text(out, ",\"workspace_id\":", subscription->workspace_id);
	buf_add_char(out, '}');
}

void payload_write_event(struct buf *out, struct buf *scratch,
			 const struct payload_subscription *subscription,
			 const struct payload_event *event)
{
	put_int(out, "{\"event_id\":", event->event_id);
	put_time(out, ",\"created_at\":", event->created_us, TRIMMED);
	put_int(out, ",\"creator_id\":", event->by->id);
	write_metadata(out, scratch, subscription, event);
	add(out, ",\"payload\":");
	write_payload(out, subscription, event);
	put_int(out, ",\"subscription_id\":", subscription->subscription_id);
	add(out, ",\"timestamp\":\"");
	add_time(out, event->created_us, event->sent_ns, NANOS);
	add(out, "\",\"url_callback\":");
	json_quote(out, str_of(subscription->url_callback));
	buf_add_char(out, '}');
}

void payload_write_ping(struct buf *out, const struct payload_subscription *subscription,
			int64_t user_id, int64_t at_us, const char *code)
{
	put_time(out, "{\"event_id\":0,\"created_at\":", at_us, NANOS);
	put_int(out, ",\"creator_id\":", user_id);
	/* the only number in metadata that is not in quotes */
	put_int(out, ",\"metadata\":{\"request_type\":\"POST\",\"event_user_id\":", user_id);
	put_int(out, "},\"payload\":\"ping\",\"subscription_id\":", subscription->subscription_id);
	put_time(out, ",\"timestamp\":", at_us, NANOS);
	add(out, ",\"url_callback\":");
	json_quote(out, str_of(subscription->url_callback));
	if (code) {
		add(out, ",\"validation_code\":");
		json_quote(out, str_of(code));
		put_int(out,
			",\"validation_code_url\":\"https://api.track.toggl.com/webhooks/api/v1/"
			"validate/",
			subscription->workspace_id);
		put_int(out, "/", subscription->subscription_id);
		buf_add_char(out, '/');
		add(out, code);
		buf_add_char(out, '"');
	}
	buf_add_char(out, '}');
}

void payload_write_again(struct buf *out, struct str body, int64_t created_us, int64_t at_ns)
{
	/* No text inside the body can hold this: its quotes would be escaped. */
	static const char key[] = ",\"timestamp\":\"";
	const char *found = memmem(body.at, body.len, key, sizeof(key) - 1);
	const char *end = body.at + body.len, *from, *to;

	if (!found) {
		buf_add_str(out, body);
		return;
	}
	from = found + sizeof(key) - 1;
	to = memchr(from, '"', (size_t)(end - from));
	buf_add(out, body.at, (size_t)(from - body.at));
	add_time(out, created_us, at_ns, NANOS);
	buf_add(out, to, (size_t)(end - to));
}
