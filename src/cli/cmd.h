/* SPDX-License-Identifier: ISC */
/* How a command describes itself. Each cmd_*.c has a table of its commands; main.c
   finds the row, prepares what the command needs, and runs it. */
#ifndef HL_CLI_CMD_H
#define HL_CLI_CMD_H

#include "base/conf.h"
#include "cli/cli.h"
#include "cli/options.h"

/* What must be there before the command runs. */
enum need {
	NEED_NOTHING,
	NEED_SETTINGS,
	NEED_OPERATOR, /* settings, and a connection as database.operator */
	NEED_OWNER,    /* settings, and a connection as database.owner */
};

struct command {
	const char *name; /* "endpoint add" */
	enum need need;
	int (*run)(struct cli *cli, int argc, char **argv); /* argv: the operands only */
	const char *operands;				    /* "ID [SECRET_ID]"; NULL: none */
	const struct cli_option *options, *also;	    /* two tables; `also` may be NULL */
	const char *help;				    /* one line */
	const char *more; /* what else `hookledger help` says, or NULL */
};

/* The tables, each ended by {0}. */
extern const struct command cmd_account[], cmd_alert[], cmd_compare[], cmd_conf[], cmd_connect[],
	cmd_delivery[], cmd_doctor[], cmd_drift[], cmd_endpoint[], cmd_event[], cmd_export[],
	cmd_forget[], cmd_history[], cmd_invoice[], cmd_migrate[], cmd_operator[],
	cmd_organization[], cmd_quarantine[], cmd_reader[], cmd_rebuild[], cmd_reseal[],
	cmd_retention[], cmd_simulate[], cmd_spool[], cmd_subscription[], cmd_toggl[], cmd_verify[];

#endif
