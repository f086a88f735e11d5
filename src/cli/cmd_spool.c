/* SPDX-License-Identifier: ISC */
/* The spool: callbacks that wait on disk for the database. Shows it, drains it into the
   database, and lists and retries callbacks that were set aside. */
#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"
#include "http/http_conf.h"
#include "ledger/callback.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool_drain.h"
#include "ledger/keyring.h"
#include "ledger/spool.h"
#include "ledger/counters.h"

/* No HTTP client waits for a drain: so a slow database is no reason to give up, and the
   batches are larger than those of the receiver. */
enum { STEP_WAIT_MS = 60000, BATCH_MIN = 512 };

static struct {
	bool json, all;
} given;

/* ---- status */

static void add_json(struct buf *out, const struct spool_status *s)
{
	struct buf oldest = { 0 };

	if (s->oldest_us)
		clock_write(&oldest, s->oldest_us);
	buf_add_char(out, '{');
	json_put_int(out, "records", s->records);
	json_put_int(out, "bytes", s->bytes);
	json_put_int(out, "files", s->files);
	json_put_int(out, "unjudged_records", s->unverified_records);
	json_put_int(out, "unjudged_bytes", s->unverified_bytes);
	json_put_int(out, "damaged_files", s->damaged_files);
	json_put_int(out, "aside_records", s->aside_records);
	json_put_text(out, "oldest_at", buf_str(&oldest));
	buf_add_text(out, "}\n");
	buf_done(&oldest);
}

static void add_text(struct buf *out, const struct conf *conf, const struct spool_status *s)
{
	if (s->records == 0)
		buf_add_text(out, "Nothing waits in the spool.\n");
	else
		buf_addf(out, "%lld callback%s in %lld file%s, ", (long long)s->records,
			 term_s(s->records), (long long)s->files, term_s(s->files));
	if (s->records) {
		term_add_size(out, s->bytes);
		buf_add_text(out, " of ");
		term_add_size(out, ledger_conf(conf)->spool_max_bytes);
		buf_add_text(out, "; the oldest came ");
		term_add_ago(out, s->oldest_us);
		buf_add_text(out, ".\n");
	}
	if (s->unverified_records) {
		buf_addf(out, "%lld of them came before the receiver knew the secrets, ",
			 (long long)s->unverified_records);
		term_add_size(out, s->unverified_bytes);
		buf_add_text(out, " of ");
		term_add_size(out, ledger_conf(conf)->spool_unverified_max_bytes);
		buf_add_text(out, ".\n");
	}
	if (s->aside_records)
		buf_addf(out,
			 "Set aside, acknowledged and not recorded: %lld (`hookledger spool "
			 "list`).\n",
			 (long long)s->aside_records);
	if (s->damaged_files)
		buf_addf(out, "Kept for inspection: %lld damaged file%s (*.damaged).\n",
			 (long long)s->damaged_files, term_s(s->damaged_files));
}

static int run_status(struct cli *cli, int argc, char **argv)
{
	struct spool_status found = { 0 };
	struct buf out = { 0 };
	int status;
	struct spool *spool = cli_spool(cli->conf, &status);

	(void)argc, (void)argv;
	if (!spool && status)
		goto done;
	status = CLI_FAILED;
	if (spool && spool_count(spool, &found)) {
		term_problem("the spool %s cannot be read", ledger_conf(cli->conf)->spool_dir);
		goto done;
	}
	if (given.json)
		add_json(&out, &found);
	else
		add_text(&out, cli->conf, &found);
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
done:
	spool_close(spool);
	return status;
}

/* ---- drain */

static int64_t total_of(struct spool_drain_count count)
{
	return count.recorded + count.duplicate + count.quarantined + count.forged;
}

static enum err drain_all(struct spool_drain *drain, struct db *db, struct progress *progress)
{
	enum err err = ERR_NONE;
	bool more = true;

	while (!err && more) {
		int64_t deferred = spool_drain_total(drain).deferred;

		err = spool_drain_step(drain, STEP_WAIT_MS, &more);
		/* It deferred one that the database does not take: go on with the others. */
		if (err && spool_drain_total(drain).deferred > deferred &&
		    db_wait(db, STEP_WAIT_MS) == ERR_NONE) {
			err = ERR_NONE;
			more = true;
		}
		progress_to(progress, total_of(spool_drain_total(drain)));
	}
	return err;
}

static bool print_drained(struct spool_drain_count count, const struct spool_status *left)
{
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_int(&out, "recorded", count.recorded);
		json_put_int(&out, "duplicate", count.duplicate);
		json_put_int(&out, "quarantined", count.quarantined);
		json_put_int(&out, "forged", count.forged);
		json_put_int(&out, "left", left->records);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out,
			 "%lld recorded, %lld were there already, %lld to the quarantine, "
			 "%lld forged\n",
			 (long long)count.recorded, (long long)count.duplicate,
			 (long long)count.quarantined, (long long)count.forged);
		if (left->records)
			buf_addf(&out,
				 "left in files that a running receiver holds and drains itself: "
				 "%lld\n",
				 (long long)left->records);
	}
	return term_write_buf(&out);
}

static int run_drain(struct cli *cli, int argc, char **argv)
{
	struct sealer *sealer = sealer_new(cli->conf->master_key, cli->conf->master_key_previous);
	struct keyring *keys = keyring_new(sealer);
	struct counters *counters = counters_new();
	struct spool_status left = { 0 };
	struct spool_drain *drain = NULL;
	struct progress progress;
	struct db *db = NULL;
	int status;
	struct spool *spool = cli_spool(cli->conf, &status);
	enum err err;

	(void)argc, (void)argv;
	if (!spool) {
		if (status == CLI_FINE)
			status = print_drained((struct spool_drain_count){ 0 }, &left) ? CLI_FINE
										       : CLI_FAILED;
		goto done;
	}
	db = cli_connect(cli->conf, "receiver");
	if (!db || spool_count(spool, &left))
		goto done;
	err = counters_load(counters, ledger_conf(cli->conf)->spool_dir);
	if (err && err != ERR_ABSENT)
		term_problem("the counters beside the spool cannot be read; going on without");
	drain = spool_drain_new(spool, db, keys, counters,
				http_conf(cli->conf)->batch_max > BATCH_MIN
					? http_conf(cli->conf)->batch_max
					: BATCH_MIN,
				http_conf(cli->conf)->batch_max_bytes);
	progress = progress_start("callbacks", left.records);
	err = drain_all(drain, db, &progress);
	progress_end(&progress);
	if (err)
		term_problem("the database did not take all: %s; the rest stays in the spool",
			     db_problem(db));
	if (!counters_is_empty(counters) && counters_flush(counters, db, STEP_WAIT_MS) &&
	    counters_save(counters, ledger_conf(cli->conf)->spool_dir))
		term_problem("the counters could not be kept");
	if (!spool_count(spool, &left) && print_drained(spool_drain_total(drain), &left) && !err)
		status = CLI_FINE;
done:
	spool_drain_free(drain);
	db_close(db);
	counters_free(counters);
	keyring_free(keys);
	sealer_free(sealer);
	spool_close(spool);
	return status;
}

/* ---- callbacks that were set aside */

struct list {
	struct buf out;
	int64_t count;
};

static void put_aside(void *user, const char *name, const struct callback *cb)
{
	struct list *list = user;
	struct buf at = { 0 };

	if (given.json) {
		clock_write(&at, cb->received_us);
		if (list->count)
			buf_add_char(&list->out, ',');
		buf_add_char(&list->out, '{');
		json_put_text(&list->out, "name", str_of(name));
		json_put_text(&list->out, "received_at", buf_str(&at));
		json_put_id(&list->out, "endpoint_id", cb->endpoint_id);
		json_put_int(&list->out, "bytes", (int64_t)cb->body.len);
		buf_add_char(&list->out, '}');
	} else {
		term_add_time(&list->out, cb->received_us);
		buf_addf(&list->out, "  endpoint %lld  ", (long long)cb->endpoint_id);
		term_add_size(&list->out, (int64_t)cb->body.len);
		buf_addf(&list->out, "  %s\n", name);
	}
	list->count++;
	buf_done(&at);
}

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct list list = { 0 };
	int status;
	struct spool *spool = cli_spool(cli->conf, &status);

	(void)argc, (void)argv;
	if (!spool && status)
		return status;
	status = CLI_FAILED;
	if (given.json)
		buf_add_text(&list.out, "{\"aside\":[");
	if (spool && spool_aside_each(spool, put_aside, &list)) {
		term_problem("the spool %s cannot be read", ledger_conf(cli->conf)->spool_dir);
		goto done;
	}
	if (given.json)
		buf_add_text(&list.out, "]}\n");
	else if (!list.count)
		buf_add_text(&list.out, "Nothing was set aside.\n");
	if (term_write(buf_str(&list.out)))
		status = CLI_FINE;
done:
	spool_close(spool);
	buf_done(&list.out);
	return status;
}

/* Collects the names to retry, one a line: the folder must not change while it is read. */
static void add_name(void *user, const char *name, const struct callback *cb)
{
	(void)cb;
	buf_addf(user, "%s\n", name);
}

static int run_retry(struct cli *cli, int argc, char **argv)
{
	struct buf names = { 0 }, out = { 0 };
	struct str rest;
	int64_t count = 0;
	int status = CLI_USAGE;
	struct spool *spool = NULL;

	if ((argc == 1) == given.all) {
		term_problem("say which one: a name of `hookledger spool list`, or --all");
		goto done;
	}
	spool = cli_spool(cli->conf, &status);
	if (!spool)
		goto done;
	if (argc == 1)
		buf_addf(&names, "%s\n", argv[0]);
	status = CLI_FAILED;
	if (argc != 1 && spool_aside_each(spool, add_name, &names)) {
		term_problem("the spool %s cannot be read", ledger_conf(cli->conf)->spool_dir);
		goto done;
	}
	status = CLI_FINE;
	for (rest = buf_str(&names); rest.len;) {
		struct str name = str_cut(&rest, '\n');
		enum err err = spool_aside_retry(spool, name);

		count += !err;
		if (err) {
			term_problem("%.*s: %s", (int)name.len, name.at,
				     err == ERR_ABSENT ? "nothing of that name was set aside"
						       : "it cannot be moved");
			status = CLI_FAILED;
		}
	}
	if (given.json)
		buf_addf(&out, "{\"retried\":%lld}\n", (long long)count);
	else
		buf_addf(&out,
			 "%lld put back; the receiver records them, or `hookledger spool drain`\n",
			 (long long)count);
	if (!term_write(buf_str(&out)))
		status = CLI_FAILED;
done:
	spool_close(spool);
	buf_done(&names);
	buf_done(&out);
	return status;
}

static const struct cli_option options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option retry_options[] = {
	{ "all", OPTION_FLAG, &given.all, NULL, "all callbacks that were set aside" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_spool[] = {
	{ .name = "spool status",
	  .need = NEED_SETTINGS,
	  .run = run_status,
	  .options = options,
	  .help = "show what waits on disk for the database" },
	{ .name = "spool drain",
	  .need = NEED_SETTINGS,
	  .run = run_drain,
	  .options = options,
	  .help = "record it in the database, as the receiver does by itself",
	  .more = "Connects as database.receiver. Run it as the user of the receiver, or as "
		  "root." },
	{ .name = "spool list",
	  .need = NEED_SETTINGS,
	  .run = run_list,
	  .options = options,
	  .help = "list callbacks that were acknowledged and that the database refuses" },
	{ .name = "spool retry",
	  .operands = "[NAME]",
	  .need = NEED_SETTINGS,
	  .run = run_retry,
	  .options = retry_options,
	  .help = "put one of them, or all, back into the spool" },
	{ 0 },
};
