/* SPDX-License-Identifier: ISC */
/* After a change of the master key: opens every secret with the previous key and seals it
   with the current one. Each secret is replaced alone, and the programs know both keys
   meanwhile; so the command may be stopped and repeated. */
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/term.h"
#include "ledger/catalog.h"

static struct {
	bool json;
} given;

struct count {
	int64_t resealed, current, unopened;
};

static enum err reseal_one(struct db *db, const struct sealer *sealer, const struct db_rows *rows,
			   size_t row, struct count *count)
{
	struct str context = db_str(rows, row, "context");
	struct buf before = { 0 }, plain = { 0 }, after = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *answer = NULL;
	enum err err = ERR_NONE;

	db_bytes(rows, row, "sealed", &before);
	if (seal_open(sealer, context, buf_str(&before), &plain)) {
		struct buf description = { 0 };

		catalog_write_json(db_str(rows, row, "description"), &description);
		term_problem("%s opens with neither key", buf_text(&description));
		buf_done(&description);
		count->unopened++;
		goto done;
	}
	if (seal_is_current(sealer, buf_str(&before))) {
		count->current++;
		goto done;
	}
	err = seal(sealer, context, buf_str(&plain), &after);
	if (err)
		goto done;
	db_arg_text(args, context);
	db_arg_bytes(args, buf_str(&before));
	db_arg_bytes(args, buf_str(&after));
	err = cli_call(db, "operator.sealed_replace", args, &answer);
	/* false: another reseal was first */
	if (!err && db_bool(answer, 0, "sealed_replace"))
		count->resealed++;
	else if (!err)
		count->current++;
done:
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	buf_done(&before);
	buf_done(&after);
	db_rows_free(answer);
	db_args_free(args);
	return err;
}

static enum err reseal_all(struct db *db, const struct sealer *sealer, struct count *count)
{
	struct progress progress;
	struct db_rows *rows = NULL;
	enum err err = cli_call(db, "operator.sealed_list", NULL, &rows);

	if (err)
		return err;
	progress = progress_start("secrets", (int64_t)db_rows_count(rows));
	for (size_t i = 0; i < db_rows_count(rows) && !err; i++) {
		err = reseal_one(db, sealer, rows, i, count);
		progress_to(&progress, (int64_t)i + 1);
	}
	progress_end(&progress);
	db_rows_free(rows);
	return err;
}

static int run_reseal(struct cli *cli, int argc, char **argv)
{
	struct sealer *sealer = cli_sealer(cli->conf);
	struct count count = { 0 };
	struct buf out = { 0 };
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!sealer)
		goto done;
	status = CLI_FAILED;
	if (reseal_all(cli->db, sealer, &count))
		goto done;
	if (given.json) {
		buf_add_char(&out, '{');
		json_put_int(&out, "resealed", count.resealed);
		json_put_int(&out, "current", count.current);
		json_put_int(&out, "unopened", count.unopened);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out,
			 "%lld resealed, %lld had the current key already, %lld do not open\n",
			 (long long)count.resealed, (long long)count.current,
			 (long long)count.unopened);
		if (count.unopened == 0 && cli->conf->master_key_previous)
			buf_add_text(&out,
				     "master_key_previous is not needed any more: take it out of "
				     "the settings and start the programs again.\n");
	}
	if (term_write_buf(&out) && count.unopened == 0)
		status = CLI_FINE;
done:
	sealer_free(sealer);
	return status;
}

static const struct cli_option options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_reseal[] = {
	{ .name = "reseal",
	  .need = NEED_OPERATOR,
	  .run = run_reseal,
	  .options = options,
	  .help = "seal all secrets with a new master key",
	  .more = "1. In the settings: master_key = the new one, master_key_previous = the old "
		  "one.\n"
		  "2. Start receivers, API and courier again, so that they know both.\n"
		  "3. hookledger reseal\n"
		  "4. Take master_key_previous out and start them again." },
	{ 0 },
};
