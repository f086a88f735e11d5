/* SPDX-License-Identifier: ISC */
/* Endpoints: the callback addresses of ours, and the secrets that judge what
   comes to them. A secret is shown once, when it is made, and never again. */
#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/endpoint.h"
#include "cli/endpoint_text.h"
#include "cli/input.h"
#include "cli/pagination.h"
#include "cli/term.h"
#include "ledger/sealing.h"

static struct {
	const char *name;
	const char *secret_file;
	int64_t workspace;
	int64_t keep_us;
	bool json;
} given = { .keep_us = INT64_C(24) * 3600 * 1000000 };

/* From the file, or made up. */
static bool read_secret(struct buf *secret)
{
	if (given.secret_file)
		return input_secret(given.secret_file, secret);
	sealing_new_secret(secret);
	return true;
}

/* ---- add */

static bool say_added(struct cli *cli, const struct db_rows *rows, struct str address,
		      const struct buf *secret)
{
	struct str name = db_str(rows, 0, "endpoint_name");
	struct buf url = { 0 }, out = { 0 };
	bool is_said;

	cli_callback_url(cli->conf, address, &url);
	if (given.json) {
		buf_add_char(&out, '{');
		json_put_id(&out, "endpoint_id", db_int(rows, 0, "endpoint_id"));
		json_put_text(&out, "address", address);
		json_put_text(&out, "callback_url", buf_str(&url));
		json_put_id(&out, "secret_id", db_int(rows, 0, "secret_id"));
		json_put_text(&out, "secret", buf_str(secret));
		if (given.workspace)
			json_put_id(&out, "workspace_id", given.workspace);
		else
			json_put_text(&out, "workspace_id", (struct str){ 0 });
		json_put_text(&out, "name", name);
		buf_add_text(&out, "}\n");
	} else {
		buf_addf(&out, "Endpoint %lld, \"", (long long)db_int(rows, 0, "endpoint_id"));
		term_add_safe(&out, name);
		buf_addf(&out, "\"\n  callback URL  %s\n", buf_text(&url));
		if (given.secret_file)
			buf_add_text(&out, "  secret        as given\n");
		else
			buf_addf(&out,
				 "  secret        %s\n"
				 "The secret is not shown again. Give both to the subscription at "
				 "Toggl.\n",
				 buf_text(secret));
		if (!cli->conf->public_url)
			buf_add_text(&out, "Set public_url to see the real host in the URL.\n");
	}
	is_said = term_write(buf_str(&out));
	mem_wipe(out.at, out.len);
	buf_done(&out);
	buf_done(&url);
	return is_said;
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	struct buf secret = { 0 }, address = { 0 };
	struct db_rows *rows = NULL;
	struct sealer *sealer = cli_sealer(cli->conf);
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (!sealer || !read_secret(&secret))
		goto done;
	status = CLI_FAILED;
	if (endpoint_make(cli->db, sealer, given.name, given.workspace, buf_str(&secret), &address,
			  &rows))
		goto done;
	if (say_added(cli, rows, buf_str(&address), &secret))
		status = CLI_FINE;
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&address);
	sealer_free(sealer);
	db_rows_free(rows);
	return status;
}

/* ---- list and show */

static int run_list(struct cli *cli, int argc, char **argv)
{
	static const char *const heads[] = { "ID",	"NAME", "WORKSPACE", "ENABLED",
					     "SECRETS", "MADE", "ADDRESS" };
	struct table *table = table_new(heads, sizeof(heads) / sizeof(heads[0]));
	struct pagination pages = { .function = "operator.endpoint_list", .number = "endpoint_id" };
	struct buf json = { 0 };
	int status = CLI_FAILED;

	(void)argc, (void)argv;
	buf_add_text(&json, "{\"endpoints\":[");
	while (pagination_next(&pages, cli->db))
		for (size_t i = 0; i < db_rows_count(pages.rows); i++) {
			endpoint_put_row(table, pages.rows, i);
			buf_add_text(&json, json.at[json.len - 1] == '[' ? "{" : ",{");
			endpoint_put_json(&json, cli->conf, pages.rows, i);
			buf_add_char(&json, '}');
		}
	buf_add_text(&json, "]}\n");
	if (!pages.err && (given.json ? term_write(buf_str(&json)) : table_write(table)))
		status = CLI_FINE;
	table_free(table);
	buf_done(&json);
	return status;
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL, *secrets = NULL, *refusals = NULL;
	struct buf out = { 0 };
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!input_id(argv[0], "the number of an endpoint", &id))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, id);
	if (cli_call(cli->db, "operator.endpoint_find", args, &rows) ||
	    cli_call(cli->db, "operator.secret_list", args, &secrets))
		goto done;
	db_args_clear(args);
	db_arg_time(args, clock_now_us() - INT64_C(86400) * 1000000);
	if (cli_call(cli->db, "operator.refusals", args, &refusals))
		goto done;
	if (given.json) {
		buf_add_char(&out, '{');
		endpoint_put_json(&out, cli->conf, rows, 0);
		endpoint_put_state(&out, secrets, refusals, id);
		buf_add_text(&out, "}\n");
	} else {
		endpoint_put_text(&out, cli->conf, rows, secrets, refusals);
	}
	status = term_write(buf_str(&out)) ? CLI_FINE : CLI_FAILED;
done:
	db_rows_free(rows);
	db_rows_free(secrets);
	db_rows_free(refusals);
	db_args_free(args);
	buf_done(&out);
	return status;
}

/* ---- change */

static bool say_rotated(int64_t id, int64_t secret_id, const struct buf *secret)
{
	struct buf out = { 0 }, until = { 0 };
	int64_t until_us = clock_now_us() + given.keep_us;
	bool is_said;

	if (given.json) {
		clock_write(&until, until_us);
		buf_add_char(&out, '{');
		json_put_id(&out, "endpoint_id", id);
		json_put_id(&out, "secret_id", secret_id);
		json_put_text(&out, "secret", buf_str(secret));
		json_put_text(&out, "previous_valid_until", buf_str(&until));
		buf_add_text(&out, "}\n");
	} else {
		term_add_time(&until, until_us);
		buf_addf(&out,
			 "Endpoint %lld has secret %lld now%s%s\n"
			 "What is signed with the one before is taken until %s.\n",
			 (long long)id, (long long)secret_id, given.secret_file ? "." : ":\n  ",
			 given.secret_file ? "" : buf_text(secret), buf_text(&until));
		if (!given.secret_file)
			buf_add_text(&out, "The secret is not shown again. Give it to the "
					   "subscription at Toggl.\n");
	}
	is_said = term_write(buf_str(&out));
	mem_wipe(out.at, out.len);
	buf_done(&out);
	buf_done(&until);
	return is_said;
}

static int run_rotate(struct cli *cli, int argc, char **argv)
{
	struct buf secret = { 0 }, sealed = { 0 };
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL, *added = NULL;
	struct sealer *sealer = cli_sealer(cli->conf);
	int status = CLI_USAGE;
	int64_t id;

	(void)argc;
	if (!sealer || !input_id(argv[0], "the number of an endpoint", &id) ||
	    !read_secret(&secret))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, id);
	if (cli_call(cli->db, "operator.endpoint_find", args, &rows) ||
	    sealing_endpoint(sealer, db_str(rows, 0, "address"), buf_str(&secret), &sealed))
		goto done;
	db_arg_bytes(args, buf_str(&sealed));
	db_arg_int(args, given.keep_us);
	if (cli_call(cli->db, "operator.endpoint_rotate", args, &added))
		goto done;
	if (say_rotated(id, db_int(added, 0, "endpoint_rotate"), &secret))
		status = CLI_FINE;
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	sealer_free(sealer);
	db_rows_free(rows);
	db_rows_free(added);
	db_args_free(args);
	return status;
}

static int run_revoke(struct cli *cli, int argc, char **argv)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int status = CLI_USAGE;
	int64_t id, secret_id;

	(void)argc;
	if (!input_id(argv[0], "the number of an endpoint", &id) ||
	    !input_id(argv[1], "the number of a secret", &secret_id))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, id);
	db_arg_int(args, secret_id);
	if (cli_call(cli->db, "operator.secret_revoke", args, &rows))
		goto done;
	printf("Secret %lld of endpoint %lld is revoked.\n", (long long)secret_id, (long long)id);
	if (db_int(rows, 0, "secret_revoke") == 0)
		printf("It has no valid secret left: every callback is answered 401 until\n"
		       "`hookledger endpoint rotate %lld`.\n",
		       (long long)id);
	status = CLI_FINE;
done:
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int enable(struct cli *cli, const char *word, bool is_on)
{
	struct db_args *args = db_args_new();
	int status = CLI_USAGE;
	int64_t id;

	if (!input_id(word, "the number of an endpoint", &id))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, id);
	db_arg_bool(args, is_on);
	if (cli_call(cli->db, "operator.endpoint_enable", args, NULL))
		goto done;
	printf("Endpoint %lld is %s.\n", (long long)id,
	       is_on ? "enabled" : "disabled: it answers 404");
	status = CLI_FINE;
done:
	db_args_free(args);
	return status;
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

static const struct cli_option add_options[] = {
	{ "workspace", OPTION_COUNT, &given.workspace, "ID",
	  "Toggl workspace whose events it takes (else that of its first event)" },
	{ "name", OPTION_TEXT, &given.name, "TEXT", "what to call it" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "the secret that Toggl has already; - for standard input" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option rotate_options[] = {
	{ "keep", OPTION_SPAN, &given.keep_us, "SPAN", "how long the old secret stays good (24h)" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "the new secret, made elsewhere; - for standard input" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option json_options[] = {
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

const struct command cmd_endpoint[] = {
	{ .name = "endpoint add",
	  .need = NEED_OPERATOR,
	  .run = run_add,
	  .options = add_options,
	  .help = "make a callback address and its secret" },
	{ .name = "endpoint list",
	  .need = NEED_OPERATOR,
	  .run = run_list,
	  .options = json_options,
	  .help = "list the endpoints" },
	{ .name = "endpoint show",
	  .need = NEED_OPERATOR,
	  .run = run_show,
	  .operands = "ID",
	  .options = json_options,
	  .help = "show one with its secrets' state and what it refused lately" },
	{ .name = "endpoint rotate",
	  .need = NEED_OPERATOR,
	  .run = run_rotate,
	  .operands = "ID",
	  .options = rotate_options,
	  .help = "give it a new secret; the old one stays good for a while" },
	{ .name = "endpoint revoke",
	  .need = NEED_OPERATOR,
	  .run = run_revoke,
	  .operands = "ID SECRET_ID",
	  .options = no_options,
	  .help = "withdraw a secret at once" },
	{ .name = "endpoint enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "let it take callbacks again" },
	{ .name = "endpoint disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "answer 404 to its callbacks" },
	{ 0 },
};
