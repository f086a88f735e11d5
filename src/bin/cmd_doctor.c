/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/db.h"
#include "bin/cmd.h"
#include "bin/term.h"

static int run_doctor(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "operator.facts", NULL, &rows))
		return CLI_FAILED;
	for (size_t i = 0; i < db_rows_count(rows); i++)
		printf("%.*s = %.*s\n", (int)db_str(rows, i, "fact").len, db_str(rows, i, "fact").at,
		       (int)db_str(rows, i, "value").len, db_str(rows, i, "value").at);
	db_rows_free(rows);
	return CLI_FINE;
}

static const struct cli_option no_options[] = { { 0 } };

const struct command cmd_doctor[] = {
	{ .name = "doctor", .need = NEED_OPERATOR, .run = run_doctor, .options = no_options,
	  .help = "check everything; say what to do about what it finds" },
	{ 0 },
};
