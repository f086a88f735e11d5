/* SPDX-License-Identifier: ISC */
/* What a person at a terminal sees: problems, times and sizes in words, a
   progress bar. Nothing that comes from outside reaches the
   terminal with control characters in it. */
#ifndef HL_CLI_TERM_H
#define HL_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* "hookledger: " and the message, a line on stderr. */
void term_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All of `out` to stdout. false, said on stderr, when that did not work; a
   reader that went away (a closed pipe) is no problem, and is false too. */
bool term_write(struct str out);

/* The same; then wipes and frees `out`. */
bool term_write_buf(struct buf *out);

/* Text with control characters made visible; appends. */
void term_add_safe(struct buf *out, struct str text);

/* "just now", "5 minutes ago", "in 2 hours"; appends. */
void term_add_ago(struct buf *out, int64_t us);

/* "2026-07-17 11:43:32Z"; appends. */
void term_add_time(struct buf *out, int64_t us);

/* "1.5 MiB"; appends. */
void term_add_size(struct buf *out, int64_t bytes);

/* "s", or nothing for one. */
const char *term_s(int64_t count);

/* A bar on stderr, when that is a terminal, drawn at most ten times a second. */
struct progress {
	const char *noun; /* "events" */
	int64_t total;	  /* 0: not known */
	int64_t done;
	int64_t bytes; /* shown too, when there are any */
	int64_t started_ms, drawn_ms;
	bool is_shown;
};
struct progress progress_start(const char *noun, int64_t total);
bool progress_is_wanted(void); /* worth finding out a total? */
void progress_to(struct progress *progress, int64_t done);
void progress_end(struct progress *progress); /* takes the bar away */

#endif
