/* SPDX-License-Identifier: ISC */
#include "cli/term.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum { BAR_CELLS = 24, DRAW_EVERY_MS = 100 };

void term_problem(const char *format, ...)
{
	struct buf line = { 0 };
	va_list args;

	va_start(args, format);
	buf_addfv(&line, format, args);
	va_end(args);
	fprintf(stderr, "hookledger: %s\n", buf_text(&line));
	buf_done(&line);
}

bool term_write(struct str out)
{
	if (out.len && fwrite(out.at, 1, out.len, stdout) != out.len)
		goto failed;
	if (fflush(stdout) == 0)
		return true;
failed:
	if (errno != EPIPE)
		term_problem("the output could not be written: %s", strerror(errno));
	return false;
}

bool term_write_buf(struct buf *out)
{
	bool fine = term_write(buf_str(out));

	mem_wipe(out->at, out->len);
	buf_done(out);
	return fine;
}

/* C0, DEL, and C1 (0xc2 0x80 to 0xc2 0x9f in UTF-8), which old terminals obey. */
void term_add_safe(struct buf *out, struct str text)
{
	bool is_utf8 = utf8_is_valid(text);

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		unsigned char next = i + 1 < text.len ? (unsigned char)text.at[i + 1] : 0;

		if (c == '\n') {
			buf_add_text(out, "\\n");
		} else if (c < ' ' || c == 0x7f || (!is_utf8 && c >= 0x80)) {
			buf_addf(out, "\\x%02x", c);
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			buf_addf(out, "\\u%04x", next);
			i++;
		} else {
			buf_add_char(out, (char)c);
		}
	}
}

void term_add_ago(struct buf *out, int64_t us)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 31557600, "year" }, { 2629800, "month" }, { 86400, "day" },
		      { 3600, "hour" },	    { 60, "minute" },	  { 1, "second" } };
	int64_t seconds = (clock_now_us() - us) / 1000000, size = seconds < 0 ? -seconds : seconds;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t count = size / units[i].seconds;

		if (count == 0 || (units[i].seconds == 1 && size < 2))
			continue;
		buf_addf(out, seconds < 0 ? "in %lld %s%s" : "%lld %s%s ago", (long long)count,
			 units[i].name, term_s(count));
		return;
	}
	buf_add_text(out, "just now");
}

void term_add_time(struct buf *out, int64_t us)
{
	struct buf exact = { 0 };

	clock_write(&exact, us);
	/* whole seconds, and a blank that lets a line break */
	buf_add(out, exact.at, 10);
	buf_add_char(out, ' ');
	buf_add(out, exact.at + 11, 8);
	buf_add_char(out, 'Z');
	buf_done(&exact);
}

void term_add_size(struct buf *out, int64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_addf(out, "%lld bytes", (long long)bytes);
		return;
	}
	while (size >= 1024 && unit < 4) {
		size /= 1024;
		unit++;
	}
	buf_addf(out, "%.1f %s", size, units[unit]);
}

const char *term_s(int64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- progress */

bool progress_is_wanted(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

struct progress progress_start(const char *noun, int64_t total)
{
	return (struct progress){ .noun = noun,
				  .total = total,
				  .started_ms = clock_ms(),
				  .is_shown = progress_is_wanted() };
}

static void draw(const struct progress *p, int64_t now_ms)
{
	struct buf line = { 0 };
	int64_t ms = now_ms - p->started_ms, rate = ms > 0 ? p->done * 1000 / ms : 0;

	buf_add_text(&line, "\r\033[K");
	if (p->total > 0) {
		int64_t done = p->done < p->total ? p->done : p->total;
		int cells = (int)(done * BAR_CELLS / p->total);

		buf_add_char(&line, '[');
		for (int i = 0; i < BAR_CELLS; i++)
			buf_add_char(&line, i < cells ? '#' : '.');
		buf_addf(&line, "] %3d%%  ", (int)(done * 100 / p->total));
	}
	buf_addf(&line, "%lld %s, %lld/s", (long long)p->done, p->noun, (long long)rate);
	if (p->bytes) {
		buf_add_text(&line, ", ");
		term_add_size(&line, p->bytes);
	}
	if (p->total > p->done && rate > 0)
		buf_addf(&line, ", %lld s left", (long long)((p->total - p->done) / rate));
	fputs(buf_text(&line), stderr);
	fflush(stderr);
	buf_done(&line);
}

void progress_to(struct progress *p, int64_t done)
{
	int64_t now_ms = clock_ms();

	p->done = done;
	if (!p->is_shown || now_ms - p->drawn_ms < DRAW_EVERY_MS)
		return;
	p->drawn_ms = now_ms;
	draw(p, now_ms);
}

void progress_end(struct progress *p)
{
	if (p->is_shown && p->drawn_ms)
		fputs("\r\033[K", stderr);
}
