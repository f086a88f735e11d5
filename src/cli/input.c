/* SPDX-License-Identifier: ISC */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/term.h"

/* As long as any HMAC key need be. An editor or a clipboard may put FRAME_MAX bytes around it. */
enum { SECRET_MAX = 256, FRAME_MAX = 256 };

bool input_id(const char *text, const char *noun, int64_t *id)
{
	if (str_int(str_of(text), id) && *id > 0)
		return true;
	term_problem("%s must be a whole number above 0, not \"%s\"", noun, text);
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
