/* SPDX-License-Identifier: ISC */
/* Migrates a database to the schema of this program, step by step. `hookledger migrate` runs
   this, and the first visit of the admin page. */
#ifndef HL_LEDGER_MIGRATION_H
#define HL_LEDGER_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct conf;
struct db;

enum migration_end {
	MIGRATION_DONE,
	MIGRATION_NO_FILES, /* the files of the schema cannot be read */
	MIGRATION_REFUSED,  /* nothing was changed: another server, encoding or program is needed */
	MIGRATION_FAILED,   /* at a step; the steps before it are applied */
};

struct migration {
	struct db *db; /* as database.owner */
	const struct conf *conf;
	bool dry_run;
	void (*print)(const char *line); /* gets a line for each step; may be NULL */
	struct buf problem;		 /* why it failed, as text; buf_done() it */
	int64_t partitions;		 /* how many were made */
	bool needs_rebuild;		 /* the typed tables lack events of the ledger */
};

/* May be run again, and by several processes at once: one of them does each step. */
enum migration_end migration_run(struct migration *migration);

#endif
