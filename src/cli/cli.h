/* SPDX-License-Identifier: ISC */
/* What every command works with: its exit status, the settings, a connection, the
   spool, and the calls of the database that are most of a command. */
#ifndef HL_CLI_CLI_H
#define HL_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct conf;
struct db;
struct db_args;
struct db_rows;
struct list;
struct sealer;
struct spool;

/* Exit status of the program. A command that a signal ended gives CLI_SIGNAL plus the
   number of the signal, as in a shell. */
enum { CLI_FINE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SIGNAL = 128 };

struct cli {
	const char *conf_path;	 /* of --conf, or NULL */
	const struct conf *conf; /* NULL when the command needs no settings */
	struct db *db;		 /* NULL unless the command needs a connection */
};

/* Connects as "owner", "operator" or "receiver". NULL: the reason is on stderr. */
struct db *cli_connect(const struct conf *conf, const char *program);

/* The same for a connection that is used with db_send() and without waiting: a request
   that has no answer after `deadline_ms` has failed. */
struct db *cli_connect_within(const struct conf *conf, const char *program, int64_t deadline_ms);

/* Calls a function and waits as long as it takes. On an error writes on stderr what is
   wrong and what to do. */
MUST_USE enum err cli_call(struct db *db, const char *function, const struct db_args *args,
			   struct db_rows **rows);

/* The same for a function that returns one number. */
MUST_USE enum err cli_call_number(struct db *db, const char *function, const struct db_args *args,
				  int64_t *number);

/* Arguments that begin with the number in `word`; `noun` says what it is the number of.
   NULL: it is no number, which is said on stderr. */
struct db_args *cli_id_args(const char *word, const char *noun, int64_t *id);

/* An argument, or null when it is not given. */
void cli_arg_int(struct db_args *args, bool is_given, int64_t value);
void cli_arg_time(struct db_args *args, int64_t us);	    /* 0: not given */
void cli_arg_bool(struct db_args *args, const bool *value); /* NULL: not given */

/* A command that is one call. Both free `args` and give the exit status. The first
   prints a line when the call has succeeded, the second the rows as a list. */
int cli_change(struct cli *cli, const char *function, struct db_args *args, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int cli_list(struct cli *cli, const char *function, struct db_args *args, struct list list);

/* The sealer of the master key in the settings. NULL: there is none; stderr has how to
   make one. */
struct sealer *cli_sealer(const struct conf *conf);

/* The spool of the settings; spool_close() it. NULL with *status set: there is no spool
   yet (CLI_FINE), or it cannot be opened, said on stderr (CLI_FAILED). */
struct spool *cli_spool(const struct conf *conf, int *status);

/* Appends the callback URL of an address; it begins with "<public_url>" when that setting
   is missing. */
void cli_callback_url(const struct conf *conf, struct str address, struct buf *out);

#endif
