/* SPDX-License-Identifier: ISC */
/* The report of `hookledger doctor`: each check adds one or more lines to it. */
#ifndef HL_CLI_DOCTOR_REPORT_H
#define HL_CLI_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum state {
	STATE_OK,
	STATE_NOTE,    /* good to know */
	STATE_WARNING, /* is or may become a problem */
	STATE_ERROR,   /* callbacks are lost, refused, or only in the spool */
};

struct finding {
	enum state state;
	const char *check;
	struct buf text; /* what is so; then, after "; ", what to do */
};

struct report {
	struct finding *findings;
	size_t count;
};

/* Borrows `check`. */
void report_add(struct report *report, enum state state, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* On standard output. false: said on stderr. */
bool report_write(const struct report *report, bool json);

bool report_has_errors(const struct report *report);
void report_done(struct report *report);

#endif
