/* SPDX-License-Identifier: ISC */
/* The schema as this program brings it: the files of sql/, each with its
   checksum; and what a database has of them. */
#ifndef HL_BIN_STEPS_H
#define HL_BIN_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct conf;
struct db_rows;

enum { CHECKSUM_CHARS = 64 };

struct step {
	int64_t version;	/* 0: all functions */
	char *name;
	char *text;
	char checksum[CHECKSUM_CHARS + 1];	/* SHA-256 of the text in hex */
};

struct steps {
	char *setup;		/* run before the first step */
	struct step *migrations;	/* by version, without gaps from 1 */
	size_t count;
	struct step doors;	/* the functions, one text */
};

/* Reads all files of conf->sql_dir. false: said on stderr what is missing. */
bool steps_load(struct steps *steps, const struct conf *conf);
void steps_done(struct steps *steps);

/* How a database (rows of ledger.migration_list() or operator.migrations();
   NULL: none yet) compares. */
struct steps_state {
	size_t pending;		/* migrations to apply: the last of them */
	bool doors_pending;
	int64_t newer;		/* a version that this program has no file for; 0: none */
	const struct step *changed;	/* a file that is not what was applied; NULL: none */
};
struct steps_state steps_compare(const struct steps *steps, const struct db_rows *applied);

#endif
