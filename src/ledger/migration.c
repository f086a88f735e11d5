/* SPDX-License-Identifier: ISC */
#include "ledger/migration.h"

#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "ledger/ledger_conf.h"
#include "ledger/schema_files.h"

/* A step may rewrite a large table. An operator can stop it with Ctrl-C. */
enum { SERVER_VERSION_MIN = 140000, CALL_WAIT_MS = 7 * 24 * 3600 * 1000, TRIES_MAX = 10 };

static void print(struct migration *m, const struct buf *line)
{
	if (m->print)
		m->print(buf_text(line));
}

static enum err call(struct migration *m, const char *function, const struct db_args *args,
		     struct db_rows **rows)
{
	enum err err = db_call(m->db, function, args, CALL_WAIT_MS, rows);

	if (err)
		buf_addf(&m->problem, "%s", db_problem(m->db));
	return err;
}

static enum err run_text(struct migration *m, const char *name, const char *text)
{
	enum err err = db_run(m->db, text);

	if (err)
		buf_addf(&m->problem, "%s failed: %s", name, db_problem(m->db));
	return err;
}

/* Version and encoding. */
static bool check_server(struct migration *m)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	bool fine = false;

	if (db_server_version(m->db) < SERVER_VERSION_MIN) {
		buf_addf(&m->problem, "PostgreSQL 14 or later is needed; this is version %d",
			 db_server_version(m->db) / 10000);
		goto done;
	}
	db_arg_text(args, str_of("server_encoding"));
	if (call(m, "current_setting", args, &rows))
		goto done;
	fine = str_is(db_cell(rows, 0, 0), "UTF8");
	if (!fine)
		buf_addf(&m->problem,
			 "the database's encoding is %.*s; make one with UTF8: "
			 "`createdb --encoding=UTF8 --template=template0 NAME`",
			 (int)db_cell(rows, 0, 0).len, db_cell(rows, 0, 0).at);
done:
	db_rows_free(rows);
	db_args_free(args);
	return fine;
}

/* What was applied so far; *applied stays NULL on a database without our schema. */
static enum err read_applied(struct migration *m, struct db_rows **applied)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_text(args, str_of("ledger.migration_list()"));
	err = call(m, "to_regprocedure", args, &rows);
	if (!err && db_cell(rows, 0, 0).len)
		err = call(m, "ledger.migration_list", NULL, applied);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

/* One step in one transaction; there is nothing to do when another process was faster. Prints
   the result. *is_deadlock: it failed because of a deadlock, and was rolled back. */
static enum err try_step(struct migration *m, const struct schema_files *schema,
			 const struct schema_file *step, bool *is_deadlock)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf line = { 0 };
	enum err err = run_text(m, step->name, "begin");
	bool is_ours = false;

	db_arg_int(args, step->version);
	db_arg_text(args, str_of(step->checksum));
	db_arg_int(args, (int64_t)schema->count);
	if (!err)
		err = call(m, "ledger.migration_begin", args, &rows);
	is_ours = !err && str_is(db_cell(rows, 0, 0), "t");
	if (!is_ours)
		goto done;
	err = run_text(m, step->name, step->text);
	db_args_clear(args);
	db_arg_int(args, step->version);
	db_arg_text(args, str_of(step->name));
	db_arg_text(args, str_of(step->checksum));
	db_arg_text(args, str_of(HL_VERSION));
	if (!err)
		err = call(m, "ledger.migration_end", args, NULL);
done:
	if (!err)
		err = run_text(m, step->name, "commit");
	if (!err) {
		if (!is_ours)
			buf_addf(&line, "another migrate was faster with %s", step->name);
		else if (step->version)
			buf_addf(&line, "applied %s", step->name);
		else
			buf_add_text(&line, "made the functions anew");
		print(m, &line);
	} else {
		*is_deadlock = strcmp(db_sqlstate(m->db), "40P01") == 0;
		if (db_is_ready(m->db) && db_run(m->db, "rollback")) {
			*is_deadlock = false;
			buf_addf(&m->problem, "; and the transaction could not be ended: %s",
				 db_problem(m->db));
		}
	}
	buf_done(&line);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

/* Running programs lock the views that they read in another order than a step that replaces
   them, so the two may deadlock. PostgreSQL then ends one of them; an ended step is tried
   again. */
static enum err apply(struct migration *m, const struct schema_files *schema,
		      const struct schema_file *step)
{
	enum err err = ERR_NONE;
	bool is_deadlock = true;

	for (int tries = 0; is_deadlock && tries < TRIES_MAX; tries++) {
		buf_clear(&m->problem);
		is_deadlock = false;
		err = try_step(m, schema, step, &is_deadlock);
	}
	return err;
}

/* A changed file comes first: a database of an unreleased version may have more steps than
   this program, and is not newer for that. */
static bool is_known(struct migration *m, const struct schema_files_state *state)
{
	if (state->changed)
		buf_addf(&m->problem,
			 "%s is not the file that was applied to this database. Either a "
			 "version that was never released made the database: migrate an empty "
			 "one (`createdb`). Or the file was edited: restore it from the release",
			 state->changed->name);
	else if (state->newer)
		buf_addf(&m->problem,
			 "the database has schema version %lld, which this program (%s) does not "
			 "know: a newer hookledger made it; install that one",
			 (long long)state->newer, HL_VERSION);
	return !state->newer && !state->changed;
}

static void print_pending(struct migration *m, const struct schema_files *schema,
			  const struct schema_files_state *state)
{
	struct buf line = { 0 };

	for (size_t i = schema->count - state->pending; i < schema->count; i++) {
		buf_clear(&line);
		buf_addf(&line, "would apply %s", schema->migrations[i].name);
		print(m, &line);
	}
	buf_clear(&line);
	buf_add_text(&line, state->functions_pending ? "would make the functions anew"
						     : "the schema is current");
	print(m, &line);
	buf_done(&line);
}

static enum err apply_all(struct migration *m, const struct schema_files *schema,
			  const struct schema_files_state *state)
{
	enum err err = run_text(m, "setup.sql", schema->setup);

	for (size_t i = schema->count - state->pending; !err && i < schema->count; i++)
		err = apply(m, schema, &schema->migrations[i]);
	if (!err)
		err = apply(m, schema, &schema->functions);
	return err;
}

/* Makes the partitions of the next months, and finds out whether events were recorded before the
   typed tables existed. */
static enum err housekeep(struct migration *m)
{
	struct db_args *args = db_args_new();
	struct db_rows *kept = NULL, *rebuild = NULL;
	enum err err;

	db_arg_int(args, ledger_conf(m->conf)->counters_keep_days);
	err = call(m, "operator.housekeep", args, &kept);
	if (!err) {
		m->partitions = db_int(kept, 0, "housekeep");
		err = call(m, "operator.rebuild_state", NULL, &rebuild);
	}
	if (!err)
		m->needs_rebuild = db_rows_count(rebuild) && db_is_null(rebuild, 0, "finished_us");
	db_rows_free(kept);
	db_rows_free(rebuild);
	db_args_free(args);
	return err;
}

enum migration_end migration_run(struct migration *m)
{
	struct schema_files schema = { 0 };
	struct schema_files_state state;
	struct db_rows *applied = NULL;
	struct buf line = { 0 };
	enum migration_end end = MIGRATION_NO_FILES;

	if (!schema_files_load(&schema, m->conf, &m->problem))
		goto done;
	end = MIGRATION_REFUSED;
	if (!check_server(m) || read_applied(m, &applied))
		goto done;
	state = schema_files_compare(&schema, applied);
	if (!is_known(m, &state))
		goto done;
	if (m->dry_run) {
		print_pending(m, &schema, &state);
		end = MIGRATION_DONE;
		goto done;
	}
	end = MIGRATION_FAILED;
	if (state.functions_pending && apply_all(m, &schema, &state))
		goto done;
	if (!state.functions_pending) {
		buf_add_text(&line, "the schema is current");
		print(m, &line);
	}
	if (!housekeep(m))
		end = MIGRATION_DONE;
done:
	buf_done(&line);
	db_rows_free(applied);
	schema_files_done(&schema);
	return end;
}
