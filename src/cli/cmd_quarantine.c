/* SPDX-License-Identifier: ISC */
/* The quarantine: callbacks with a valid signature that could not be recorded. The
   operator lists them, shows one, and tries to record them again after the cause is
   removed. */
#include <stdio.h>
#include <string.h>

#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/callback.h"
#include "ledger/intake.h"

enum { PAGE = 200, RECORD_WAIT_MS = 60000 };

static struct {
	int64_t limit;
	bool json, raw, all;
} given;

/* The rows of operator.quarantine_list() after *after, which becomes the number of the
   last one. */
static enum err read_page(struct db *db, int64_t *after, int64_t most, bool waiting,
			  struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, *after);
	db_arg_int(args, most);
	db_arg_bool(args, waiting);
	err = cli_call(db, "operator.quarantine_list", args, rows);
	if (!err && db_rows_count(*rows))
		*after = db_int(*rows, db_rows_count(*rows) - 1, "quarantine_id");
	db_args_free(args);
	return err;
}

/* ---- list */

#define MEMBERS \
	{ .column = "quarantine_id", .member = "quarantine_id" }, \
		{ .column = "endpoint_id", .member = "endpoint_id" }, \
		{ .column = "secret_id", .member = "secret_id" }, \
		{ .column = "received_us", .member = "received_at" }, \
		{ .column = "reason", .member = "reason" }, \
		{ .column = "retried_us", .member = "retried_at" }, \
	{ \
		.column = "retried_as", .member = "retried_as" \
	}

static const struct list_column members[] = { MEMBERS, { 0 } };

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const struct list_column columns[] = {
		MEMBERS,
		{ .column = "quarantine_id", .head = "ID" },
		{ .column = "endpoint_id", .head = "ENDPOINT" },
		{ .column = "received_us", .head = "RECEIVED" },
		{ .column = "reason", .head = "REASON" },
		{ .column = "bytes", .head = "SIZE", .member = "bytes", .form = LIST_SIZE },
		{ .column = "retried_as", .head = "STATE", .absent = "waits" },
		{ 0 },
	};
	int64_t after = 0, left = given.limit ? given.limit : INT64_MAX;
	struct list list = { .name = "quarantine", .json = given.json, .columns = columns };
	size_t count = PAGE;

	(void)argc, (void)argv;
	while (left > 0 && count == PAGE) {
		struct db_rows *rows = NULL;

		if (read_page(cli->db, &after, left < PAGE ? left : PAGE, !given.all, &rows)) {
			list_done(&list);
			return CLI_FAILED;
		}
		count = db_rows_count(rows);
		left -= (int64_t)count;
		list_add(&list, rows, count);
		db_rows_free(rows);
	}
	return list_write(&list) ? CLI_FINE : CLI_FAILED;
}

/* ---- show */

static enum err find(struct db *db, int64_t id, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, id);
	err = cli_call(db, "operator.quarantine_find", args, rows);
	db_args_free(args);
	return err;
}

static void print_text(struct buf *out, const struct db_rows *rows, struct str body)
{
	struct buf pretty = { 0 };
	struct str rest;

	buf_addf(out, "Number %lld, for endpoint %lld, received ",
		 (long long)db_int(rows, 0, "quarantine_id"),
		 (long long)db_int(rows, 0, "endpoint_id"));
	term_add_time(out, db_int(rows, 0, "received_us"));
	buf_add_text(out, ", reason ");
	term_add_safe(out, db_str(rows, 0, "reason"));
	if (!db_is_null(rows, 0, "retried_as")) {
		buf_add_text(out, ", retried with success: ");
		term_add_safe(out, db_str(rows, 0, "retried_as"));
	}
	buf_add_char(out, '\n');
	json_pretty(&pretty, body);
	rest = buf_str(&pretty);
	while (rest.len) {
		term_add_safe(out, str_cut(&rest, '\n'));
		buf_add_char(out, '\n');
	}
	buf_done(&pretty);
}

static void add_json(struct buf *out, const struct db_rows *rows, struct str body)
{
	struct buf signature = { 0 }, hex = { 0 };

	db_bytes(rows, 0, "signature", &signature);
	buf_add_char(out, '{');
	list_add_members(out, members, NULL, rows, 0);
	json_put_text(out, "address", db_str(rows, 0, "address"));
	buf_add_hex(&hex, signature.at, signature.len);
	json_put_text(out, "signature", buf_str(&hex));
	/* the body may be any bytes: as hex, and as text for people */
	buf_clear(&hex);
	buf_add_hex(&hex, body.at, body.len);
	json_put_text(out, "body_hex", hex.len ? buf_str(&hex) : str_of(""));
	json_put_text(out, "body", body.len ? body : str_of(""));
	buf_add_text(out, "}\n");
	buf_done(&hex);
	buf_done(&signature);
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct db_rows *rows = NULL;
	struct buf out = { 0 }, body = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number in quarantine", &id))
		goto done;
	status = CLI_FAILED;
	if (find(cli->db, id, &rows))
		goto done;
	db_bytes(rows, 0, "body", &body);
	if (given.raw)
		buf_add_str(&out, buf_str(&body));
	else if (given.json)
		add_json(&out, rows, buf_str(&body));
	else
		print_text(&out, rows, buf_str(&body));
	status = term_write(buf_str(&out)) ? CLI_FINE : CLI_FAILED;
done:
	db_rows_free(rows);
	buf_done(&out);
	buf_done(&body);
	return status;
}

/* ---- retry */

struct retry {
	struct db *db, *receiver;
	struct intake *intake;
	int64_t recorded, duplicate, failed;
};

static const char *reason_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ABSENT:
		return "its endpoint is disabled";
	case VERDICT_REVOKED:
		return "its secret was revoked before it came";
	case VERDICT_WORKSPACE:
		return "it is of another workspace than its endpoint";
	case VERDICT_HORIZON:
		return "it is older than what is kept";
	case VERDICT_REFUSED:
		return "PostgreSQL cannot take its data";
	default:
		return "the database gave no reason";
	}
}

/* Records the callback as the receiver does. NULL, with *outcome set: it is recorded.
   Otherwise the reason why it is not. */
static const char *record(struct retry *retry, struct callback *cb, const char **outcome)
{
	enum reason reason;
	const char *problem;
	enum verdict verdict;

	if (callback_parse(cb, &reason, &problem))
		return problem;
	if (cb->kind != CALLBACK_EVENT)
		return "it is a ping";
	intake_clear(retry->intake);
	intake_add(retry->intake, cb);
	if (intake_append(retry->intake, retry->receiver, "quarantine", RECORD_WAIT_MS))
		return db_problem(retry->receiver);
	verdict = intake_verdict(retry->intake, 0);
	if (verdict != VERDICT_RECORDED && verdict != VERDICT_DUPLICATE)
		return reason_of(verdict);
	*outcome = verdict == VERDICT_RECORDED ? "recorded" : "duplicate";
	return NULL;
}

static enum err settle(struct retry *retry, int64_t id, const char *outcome)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, id);
	db_arg_text(args, str_of(outcome));
	err = cli_call(retry->db, "operator.quarantine_settle", args, NULL);
	db_args_free(args);
	return err;
}

static enum err retry_one(struct retry *retry, int64_t id)
{
	struct db_rows *rows = NULL;
	struct buf body = { 0 }, signature = { 0 };
	struct callback cb = { 0 };
	const char *outcome = NULL, *problem;
	enum err err = find(retry->db, id, &rows);

	if (err)
		goto done;
	db_bytes(rows, 0, "body", &body);
	db_bytes(rows, 0, "signature", &signature);
	cb.address = db_str(rows, 0, "address");
	cb.body = buf_str(&body);
	cb.received_us = db_int(rows, 0, "received_us");
	cb.endpoint_id = db_int(rows, 0, "endpoint_id");
	cb.secret_id = db_int(rows, 0, "secret_id");
	if (signature.len == MAC_BYTES)
		memcpy(cb.signature, signature.at, MAC_BYTES);
	problem = record(retry, &cb, &outcome);
	if (problem) {
		term_problem("%lld stays in quarantine: %s", (long long)id, problem);
		retry->failed++;
		goto done;
	}
	err = settle(retry, id, outcome);
	if (err)
		goto done;
	if (strcmp(outcome, "recorded") == 0)
		retry->recorded++;
	else
		retry->duplicate++;
done:
	db_rows_free(rows);
	buf_done(&body);
	buf_done(&signature);
	return err;
}

static enum err retry_all(struct retry *retry)
{
	struct progress progress = progress_start("callbacks", 0);
	int64_t after = 0, done = 0;
	size_t count = PAGE;
	enum err err = ERR_NONE;

	while (!err && count == PAGE) {
		struct db_rows *rows = NULL;

		err = read_page(retry->db, &after, PAGE, true, &rows);
		count = err ? 0 : db_rows_count(rows);
		for (size_t i = 0; i < count && !err; i++) {
			err = retry_one(retry, db_int(rows, i, "quarantine_id"));
			progress_to(&progress, ++done);
		}
		db_rows_free(rows);
	}
	progress_end(&progress);
	return err;
}

static int run_retry(struct cli *cli, int argc, char **argv)
{
	struct retry retry = { .db = cli->db };
	int status = CLI_USAGE;
	int64_t id = 0;
	enum err err;

	if (given.all == (argc == 1)) {
		term_problem("say which one: `hookledger quarantine retry ID`, or --all");
		return CLI_USAGE;
	}
	if (argc == 1 && !input_id(argv[0], "the number in quarantine", &id))
		return CLI_USAGE;
	status = CLI_FAILED;
	retry.intake = intake_new();
	retry.receiver = cli_connect(cli->conf, "receiver");
	if (!retry.receiver)
		goto done;
	err = given.all ? retry_all(&retry) : retry_one(&retry, id);
	if (err)
		goto done;
	if (given.json)
		printf("{\"recorded\":%lld,\"duplicate\":%lld,\"failed\":%lld}\n",
		       (long long)retry.recorded, (long long)retry.duplicate,
		       (long long)retry.failed);
	else
		printf("%lld recorded, %lld were there already, %lld stay in quarantine\n",
		       (long long)retry.recorded, (long long)retry.duplicate,
		       (long long)retry.failed);
	if (retry.failed == 0)
		status = CLI_FINE;
done:
	db_close(retry.receiver);
	intake_free(retry.intake);
	return status;
}

static const struct cli_option list_options[] = {
	{ "all", OPTION_FLAG, &given.all, NULL, "also those that a retry has recorded" },
	{ "limit", OPTION_COUNT, &given.limit, "N", "at most N" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option show_options[] = {
	{ "raw", OPTION_FLAG, &given.raw, NULL, "only the body, byte for byte" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option retry_options[] = {
	{ "all", OPTION_FLAG, &given.all, NULL, "all that are waiting" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_quarantine[] = {
	{ .name = "quarantine list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list signed callbacks that could not be recorded" },
	{ .name = "quarantine show",
	  .need = NEED_OPERATOR,
	  .run = run_show,
	  .operands = "ID",
	  .options = show_options,
	  .help = "show one with its body" },
	{ .name = "quarantine retry",
	  .need = NEED_OPERATOR,
	  .run = run_retry,
	  .operands = "[ID]",
	  .options = retry_options,
	  .help = "try to record it again" },
	{ 0 },
};
