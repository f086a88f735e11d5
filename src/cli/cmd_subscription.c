/* SPDX-License-Identifier: ISC */
/* The subscriptions of our subscribers, as the operator sees them, and the tick addresses:
   a request to one runs a round of the courier. The API creates subscriptions, because
   their callback has to answer. */
#include <stdio.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/term.h"
#include "ledger/sealing.h"

static struct {
	const char *secret_file, *rate;
	int64_t workspace, parallel, keep_us;
	bool all, valid, json;
} given = { .keep_us = INT64_C(24) * 3600 * 1000000 };

static const char NOUN[] = "the number of a subscription";

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();

	(void)argc, (void)argv;
	cli_arg_int(args, given.workspace, given.workspace);
	db_arg_bool(args, given.all);
	return cli_list(cli, "operator.subscription_list", args,
			(struct list){ .name = "subscriptions", .json = given.json });
}

/* `enable` NULL leaves it as it is. */
static int set(struct cli *cli, const char *word, const bool *enable, const char *outcome)
{
	int64_t id;
	struct db_args *args = cli_id_args(word, NOUN, &id);

	if (!args)
		return CLI_USAGE;
	cli_arg_bool(args, enable);
	db_arg_bool(args, given.valid);
	cli_arg_int(args, given.parallel, given.parallel);
	db_arg_text(args, str_of(given.rate));
	return cli_change(cli, "operator.subscription_set", args, "Subscription %lld is %s.",
			  (long long)id, outcome);
}

static int run_enable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set(cli, argv[0], &(bool){ true }, "enabled");
}

static int run_disable(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return set(cli, argv[0], &(bool){ false },
		   "disabled: what happens meanwhile is not sent later, not by a replay either");
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	if (!given.valid && !given.parallel && !given.rate) {
		term_problem("nothing to change: give --parallel, --rate or --valid");
		return CLI_USAGE;
	}
	return set(cli, argv[0], NULL, "changed");
}

static int run_delete(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], NOUN, &id);

	(void)argc;
	return args ? cli_change(cli, "operator.subscription_delete", args,
				 "Subscription %lld is deleted.", (long long)id)
		    : CLI_USAGE;
}

static int run_rotate(struct cli *cli, int argc, char **argv)
{
	struct buf secret = { 0 }, sealed = { 0 }, out = { 0 };
	struct db_args *args = NULL;
	struct sealer *sealer = cli_sealer(cli->conf);
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!sealer || !(args = cli_id_args(argv[0], NOUN, &id)) ||
	    (given.secret_file && !input_secret(given.secret_file, &secret)))
		goto done;
	status = CLI_FAILED;
	if (!given.secret_file)
		sealing_new_secret(&secret);
	if (sealing_row(sealer, SEALING_SUBSCRIPTION, id, buf_str(&secret), &sealed))
		goto done;
	db_arg_bytes(args, buf_str(&sealed));
	db_arg_int(args, given.keep_us);
	if (cli_call(cli->db, "operator.subscription_rotate", args, NULL))
		goto done;
	if (given.json) {
		buf_add_char(&out, '{');
		json_put_id(&out, "subscription_id", id);
		json_put_text(&out, "secret", buf_str(&secret));
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out, "Subscription %lld has a new secret%s%s\n", (long long)id,
			 given.secret_file ? "." : ":\n  ",
			 given.secret_file ? "" : buf_text(&secret));
	}
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	sealer_free(sealer);
	db_args_free(args);
	return status;
}

/* ---- tick addresses, for web-cron */

static int run_tick_add(struct cli *cli, int argc, char **argv)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct buf token = { 0 }, url = { 0 };
	int status = CLI_FAILED;
	int64_t id;

	(void)argc;
	crypto_token(&token, digest);
	db_arg_text(args, str_of(argv[0]));
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	if (cli_call_number(cli->db, "operator.tick_add", args, &id))
		goto done;
	conf_public_url(cli->conf, "/tick/", buf_str(&token), &url);
	printf("Tick %lld: let it be called every minute\n  %s\nThe address is not shown again.\n",
	       (long long)id, buf_text(&url));
	status = CLI_FINE;
done:
	mem_wipe(token.at, token.len);
	buf_done(&token);
	buf_done(&url);
	db_args_free(args);
	return status;
}

static int run_tick_list(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_list(cli, "operator.tick_list", NULL,
			(struct list){ .name = "ticks", .json = given.json });
}

static int run_tick_remove(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of a tick address", &id);

	(void)argc;
	return args ? cli_change(cli, "operator.tick_remove", args,
				 "Tick %lld is gone: its address answers 404.", (long long)id)
		    : CLI_USAGE;
}

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option list_options[] = {
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "only of this workspace" },
	{ "all", OPTION_FLAG, &given.all, NULL, "also the deleted ones" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option set_options[] = {
	{ "parallel", OPTION_COUNT, &given.parallel, "N", "requests to it at once" },
	{ "rate", OPTION_TEXT, &given.rate, "N", "attempts a second at most" },
	{ "valid", OPTION_FLAG, &given.valid, NULL,
	  "count its address as validated without asking it" },
	{ 0 },
};

static const struct cli_option rotate_options[] = {
	{ "keep", OPTION_SPAN, &given.keep_us, "SPAN",
	  "how long the old secret signs as well (24h)" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "a new secret from elsewhere; - for standard input" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_subscription[] = {
	{ .name = "subscription list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = list_options,
	  .help = "list the subscriptions of our subscribers" },
	{ .name = "subscription set",
	  .need = NEED_OPERATOR,
	  .run = run_set,
	  .operands = "ID",
	  .options = set_options,
	  .help = "change its limits, or count its address as validated" },
	{ .name = "subscription enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "deliver to it again" },
	{ .name = "subscription disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "deliver nothing to it" },
	{ .name = "subscription rotate",
	  .need = NEED_OPERATOR,
	  .run = run_rotate,
	  .operands = "ID",
	  .options = rotate_options,
	  .help = "give it a new secret; the old one signs as well for a while" },
	{ .name = "subscription delete",
	  .need = NEED_OPERATOR,
	  .run = run_delete,
	  .operands = "ID",
	  .options = no_options,
	  .help = "delete it" },
	{ .name = "tick add",
	  .need = NEED_OPERATOR,
	  .run = run_tick_add,
	  .operands = "NAME",
	  .options = no_options,
	  .help = "create an address; a request to it runs a round of the courier (web-cron)" },
	{ .name = "tick list",
	  .need = NEED_OPERATOR,
	  .run = run_tick_list,
	  .options = json_options,
	  .help = "list these addresses" },
	{ .name = "tick remove",
	  .need = NEED_OPERATOR,
	  .run = run_tick_remove,
	  .operands = "ID",
	  .options = no_options,
	  .help = "remove one of them" },
	{ 0 },
};
