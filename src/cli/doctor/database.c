/* SPDX-License-Identifier: ISC */
/* What can be checked with the database: server, schema, contents, rights. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "cli/doctor/doctor.h"
#include "cli/secret_cache.h"
#include "cli/term.h"
#include "ledger/catalog.h"
#include "ledger/ledger_conf.h"
#include "ledger/schema_files.h"

enum {
	WAIT_MS = 30000,
	CONNECT_MS = 5000,
	SERVER_VERSION_MIN = 140000,
	CLOCK_WARN_MS = 2000,
	/* a secret or a revocation is off by as much: worth an error */
	CLOCK_ERROR_MS = 60000,
	ROWS_COUNTED = 10001, /* operator.facts() counts no further */
};

static struct db *connect(struct doctor *doctor, const char *program)
{
	struct db_options how = { .conninfo = conf_database(doctor->conf, program),
				  .program = "hookledger doctor",
				  .pooled = doctor->conf->db_pooled,
				  .deadline_ms = WAIT_MS,
				  .wording = catalog_write };
	struct db *db;

	if (!how.conninfo) {
		doctor_say(doctor, STATE_ERROR, program,
			   "no database is set; write `database = …`");
		return NULL;
	}
	db = db_open(&how);
	if (db_wait(db, CONNECT_MS)) {
		doctor_say(doctor, STATE_ERROR, program,
			   "PostgreSQL cannot be reached, callbacks go to the spool: %s",
			   db_problem(db));
		db_close(db);
		return NULL;
	}
	return db;
}

/* ---- facts: pairs of name and text */

static struct str fact(const struct db_rows *facts, const char *name)
{
	for (size_t i = 0; i < db_rows_count(facts); i++)
		if (str_is(db_str(facts, i, "fact"), name))
			return db_str(facts, i, "value");
	return (struct str){ 0 };
}

static bool fact_is(const struct db_rows *facts, const char *name, const char *value)
{
	return str_is(fact(facts, name), value);
}

static int64_t fact_int(const struct db_rows *facts, const char *name)
{
	int64_t value = 0;

	return str_int(fact(facts, name), &value) ? value : 0;
}

/* ---- the server */

static void check_server(struct doctor *doctor, const struct db_rows *facts)
{
	int64_t version = fact_int(facts, "server_version");

	if (version < SERVER_VERSION_MIN)
		doctor_say(doctor, STATE_ERROR, "postgresql", "version %lld; 14 or later is needed",
			   (long long)version / 10000);
	else
		doctor_say(doctor, STATE_OK, "postgresql", "version %lld.%lld",
			   (long long)version / 10000, (long long)version % 10000);
	if (!fact_is(facts, "server_encoding", "UTF8"))
		doctor_say(doctor, STATE_ERROR, "encoding",
			   "%.*s; make a database with encoding UTF8 and restore into it",
			   (int)fact(facts, "server_encoding").len,
			   fact(facts, "server_encoding").at);
	if (fact_is(facts, "in_recovery", "true"))
		doctor_say(doctor, STATE_ERROR, "read-only",
			   "this server is a standby; connect to the primary "
			   "(target_session_attrs=read-write), or promote it");
	else if (fact_is(facts, "read_only", "on"))
		doctor_say(doctor, STATE_ERROR, "read-only",
			   "default_transaction_read_only is on; callbacks go to the spool until "
			   "it is off");
	if (fact(facts, "odd_settings").len)
		doctor_say(doctor, STATE_ERROR, "settings",
			   "behind a pooler hookledger cannot set them itself: `alter role … set` "
			   "for each, then "
			   "restart the pooler: %.*s",
			   (int)fact(facts, "odd_settings").len, fact(facts, "odd_settings").at);
}

static void check_durability(struct doctor *doctor, const struct db_rows *facts)
{
	bool is_safe = fact_is(facts, "fsync", "on") && fact_is(facts, "full_page_writes", "on");

	if (!fact_is(facts, "fsync", "on"))
		doctor_say(doctor, STATE_ERROR, "fsync",
			   "off: a crash of the machine loses what was acknowledged; set fsync = "
			   "on in "
			   "postgresql.conf and restart it");
	if (!fact_is(facts, "full_page_writes", "on"))
		doctor_say(
			doctor, STATE_ERROR, "full_page_writes",
			"off: a crash may tear pages that were acknowledged; set it on and reload");
	if (is_safe)
		doctor_say(doctor, STATE_OK, "durability", "fsync and full_page_writes are on");
	if (fact_is(facts, "synchronous_commit", "off") ||
	    fact_is(facts, "synchronous_commit", "local"))
		doctor_say(doctor, STATE_NOTE, "commit",
			   "synchronous_commit is %.*s here; recording sets it on for itself",
			   (int)fact(facts, "synchronous_commit").len,
			   fact(facts, "synchronous_commit").at);
	if (fact_int(facts, "standbys") && !fact(facts, "synchronous_standby_names").len)
		doctor_say(
			doctor, STATE_WARNING, "standby",
			"standbys follow asynchronously: a failover may lose the last acknowledged "
			"events; set synchronous_standby_names");
	else if (fact_int(facts, "standbys"))
		doctor_say(doctor, STATE_OK, "standby", "a synchronous standby is set");
}

static void check_clock(struct doctor *doctor, const struct db_rows *facts, int64_t before_us)
{
	int64_t now_us = clock_now_us(), there_us = fact_int(facts, "now_us");
	/* the question was on its way between the two */
	int64_t ahead_ms = (there_us - now_us) / 1000, behind_ms = (before_us - there_us) / 1000;
	int64_t off_ms = ahead_ms > behind_ms ? ahead_ms : behind_ms;

	if (off_ms > CLOCK_WARN_MS)
		doctor_say(doctor, off_ms > CLOCK_ERROR_MS ? STATE_ERROR : STATE_WARNING, "clock",
			   "%lld ms apart from the database's; let NTP set both, secrets are valid "
			   "by them",
			   (long long)off_ms);
	else
		doctor_say(doctor, STATE_OK, "clock", "agrees with the database's");
}

/* ---- schema and contents */

static void check_schema(struct doctor *doctor, struct db *db)
{
	struct schema_files schema = { 0 };
	struct schema_files_state state;
	struct db_rows *applied = NULL;
	struct buf problem = { 0 };

	if (!schema_files_load(&schema, doctor->conf, &problem)) {
		term_problem("%s", buf_text(&problem));
		doctor_say(doctor, STATE_ERROR, "schema",
			   "its files cannot be read from %s; set sql_dir",
			   ledger_conf(doctor->conf)->sql_dir ? ledger_conf(doctor->conf)->sql_dir
							      : "(sql_dir is empty)");
		goto done;
	}
	if (db_call(db, "operator.migrations", NULL, WAIT_MS, &applied)) {
		doctor_say(doctor, STATE_ERROR, "schema", "%s; run `hookledger migrate`",
			   db_problem(db));
		goto done;
	}
	state = schema_files_compare(&schema, applied);
	if (state.changed)
		doctor_say(doctor, STATE_ERROR, "schema",
			   "%s is not the file that was applied: a version that was never "
			   "released made the database, or the file was edited; `hookledger "
			   "migrate` says what to do",
			   state.changed->name);
	else if (state.newer)
		doctor_say(doctor, STATE_ERROR, "schema",
			   "version %lld is newer than this program; install the newer "
			   "hookledger here",
			   (long long)state.newer);
	else if (state.pending)
		doctor_say(doctor, STATE_ERROR, "schema",
			   "steps to apply: %zu; run `hookledger migrate`", state.pending);
	else if (state.functions_pending)
		doctor_say(doctor, STATE_ERROR, "schema",
			   "its functions are of another version or setting of db_roles; run "
			   "`hookledger migrate`");
	else
		doctor_say(doctor, STATE_OK, "schema", "version %zu, current", schema.count);
done:
	buf_done(&problem);
	db_rows_free(applied);
	schema_files_done(&schema);
}

static void check_partitions(struct doctor *doctor, const struct db_rows *facts)
{
	int64_t ahead = fact_int(facts, "months_ahead"), odd = fact_int(facts, "default_rows");

	if (!fact_is(facts, "this_month", "true") || ahead == 0)
		doctor_say(doctor, STATE_ERROR, "partitions",
			   "none for %s month; run `hookledger housekeep`, and put it into cron "
			   "monthly",
			   fact_is(facts, "this_month", "true") ? "the next" : "this");
	else if (ahead < 2)
		doctor_say(doctor, STATE_WARNING, "partitions",
			   "months ahead: only %lld; put `hookledger housekeep` into cron monthly",
			   (long long)ahead);
	else
		doctor_say(doctor, STATE_OK, "partitions", "made for %lld months ahead",
			   (long long)ahead);
	if (odd)
		doctor_say(doctor, STATE_NOTE, "partitions",
			   "events in the default partition: %lld%s; `hookledger housekeep` moves "
			   "those of "
			   "believable dates",
			   (long long)odd, odd == ROWS_COUNTED ? " or more" : "");
}

static void check_tables(struct doctor *doctor, struct db *db)
{
	struct db_rows *rows = NULL;

	if (db_call(db, "operator.rebuild_state", NULL, WAIT_MS, &rows))
		doctor_say(doctor, STATE_ERROR, "tables", "%s; run `hookledger migrate`",
			   db_problem(db));
	else if (!db_rows_count(rows) || !db_is_null(rows, 0, "finished_us"))
		doctor_say(doctor, STATE_OK, "tables", "schema toggl has all that is recorded");
	else if (db_is_null(rows, 0, "started_us"))
		doctor_say(doctor, STATE_WARNING, "tables",
			   "schema toggl lacks what was recorded before it was made; run "
			   "`hookledger rebuild`");
	else
		doctor_say(doctor, STATE_WARNING, "tables",
			   "a rebuild of schema toggl was begun and is not finished; `hookledger "
			   "rebuild` "
			   "goes on with it");
	db_rows_free(rows);
}

static bool has_costly(const struct db_rows *rows)
{
	for (size_t i = 0; i < db_rows_count(rows); i++)
		if (str_is(db_str(rows, i, "found"), "costly"))
			return true;
	return false;
}

/* Within a week: Toggl has changed a field, and its column is null. */
static void check_drift(struct doctor *doctor, struct db *db)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;

	db_arg_time(args, clock_now_us() - INT64_C(7) * 86400 * 1000000);
	if (db_call(db, "operator.drift_list", args, WAIT_MS, &rows))
		doctor_say(doctor, STATE_ERROR, "fields", "%s; run `hookledger migrate`",
			   db_problem(db));
	else if (!db_rows_count(rows))
		doctor_say(doctor, STATE_OK, "fields", "all values were of their type for a week");
	else if (has_costly(rows))
		doctor_say(doctor, STATE_WARNING, "fields",
			   "callbacks that are too costly to take apart came within a week: they "
			   "are recorded, "
			   "but in no table, and not passed on; Toggl does not send such, so see "
			   "who else knows "
			   "the secret; `hookledger drift` lists all");
	else
		doctor_say(doctor, STATE_WARNING, "fields",
			   "values of an odd type within a week, the newest in %.*s.%.*s (%.*s): "
			   "those columns are "
			   "null, the payload has them; `hookledger drift` lists all",
			   (int)db_str(rows, 0, "model").len, db_str(rows, 0, "model").at,
			   (int)db_str(rows, 0, "field").len, db_str(rows, 0, "field").at,
			   (int)db_str(rows, 0, "found").len, db_str(rows, 0, "found").at);
	db_rows_free(rows);
	db_args_free(args);
}

static void check_restore(struct doctor *doctor, const struct db_rows *facts)
{
	if (fact_is(facts, "txid_behind", "true") || fact_is(facts, "seq_behind", "true"))
		doctor_say(doctor, STATE_ERROR, "restored",
			   "this database was restored from a backup: its counters are behind its "
			   "rows and "
			   "readers would skip events; run `hookledger restored`");
}

static void check_endpoints(struct doctor *doctor, const struct db_rows *facts)
{
	int64_t all = fact_int(facts, "endpoints"), on = fact_int(facts, "endpoints_enabled"),
		mute = fact_int(facts, "endpoints_without_secret"),
		waiting = fact_int(facts, "quarantine_waiting");

	if (on == 0)
		doctor_say(doctor, STATE_WARNING, "endpoints",
			   "none is enabled; make one by `hookledger endpoint add`");
	else if (mute)
		doctor_say(doctor, STATE_ERROR, "endpoints",
			   "%lld of %lld enabled have no valid secret and answer 401; "
			   "`hookledger endpoint list`, then `endpoint rotate ID`",
			   (long long)mute, (long long)on);
	else
		doctor_say(doctor, STATE_OK, "endpoints", "%lld, %lld of them enabled",
			   (long long)all, (long long)on);
	if (waiting)
		doctor_say(doctor, STATE_WARNING, "quarantine",
			   "callbacks that could not be recorded: %lld%s; `hookledger quarantine "
			   "list`",
			   (long long)waiting, waiting == ROWS_COUNTED ? " or more" : "");
	else
		doctor_say(doctor, STATE_OK, "quarantine", "nothing waits");
}

static void check_secrets(struct doctor *doctor, struct db *db)
{
	struct sealer *sealer = sealer_new(doctor->conf->master_key,
					   doctor->conf->master_key_previous);
	struct secret_cache *cache = secret_cache_new(db, sealer);

	if (!cache)
		doctor_say(doctor, STATE_ERROR, "secrets", "cannot be read");
	else if (secret_cache_unopened(cache))
		doctor_say(doctor, STATE_ERROR, "secrets",
			   "%zu of %zu do not open: master_key is not the one that sealed them; "
			   "set that "
			   "one, or give the endpoints new secrets by `hookledger endpoint rotate`",
			   secret_cache_unopened(cache), secret_cache_count(cache));
	else
		doctor_say(doctor, STATE_OK, "secrets", "all %zu open with the master key",
			   secret_cache_count(cache));
	secret_cache_free(cache);
	sealer_free(sealer);
}

/* What was refused within the hour: `unavailable` is our failure, a wrong
   signature at an address that exists most likely a secret that differs. */
static void check_refusals(struct doctor *doctor, struct db *db)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	bool any = false;

	db_arg_time(args, clock_now_us() - INT64_C(3600) * 1000000);
	if (db_call(db, "operator.refusals", args, WAIT_MS, &rows)) {
		doctor_say(doctor, STATE_ERROR, "refusals", "%s", db_problem(db));
		goto done;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct str reason = db_str(rows, i, "reason");
		int64_t endpoint = db_int(rows, i, "endpoint_id");
		enum state state = STATE_NOTE;
		const char *todo = "";

		if (str_is(reason, "duplicate") || str_is(reason, "ping") ||
		    str_is(reason, "horizon"))
			continue;
		if (str_is(reason, "unavailable")) {
			state = STATE_ERROR;
			todo = "; neither database nor spool took them: look at both above";
		} else if (endpoint && (str_is(reason, "signature") || str_is(reason, "revoked"))) {
			state = STATE_WARNING;
			todo = "; is the secret at Toggl the one of this endpoint?";
		} else if (endpoint && str_is(reason, "workspace")) {
			state = STATE_WARNING;
			todo = "; one endpoint takes one workspace, add another for the other";
		}
		any = true;
		doctor_say(doctor, state, "refusals",
			   "%lld in the last hour for %.*s, endpoint %lld%s",
			   (long long)db_int(rows, i, "count"), (int)reason.len, reason.at,
			   (long long)endpoint, todo);
	}
	if (!any)
		doctor_say(doctor, STATE_OK, "refusals", "none in the last hour");
done:
	db_rows_free(rows);
	db_args_free(args);
}

/* ---- rights */

static bool may_use(struct db *db, const char *schema)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	bool may = false;

	db_arg_text(args, str_of(schema));
	db_arg_text(args, str_of("usage"));
	if (db_call(db, "has_schema_privilege", args, WAIT_MS, &rows) == ERR_NONE)
		may = str_is(db_cell(rows, 0, 0), "t");
	db_rows_free(rows);
	db_args_free(args);
	return may;
}

/* With roles a program may use its own door and nothing else. */
static void check_rights(struct doctor *doctor, struct db *db, const char *program,
			 const char *other)
{
	bool too_much = may_use(db, "ledger") || may_use(db, other);

	if (!may_use(db, program))
		doctor_say(doctor, STATE_ERROR, program,
			   "its role may not use its functions; `grant hookledger_%s to ROLE`",
			   program);
	else if (doctor->conf->db_roles && too_much)
		doctor_say(doctor, STATE_WARNING, program,
			   "db_roles is yes, but its role may do more than it needs; set "
			   "database.%s to a "
			   "login that is a member of hookledger_%s only",
			   program, program);
	else
		doctor_say(doctor, STATE_OK, program, "may use its functions%s",
			   doctor->conf->db_roles ? " and nothing else" : "");
}

static void check_receiver(struct doctor *doctor)
{
	struct db *db = connect(doctor, "receiver");

	if (!db)
		return;
	check_rights(doctor, db, "receiver", "operator");
	if (db_is_ready(db) && db_call(db, "receiver.keys", NULL, WAIT_MS, NULL))
		doctor_say(doctor, STATE_ERROR, "receiver", "cannot read the secrets: %s",
			   db_problem(db));
	db_close(db);
}

void doctor_check_database(struct doctor *doctor)
{
	struct db *db = connect(doctor, "operator");
	struct db_rows *facts = NULL;
	int64_t before_us;

	if (!db)
		return;
	before_us = clock_now_us();
	if (db_call(db, "operator.facts", NULL, WAIT_MS, &facts)) {
		doctor_say(doctor, STATE_ERROR, "schema", "%s; run `hookledger migrate`",
			   db_problem(db));
		goto done;
	}
	check_clock(doctor, facts, before_us);
	check_server(doctor, facts);
	check_durability(doctor, facts);
	check_schema(doctor, db);
	check_partitions(doctor, facts);
	check_tables(doctor, db);
	check_drift(doctor, db);
	check_restore(doctor, facts);
	check_endpoints(doctor, facts);
	check_secrets(doctor, db);
	check_refusals(doctor, db);
	doctor_check_watch(doctor, db);
	check_rights(doctor, db, "operator", "receiver");
	check_receiver(doctor);
done:
	db_rows_free(facts);
	db_close(db);
}
