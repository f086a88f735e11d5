/* SPDX-License-Identifier: ISC */
/* Writes one event as one line of logfmt to stderr. Escapes control bytes and quotes in values
   and truncates long values, so no sender can forge a line. Callers never pass bodies or
   secrets. */
#ifndef HL_BASE_LOG_H
#define HL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key; /* NULL: the end of the list */
	struct str text;
	int64_t number;
	bool is_number;
};

/* Every line names the program; lines above `level` are dropped. The defaults are "hookledger"
   and LOG_INFO. Keeps the pointer `program`. */
void log_open(const char *program, enum log_level level);

/* false, *level untouched, for an unknown name. */
bool log_level_read(struct str name, enum log_level *level);

void log_write(enum log_level level, const char *event, const struct log_field *fields);

struct log_field log_text(const char *key, const char *value);
struct log_field log_str(const char *key, struct str value);
struct log_field log_num(const char *key, int64_t value);
struct log_field log_end(void);

/* Limits lines that unauthenticated clients can cause: true at most `burst` times a second for
   one gate. gate->held is then the number of lines that were held back, for the line that
   passes. {0} is a new gate. Threads may share one. */
struct log_gate {
	int64_t second;
	int64_t passed;
	int64_t held;
};
bool log_gate_passes(struct log_gate *gate, int64_t burst);

#endif
