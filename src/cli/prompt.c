/* SPDX-License-Identifier: ISC */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/term.h"

enum { LINE_MAX_BYTES = 4096 };

static volatile sig_atomic_t signal_number;

static void note(int number)
{
	signal_number = number;
}

bool prompt_has_terminal(void)
{
	return isatty(STDIN_FILENO);
}

static bool read_line(int fd, struct buf *line)
{
	char c = 0;
	ssize_t got;

	while ((got = read(fd, &c, 1)) == 1 && c != '\n' && line->len < LINE_MAX_BYTES)
		buf_add_char(line, c);
	return got == 1;
}

/* A signal must not leave the terminal without echo. The handler only notes the signal,
   which ends the read; it is raised again when the terminal is as before. */
static bool ask(const char *question, bool is_hidden, struct buf *line)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP };
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	struct sigaction action = { .sa_handler = note }, before[NUMBERS];
	struct termios shown, hidden;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	bool fine = false, is_terminal = fd >= 0 && tcgetattr(fd, &shown) == 0;

	if (!is_terminal) {
		term_problem("there is no terminal to ask: %s", strerror(errno));
		goto done;
	}
	signal_number = 0;
	for (size_t i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], &action, &before[i]);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	if (is_hidden)
		tcsetattr(fd, TCSAFLUSH, &hidden);
	fine = write(fd, question, strlen(question)) >= 0 && read_line(fd, line);
	if (is_hidden)
		tcsetattr(fd, TCSAFLUSH, &shown);
	for (size_t i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], &before[i], NULL);
	if (signal_number)
		raise((int)signal_number);
done:
	if (fd >= 0)
		close(fd);
	return fine;
}

bool prompt_line(const char *question, struct buf *line)
{
	return ask(question, false, line);
}

bool prompt_secret(const char *question, struct buf *secret)
{
	return ask(question, true, secret);
}
