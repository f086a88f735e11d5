/* SPDX-License-Identifier: ISC */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/term.h"

/* As long as any HMAC key need be, and what ledger's receivers will load. */
enum { OPTIONS_MAX = 24, SECRET_MAX = 256, FRAME_MAX = 256, FIRST_OPTION = 1000 };

bool input_id(const char *text, const char *what, int64_t *id)
{
	if (str_int(str_of(text), id) && *id > 0)
		return true;
	term_problem("%s must be a whole number above 0, not \"%s\"", what, text);
	return false;
}

bool input_time(const char *text, int64_t *us)
{
	struct buf day = { 0 };
	int64_t span;
	bool fine;

	if (clock_read(str_of(text), us))
		return true;
	buf_addf(&day, "%sT00:00:00Z", text);
	fine = clock_read(buf_str(&day), us);
	buf_done(&day);
	if (!fine && clock_read_duration(str_of(text), &span)) {
		*us = clock_now_us() - span;
		fine = true;
	}
	if (!fine)
		term_problem("\"%s\" is no time; write 2026-07-17T11:43:32Z, 2026-07-17, or 24h "
			     "for that time ago (s, m, h, d)",
			     text);
	return fine;
}

bool input_file(const char *path, size_t max, struct buf *text)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char piece[4096];
	ssize_t got = -1;

	text->max = max;
	while (fd >= 0 && !text->full && (got = read(fd, piece, sizeof(piece))) > 0)
		buf_add(text, piece, (size_t)got);
	if (got < 0)
		term_problem("%s cannot be read: %s", is_stdin ? "standard input" : path,
			     strerror(errno));
	else if (text->full)
		term_problem("%s is larger than %zu bytes", is_stdin ? "standard input" : path,
			     max);
	mem_wipe(piece, sizeof(piece));
	if (fd >= 0 && !is_stdin)
		close(fd);
	return got >= 0 && !text->full;
}

/* What an editor, a shell or a clipboard puts around a secret is none of it: a byte
   order mark, line ends, blanks, further lines. All but the line end is said, because
   somebody may have meant it. */
static void take_first_line(const char *path, struct buf *secret)
{
	struct str rest = buf_str(secret), line;
	bool has_mark = str_starts(rest, "\xef\xbb\xbf");
	bool has_more = false;
	size_t len;

	if (has_mark) {
		rest.at += 3;
		rest.len -= 3;
	}
	line = str_cut(&rest, '\n');
	for (size_t i = 0; i < rest.len; i++)
		has_more = has_more || !strchr(" \t\r\n", rest.at[i]) || rest.at[i] == '\0';
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	len = line.len;
	line = str_trim(line);
	if (has_mark || has_more || line.len < len)
		term_problem("note: %s%s%sleft out of the secret in %s",
			     has_mark ? "a byte order mark, " : "",
			     line.len < len ? "blanks around it, " : "",
			     has_more ? "further lines, " : "",
			     strcmp(path, "-") == 0 ? "standard input" : path);
	if (!secret->len)
		return;
	memmove(secret->at, line.at, line.len);
	secret->len = line.len;
	secret->at[line.len] = '\0';
}

bool input_secret(const char *path, struct buf *secret)
{
	/* room for the line end that an editor leaves */
	if (!input_file(path, SECRET_MAX + FRAME_MAX, secret))
		return false;
	take_first_line(path, secret);
	if (secret->len >= 1 && secret->len <= SECRET_MAX)
		return true;
	term_problem("a secret has 1 to %d bytes; %s has %zu", SECRET_MAX,
		     strcmp(path, "-") == 0 ? "standard input" : path, secret->len);
	return false;
}

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

/* "ID [SECRET_ID]": each word is one operand, in brackets it may be missing. */
static bool has_operands(const struct command *command, int count)
{
	struct str rest = str_of(command->operands);
	int least = 0, most = 0;

	while (rest.len) {
		struct str word = str_cut(&rest, ' ');

		most++;
		least += word.len && word.at[0] != '[';
	}
	if (count < least)
		term_problem("`hookledger %s` needs %s", command->name, command->operands);
	else if (count > most)
		term_problem("`hookledger %s` takes %s%s", command->name,
			     most ? "only " : "no more words than that",
			     most ? command->operands : "");
	return count >= least && count <= most;
}

enum input input_options(const struct command *command, int *argc, char ***argv)
{
	const struct cli_option *tables[] = { command->options, command->also };
	const struct cli_option *rows[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 2] = { { "help", no_argument, NULL, 'h' } };
	size_t count = 0;
	int found;

	for (size_t i = 0; i < 2; i++) {
		for (const struct cli_option *row = tables[i]; row && row->name; row++) {
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
	optind = 0; /* glibc: start afresh, argv is another one */
	opterr = 0;
	while ((found = getopt_long(*argc, *argv, ":h", longs, NULL)) >= 0) {
		if (found == 'h')
			return INPUT_HELP;
		if (found == '?' || found == ':') {
			const char *word = (*argv)[optind - 1];

			term_problem(found == ':' ? "%s needs a value"
						  : "%s is no option of this command",
				     word);
			return INPUT_WRONG;
		}
		if (!apply(rows[found - FIRST_OPTION], optarg))
			return INPUT_WRONG;
	}
	*argc -= optind;
	*argv += optind;
	return has_operands(command, *argc) ? INPUT_FINE : INPUT_WRONG;
}
