/* SPDX-License-Identifier: ISC */
/* The schema as this program brings it: the files of sql/, each with its
   checksum; and what a database has of them. */
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

/* Reads all files of the folder sql_dir. false: said on stderr what is missing. */
bool schema_files_load(struct schema_files *schema, const struct conf *conf);
void schema_files_done(struct schema_files *schema);

/* How a database (rows of ledger.migration_list() or operator.migrations();
   NULL: none yet) compares. */
struct schema_files_state {
	size_t pending; /* migrations to apply: the last of them */
	bool functions_pending;
	int64_t newer; /* a version that this program has no file for; 0: none */
	const struct schema_file *changed; /* a file that is not what was applied; NULL: none */
};
struct schema_files_state schema_files_compare(const struct schema_files *schema,
					       const struct db_rows *applied);

#endif
