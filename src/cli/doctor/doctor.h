/* SPDX-License-Identifier: ISC */
/* The checks of `hookledger doctor`: each says one thing about this
   installation, and what to do when it is not as it should be. */
#ifndef HL_CLI_DOCTOR_DOCTOR_H
#define HL_CLI_DOCTOR_DOCTOR_H

#include <stddef.h>

#include "base/mem.h"

struct conf;
struct db;

enum state {
	STATE_OK,
	STATE_NOTE,    /* good to know */
	STATE_WARNING, /* will be a problem, or may be one */
	STATE_ERROR,   /* callbacks are lost, refused, or only in the spool */
};

struct finding {
	enum state state;
	const char *check;
	struct buf text; /* what is so; then, behind "; ", what to do */
};

struct doctor {
	const struct conf *conf;
	struct finding *findings;
	size_t count;
};

void doctor_say(struct doctor *doctor, enum state state, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void doctor_check_settings(struct doctor *doctor);
void doctor_check_spool(struct doctor *doctor);
void doctor_check_security(struct doctor *doctor);
void doctor_check_database(struct doctor *doctor);
void doctor_check_watch(struct doctor *doctor, struct db *db);

#endif
