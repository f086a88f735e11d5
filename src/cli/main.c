/* SPDX-License-Identifier: ISC */
/* The command line. Finds the command in the tables of the cmd_*.c files,
   reads its options, brings what it needs, runs it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/db.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "cli/term.h"
#include "ledger/catalog.h"

/* A person can press Ctrl-C; a job that runs for hours is no failure. */
enum { CALL_WAIT_MS = 7 * 24 * 3600 * 1000, CONNECT_WAIT_MS = 10000 };

static const struct command *const tables[] = {
	cmd_migrate,  cmd_doctor,     cmd_alert,	cmd_connect,  cmd_toggl,     cmd_endpoint,
	cmd_operator, cmd_event,      cmd_verify,	cmd_export,   cmd_invoice,   cmd_reader,
	cmd_spool,    cmd_quarantine, cmd_drift,	cmd_rebuild,  cmd_retention, cmd_forget,
	cmd_reseal,   cmd_account,    cmd_subscription, cmd_delivery, cmd_simulate,  cmd_conf,
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

const struct cli_option no_options[] = { { 0 } };

static void say_all(FILE *to)
{
	fputs("usage: hookledger [--conf FILE] COMMAND [OPTIONS] [OPERANDS]\n"
	      "       hookledger --help | --version | help COMMAND\n\n",
	      to);
	for (size_t i = 0; i < TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			fprintf(to, "  %-20s %s\n", c->name, c->help);
	fputs("\nThe settings file is the one given by --conf, or named by HOOKLEDGER_CONF, or "
	      "the\n"
	      "installed one, or ~/hookledger/hookledger.conf; see hookledger.conf(5). Exit "
	      "status: 0 fine, 1 failed or something\n"
	      "found, 2 wrong usage or settings.\n",
	      to);
}

static void say_options(FILE *to, const struct cli_option *option)
{
	for (; option && option->name; option++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s %s", option->name,
			 option->value ? option->value : "");
		fprintf(to, "  %-22s %s\n", left, option->help);
	}
}

static void say_help(FILE *to, const struct command *command)
{
	fprintf(to, "usage: hookledger %s%s%s%s\n\n%s\n", command->name,
		command->options && command->options->name ? " [OPTIONS]" : "",
		command->operands ? " " : "", command->operands ? command->operands : "",
		command->help);
	if (command->more)
		fprintf(to, "\n%s\n", command->more);
	fputc('\n', to);
	say_options(to, command->options);
	say_options(to, command->also);
}

/* How many words of argv are the name of the command: 0, 1 or 2. */
static int words_of(const struct command *command, int argc, char **argv)
{
	struct str rest = str_of(command->name), first = str_cut(&rest, ' ');

	if (argc < 1 || !str_is(first, argv[0]))
		return 0;
	if (!rest.len)
		return 1;
	return argc > 1 && str_is(rest, argv[1]) ? 2 : 0;
}

static const struct command *find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if ((*words = words_of(c, argc, argv)) > 0)
				return c;
	return NULL;
}

/* `help endpoint`, `endpoint` alone, or a mistyped word: all that starts so. */
static int say_group(const char *word, bool was_asked)
{
	FILE *to = was_asked ? stdout : stderr;
	bool found = false;

	for (size_t i = 0; i < TABLES; i++) {
		for (const struct command *c = tables[i]; c->name; c++) {
			struct str rest = str_of(c->name);

			if (!str_is(str_cut(&rest, ' '), word))
				continue;
			if (!found && !was_asked)
				term_problem("which `hookledger %s`?", word);
			fprintf(to, "  %-20s %s\n", c->name, c->help);
			found = true;
		}
	}
	if (!found)
		term_problem("there is no command \"%s\"; `hookledger --help` lists all", word);
	return found && was_asked ? CLI_FINE : CLI_USAGE;
}

static int help(int argc, char **argv)
{
	const struct command *command;
	int words = 0;

	if (argc == 0) {
		say_all(stdout);
		return CLI_FINE;
	}
	command = find(argc, argv, &words);
	if (!command)
		return say_group(argv[0], true);
	say_help(stdout, command);
	return CLI_FINE;
}

struct db *cli_connect(const struct conf *conf, const char *program)
{
	return cli_connect_within(conf, program, 0);
}

struct db *cli_connect_within(const struct conf *conf, const char *program, int64_t deadline_ms)
{
	struct db_options how = { .conninfo = conf_database(conf, program),
				  .program = "hookledger",
				  .pooled = conf->db_pooled,
				  .deadline_ms = deadline_ms,
				  .wording = catalog_write };
	struct db *db;

	if (!how.conninfo) {
		term_problem("no database is set; write `database = …` into %s, or set "
			     "HOOKLEDGER_DATABASE",
			     conf->path ? conf->path : "the settings file");
		return NULL;
	}
	db = db_open(&how);
	if (db_wait(db, CONNECT_WAIT_MS)) {
		term_problem("PostgreSQL cannot be reached: %s", db_problem(db));
		db_close(db);
		return NULL;
	}
	return db;
}

enum err cli_call(struct db *db, const char *function, const struct db_args *args,
		  struct db_rows **rows)
{
	enum err err = db_call(db, function, args, CALL_WAIT_MS, rows);
	const char *problem = db_problem(db);

	if (!err)
		return ERR_NONE;
	if (err == ERR_BUSY &&
	    (strstr(problem, "does not exist") || strstr(problem, "permission denied")))
		term_problem("%s (%s); the schema is not current, or this role may not use it: "
			     "run `hookledger migrate`, then `hookledger doctor`",
			     problem, function);
	else if (err == ERR_BUSY)
		term_problem("the database could not do it: %s (%s)", problem, function);
	else
		term_problem("%s", problem);
	return err;
}

struct sealer *cli_sealer(const struct conf *conf)
{
	struct sealer *sealer = sealer_new(conf->master_key, conf->master_key_previous);

	if (sealer_has_key(sealer))
		return sealer;
	sealer_free(sealer);
	term_problem(
		"master_key is not set, so secrets cannot be sealed; write `master_key = ` and "
		"the output of `openssl rand -hex 32` into %s",
		conf->path ? conf->path : "the settings file");
	return NULL;
}

void cli_public_url(const struct conf *conf, const char *where, struct str last, struct buf *out)
{
	conf_public_url(conf, where, last, out);
}

void cli_callback_url(const struct conf *conf, struct str address, struct buf *out)
{
	cli_public_url(conf, "/hook/", address, out);
}

/* Brings what the command needs, in the order of what is cheap, and runs it. */
static int run(const struct command *command, const char *conf_path, int argc, char **argv)
{
	struct cli cli = { .conf_path = conf_path };
	struct conf conf = { 0 };
	struct buf problem = { 0 };
	int status = CLI_USAGE;

	if (command->need != NEED_NOTHING) {
		if (conf_load(&conf, conf_path, &problem)) {
			term_problem("%s", buf_text(&problem));
			goto done;
		}
		cli.conf = &conf;
		log_open("hookledger", conf_log_level(&conf));
	}
	if (command->need == NEED_OPERATOR || command->need == NEED_OWNER) {
		const char *program = command->need == NEED_OWNER ? "owner" : "operator";

		status = conf_database(&conf, program) ? CLI_FAILED : CLI_USAGE;
		cli.db = cli_connect(&conf, program);
		if (!cli.db)
			goto done;
	}
	status = command->run(&cli, argc, argv);
done:
	db_close(cli.db);
	conf_done(&conf);
	buf_done(&problem);
	return status;
}

static int dispatch(const char *conf_path, int argc, char **argv)
{
	const struct command *command;
	int words = 0;

	if (argc == 0) {
		say_all(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	command = find(argc, argv, &words);
	if (!command)
		return say_group(argv[0], argc > 1 && strcmp(argv[1], "--help") == 0);
	/* getopt skips the word in front of the options */
	argc -= words - 1;
	argv += words - 1;
	if (command->options) {
		switch (input_options(command, &argc, &argv)) {
		case INPUT_FINE:
			break;
		case INPUT_HELP:
			say_help(stdout, command);
			return CLI_FINE;
		case INPUT_WRONG:
			fprintf(stderr, "`hookledger help %s` explains it.\n", command->name);
			return CLI_USAGE;
		}
	}
	return run(command, conf_path, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	const char *conf_path = NULL;
	int found;

	opterr = 0;
	/* '+': options behind the command are the command's own */
	while ((found = getopt_long(argc, argv, "+:h", longs, NULL)) >= 0) {
		switch (found) {
		case 'c':
			conf_path = optarg;
			break;
		case 'h':
			say_all(stdout);
			return CLI_FINE;
		case 'v':
			puts("hookledger " HL_VERSION);
			return CLI_FINE;
		default:
			term_problem(found == ':' ? "%s needs a file" : "there is no option %s",
				     argv[optind - 1]);
			say_all(stderr);
			return CLI_USAGE;
		}
	}
	return dispatch(conf_path, argc - optind, argv + optind);
}
