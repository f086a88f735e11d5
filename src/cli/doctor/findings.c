/* SPDX-License-Identifier: ISC */
/* What the ledger itself finds, and whose locks its programs wait for. */
#include "cli/doctor/doctor.h"

#include <string.h>

#include "base/db.h"

enum { WAIT_MS = 30000 };

/* Doctor has looked at these itself. */
static bool is_notified(struct str kind)
{
	static const char *const kinds[] = { "endpoint_mute",	  "refused",	  "forged",
					     "workspace",	  "quarantine",	  "partitions",
					     "default_partition", "drift",	  "spool",
					     "spool_aside",	  "spool_damaged" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_is(kind, kinds[i]))
			return true;
	return false;
}

static void check_findings(struct doctor *doctor, struct db *db)
{
	struct db_rows *rows = NULL;
	size_t count = 0;

	if (db_call(db, "operator.findings", NULL, WAIT_MS, &rows)) {
		doctor_say(doctor, STATE_ERROR, "findings", "%s; run `hookledger migrate`",
			   db_problem(db));
		return;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct str words = db_str(rows, i, "words"), todo = db_str(rows, i, "todo");

		if (is_notified(db_str(rows, i, "kind")))
			continue;
		count++;
		doctor_say(
			doctor,
			str_is(db_str(rows, i, "level"), "trouble") ? STATE_ERROR : STATE_WARNING,
			"findings", "%.*s %.*s", (int)words.len, words.at, (int)todo.len, todo.at);
	}
	if (!count)
		doctor_say(doctor, STATE_OK, "findings",
			   "nothing else that the owner would be told of");
	db_rows_free(rows);
}

static void check_locks(struct doctor *doctor, struct db *db)
{
	struct db_rows *rows = NULL;

	if (db_call(db, "operator.lock_holders", NULL, WAIT_MS, &rows)) {
		doctor_say(doctor, STATE_ERROR, "locks", "%s; run `hookledger migrate`",
			   db_problem(db));
		return;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++)
		doctor_say(doctor, STATE_WARNING, "locks",
			   "%.*s (process %lld) holds an advisory lock that is ours: %.*s wait for "
			   "it; end that session: "
			   "select pg_terminate_backend(%lld)",
			   (int)db_str(rows, i, "holder").len, db_str(rows, i, "holder").at,
			   (long long)db_int(rows, i, "pid"), (int)db_str(rows, i, "what").len,
			   db_str(rows, i, "what").at, (long long)db_int(rows, i, "pid"));
	db_rows_free(rows);
}

void doctor_check_watch(struct doctor *doctor, struct db *db)
{
	check_findings(doctor, db);
	if (db_is_ready(db))
		check_locks(doctor, db);
}
