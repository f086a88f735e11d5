/* SPDX-License-Identifier: ISC */
#include "cli/doctor/database.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "cli/doctor/report.h"
#include "cli/secret_cache.h"
#include "ledger/catalog.h"
#include "ledger/schema_files.h"

enum {
	WAIT_MS = 30000,
	CONNECT_MS = 5000,
	SERVER_VERSION_MIN = 140000,
	CLOCK_WARN_MS = 2000,
	/* secrets become valid and invalid that much too early or too late */
	CLOCK_ERROR_MS = 60000,
};

static struct db *connect(struct report *report, const struct conf *conf, const char *program)
{
	struct db_options options = { .conninfo = conf_database(conf, program),
				      .program = "hookledger doctor",
				      .pooled = conf->db_pooled,
				      .deadline_ms = WAIT_MS,
				      .wording = catalog_write };
	struct db *db;

	if (!options.conninfo) {
		report_add(report, STATE_ERROR, program,
			   "no database is set; write `database = …`");
		return NULL;
	}
	db = db_open(&options);
	if (db_wait(db, CONNECT_MS)) {
		report_add(report, STATE_ERROR, program,
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

static void check_server(struct report *report, const struct db_rows *facts)
{
	int64_t version = fact_int(facts, "server_version");

	if (version < SERVER_VERSION_MIN)
		report_add(report, STATE_ERROR, "postgresql", "version %lld; 14 or later is needed",
			   (long long)version / 10000);
	else
		report_add(report, STATE_OK, "postgresql", "version %lld.%lld",
			   (long long)version / 10000, (long long)version % 10000);
	if (!fact_is(facts, "server_encoding", "UTF8"))
		report_add(report, STATE_ERROR, "encoding",
			   "%.*s; make a database with encoding UTF8 and restore into it",
			   (int)fact(facts, "server_encoding").len,
			   fact(facts, "server_encoding").at);
	if (fact_is(facts, "in_recovery", "true"))
		report_add(report, STATE_ERROR, "read-only",
			   "this server is a standby; connect to the primary "
			   "(target_session_attrs=read-write), or promote it");
	else if (fact_is(facts, "read_only", "on"))
		report_add(report, STATE_ERROR, "read-only",
			   "default_transaction_read_only is on; callbacks go to the spool until "
			   "it is off");
	if (fact(facts, "odd_settings").len)
		report_add(report, STATE_ERROR, "settings",
			   "behind a pooler hookledger cannot set them itself: `alter role … set` "
			   "for each, then "
			   "restart the pooler: %.*s",
			   (int)fact(facts, "odd_settings").len, fact(facts, "odd_settings").at);
}

static void check_durability(struct report *report, const struct db_rows *facts)
{
	bool is_safe = fact_is(facts, "fsync", "on") && fact_is(facts, "full_page_writes", "on");

	if (!fact_is(facts, "fsync", "on"))
		report_add(report, STATE_ERROR, "fsync",
			   "off: a crash of the machine loses what was acknowledged; set fsync = "
			   "on in "
			   "postgresql.conf and restart it");
	if (!fact_is(facts, "full_page_writes", "on"))
		report_add(
			report, STATE_ERROR, "full_page_writes",
			"off: a crash may tear pages that were acknowledged; set it on and reload");
	if (is_safe)
		report_add(report, STATE_OK, "durability", "fsync and full_page_writes are on");
	if (fact_is(facts, "synchronous_commit", "off") ||
	    fact_is(facts, "synchronous_commit", "local"))
		report_add(report, STATE_NOTE, "commit",
			   "synchronous_commit is %.*s here; recording sets it on for itself",
			   (int)fact(facts, "synchronous_commit").len,
			   fact(facts, "synchronous_commit").at);
	if (fact_int(facts, "standbys") && !fact(facts, "synchronous_standby_names").len)
		report_add(
			report, STATE_WARNING, "standby",
			"standbys follow asynchronously: a failover may lose the last acknowledged "
			"events; set synchronous_standby_names");
	else if (fact_int(facts, "standbys"))
		report_add(report, STATE_OK, "standby", "a synchronous standby is set");
}

static void check_clock(struct report *report, const struct db_rows *facts, int64_t before_us)
{
	int64_t now_us = clock_now_us(), there_us = fact_int(facts, "now_us");
	/* the server has answered between these two times */
	int64_t ahead_ms = (there_us - now_us) / 1000, behind_ms = (before_us - there_us) / 1000;
	int64_t off_ms = ahead_ms > behind_ms ? ahead_ms : behind_ms;

	if (off_ms > CLOCK_WARN_MS)
		report_add(report, off_ms > CLOCK_ERROR_MS ? STATE_ERROR : STATE_WARNING, "clock",
			   "%lld ms apart from the database's; let NTP set both, secrets are valid "
			   "by them",
			   (long long)off_ms);
	else
		report_add(report, STATE_OK, "clock", "agrees with the database's");
}

/* ---- schema and contents */

static void check_schema(struct report *report, const struct conf *conf, struct db *db)
{
	struct schema_files schema = { 0 };
	struct schema_files_state state;
	struct db_rows *applied = NULL;
	struct buf problem = { 0 };

	if (!schema_files_load(&schema, conf, &problem)) {
		report_add(report, STATE_ERROR, "schema", "%s; set sql_dir", buf_text(&problem));
		goto done;
	}
	if (db_call(db, "operator.migrations", NULL, WAIT_MS, &applied)) {
		report_add(report, STATE_ERROR, "schema", "%s; run `hookledger migrate`",
			   db_problem(db));
		goto done;
	}
	state = schema_files_compare(&schema, applied);
	if (state.changed)
		report_add(report, STATE_ERROR, "schema",
			   "%s is not the file that was applied: a version that was never "
			   "released made the database, or the file was edited; `hookledger "
			   "migrate` says what to do",
			   state.changed->name);
	else if (state.newer)
		report_add(report, STATE_ERROR, "schema",
			   "version %lld is newer than this program; install the newer "
			   "hookledger here",
			   (long long)state.newer);
	else if (state.pending)
		report_add(report, STATE_ERROR, "schema",
			   "steps to apply: %zu; run `hookledger migrate`", state.pending);
	else if (state.functions_pending)
		report_add(report, STATE_ERROR, "schema",
			   "its functions are of another version or setting of db_roles; run "
			   "`hookledger migrate`");
	else
		report_add(report, STATE_OK, "schema", "version %zu, current", schema.count);
done:
	buf_done(&problem);
	db_rows_free(applied);
	schema_files_done(&schema);
}

static void check_tables(struct report *report, struct db *db)
{
	struct db_rows *rows = NULL;

	if (db_call(db, "operator.rebuild_state", NULL, WAIT_MS, &rows))
		report_add(report, STATE_ERROR, "tables", "%s; run `hookledger migrate`",
			   db_problem(db));
	else if (!db_rows_count(rows) || !db_is_null(rows, 0, "finished_us"))
		report_add(report, STATE_OK, "tables", "schema toggl has all that is recorded");
	else if (db_is_null(rows, 0, "started_us"))
		report_add(report, STATE_WARNING, "tables",
			   "schema toggl lacks what was recorded before it was made; run "
			   "`hookledger rebuild`");
	else
		report_add(report, STATE_WARNING, "tables",
			   "a rebuild of schema toggl was begun and is not finished; `hookledger "
			   "rebuild` "
			   "goes on with it");
	db_rows_free(rows);
}

static void check_restore(struct report *report, const struct db_rows *facts)
{
	if (fact_is(facts, "txid_behind", "true") || fact_is(facts, "seq_behind", "true"))
		report_add(report, STATE_ERROR, "restored",
			   "this database was restored from a backup: its counters are behind its "
			   "rows and "
			   "readers would skip events; run `hookledger restored`");
}

static void check_endpoints(struct report *report, const struct db_rows *facts)
{
	int64_t all = fact_int(facts, "endpoints"), on = fact_int(facts, "endpoints_enabled");

	if (on == 0)
		report_add(report, STATE_WARNING, "endpoints",
			   "none is enabled; make one by `hookledger endpoint add`");
	else
		report_add(report, STATE_OK, "endpoints", "%lld, %lld of them enabled",
			   (long long)all, (long long)on);
}

/* Whether they come often enough is judged by the findings. */
static void check_callbacks(struct report *report, const struct db_rows *facts)
{
	struct buf when = { 0 };

	if (fact(facts, "alive_us").len) {
		clock_write(&when, fact_int(facts, "alive_us"));
		report_add(report, STATE_OK, "callbacks", "the last one arrived at %s",
			   buf_text(&when));
	} else {
		report_add(report, STATE_NOTE, "callbacks", "none has arrived yet");
	}
	buf_done(&when);
}

static void check_secrets(struct report *report, const struct conf *conf, struct db *db)
{
	struct sealer *sealer = sealer_new(conf->master_key, conf->master_key_previous);
	struct secret_cache *cache = secret_cache_new(db, sealer);

	if (!cache)
		report_add(report, STATE_ERROR, "secrets", "cannot be read");
	else if (secret_cache_unopened(cache))
		report_add(report, STATE_ERROR, "secrets",
			   "%zu of %zu do not open: master_key is not the one that sealed them; "
			   "set that "
			   "one, or give the endpoints new secrets by `hookledger endpoint rotate`",
			   secret_cache_unopened(cache), secret_cache_count(cache));
	else
		report_add(report, STATE_OK, "secrets", "all %zu open with the master key",
			   secret_cache_count(cache));
	secret_cache_free(cache);
	sealer_free(sealer);
}

/* ---- the monitor */

static void check_findings(struct report *report, struct db *db)
{
	struct db_rows *rows = NULL;

	if (db_call(db, "operator.findings", NULL, WAIT_MS, &rows)) {
		report_add(report, STATE_ERROR, "findings", "%s; run `hookledger migrate`",
			   db_problem(db));
		return;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct buf text = { 0 };

		catalog_write_json(db_str(rows, i, "words"), &text);
		buf_add_char(&text, ' ');
		catalog_write_json(db_str(rows, i, "todo"), &text);
		report_add(report,
			   str_is(db_str(rows, i, "level"), "trouble") ? STATE_ERROR
								       : STATE_WARNING,
			   "findings", "%s", buf_text(&text));
		buf_done(&text);
	}
	if (!db_rows_count(rows))
		report_add(report, STATE_OK, "findings", "the monitor finds nothing wrong");
	db_rows_free(rows);
}

static void check_locks(struct report *report, struct db *db)
{
	struct db_rows *rows = NULL;

	if (db_call(db, "operator.lock_holders", NULL, WAIT_MS, &rows)) {
		report_add(report, STATE_ERROR, "locks", "%s; run `hookledger migrate`",
			   db_problem(db));
		return;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct str holder = db_str(rows, i, "holder");
		long long pid = (long long)db_int(rows, i, "pid");
		struct buf what = { 0 };

		catalog_write_json(db_str(rows, i, "what"), &what);
		report_add(report, STATE_WARNING, "locks",
			   "%.*s (process %lld) holds an advisory lock that is ours: %s wait for "
			   "it; end that session: select pg_terminate_backend(%lld)",
			   (int)holder.len, holder.at, pid, buf_text(&what), pid);
		buf_done(&what);
	}
	db_rows_free(rows);
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

/* With db_roles a program may use its own interface schema and nothing else. */
static void check_rights(struct report *report, const struct conf *conf, struct db *db,
			 const char *program, const char *other)
{
	bool too_much = may_use(db, "ledger") || may_use(db, other);

	if (!may_use(db, program))
		report_add(report, STATE_ERROR, program,
			   "its role may not use its functions; `grant hookledger_%s to ROLE`",
			   program);
	else if (conf->db_roles && too_much)
		report_add(report, STATE_WARNING, program,
			   "db_roles is yes, but its role may do more than it needs; set "
			   "database.%s to a "
			   "login that is a member of hookledger_%s only",
			   program, program);
	else
		report_add(report, STATE_OK, program, "may use its functions%s",
			   conf->db_roles ? " and nothing else" : "");
}

static void check_receiver(struct report *report, const struct conf *conf)
{
	struct db *db = connect(report, conf, "receiver");

	if (!db)
		return;
	check_rights(report, conf, db, "receiver", "operator");
	if (db_is_ready(db) && db_call(db, "receiver.keys", NULL, WAIT_MS, NULL))
		report_add(report, STATE_ERROR, "receiver", "cannot read the secrets: %s",
			   db_problem(db));
	db_close(db);
}

void database_check(struct report *report, const struct conf *conf)
{
	struct db *db = connect(report, conf, "operator");
	struct db_rows *facts = NULL;
	int64_t before_us;

	if (!db)
		return;
	before_us = clock_now_us();
	if (db_call(db, "operator.facts", NULL, WAIT_MS, &facts)) {
		report_add(report, STATE_ERROR, "schema", "%s; run `hookledger migrate`",
			   db_problem(db));
		goto done;
	}
	check_clock(report, facts, before_us);
	check_server(report, facts);
	check_durability(report, facts);
	check_schema(report, conf, db);
	check_tables(report, db);
	check_restore(report, facts);
	check_endpoints(report, facts);
	check_callbacks(report, facts);
	check_secrets(report, conf, db);
	check_findings(report, db);
	check_locks(report, db);
	check_rights(report, conf, db, "operator", "receiver");
	check_receiver(report, conf);
done:
	db_rows_free(facts);
	db_close(db);
}
