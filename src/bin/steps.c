/* SPDX-License-Identifier: ISC */
#include "bin/steps.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "bin/input.h"
#include "bin/term.h"

/* A file of sql/ has tens of kilobytes. */
enum { SQL_MAX = 4 * 1024 * 1024, NUMBER_DIGITS = 4 };

/* In the order of what uses what; the grants come last. */
static const char *const door_files[] = {
	"ledger.sql",
	"fields.sql",
	"tables.sql",
	"history.sql",
	"toggl.sql",
	"spreadsheet.sql",
	"hours.sql",
	"money.sql",
	"moments.sql",
	"pass_on.sql",
	"may_see.sql",
	"toggl_gate.sql",
	"toggl_plan.sql",
	"toggl_step.sql",
	"toggl_load.sql",
	"toggl_jobs.sql",
	"pulse.sql",
	"watch.sql",
	"receiver.sql",
	"operator.sql",
	"sealing.sql",
	"invoice.sql",
	"rebuild.sql",
	"retention.sql",
	"forget.sql",
	"export.sql",
	"logins.sql",
	"accounts.sql",
	"api.sql",
	"api_events.sql",
	"published.sql",
	"api_v9.sql",
	"deliveries.sql",
	"replay.sql",
	"courier.sql",
	"admin.sql",
	"admin_totp.sql", "operators.sql",
	"admin_people.sql",
	"admin_subscribers.sql",
	"admin_subscriptions.sql",
	"admin_deliveries.sql",
	"admin_endpoints.sql",
	"admin_ticks.sql",
	"admin_toggl.sql",
	"toggl_doors.sql",
	"notices.sql",
	"watch_doors.sql",
	"metrics.sql",
	"admin_watch.sql",
	"finding.sql",
	"admin_events.sql",
	"admin_event.sql",
	"admin_overview.sql",
	"admin_time.sql",
	"grants.sql",
	"roles.sql",
};

enum { DOOR_FILES = sizeof(door_files) / sizeof(door_files[0]) };

static void sum(struct str text, char hex[CHECKSUM_CHARS + 1])
{
	unsigned char digest[DIGEST_BYTES];
	struct buf out = { 0 };

	crypto_digest(text, digest);
	buf_add_hex(&out, digest, sizeof(digest));
	memcpy(hex, out.at, CHECKSUM_CHARS + 1);
	buf_done(&out);
}

static bool read_sql(const char *dir, const char *name, struct buf *text)
{
	struct buf path = { 0 };
	bool fine;

	buf_addf(&path, "%s/%s", dir, name);
	fine = input_file(buf_text(&path), SQL_MAX, text);
	buf_done(&path);
	return fine;
}

/* "0001_ledger.sql" */
static bool is_migration(const char *name, int64_t *version)
{
	struct str number = { .at = name, .len = NUMBER_DIGITS };
	size_t len = strlen(name);

	return len > NUMBER_DIGITS + 5 && name[NUMBER_DIGITS] == '_' &&
	       strcmp(name + len - 4, ".sql") == 0 && name[0] != '-' && str_int(number, version) &&
	       *version > 0;
}

static int only_migrations(const struct dirent *entry)
{
	int64_t version;

	return is_migration(entry->d_name, &version);
}

static bool add_migration(struct steps *steps, const char *dir, const char *name)
{
	struct step *step = &steps->migrations[steps->count];
	struct buf text = { 0 };
	bool fine;

	*step = (struct step){ .name = mem_dup(str_of(name)) };
	steps->count++;
	fine = is_migration(name, &step->version) && read_sql(dir, name, &text);
	if (fine && step->version != (int64_t)steps->count) {
		term_problem("%s/%s is out of order: number %zu was expected", dir, name, steps->count);
		fine = false;
	}
	if (fine) {
		sum(buf_str(&text), step->checksum);
		step->text = mem_dup(buf_str(&text));
	}
	buf_done(&text);
	return fine;
}

static bool load_migrations(struct steps *steps, const char *sql_dir)
{
	struct dirent **names = NULL;
	struct buf dir = { 0 };
	bool fine = true;
	int count;

	buf_addf(&dir, "%s/migrations", sql_dir);
	count = scandir(buf_text(&dir), &names, only_migrations, alphasort);
	if (count <= 0) {
		term_problem("no schema in %s (%s); is hookledger installed, or the setting sql_dir right?",
		             buf_text(&dir), count < 0 ? strerror(errno) : "no files");
		fine = false;
	}
	steps->migrations = mem_zero(count > 0 ? (size_t)count : 0, sizeof(*steps->migrations));
	for (int i = 0; i < count; i++) {
		fine = fine && add_migration(steps, buf_text(&dir), names[i]->d_name);
		free(names[i]);
	}
	free(names);
	buf_done(&dir);
	return fine;
}

/* The checksum of the doors covers setup.sql too: a change there is applied
   with them. Without db_roles the file of the roles is no part of it, so that
   changing the setting counts as a change. */
static bool load_doors(struct steps *steps, const struct conf *conf)
{
	struct buf all = { 0 }, dir = { 0 };
	size_t count = conf->db_roles ? DOOR_FILES : DOOR_FILES - 1;
	bool fine = true;

	buf_addf(&dir, "%s/functions", conf->sql_dir);
	buf_add_text(&all, steps->setup);
	for (size_t i = 0; fine && i < count; i++) {
		struct buf text = { 0 };

		fine = read_sql(buf_text(&dir), door_files[i], &text);
		buf_addf(&all, "\n-- %s\n", door_files[i]);
		buf_add_str(&all, buf_str(&text));
		buf_done(&text);
	}
	if (fine) {
		steps->doors = (struct step){ .name = mem_dup(str_of("functions")) };
		sum(buf_str(&all), steps->doors.checksum);
		steps->doors.text = mem_dup((struct str){ .at = all.at + strlen(steps->setup),
		                                          .len = all.len - strlen(steps->setup) });
	}
	buf_done(&all);
	buf_done(&dir);
	return fine;
}

bool steps_load(struct steps *steps, const struct conf *conf)
{
	struct buf setup = { 0 };
	bool fine;

	*steps = (struct steps){ 0 };
	fine = load_migrations(steps, conf->sql_dir) && read_sql(conf->sql_dir, "setup.sql", &setup);
	if (fine) {
		steps->setup = mem_dup(buf_str(&setup));
		fine = load_doors(steps, conf);
	}
	buf_done(&setup);
	return fine;
}

static void step_done(struct step *step)
{
	free(step->name);
	free(step->text);
}

void steps_done(struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		step_done(&steps->migrations[i]);
	step_done(&steps->doors);
	free(steps->migrations);
	free(steps->setup);
	*steps = (struct steps){ 0 };
}

struct steps_state steps_compare(const struct steps *steps, const struct db_rows *applied)
{
	struct steps_state state = { .pending = steps->count, .doors_pending = true };

	for (size_t i = 0; applied && i < db_rows_count(applied); i++) {
		int64_t version = db_int(applied, i, "version");
		struct str checksum = db_str(applied, i, "checksum");

		if (version > (int64_t)steps->count) {
			state.newer = version;
		} else if (version == 0) {
			state.doors_pending = !str_is(checksum, steps->doors.checksum);
		} else {
			state.pending--;
			if (!str_is(checksum, steps->migrations[version - 1].checksum))
				state.changed = &steps->migrations[version - 1];
		}
	}
	state.doors_pending = state.doors_pending || state.pending > 0;
	return state;
}
