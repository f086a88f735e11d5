/* SPDX-License-Identifier: ISC */
#include "cli/doctor/security.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/db.h"
#include "base/db_conninfo.h"
#include "base/sandbox.h"
#include "cli/doctor/report.h"
#include "ledger/confinement.h"
#include "ledger/ledger_conf.h"

/* ---- the way to the database */

static void check_transport(struct report *report, const struct conf *conf, const char *program)
{
	const char *conninfo = conf_database(conf, program), *all = conf->database;
	bool is_own = !all || (conninfo && strcmp(conninfo, all) != 0);
	const char *point = is_own ? "." : "", *name = is_own ? program : "";
	struct buf host = { 0 };

	if (!conninfo)
		return;
	switch (db_transport(conninfo, &host)) {
	case DB_PLAIN:
		report_add(report, STATE_WARNING, "database transport",
			   "database%s%s: %s may be reached without TLS, so others on the way can "
			   "read and change "
			   "everything; add sslmode=verify-full to the connection string, and "
			   "sslrootcert=FILE if its "
			   "certificate is from an authority of your own",
			   point, name, buf_text(&host));
		break;
	case DB_UNVERIFIED:
		report_add(report, STATE_WARNING, "database transport",
			   "database%s%s: TLS to %s does not verify who answers; write "
			   "sslmode=verify-full instead of "
			   "require, and sslrootcert=FILE if its certificate is from an authority "
			   "of your own",
			   point, name, buf_text(&host));
		break;
	case DB_VERIFIED:
		report_add(report, STATE_OK, "database transport",
			   "database%s%s: TLS to %s, verified", point, name, buf_text(&host));
		break;
	case DB_LOCAL:
		break;
	}
	buf_done(&host);
}

/* Each connection string once. A program without its own uses `database`. */
static void check_transports(struct report *report, const struct conf *conf)
{
	static const char *const programs[] = { "owner", "receiver", "operator",
						"api",	 "courier",  "admin" };
	const char *all = conf->database;
	bool is_said = false;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *own = conf_database(conf, programs[i]);
		bool is_common = own && all && strcmp(own, all) == 0;

		if (!is_common || !is_said)
			check_transport(report, conf, programs[i]);
		is_said = is_said || is_common;
	}
}

/* ---- the programs */

enum { HAS_SECCOMP = 1, HAS_LANDLOCK = 2 };

/* In a child process, because a sandbox cannot be left. -1: fork() failed. */
static int try_sandbox(const char *writable)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct sandbox sandbox = sandbox_enter(writable);

		_exit((sandbox.has_seccomp ? HAS_SECCOMP : 0) |
		      (sandbox.has_landlock ? HAS_LANDLOCK : 0));
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void check_sandbox(struct report *report, const struct conf *conf)
{
	int has = conf->sandbox ? try_sandbox(ledger_conf(conf)->spool_dir) : 0;

	if (!conf->sandbox)
		report_add(report, STATE_NOTE, "sandbox", "switched off by the setting sandbox");
	else if (has != (HAS_SECCOMP | HAS_LANDLOCK))
		report_add(report, STATE_NOTE, "sandbox",
			   "this kernel has %s; the programs run without the rest",
			   has == HAS_SECCOMP	 ? "seccomp and no Landlock"
			   : has == HAS_LANDLOCK ? "Landlock and no seccomp"
						 : "neither seccomp nor Landlock");
	else if (confinement_excludes_mail(conf))
		report_add(report, STATE_NOTE, "sandbox",
			   "the receiver is confined; API, admin page and courier are not, because "
			   "e-mails go through "
			   "%s; set smtp_url to confine them too",
			   ledger_conf(conf)->mail_sendmail);
	else
		report_add(report, STATE_OK, "sandbox",
			   "all programs are confined: they start no other and write only to the "
			   "spool");
}

void security_check(struct report *report, const struct conf *conf)
{
	check_transports(report, conf);
	check_sandbox(report, conf);
}
