/* SPDX-License-Identifier: ISC */
/* `hookledger doctor` checks this installation. It shows the findings of the monitor, and adds
   what only this host knows: settings, files, the clock. */
#include "cli/cmd.h"
#include "cli/doctor/database.h"
#include "cli/doctor/host.h"
#include "cli/doctor/report.h"
#include "cli/doctor/security.h"

static struct {
	bool json;
} given;

static int run_doctor(struct cli *cli, int argc, char **argv)
{
	struct report report = { 0 };
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	host_check_settings(&report, cli->conf);
	host_check_spool(&report, cli->conf);
	security_check(&report, cli->conf);
	database_check(&report, cli->conf);
	if (report_write(&report, given.json) && !report_has_errors(&report))
		status = CLI_FINE;
	report_done(&report);
	return status;
}

static const struct cli_option options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_doctor[] = {
	{ .name = "doctor",
	  .need = NEED_SETTINGS,
	  .run = run_doctor,
	  .options = options,
	  .help = "check this installation, and say what to do about each problem",
	  .more = "Run it as the user of the receiver, or as root. Exit status 1 when there are "
		  "errors;\n"
		  "warnings and notes leave it 0." },
	{ 0 },
};
