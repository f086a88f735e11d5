/* SPDX-License-Identifier: ISC */
/* Recomputes the signatures of recorded events. It proves, even years later, that each
   body is what Toggl signed. */
#include <stdio.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/event_text.h"
#include "cli/secret_cache.h"
#include "cli/event_scan.h"
#include "cli/term.h"

/* The first failures are shown one by one; a wrong key fails all of them. */
enum { PAGE = 1000, SHOWN_MAX = 20 };

static struct {
	struct event_filter filter;
	bool json;
} given;

struct count {
	int64_t valid, invalid, unknown, forgotten;
};

static void print_failure(const struct db_rows *rows, size_t row, enum signature_verdict verdict)
{
	struct buf line = { 0 };

	event_add_line(&line, rows, row);
	fprintf(stderr, "%s: %s",
		verdict == SIGNATURE_INVALID ? "does not fit its body" : "secret unknown",
		buf_text(&line));
	buf_done(&line);
}

static void verify_row(struct secret_cache *cache, const struct db_rows *rows, size_t row,
		       struct count *count)
{
	struct buf signature = { 0 };
	enum signature_verdict verdict;

	db_bytes(rows, row, "signature", &signature);
	verdict = secret_cache_verify(cache, db_int(rows, row, "secret_id"),
				      db_str(rows, row, "body"), buf_str(&signature));
	buf_done(&signature);
	if (verdict == SIGNATURE_VALID) {
		count->valid++;
		return;
	}
	if (verdict == SIGNATURE_BODY_FORGOTTEN) {
		count->forgotten++;
		return;
	}
	if (count->invalid + count->unknown < SHOWN_MAX)
		print_failure(rows, row, verdict);
	if (verdict == SIGNATURE_INVALID)
		count->invalid++;
	else
		count->unknown++;
}

static enum err verify_all(struct event_scan *scan, struct secret_cache *cache,
			   struct progress *progress, struct count *count)
{
	size_t page = 1;

	while (page) {
		struct db_rows *rows = NULL;
		enum err err = event_scan_next(scan, PAGE, false, &rows);

		if (err)
			return err;
		page = db_rows_count(rows);
		for (size_t i = 0; i < page; i++)
			verify_row(cache, rows, i, count);
		db_rows_free(rows);
		progress_to(progress,
			    count->valid + count->invalid + count->unknown + count->forgotten);
	}
	return ERR_NONE;
}

static bool print_counts(const struct count *count)
{
	struct buf out = { 0 };

	if (given.json) {
		buf_add_char(&out, '{');
		json_put_int(&out, "genuine", count->valid);
		json_put_int(&out, "false", count->invalid);
		json_put_int(&out, "unknown", count->unknown);
		json_put_int(&out, "forgotten", count->forgotten);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out, "%lld valid, %lld invalid, %lld with a secret that does not open",
			 (long long)count->valid, (long long)count->invalid,
			 (long long)count->unknown);
		if (count->forgotten)
			buf_addf(&out, ", %lld replaced when a person was forgotten",
				 (long long)count->forgotten);
		buf_add_char(&out, '\n');
	}
	return term_write_buf(&out);
}

static int run_verify(struct cli *cli, int argc, char **argv)
{
	struct sealer *sealer = cli_sealer(cli->conf);
	struct secret_cache *cache = NULL;
	struct event_scan scan = { 0 };
	struct progress progress;
	struct count count = { 0 };
	int64_t total = 0;
	int status = CLI_USAGE;
	enum err err;

	(void)argc, (void)argv;
	if (!sealer)
		goto done;
	status = CLI_FAILED;
	event_scan_init(&scan, cli->db, &given.filter, NULL, NULL);
	/* First the end, then the secrets: so the cache has the secret of every event. */
	if (event_scan_stop_here(&scan) || !(cache = secret_cache_new(cli->db, sealer)) ||
	    (progress_is_wanted() && event_scan_count(&scan, &total)))
		goto done;
	progress = progress_start("events", total);
	err = verify_all(&scan, cache, &progress, &count);
	progress_end(&progress);
	if (err)
		goto done;
	if (print_counts(&count) && count.invalid == 0 && count.unknown == 0)
		status = CLI_FINE;
done:
	event_scan_done(&scan);
	secret_cache_free(cache);
	sealer_free(sealer);
	return status;
}

static const struct cli_option options[] = {
	{ "workspace", OPTION_COUNT, &given.filter.workspace, "ID", "of this Toggl workspace" },
	{ "since", OPTION_TIME, &given.filter.since_us, "TIME", "created then or later" },
	{ "until", OPTION_TIME, &given.filter.until_us, "TIME", "created before then" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_verify[] = {
	{ .name = "verify",
	  .need = NEED_OPERATOR,
	  .run = run_verify,
	  .options = options,
	  .help = "recompute the signatures of recorded events",
	  .more = "Each body is verified with the secret that it was verified with when it came, "
		  "even "
		  "if\n"
		  "that secret is revoked now.\n"
		  "Exit status 1 when one does not verify." },
	{ 0 },
};
