/* SPDX-License-Identifier: ISC */
#include "cli/doctor/host.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "cli/doctor/report.h"
#include "cli/term.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"

/* Older than this and the receiver should have brought it in long ago. */
enum { SPOOL_AGE_MAX_S = 60 };

/* linux/magic.h, statfs(2) */
static const long MAGIC_TMPFS = 0x01021994, MAGIC_RAMFS = 0x858458f6;

/* ---- settings */

static void check_file(struct report *report, const struct conf *conf)
{
	const char *path = conf->path;
	struct stat facts;

	if (!path) {
		report_add(report, STATE_NOTE, "settings",
			   "no file; all comes from the environment");
		return;
	}
	if (stat(path, &facts)) {
		report_add(report, STATE_ERROR, "settings", "%s: %s", path, strerror(errno));
		return;
	}
	if (facts.st_mode & S_IRWXO)
		report_add(report, STATE_ERROR, "settings",
			   "%s may be read by everybody and holds secrets; chmod o= %s", path,
			   path);
	else if (facts.st_mode & S_IWGRP)
		report_add(report, STATE_WARNING, "settings",
			   "%s may be changed by its group; chmod g-w %s", path, path);
	else
		report_add(report, STATE_OK, "settings", "%s, mode %04o", path,
			   (unsigned)(facts.st_mode & 07777));
}

void host_check_settings(struct report *report, const struct conf *conf)
{
	check_file(report, conf);
	if (!conf->master_key)
		report_add(report, STATE_ERROR, "master_key",
			   "not set, so no secret can be sealed or opened; set it to the output of "
			   "`openssl rand -hex 32` and keep a copy apart from the backups");
	else if (conf->master_key_previous)
		report_add(report, STATE_NOTE, "master_key",
			   "set, and the one before too; take that out after `hookledger reseal`");
	else
		report_add(report, STATE_OK, "master_key", "set");
	if (!conf->public_url)
		report_add(report, STATE_WARNING, "public_url",
			   "not set; with it `endpoint add` prints the address to give to Toggl");
	else if (strncasecmp(conf->public_url, "https://", 8) != 0)
		report_add(report, STATE_WARNING, "public_url",
			   "%s is not https: callbacks are signed, but anybody on the way can read "
			   "them",
			   conf->public_url);
	else
		report_add(report, STATE_OK, "public_url", "%s", conf->public_url);
}

/* ---- spool */

static void check_folder(struct report *report, const struct conf *conf, const struct stat *facts)
{
	const char *dir = ledger_conf(conf)->spool_dir;
	const struct passwd *owner = getpwuid(facts->st_uid);

	if (facts->st_mode & (S_IRWXG | S_IRWXO))
		report_add(report, STATE_WARNING, "spool",
			   "%s is open to others, and bodies in it are readable; chmod 0700 %s",
			   dir, dir);
	if (access(dir, R_OK | W_OK | X_OK))
		report_add(
			report, STATE_ERROR, "spool",
			"%s is not writable for this user; run doctor as the receiver's user, or "
			"give the folder to it",
			dir);
	else
		report_add(report, STATE_OK, "spool", "%s, of user %s", dir,
			   owner ? owner->pw_name : "without a name");
}

static void check_disk(struct report *report, const struct conf *conf)
{
	struct buf room = { 0 }, limit = { 0 };
	struct statvfs space;
	struct statfs kind;
	int64_t bytes;

	if (statfs(ledger_conf(conf)->spool_dir, &kind) ||
	    statvfs(ledger_conf(conf)->spool_dir, &space))
		return;
	if (kind.f_type == MAGIC_TMPFS || kind.f_type == MAGIC_RAMFS) {
		report_add(report, STATE_ERROR, "spool disk",
			   "%s is in memory: what is acknowledged would be lost when the machine "
			   "stops; "
			   "set spool_dir to a folder on a disk",
			   ledger_conf(conf)->spool_dir);
		return;
	}
	bytes = (int64_t)(space.f_bavail * space.f_frsize);
	term_add_size(&room, bytes);
	term_add_size(&limit, ledger_conf(conf)->spool_max_bytes);
	if (bytes < ledger_conf(conf)->spool_max_bytes)
		report_add(report, STATE_WARNING, "spool disk",
			   "%s free, less than spool_max_bytes (%s); free some or lower the limit",
			   buf_text(&room), buf_text(&limit));
	else
		report_add(report, STATE_OK, "spool disk", "%s free", buf_text(&room));
	buf_done(&room);
	buf_done(&limit);
}

static void check_waiting(struct report *report, const struct conf *conf,
			  const struct spool_status *s)
{
	struct buf text = { 0 };
	int64_t age_s = s->oldest_us ? (clock_now_us() - s->oldest_us) / 1000000 : 0;

	buf_addf(&text, "%lld callback%s, ", (long long)s->records, term_s(s->records));
	term_add_size(&text, s->bytes);
	buf_add_text(&text, " of ");
	term_add_size(&text, ledger_conf(conf)->spool_max_bytes);
	if (s->records) {
		buf_add_text(&text, ", the oldest came ");
		term_add_ago(&text, s->oldest_us);
	}
	if (s->bytes > ledger_conf(conf)->spool_max_bytes / 10 * 8)
		report_add(
			report, STATE_ERROR, "spool depth",
			"%s; full soon, then callbacks are answered 503: bring the database back, "
			"then `hookledger spool drain`",
			buf_text(&text));
	else if (s->records && age_s > SPOOL_AGE_MAX_S)
		report_add(report, STATE_WARNING, "spool depth",
			   "%s; the receiver does not bring them in: look at its log, or run "
			   "`hookledger spool drain`",
			   buf_text(&text));
	else if (!s->aside_records || s->records)
		report_add(report, STATE_OK, "spool depth", "%s",
			   s->records ? buf_text(&text) : "nothing waits");
	if (s->unverified_bytes > ledger_conf(conf)->spool_unverified_max_bytes / 10 * 8)
		report_add(
			report, STATE_ERROR, "spool depth",
			"the limit for callbacks that are not verified yet "
			"(spool_unverified_max_bytes) is nearly reached; bring the database back");
	if (s->aside_records)
		report_add(report, STATE_ERROR, "spool",
			   "set aside, acknowledged and not recorded: %lld; look at the log of the "
			   "receiver and at "
			   "`hookledger spool list`, then `hookledger spool retry`",
			   (long long)s->aside_records);
	if (s->damaged_files)
		report_add(report, STATE_WARNING, "spool",
			   "damaged files: %lld (%s/*.damaged); a disk that loses bytes? The whole "
			   "records "
			   "of each were brought in, look at the rest and remove it",
			   (long long)s->damaged_files, ledger_conf(conf)->spool_dir);
	buf_done(&text);
}

static void check_keyring(struct report *report, const char *path)
{
	struct buf text = { 0 };
	struct stat facts;

	if (stat(path, &facts))
		report_add(
			report, STATE_NOTE, "keyring",
			"no copy of the secrets beside the spool yet; the receiver leaves one when "
			"it has loaded them");
	else if (facts.st_mode & (S_IRWXG | S_IRWXO))
		report_add(report, STATE_WARNING, "keyring", "%s is open to others; chmod 0600 %s",
			   path, path);
	else {
		term_add_ago(&text, (int64_t)facts.st_mtime * 1000000);
		report_add(report, STATE_OK, "keyring", "copy of the sealed secrets, changed %s",
			   buf_text(&text));
	}
	buf_done(&text);
}

void host_check_spool(struct report *report, const struct conf *conf)
{
	struct spool_options how = { .dir = ledger_conf(conf)->spool_dir,
				     .max_bytes = ledger_conf(conf)->spool_max_bytes,
				     .unverified_max_bytes =
					     ledger_conf(conf)->spool_unverified_max_bytes };
	struct spool_status status = { 0 };
	struct spool *spool = NULL;
	struct stat facts;

	if (!ledger_conf(conf)->spool_dir) {
		report_add(report, STATE_ERROR, "spool",
			   "spool_dir is empty; set it to a folder on a disk");
		return;
	}
	if (stat(ledger_conf(conf)->spool_dir, &facts)) {
		report_add(report, errno == ENOENT ? STATE_WARNING : STATE_ERROR, "spool",
			   "%s: %s; make it for the receiver's user: install -d -m 0700 -o USER %s",
			   ledger_conf(conf)->spool_dir, strerror(errno),
			   ledger_conf(conf)->spool_dir);
		return;
	}
	check_folder(report, conf, &facts);
	check_disk(report, conf);
	if (access(ledger_conf(conf)->spool_dir, R_OK | W_OK | X_OK))
		return;
	if (spool_open(&spool, &how) || spool_count(spool, &status))
		report_add(report, STATE_ERROR, "spool depth", "%s cannot be read",
			   ledger_conf(conf)->spool_dir);
	else
		check_waiting(report, conf, &status);
	if (spool)
		check_keyring(report, spool_keyring_path(spool));
	spool_close(spool);
}
