/* SPDX-License-Identifier: ISC */
/* Bringing a database to the schema of this program, step by step; for the
   command line and for the page's first visit. */
#ifndef HL_LEDGER_MIGRATION_H
#define HL_LEDGER_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct conf;
struct db;

enum migration_end {
	MIGRATION_DONE,
	MIGRATION_NO_FILES, /* the schema cannot be read; said on stderr */
	MIGRATION_REFUSED,  /* nothing was changed: another server, encoding or program is needed */
	MIGRATION_FAILED,   /* at a step; those before it are there */
};

struct migration {
	struct db *db; /* as database.owner */
	const struct conf *conf;
	bool dry_run;
	void (*say)(const char *line); /* what was done, as it is done; NULL: nobody listens */
	struct buf problem;	       /* why not, in words; buf_done() it */
	int64_t partitions;	       /* made */
	bool needs_rebuild;	       /* there are events that the typed tables do not have */
};

/* May be repeated, and run by several at once: each step is done by one. */
enum migration_end migration_run(struct migration *migration);

#endif
