/* SPDX-License-Identifier: ISC */
/* The findings of the monitor, and the alerts: the addresses to which the courier sends
   new findings. */
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/catalog.h"
#include "ledger/alert.h"
#include "ledger/sealing.h"

/* Exit status of `findings`. A program that watches it can tell a finding from a failure
   of the command itself. */
enum { FOUND_WARNING = 3, FOUND_TROUBLE = 4 };

static struct {
	bool json;
} given;

/* ---- findings */

static void put_finding(struct buf *out, const struct db_rows *rows, size_t row)
{
	buf_addf(out, "%-8s ",
		 str_is(db_str(rows, row, "level"), "trouble") ? "TROUBLE" : "warning");
	catalog_write_json(db_str(rows, row, "words"), out);
	if (!db_is_null(rows, row, "since_us")) {
		buf_add_text(out, " Since ");
		term_add_time(out, db_int(rows, row, "since_us"));
		buf_add_char(out, '.');
	}
	buf_add_text(out, "\n         ");
	catalog_write_json(db_str(rows, row, "todo"), out);
	buf_add_char(out, '\n');
}

static int run_findings(struct cli *cli, int argc, char **argv)
{
	struct list list = { .name = "findings", .json = true };
	struct db_rows *rows = NULL;
	struct buf out = { 0 };
	int status = CLI_FINE;
	bool fine;

	(void)argc, (void)argv;
	if (cli_call(cli->db, "operator.findings", NULL, &rows))
		return CLI_FAILED;
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		bool is_trouble = str_is(db_str(rows, i, "level"), "trouble");

		if (is_trouble || !status)
			status = is_trouble ? FOUND_TROUBLE : FOUND_WARNING;
		put_finding(&out, rows, i);
	}
	if (!db_rows_count(rows))
		buf_add_text(&out, "All is well.\n");
	if (given.json) {
		list_add(&list, rows, db_rows_count(rows));
		fine = list_write(&list);
	} else {
		fine = term_write(buf_str(&out));
	}
	buf_done(&out);
	db_rows_free(rows);
	return fine ? status : CLI_FAILED;
}

/* ---- alerts */

static const char NOUN[] = "the number of an alert";

static int run_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.alert_list", NULL,
			(struct list){ .name = "alerts", .json = given.json });
}

static bool add_secret(struct cli *cli, int64_t id, struct buf *secret)
{
	struct sealer *sealer = cli_sealer(cli->conf);
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 };
	bool fine = false;

	if (!sealer)
		goto done;
	sealing_new_secret(secret);
	if (sealing_row(sealer, SEALING_ALERT, id, buf_str(secret), &sealed)) {
		term_problem("the secret cannot be sealed");
		goto done;
	}
	db_arg_int(args, id);
	db_arg_bytes(args, buf_str(&sealed));
	fine = !cli_call(cli->db, "operator.alert_secret", args, NULL);
done:
	buf_done(&sealed);
	db_args_free(args);
	sealer_free(sealer);
	return fine;
}

static void put_added(struct buf *out, int64_t id, const struct buf *secret)
{
	if (given.json) {
		buf_add_char(out, '{');
		json_put_id(out, "id", id);
		if (secret->len)
			json_put_text(out, "secret", buf_str(secret));
		buf_add_text(out, "}\n");
		return;
	}
	/* Without its target: a log may keep what is printed, and a chat address is a secret. */
	buf_addf(out, "Alert %lld: new findings are sent there.\n", (long long)id);
	if (secret->len)
		buf_addf(out,
			 "Its secret, which signs what is sent and is shown only now:\n\n  %s\n\n",
			 buf_text(secret));
	buf_addf(out, "Try it: hookledger alert test %lld\n", (long long)id);
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct buf secret = { 0 }, out = { 0 };
	int status = CLI_FAILED;
	int64_t id;

	(void)argc;
	db_arg_text(args, str_of(argv[0]));
	db_arg_text(args, str_of(argv[1]));
	if (cli_call_number(cli->db, "operator.alert_add", args, &id))
		goto done;
	if (str_is(str_of(argv[0]), "webhook") && !add_secret(cli, id, &secret))
		goto done;
	put_added(&out, id, &secret);
	if (term_write_buf(&out))
		status = CLI_FINE;
done:
	mem_wipe(secret.at, secret.cap);
	buf_done(&secret);
	db_args_free(args);
	return status;
}

/* Sends it from this program, so that the user sees a problem at once. */
static int send_test(struct cli *cli, const struct db_rows *rows, const struct sealer *sealer)
{
	struct alert *alert = alert_new(cli->conf, sealer);
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 };
	struct alert_message message;
	struct alert_outcome outcome;
	int status = CLI_FAILED;

	alert_read(rows, &sealed, &message);
	alert_send(alert, &message);
	alert_wait(alert, &outcome);
	db_arg_int(args, outcome.message_id);
	db_arg_int(args, outcome.lease);
	db_arg_text(args, str_of(outcome.problem));
	if (cli_call(cli->db, "operator.alert_settle", args, NULL))
		goto done;
	if (outcome.problem) {
		term_problem("the test was not taken: %s", outcome.problem);
		goto done;
	}
	puts("The test was taken.");
	status = CLI_FINE;
done:
	buf_done(&sealed);
	db_args_free(args);
	alert_free(alert);
	return status;
}

static int run_test(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);
	struct sealer *sealer = NULL;
	struct db_rows *rows = NULL;
	struct buf page = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	sealer = cli_sealer(cli->conf);
	if (!sealer)
		goto done;
	alert_page(cli->conf, &page);
	db_arg_text(args, page.len ? buf_str(&page) : str_of(""));
	db_arg_int(args, ALERT_LEASE_MS);
	if (!cli_call(cli->db, "operator.alert_test", args, &rows))
		status = send_test(cli, rows, sealer);
done:
	buf_done(&page);
	db_rows_free(rows);
	db_args_free(args);
	sealer_free(sealer);
	return status;
}

static int enable(struct cli *cli, const char *word, bool is_on)
{
	int64_t id;
	struct db_args *args = cli_id_args(word, NOUN, &id);

	if (!args)
		return CLI_USAGE;
	db_arg_bool(args, is_on);
	return cli_change(cli, "operator.alert_enable", args, "Alert %lld is %s.", (long long)id,
			  is_on ? "enabled" : "disabled");
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return enable(cli, argv[0], true);
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return enable(cli, argv[0], false);
}

static int run_remove(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);

	(void)argc;
	return args ? cli_change(cli, "operator.alert_remove", args, "Alert %lld is gone.",
				 (long long)id)
		    : CLI_USAGE;
}

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_alert[] = {
	{ .name = "findings",
	  .need = NEED_OPERATOR,
	  .run = run_findings,
	  .options = json_options,
	  .help = "say what is not well, and what to do about it",
	  .more = "Exit status: 0 all is well, 3 warnings, 4 trouble; 1 it could not look." },
	{ .name = "alert list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = json_options,
	  .help = "list the addresses to which findings are sent" },
	{ .name = "alert add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .operands = "mail|webhook|slack|teams|discord|mattermost|googlechat|ntfy TARGET",
	  .options = json_options,
	  .help = "send findings to an e-mail address, a program or a chat",
	  .more = "A webhook gets signed JSON. A chat gets a message in its own form; TARGET is "
		  "the URL of\n"
		  "its incoming webhook, or of the topic (ntfy).\n"
		  "A courier sends each finding once when it is new, becomes worse, or is over.\n"
		  "How e-mails are sent: settings smtp_url, mail_sendmail, mail_from." },
	{ .name = "alert test",
	  .need = NEED_OPERATOR,
	  .run = run_test,
	  .operands = "ID",
	  .options = no_options,
	  .help = "send a test there, and show the result" },
	{ .name = "alert enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "send findings there again" },
	{ .name = "alert disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "send nothing there for now" },
	{ .name = "alert remove",
	  .need = NEED_OPERATOR,
	  .run = run_remove,
	  .operands = "ID",
	  .options = no_options,
	  .help = "remove it" },
	{ 0 },
};
