/* SPDX-License-Identifier: ISC */
#include "cli/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/input.h"
#include "cli/term.h"

enum { OPTIONS_MAX = 24, FIRST_OPTION = 1000 };

const struct cli_option no_options[] = { { 0 } };

static bool apply(const struct cli_option *option, const char *value)
{
	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)option->into = true;
		return true;
	case OPTION_TEXT:
		*(const char **)option->into = value;
		return true;
	case OPTION_COUNT:
		return input_id(value, option->name, option->into);
	case OPTION_NUMBER:
		if (str_int(str_of(value), option->into) && *(int64_t *)option->into >= 0)
			return true;
		term_problem("%s must be a whole number, 0 or above, not \"%s\"", option->name,
			     value);
		return false;
	case OPTION_TIME:
		return input_time(value, option->into);
	case OPTION_SPAN:
		if (clock_read_duration(str_of(value), option->into))
			return true;
		term_problem("\"%s\" is no span of time; write 90s, 15m, 24h or 7d", value);
		return false;
	}
	return false;
}

/* "ID [SECRET_ID]": each word is one operand; an operand in brackets is optional. */
static bool check_operands(const struct options *options, int count)
{
	struct str rest = str_of(options->operands);
	int least = 0, most = 0;

	while (rest.len) {
		struct str word = str_cut(&rest, ' ');

		most++;
		least += word.len && word.at[0] != '[';
	}
	if (count < least)
		term_problem("`hookledger %s` needs %s", options->command, options->operands);
	else if (count > most)
		term_problem("`hookledger %s` takes %s%s", options->command,
			     most ? "only " : "no more words than that",
			     most ? options->operands : "");
	return count >= least && count <= most;
}

enum options_result options_read(const struct options *options, int *argc, char ***argv)
{
	const struct cli_option *rows[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 2] = { { "help", no_argument, NULL, 'h' } };
	size_t count = 0;
	int found;

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *row = options->tables[i]; row && row->name; row++) {
			if (count == OPTIONS_MAX)
				abort();
			rows[count] = row;
			longs[++count] = (struct option){
				.name = row->name,
				.has_arg = row->kind == OPTION_FLAG ? no_argument
								    : required_argument,
				.val = FIRST_OPTION + (int)count - 1,
			};
		}
	}
	optind = 0; /* glibc and musl: begin again, argv is another one */
	opterr = 0;
	while ((found = getopt_long(*argc, *argv, ":h", longs, NULL)) >= 0) {
		if (found == 'h')
			return OPTIONS_HELP;
		if (found == '?' || found == ':') {
			const char *word = (*argv)[optind - 1];

			term_problem(found == ':' ? "%s needs a value"
						  : "%s is no option of this command",
				     word);
			return OPTIONS_WRONG;
		}
		if (!apply(rows[found - FIRST_OPTION], optarg))
			return OPTIONS_WRONG;
	}
	*argc -= optind;
	*argv += optind;
	return check_operands(options, *argc) ? OPTIONS_FINE : OPTIONS_WRONG;
}
