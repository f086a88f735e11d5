/* SPDX-License-Identifier: ISC */
/* What the commands of hookledger share: how a command describes itself, what
   it gets to work with, and how it ends. Each cmd_*.c has a table of the
   commands in it; hookledger.c finds the row and applies what stands there. */
#ifndef HL_CLI_CMD_H
#define HL_CLI_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"

struct db;
struct db_args;
struct db_rows;
struct sealer;
struct spool;

/* Exit status of the program; what a signal ended has its number more than
   CLI_SIGNAL, as in a shell. */
enum { CLI_FINE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SIGNAL = 128 };

/* What must be there before the command runs. */
enum need {
	NEED_NOTHING,
	NEED_SETTINGS,
	NEED_OPERATOR, /* settings, and a connection as database.operator */
	NEED_OWNER,    /* settings, and a connection as database.owner */
};

struct cli {
	const char *conf_path;	 /* of --conf, or NULL */
	const struct conf *conf; /* NULL when nothing was needed */
	struct db *db;		 /* NULL unless a connection was needed */
};

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_COUNT,  /* int64_t, above 0 */
	OPTION_NUMBER, /* int64_t, 0 or above */
	OPTION_TIME, /* int64_t, microseconds since 1970: RFC 3339, a date, or "24h" for a time ago
		      */
	OPTION_SPAN, /* int64_t, microseconds: "24h" */
};

/* An option of a command; `into` is its place, which keeps its value when the
   option is not given. A table ends with {0}. */
struct cli_option {
	const char *name;
	enum option_kind kind;
	void *into;
	const char *value; /* what stands for the value in the help; NULL for a flag */
	const char *help;
};

/* The table of a command that takes none (but --help, as all do). */
extern const struct cli_option no_options[];

struct command {
	const char *name; /* "endpoint add" */
	enum need need;
	int (*run)(struct cli *cli, int argc, char **argv); /* argv: the operands only */
	const char *operands;				    /* "ID SECRET_ID", "[ID]"; NULL: none */
	const struct cli_option *options; /* NULL: it reads argv itself, --help too */
	/* more options, which it has in common with others; or NULL */
	const struct cli_option *also;
	const char *help; /* one line */
	const char *more; /* what else `hookledger help` says, or NULL */
};

/* The tables, each ended by {0}. */
extern const struct command cmd_account[], cmd_export[], cmd_forget[], cmd_invoice[], cmd_reader[],
	cmd_subscription[];
extern const struct command cmd_conf[], cmd_delivery[], cmd_doctor[], cmd_drift[], cmd_endpoint[],
	cmd_event[], cmd_migrate[], cmd_alert[];
extern const struct command cmd_connect[], cmd_operator[], cmd_toggl[];
extern const struct command cmd_quarantine[], cmd_rebuild[], cmd_reseal[], cmd_retention[],
	cmd_simulate[], cmd_spool[], cmd_verify[];

/* Connects as "owner", "operator" or "receiver". NULL: said why on stderr. */
struct db *cli_connect(const struct conf *conf, const char *program);

/* The same for a connection that is used in halves (db_send): what cannot be
   sent, or is at work, for `deadline_ms` has failed. */
struct db *cli_connect_within(const struct conf *conf, const char *program, int64_t deadline_ms);

/* Calls a function and waits as long as it takes; on an error says on stderr
   what is wrong and what to do. */
MUST_USE enum err cli_call(struct db *db, const char *function, const struct db_args *args,
			   struct db_rows **rows);

/* The sealer of the settings' master key; NULL: said on stderr that there is
   none and how to make one. */
struct sealer *cli_sealer(const struct conf *conf);

/* The spool of the settings. NULL with *status set: there is none yet (CLI_FINE),
   or it cannot be opened, said on stderr (CLI_FAILED). spool_close() it. */
struct spool *cli_spool(const struct conf *conf, int *status);

/* The callback URL of an address; with <public_url> in words when that setting
   is missing. Appends. */
void cli_callback_url(const struct conf *conf, struct str address, struct buf *out);

/* public_url, base_path, `path` ("/tick/") and the last part; appends. */
void cli_public_url(const struct conf *conf, const char *path, struct str last, struct buf *out);

#endif
