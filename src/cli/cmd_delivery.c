/* SPDX-License-Identifier: ISC */
/* Deliveries to our subscribers: the list, one delivery with its attempts, and the replay. */
#include <stdio.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/catalog.h"

enum { LIST_LIMIT = 20, REPLAY_PAGE = 1000 };

static struct {
	const char *state;
	int64_t subscription, before, limit, since_us, until_us;
	bool dead, json;
} given = { .limit = LIST_LIMIT };

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();

	(void)argc, (void)argv;
	cli_arg_int(args, given.subscription, given.subscription);
	db_arg_text(args, str_of(given.state));
	cli_arg_int(args, given.before, given.before);
	db_arg_int(args, given.limit);
	return cli_list(cli, "operator.delivery_list", args,
			(struct list){ .name = "deliveries", .json = given.json });
}

/* ---- one */

static void add_line(struct buf *out, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_addf(out, "  %-13s ", name);
	term_add_safe(out, value);
	buf_add_char(out, '\n');
}

static void add_time(struct buf *out, const char *name, const struct db_rows *rows,
		     const char *column)
{
	struct buf text = { 0 };

	if (!db_is_null(rows, 0, column)) {
		term_add_time(&text, db_int(rows, 0, column));
		buf_add_text(&text, ", ");
		term_add_ago(&text, db_int(rows, 0, column));
	}
	add_line(out, name, buf_str(&text));
	buf_done(&text);
}

static void add_delivery(struct buf *out, const struct db_rows *rows)
{
	struct buf problem = { 0 };

	buf_addf(out, "Delivery %lld of event %lld to subscription %lld: ",
		 (long long)db_int(rows, 0, "delivery_id"), (long long)db_int(rows, 0, "event_id"),
		 (long long)db_int(rows, 0, "subscription_id"));
	buf_add_str(out, db_str(rows, 0, "state"));
	buf_add_char(out, '\n');
	add_line(out, "to", db_str(rows, 0, "url_callback"));
	add_line(out, "model", db_str(rows, 0, "model"));
	add_line(out, "action", db_str(rows, 0, "action"));
	add_line(out, "entity", db_str(rows, 0, "entity_id"));
	add_time(out, "event of", rows, "event_created_us");
	add_time(out, "made", rows, "made_us");
	add_time(out, "next attempt", rows, "due_us");
	add_time(out, "ended", rows, "settled_us");
	catalog_write_json(db_str(rows, 0, "last_error"), &problem);
	add_line(out, "problem", buf_str(&problem));
	buf_done(&problem);
	buf_addf(out, "  %-13s %lld\n", "attempts", (long long)db_int(rows, 0, "attempts"));
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of a delivery", &id);
	struct db_rows *rows = NULL, *attempts = NULL;
	struct list list = { .name = "attempts" };
	struct buf out = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	if (cli_call(cli->db, "operator.delivery_find", args, &rows) ||
	    cli_call(cli->db, "operator.attempt_list", args, &attempts))
		goto done;
	if (given.json) {
		buf_add_text(&out, "{\"delivery\":{");
		list_add_members(&out, NULL, NULL, rows, 0);
		buf_add_char(&out, '}');
		list_add_array(&out, "attempts", NULL, attempts);
		buf_add_text(&out, "}\n");
	} else {
		add_delivery(&out, rows);
	}
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
	if (!status && !given.json && db_rows_count(attempts)) {
		list_add(&list, attempts, db_rows_count(attempts));
		status = list_write(&list) ? CLI_FINE : CLI_FAILED;
	}
done:
	db_rows_free(rows);
	db_rows_free(attempts);
	db_args_free(args);
	return status;
}

/* ---- replay */

static int run_replay(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of a delivery", &id);
	struct db_rows *rows = NULL;
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	if (!cli_call(cli->db, "operator.delivery_replay", args, &rows)) {
		printf("Delivery %lld is %s.\n", (long long)id,
		       str_is(db_str(rows, 0, "delivery_replay"), "due")
			       ? "due now"
			       : "to be delivered behind an earlier one of its entity");
		status = CLI_FINE;
	}
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static enum err replay_all(struct cli *cli, int64_t id, int64_t *replayed, int64_t *hidden)
{
	struct db_args *args = db_args_new();
	struct progress progress = progress_start("deliveries", 0);
	int64_t after = 0, looked_at = REPLAY_PAGE, done = 0;
	enum err err = ERR_NONE;

	while (!err && looked_at == REPLAY_PAGE) {
		struct db_rows *rows = NULL;

		db_args_clear(args);
		db_arg_int(args, id);
		cli_arg_time(args, given.since_us);
		cli_arg_time(args, given.until_us);
		db_arg_bool(args, given.dead);
		db_arg_int(args, after);
		db_arg_int(args, REPLAY_PAGE);
		err = cli_call(cli->db, "operator.subscription_replay", args, &rows);
		if (!err) {
			*replayed += db_int(rows, 0, "replayed");
			*hidden += db_int(rows, 0, "hidden");
			looked_at = db_int(rows, 0, "looked_at");
			after = db_int(rows, 0, "last_id");
			progress_to(&progress, done += looked_at);
		}
		db_rows_free(rows);
	}
	progress_end(&progress);
	db_args_free(args);
	return err;
}

static int run_subscription_replay(struct cli *cli, int argc, char **argv)
{
	int64_t id, replayed = 0, hidden = 0;

	(void)argc;
	if (!input_id(argv[0], "the number of a subscription", &id))
		return CLI_USAGE;
	if (!given.dead && !given.since_us) {
		term_problem(
			"say which: --dead for the deliveries that were given up, --since TIME "
			"for all events since then");
		return CLI_USAGE;
	}
	if (replay_all(cli, id, &replayed, &hidden))
		return CLI_FAILED;
	printf("%lld of the deliveries to subscription %lld are due once more.\n"
	       "There is none for an event that came while it was disabled or not validated.\n",
	       (long long)replayed, (long long)id);
	if (hidden)
		printf("%lld are left out: the account of the subscription may not see them.\n",
		       (long long)hidden);
	return CLI_FINE;
}

static const struct cli_option list_options[] = {
	{ "subscription", OPTION_COUNT, &given.subscription, "ID", "only of this subscription" },
	{ "state", OPTION_TEXT, &given.state, "STATE", "due, behind, delivered, dead or dropped" },
	{ "limit", OPTION_COUNT, &given.limit, "N", "how many (20)" },
	{ "before", OPTION_COUNT, &given.before, "ID",
	  "older than this one: the last of the previous list" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option show_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option replay_options[] = {
	{ "since", OPTION_TIME, &given.since_us, "TIME", "of events created since then" },
	{ "until", OPTION_TIME, &given.until_us, "TIME", "and before then" },
	{ "dead", OPTION_FLAG, &given.dead, NULL, "only deliveries that were given up" },
	{ 0 },
};

const struct command cmd_delivery[] = {
	{ .name = "subscription replay",
	  .need = NEED_OPERATOR,
	  .run = run_subscription_replay,
	  .operands = "ID",
	  .options = replay_options,
	  .help = "deliver events to it once more",
	  .more = "Replays only deliveries that exist: there is none for an event that came while\n"
		  "the subscription was disabled." },
	{ .name = "delivery list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list deliveries to our subscribers, the newest first" },
	{ .name = "delivery show",
	  .need = NEED_OPERATOR,
	  .run = run_show,
	  .operands = "ID",
	  .options = show_options,
	  .help = "show one with the result of each attempt" },
	{ .name = "delivery replay",
	  .need = NEED_OPERATOR,
	  .run = run_replay,
	  .operands = "ID",
	  .options = no_options,
	  .help = "deliver once more; one that waits for its next attempt is due at once" },
	{ 0 },
};
