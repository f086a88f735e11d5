/* SPDX-License-Identifier: ISC */
/* What an attacker would gain: on the way to the database, and in a program of ours. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/db.h"
#include "base/db_conninfo.h"
#include "base/sandbox.h"
#include "cli/doctor/doctor.h"
#include "ledger/confinement.h"
#include "ledger/ledger_conf.h"

/* ---- the way to the database */

static void check_transport(struct doctor *doctor, const char *program)
{
	const char *conninfo = conf_database(doctor->conf, program), *all = doctor->conf->database;
	bool is_own = !all || (conninfo && strcmp(conninfo, all) != 0);
	const char *point = is_own ? "." : "", *name = is_own ? program : "";
	struct buf host = { 0 };

	if (!conninfo)
		return;
	switch (db_transport(conninfo, &host)) {
	case DB_PLAIN:
		doctor_say(doctor, STATE_WARNING, "database transport",
			   "database%s%s: %s may be reached without TLS, so others on the way can "
			   "read and change "
			   "everything; add sslmode=verify-full to the connection string, and "
			   "sslrootcert=FILE if its "
			   "certificate is from an authority of your own",
			   point, name, buf_text(&host));
		break;
	case DB_UNVERIFIED:
		doctor_say(doctor, STATE_WARNING, "database transport",
			   "database%s%s: TLS to %s does not verify who answers; write "
			   "sslmode=verify-full instead of "
			   "require, and sslrootcert=FILE if its certificate is from an authority "
			   "of your own",
			   point, name, buf_text(&host));
		break;
	case DB_VERIFIED:
		doctor_say(doctor, STATE_OK, "database transport",
			   "database%s%s: TLS to %s, verified", point, name, buf_text(&host));
		break;
	case DB_LOCAL:
		break;
	}
	buf_done(&host);
}

/* Each connection string once: a program without one of its own uses `database`. */
static void check_transports(struct doctor *doctor)
{
	static const char *const programs[] = { "owner", "receiver", "operator",
						"api",	 "courier",  "admin" };
	const char *all = doctor->conf->database;
	bool is_said = false;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *own = conf_database(doctor->conf, programs[i]);
		bool is_common = own && all && strcmp(own, all) == 0;

		if (!is_common || !is_said)
			check_transport(doctor, programs[i]);
		is_said = is_said || is_common;
	}
}

/* ---- the programs */

enum { HAS_SECCOMP = 1, HAS_LANDLOCK = 2 };

/* Tried in a child, which keeps the consequences. -1: there could be none. */
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

static void check_sandbox(struct doctor *doctor)
{
	int has = doctor->conf->sandbox ? try_sandbox(ledger_conf(doctor->conf)->spool_dir) : 0;

	if (!doctor->conf->sandbox)
		doctor_say(doctor, STATE_NOTE, "sandbox", "switched off by the setting sandbox");
	else if (has != (HAS_SECCOMP | HAS_LANDLOCK))
		doctor_say(doctor, STATE_NOTE, "sandbox",
			   "this kernel has %s; the programs run without the rest",
			   has == HAS_SECCOMP	 ? "seccomp and no Landlock"
			   : has == HAS_LANDLOCK ? "Landlock and no seccomp"
						 : "neither seccomp nor Landlock");
	else if (confinement_excludes_mail(doctor->conf))
		doctor_say(doctor, STATE_NOTE, "sandbox",
			   "the receiver is confined; API, admin page and courier are not, because "
			   "e-mails go through "
			   "%s; set smtp_url to confine them too",
			   ledger_conf(doctor->conf)->mail_sendmail);
	else
		doctor_say(doctor, STATE_OK, "sandbox",
			   "all programs are confined: they start no other and write only to the "
			   "spool");
}

void doctor_check_security(struct doctor *doctor)
{
	check_transports(doctor);
	check_sandbox(doctor);
}
