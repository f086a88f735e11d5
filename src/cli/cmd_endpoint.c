/* SPDX-License-Identifier: ISC */
/* Endpoints: our callback addresses, and the secrets that verify the callbacks to them.
   A secret is shown once, when it is created, and never again. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/endpoint.h"
#include "cli/input.h"
#include "cli/list.h"
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

/* From the file, or a new random one. */
static bool read_secret(struct buf *secret)
{
	if (given.secret_file)
		return input_secret(given.secret_file, secret);
	sealing_new_secret(secret);
	return true;
}

/* ---- add */

static bool print_added(struct cli *cli, const struct db_rows *rows, struct str address,
			const struct buf *secret)
{
	struct str name = db_str(rows, 0, "endpoint_name");
	struct buf url = { 0 }, out = { 0 };

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
	buf_done(&url);
	return term_write_buf(&out);
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
	if (print_added(cli, rows, buf_str(&address), &secret))
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

static void add_url(struct buf *out, const struct db_rows *rows, size_t row, const void *conf)
{
	cli_callback_url(conf, db_str(rows, row, "address"), out);
}

static const struct list_column columns[] = {
	{ .column = "endpoint_id", .head = "ID", .member = "endpoint_id" },
	{ .column = "name", .head = "NAME", .member = "name" },
	{ .column = "workspace_id",
	  .head = "WORKSPACE",
	  .member = "workspace_id",
	  .form = LIST_TEXT,
	  .absent = "of the first event" },
	{ .column = "enabled", .head = "ENABLED", .member = "enabled" },
	{ .column = "created_us", .member = "created_at" },
	{ .column = "valid_secrets", .head = "SECRETS", .member = "valid_secrets" },
	{ .column = "created_us", .head = "MADE" },
	{ .column = "address", .head = "ADDRESS", .member = "address" },
	{ .column = "address", .member = "callback_url", .add = add_url },
	{ 0 },
};

static int run_list(struct cli *cli, int argc, char **argv)
{
	struct pagination pages = { .function = "operator.endpoint_list", .number = "endpoint_id" };
	struct list list = {
		.name = "endpoints", .json = given.json, .columns = columns, .context = cli->conf
	};

	(void)argc, (void)argv;
	while (pagination_next(&pages, cli->db))
		list_add(&list, pages.rows, db_rows_count(pages.rows));
	if (!pages.err)
		return list_write(&list) ? CLI_FINE : CLI_FAILED;
	list_done(&list);
	return CLI_FAILED;
}

static void add_refusals_json(struct buf *out, const struct db_rows *refusals, int64_t id)
{
	json_key(out, "last_day");
	buf_add_char(out, '{');
	for (size_t i = 0; i < db_rows_count(refusals); i++) {
		struct str reason = db_str(refusals, i, "reason");
		char *key = mem_dup(reason);

		if (db_int(refusals, i, "endpoint_id") == id)
			json_put_int(out, key, db_int(refusals, i, "count"));
		free(key);
	}
	buf_add_char(out, '}');
}

static void add_secrets(struct buf *out, const struct db_rows *secrets)
{
	for (size_t i = 0; i < db_rows_count(secrets); i++) {
		buf_addf(out, "  secret %-6lld ", (long long)db_int(secrets, i, "secret_id"));
		if (!db_is_null(secrets, i, "revoked_us")) {
			buf_add_text(out, "revoked ");
			term_add_ago(out, db_int(secrets, i, "revoked_us"));
		} else {
			buf_add_text(out, db_bool(secrets, i, "is_valid") ? "valid, made "
									  : "ran out, made ");
			term_add_ago(out, db_int(secrets, i, "valid_from_us"));
			if (!db_is_null(secrets, i, "valid_until_us")) {
				buf_add_text(out, ", until ");
				term_add_time(out, db_int(secrets, i, "valid_until_us"));
			}
		}
		buf_add_char(out, '\n');
	}
	if (db_rows_count(secrets) == 0)
		buf_add_text(out, "  no secret\n");
}

static void add_text(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		     const struct db_rows *secrets, const struct db_rows *refusals)
{
	int64_t id = db_int(rows, 0, "endpoint_id");

	buf_addf(out, "Endpoint %lld, \"", (long long)id);
	term_add_safe(out, db_str(rows, 0, "name"));
	buf_add_text(out, "\"\n  callback URL  ");
	cli_callback_url(conf, db_str(rows, 0, "address"), out);
	buf_add_text(out, "\n  workspace     ");
	if (db_is_null(rows, 0, "workspace_id"))
		buf_add_text(out, "that of the first event");
	else
		buf_add_str(out, db_str(rows, 0, "workspace_id"));
	buf_add_text(out, db_bool(rows, 0, "enabled")
				  ? "\n  enabled       yes\n  made          "
				  : "\n  enabled       no: answers 404\n  made          ");
	term_add_ago(out, db_int(rows, 0, "created_us"));
	buf_add_char(out, '\n');
	add_secrets(out, secrets);
	for (size_t i = 0; i < db_rows_count(refusals); i++) {
		if (db_int(refusals, i, "endpoint_id") != id)
			continue;
		buf_add_text(out, "  last day      ");
		buf_add_str(out, db_str(refusals, i, "reason"));
		buf_addf(out, " %lld times\n", (long long)db_int(refusals, i, "count"));
	}
}

static void add_json(struct buf *out, const struct conf *conf, const struct db_rows *rows,
		     const struct db_rows *secrets, const struct db_rows *refusals)
{
	static const struct list_column secret[] = {
		{ .column = "secret_id", .member = "secret_id" },
		{ .column = "is_valid", .member = "valid" },
		{ .column = "valid_from_us", .member = "valid_from" },
		{ .column = "valid_until_us", .member = "valid_until" },
		{ .column = "revoked_us", .member = "revoked_at" },
		{ 0 },
	};

	buf_add_char(out, '{');
	list_add_members(out, columns, conf, rows, 0);
	list_add_array(out, "secrets", secret, secrets);
	add_refusals_json(out, refusals, db_int(rows, 0, "endpoint_id"));
	buf_add_text(out, "}\n");
}

static int run_show(struct cli *cli, int argc, char **argv)
{
	int64_t id;
	struct db_args *args = cli_id_args(argv[0], "the number of an endpoint", &id);
	struct db_rows *rows = NULL, *secrets = NULL, *refusals = NULL;
	struct buf out = { 0 };
	int status = CLI_FAILED;

	(void)argc;
	if (!args)
		return CLI_USAGE;
	if (cli_call(cli->db, "operator.endpoint_find", args, &rows) ||
	    cli_call(cli->db, "operator.secret_list", args, &secrets))
		goto done;
	db_args_clear(args);
	db_arg_time(args, clock_now_us() - INT64_C(86400) * 1000000);
	if (cli_call(cli->db, "operator.refusals", args, &refusals))
		goto done;
	(given.json ? add_json : add_text)(&out, cli->conf, rows, secrets, refusals);
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
done:
	db_rows_free(rows);
	db_rows_free(secrets);
	db_rows_free(refusals);
	db_args_free(args);
	return status;
}

/* ---- change */

static bool print_rotated(int64_t id, int64_t secret_id, const struct buf *secret)
{
	struct buf out = { 0 }, until = { 0 };
	int64_t until_us = clock_now_us() + given.keep_us;

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
			 "Callbacks signed with the previous secret are accepted until %s.\n",
			 (long long)id, (long long)secret_id, given.secret_file ? "." : ":\n  ",
			 given.secret_file ? "" : buf_text(secret), buf_text(&until));
		if (!given.secret_file)
			buf_add_text(&out, "The secret is not shown again. Give it to the "
					   "subscription at Toggl.\n");
	}
	buf_done(&until);
	return term_write_buf(&out);
}

static int run_rotate(struct cli *cli, int argc, char **argv)
{
	struct buf secret = { 0 }, sealed = { 0 };
	struct db_args *args = NULL;
	struct db_rows *rows = NULL;
	struct sealer *sealer = cli_sealer(cli->conf);
	int status = CLI_USAGE;
	int64_t id, secret_id;

	(void)argc;
	if (!sealer || !(args = cli_id_args(argv[0], "the number of an endpoint", &id)) ||
	    !read_secret(&secret))
		goto done;
	status = CLI_FAILED;
	if (cli_call(cli->db, "operator.endpoint_find", args, &rows) ||
	    sealing_endpoint(sealer, db_str(rows, 0, "address"), buf_str(&secret), &sealed))
		goto done;
	db_arg_bytes(args, buf_str(&sealed));
	db_arg_int(args, given.keep_us);
	if (!cli_call_number(cli->db, "operator.endpoint_rotate", args, &secret_id) &&
	    print_rotated(id, secret_id, &secret))
		status = CLI_FINE;
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	sealer_free(sealer);
	db_rows_free(rows);
	db_args_free(args);
	return status;
}

static int run_revoke(struct cli *cli, int argc, char **argv)
{
	int64_t id, secret_id, left;
	struct db_args *args = cli_id_args(argv[0], "the number of an endpoint", &id);
	struct buf out = { 0 };
	int status = CLI_USAGE;

	(void)argc;
	if (!args || !input_id(argv[1], "the number of a secret", &secret_id))
		goto done;
	status = CLI_FAILED;
	db_arg_int(args, secret_id);
	if (cli_call_number(cli->db, "operator.secret_revoke", args, &left))
		goto done;
	buf_addf(&out, "Secret %lld of endpoint %lld is revoked.\n", (long long)secret_id,
		 (long long)id);
	if (left == 0)
		buf_addf(&out,
			 "It has no valid secret left: every callback is answered 401 until\n"
			 "`hookledger endpoint rotate %lld`.\n",
			 (long long)id);
	status = term_write_buf(&out) ? CLI_FINE : CLI_FAILED;
done:
	db_args_free(args);
	return status;
}

static int enable(struct cli *cli, const char *word, bool is_on)
{
	int64_t id;
	struct db_args *args = cli_id_args(word, "the number of an endpoint", &id);

	if (!args)
		return CLI_USAGE;
	db_arg_bool(args, is_on);
	return cli_change(cli, "operator.endpoint_enable", args, "Endpoint %lld is %s.",
			  (long long)id, is_on ? "enabled" : "disabled: it answers 404");
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
	  "Toggl workspace whose events it accepts (default: that of its first event)" },
	{ "name", OPTION_TEXT, &given.name, "TEXT", "its name" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "a secret that Toggl has already; - for standard input" },
	{ "json", OPTION_FLAG, &given.json, NULL, "for scripts" },
	{ 0 },
};

static const struct cli_option rotate_options[] = {
	{ "keep", OPTION_SPAN, &given.keep_us, "SPAN",
	  "how long the old secret stays valid (24h)" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "a new secret from elsewhere; - for standard input" },
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
	  .help = "create an endpoint: a callback address and its secret" },
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
	  .help = "show one with the state of its secrets and its refusals of the last day" },
	{ .name = "endpoint rotate",
	  .need = NEED_OPERATOR,
	  .run = run_rotate,
	  .operands = "ID",
	  .options = rotate_options,
	  .help = "give it a new secret; the old one stays valid for a while" },
	{ .name = "endpoint revoke",
	  .need = NEED_OPERATOR,
	  .run = run_revoke,
	  .operands = "ID SECRET_ID",
	  .options = no_options,
	  .help = "make a secret invalid at once" },
	{ .name = "endpoint enable",
	  .need = NEED_OPERATOR,
	  .run = run_enable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "accept callbacks to it again" },
	{ .name = "endpoint disable",
	  .need = NEED_OPERATOR,
	  .run = run_disable,
	  .operands = "ID",
	  .options = no_options,
	  .help = "answer 404 to its callbacks" },
	{ 0 },
};
