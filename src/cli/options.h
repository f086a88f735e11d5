/* SPDX-License-Identifier: ISC */
/* The options and operands of a command, read by its tables. */
#ifndef HL_CLI_OPTIONS_H
#define HL_CLI_OPTIONS_H

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_COUNT,  /* int64_t, above 0 */
	OPTION_NUMBER, /* int64_t, 0 or above */
	OPTION_TIME,   /* int64_t, microseconds since 1970; as input_time() reads it */
	OPTION_SPAN,   /* int64_t, microseconds: "24h" */
};

/* One option. `into` points at the variable, which keeps its value when the option is
   not given. A table of options ends with {0}. */
struct cli_option {
	const char *name;
	enum option_kind kind;
	void *into;
	const char *value; /* what the help shows for the value; NULL for a flag */
	const char *help;
};

/* The table of a command without options. Every command has --help. */
extern const struct cli_option no_options[];

struct options {
	const char *command;		    /* for messages: "endpoint add" */
	const char *operands;		    /* "ID [SECRET_ID]"; NULL: none */
	const struct cli_option *tables[2]; /* either may be NULL */
};

enum options_result { OPTIONS_FINE, OPTIONS_HELP, OPTIONS_WRONG };

/* Reads the options into their variables and checks the number of operands; skips
   argv[0]. Leaves the operands in *argc and *argv. A mistake is said on stderr. */
enum options_result options_read(const struct options *options, int *argc, char ***argv);

#endif
