/* SPDX-License-Identifier: ISC */
/* One fact, one line of logfmt, on stderr. Control bytes and quotes in values
   are escaped and long values cut, so no sender can write lines of its own.
   Bodies and secrets are never given to this module. */
#ifndef HL_BASE_LOG_H
#define HL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key; /* NULL ends the list */
	struct str text;
	int64_t number;
	bool is_number;
};

/* The program's name stands in every line; lines above `level` are dropped.
   Before the first call: "hookledger" and LOG_INFO. Keeps `program`. */
void log_open(const char *program, enum log_level level);

/* false and *level untouched for an unknown word. */
bool log_level_read(struct str word, enum log_level *level);

void log_write(enum log_level level, const char *event, const struct log_field *fields);

struct log_field log_text(const char *key, const char *value);
struct log_field log_str(const char *key, struct str value);
struct log_field log_num(const char *key, int64_t value);
struct log_field log_end(void);

/* A gate for lines that strangers can cause: true at most `burst` times a
   second for one gate; the number it held back is in gate->held then, for the
   line that passes to say. {0} is a new gate. Threads may share one. */
struct log_gate {
	int64_t second;
	int64_t passed;
	int64_t held;
};
bool log_gate_passes(struct log_gate *gate, int64_t burst);

#endif
