/* SPDX-License-Identifier: ISC */
/* Prints a sample settings file, or the settings in force. */
#include "cli/cmd.h"
#include "cli/term.h"

static struct {
	bool sample, show;
} given;

static int run_conf(struct cli *cli, int argc, char **argv)
{
	struct conf conf = { 0 };
	struct buf out = { 0 };
	int status = CLI_USAGE;

	(void)argc, (void)argv;
	if (given.sample == given.show) {
		term_problem("`hookledger conf` needs either --sample or --show");
		return CLI_USAGE;
	}
	if (given.sample)
		conf_sample(&out);
	else if (conf_load(&conf, cli->conf_path, &out))
		goto done;
	else
		conf_show(&conf, &out);
	status = term_write(buf_str(&out)) ? CLI_FINE : CLI_FAILED;
done:
	if (status == CLI_USAGE)
		term_problem("%s", buf_text(&out));
	conf_done(&conf);
	buf_done(&out);
	return status;
}

static const struct cli_option options[] = {
	{ "sample", OPTION_FLAG, &given.sample, NULL,
	  "a settings file with every setting explained" },
	{ "show", OPTION_FLAG, &given.show, NULL, "the settings in force; secrets as (set)" },
	{ 0 },
};

const struct command cmd_conf[] = {
	{ .name = "conf",
	  .need = NEED_NOTHING,
	  .run = run_conf,
	  .options = options,
	  .help = "print a sample settings file, or the settings in force" },
	{ 0 },
};
