/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/catalog.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"

/* A person can press Ctrl-C; a job that runs for hours is no failure. */
enum { CALL_WAIT_MS = 7 * 24 * 3600 * 1000, CONNECT_WAIT_MS = 10000 };

/* ---- connections and calls */

struct db *cli_connect(const struct conf *conf, const char *program)
{
	return cli_connect_within(conf, program, 0);
}

struct db *cli_connect_within(const struct conf *conf, const char *program, int64_t deadline_ms)
{
	struct db_options options = { .conninfo = conf_database(conf, program),
				      .program = "hookledger",
				      .pooled = conf->db_pooled,
				      .deadline_ms = deadline_ms,
				      .wording = catalog_write };
	struct db *db;

	if (!options.conninfo) {
		term_problem("no database is set; write `database = …` into %s, or set "
			     "HOOKLEDGER_DATABASE",
			     conf->path ? conf->path : "the settings file");
		return NULL;
	}
	db = db_open(&options);
	if (db_wait(db, CONNECT_WAIT_MS)) {
		term_problem("PostgreSQL cannot be reached: %s", db_problem(db));
		db_close(db);
		return NULL;
	}
	return db;
}

enum err cli_call(struct db *db, const char *function, const struct db_args *args,
		  struct db_rows **rows)
{
	enum err err = db_call(db, function, args, CALL_WAIT_MS, rows);
	const char *problem = db_problem(db);

	if (!err)
		return ERR_NONE;
	if (err == ERR_BUSY &&
	    (strstr(problem, "does not exist") || strstr(problem, "permission denied")))
		term_problem("%s (%s); the schema is not current, or this role may not use it: "
			     "run `hookledger migrate`, then `hookledger doctor`",
			     problem, function);
	else if (err == ERR_BUSY)
		term_problem("the database could not do it: %s (%s)", problem, function);
	else
		term_problem("%s", problem);
	return err;
}

enum err cli_call_number(struct db *db, const char *function, const struct db_args *args,
			 int64_t *number)
{
	struct db_rows *rows = NULL;
	enum err err = cli_call(db, function, args, &rows);

	if (!err && !str_int(db_cell(rows, 0, 0), number))
		*number = 0;
	db_rows_free(rows);
	return err;
}

/* ---- commands that are one call */

struct db_args *cli_id_args(const char *word, const char *noun, int64_t *id)
{
	struct db_args *args;

	if (!input_id(word, noun, id))
		return NULL;
	args = db_args_new();
	db_arg_int(args, *id);
	return args;
}

void cli_arg_int(struct db_args *args, bool is_given, int64_t value)
{
	if (is_given)
		db_arg_int(args, value);
	else
		db_arg_null(args);
}

void cli_arg_time(struct db_args *args, int64_t us)
{
	if (us)
		db_arg_time(args, us);
	else
		db_arg_null(args);
}

void cli_arg_bool(struct db_args *args, const bool *value)
{
	if (value)
		db_arg_bool(args, *value);
	else
		db_arg_null(args);
}

int cli_change(struct cli *cli, const char *function, struct db_args *args, const char *format, ...)
{
	struct buf line = { 0 };
	int status = CLI_FAILED;
	va_list values;

	if (cli_call(cli->db, function, args, NULL))
		goto done;
	va_start(values, format);
	buf_addfv(&line, format, values);
	va_end(values);
	buf_add_char(&line, '\n');
	status = term_write_buf(&line) ? CLI_FINE : CLI_FAILED;
done:
	db_args_free(args);
	return status;
}

int cli_list(struct cli *cli, const char *function, struct db_args *args, struct list list)
{
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	if (!cli_call(cli->db, function, args, &rows)) {
		list_add(&list, rows, db_rows_count(rows));
		status = list_write(&list) ? CLI_FINE : CLI_FAILED;
	}
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

/* ---- what the settings name */

struct sealer *cli_sealer(const struct conf *conf)
{
	struct sealer *sealer = sealer_new(conf->master_key, conf->master_key_previous);

	if (sealer_has_key(sealer))
		return sealer;
	sealer_free(sealer);
	term_problem(
		"master_key is not set, so secrets cannot be sealed; write `master_key = ` and "
		"the output of `openssl rand -hex 32` into %s",
		conf->path ? conf->path : "the settings file");
	return NULL;
}

void cli_callback_url(const struct conf *conf, struct str address, struct buf *out)
{
	conf_public_url(conf, "/hook/", address, out);
}

struct spool *cli_spool(const struct conf *conf, int *status)
{
	struct spool_options options = { .dir = ledger_conf(conf)->spool_dir,
					 .max_bytes = ledger_conf(conf)->spool_max_bytes,
					 .unverified_max_bytes =
						 ledger_conf(conf)->spool_unverified_max_bytes,
					 .retry_ms = ledger_conf(conf)->spool_retry_ms,
					 .retry_now = true };
	struct spool *spool = NULL;
	struct stat facts;

	/* Made by the receiver, as its own; we would make it as ours. */
	if (!ledger_conf(conf)->spool_dir ||
	    (stat(ledger_conf(conf)->spool_dir, &facts) && errno == ENOENT)) {
		*status = CLI_FINE;
		return NULL;
	}
	*status = CLI_FAILED;
	if (spool_open(&spool, &options)) {
		term_problem("the spool %s cannot be used; run this as the user of the receiver",
			     ledger_conf(conf)->spool_dir);
		return NULL;
	}
	return spool;
}
