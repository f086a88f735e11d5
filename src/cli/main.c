/* SPDX-License-Identifier: ISC */
/* The command line. Finds the command in the tables of the cmd_*.c files, reads its
   options, prepares what it needs, and runs it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/db.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/term.h"

static const struct command *const tables[] = {
	cmd_migrate,   cmd_doctor,   cmd_alert,	   cmd_connect,	     cmd_toggl,	  cmd_compare,
	cmd_history,   cmd_endpoint, cmd_operator, cmd_event,	     cmd_verify,  cmd_export,
	cmd_invoice,   cmd_reader,   cmd_spool,	   cmd_quarantine,   cmd_drift,	  cmd_rebuild,
	cmd_retention, cmd_forget,   cmd_reseal,   cmd_organization, cmd_account, cmd_subscription,
	cmd_delivery,  cmd_simulate, cmd_conf,
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static void print_all(FILE *to)
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

static void print_options(FILE *to, const struct cli_option *option)
{
	for (; option && option->name; option++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s %s", option->name,
			 option->value ? option->value : "");
		fprintf(to, "  %-22s %s\n", left, option->help);
	}
}

static void print_help(FILE *to, const struct command *command)
{
	fprintf(to, "usage: hookledger %s%s%s%s\n\n%s\n", command->name,
		command->options && command->options->name ? " [OPTIONS]" : "",
		command->operands ? " " : "", command->operands ? command->operands : "",
		command->help);
	if (command->more)
		fprintf(to, "\n%s\n", command->more);
	fputc('\n', to);
	print_options(to, command->options);
	print_options(to, command->also);
}

/* How many words of argv are the name of the command: 0, 1 or 2. */
static int count_words(const struct command *command, int argc, char **argv)
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
			if ((*words = count_words(c, argc, argv)) > 0)
				return c;
	return NULL;
}

/* `help endpoint`, `endpoint` alone, or a mistyped word: lists the commands whose first
   word this is. */
static int print_group(const char *word, bool is_help)
{
	FILE *to = is_help ? stdout : stderr;
	bool found = false;

	for (size_t i = 0; i < TABLES; i++) {
		for (const struct command *c = tables[i]; c->name; c++) {
			struct str rest = str_of(c->name);

			if (!str_is(str_cut(&rest, ' '), word))
				continue;
			if (!found && !is_help)
				term_problem("which `hookledger %s`?", word);
			fprintf(to, "  %-20s %s\n", c->name, c->help);
			found = true;
		}
	}
	if (!found)
		term_problem("there is no command \"%s\"; `hookledger --help` lists all", word);
	return found && is_help ? CLI_FINE : CLI_USAGE;
}

static int help(int argc, char **argv)
{
	const struct command *command;
	int words = 0;

	if (argc == 0) {
		print_all(stdout);
		return CLI_FINE;
	}
	command = find(argc, argv, &words);
	if (!command)
		return print_group(argv[0], true);
	print_help(stdout, command);
	return CLI_FINE;
}

/* Prepares what the command needs, the cheap first, and runs it. */
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
	struct options options;
	int words = 0;

	if (argc == 0) {
		print_all(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	command = find(argc, argv, &words);
	if (!command)
		return print_group(argv[0], argc > 1 && strcmp(argv[1], "--help") == 0);
	/* getopt skips the word in front of the options */
	argc -= words - 1;
	argv += words - 1;
	options = (struct options){ .command = command->name,
				    .operands = command->operands,
				    .tables = { command->options, command->also } };
	switch (options_read(&options, &argc, &argv)) {
	case OPTIONS_FINE:
		break;
	case OPTIONS_HELP:
		print_help(stdout, command);
		return CLI_FINE;
	case OPTIONS_WRONG:
		fprintf(stderr, "`hookledger help %s` explains it.\n", command->name);
		return CLI_USAGE;
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
			print_all(stdout);
			return CLI_FINE;
		case 'v':
			puts("hookledger " HL_VERSION);
			return CLI_FINE;
		default:
			term_problem(found == ':' ? "%s needs a file" : "there is no option %s",
				     argv[optind - 1]);
			print_all(stderr);
			return CLI_USAGE;
		}
	}
	return dispatch(conf_path, argc - optind, argv + optind);
}
