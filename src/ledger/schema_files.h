/* SPDX-License-Identifier: ISC */
/* The files of sql/ that this program installs, each with its checksum; and which of them a
   database already has. */
#ifndef HL_LEDGER_SCHEMA_FILES_H
#define HL_LEDGER_SCHEMA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct conf;
struct db_rows;

enum { CHECKSUM_CHARS = 64 };

struct schema_file {
	int64_t version; /* 0: all functions */
	char *name;
	char *text;
	char checksum[CHECKSUM_CHARS + 1]; /* SHA-256 of the text in hex */
};

struct schema_files {
	char *setup;			/* run before the first step */
	struct schema_file *migrations; /* by version, without gaps from 1 */
	size_t count;
	struct schema_file functions; /* the functions, one text */
};

/* Reads all files of the folder sql_dir. false: *problem says what is missing. */
bool schema_files_load(struct schema_files *schema, const struct conf *conf, struct buf *problem);
void schema_files_done(struct schema_files *schema);

/* Compares the files with what a database has: the rows of ledger.migration_list() or
   operator.migrations(), NULL when it has nothing. */
struct schema_files_state {
	size_t pending; /* how many migrations, counted from the last, are to be applied */
	bool functions_pending;
	int64_t newer; /* a version that this program has no file for; 0: none */
	const struct schema_file *changed; /* differs from what was applied; NULL: none */
};
struct schema_files_state schema_files_compare(const struct schema_files *schema,
					       const struct db_rows *applied);

#endif
