/* SPDX-License-Identifier: ISC */
/* The settings: read from one file and the environment, printed as an annotated sample. Each
   part of hookledger declares its own settings as a table of rows and a struct for their values
   (ledger/ledger_conf.h is an example); src/settings lists all tables. The settings in struct
   conf are those of all programs. tests/house.sh compares the rows with the manual. */
#ifndef HL_BASE_CONF_H
#define HL_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* ---- declaring settings */

enum conf_type {
	CONF_TEXT,
	CONF_YESNO,    /* bool */
	CONF_NUMBER,   /* int64_t */
	CONF_KEY,      /* text of 64 hex digits */
	CONF_LEVEL,    /* text: a level of the log */
	CONF_PREFIX,   /* text: the beginning of a path, without a slash at its end */
	CONF_NETWORKS, /* text: networks as base/ip reads them */
};

struct conf_row {
	const char *key;
	enum conf_type type;
	size_t field;	      /* offset in the struct of the part, or in struct conf */
	const char *fallback; /* the default, as it would stand in the file; NULL: not set */
	int64_t min, max;     /* of a number */
	bool secret;
	const char *help;
};

/* Its address names the part; conf_load() allocates the struct of its values. */
struct conf_part {
	size_t size;
};

struct conf_table {
	const struct conf_part *part; /* NULL: the values are in struct conf */
	const struct conf_row *rows;
	size_t count;
};

/* All tables in the order of the sample, NULL at the end. src/settings defines it. */
extern const struct conf_table *const conf_tables[];
extern const struct conf_table conf_table_first, conf_table_last; /* of struct conf */

enum { CONF_PARTS_MAX = 8 };

/* ---- using settings */

/* Owns its texts, which are NULL when they are not set. conf_sample() explains each setting. */
struct conf {
	char *path; /* the file that was read, NULL if none */
	char *database;
	char *database_receiver;
	char *database_operator;
	char *database_api;
	char *database_courier;
	char *database_admin;
	char *database_owner;
	bool db_pooled;
	int64_t db_deadline_ms;
	bool db_roles;
	char *master_key;
	char *master_key_previous;
	char *public_url;
	char *base_path;
	char *log_level;
	bool sandbox;

	struct {
		const struct conf_part *part;
		void *values;
	} parts[CONF_PARTS_MAX];
};

/* The values of a part, borrowed from the settings, which must be loaded. A part wraps this in
   a function with its own type. */
const void *conf_part(const struct conf *conf, const struct conf_part *part);

/* Reads `path`, or the file that HOOKLEDGER_CONF names, or the installed one, or the user's own
   (base/conf_file): the first that exists, or none. Then the environment (HOOKLEDGER_ and the
   key in capitals, '.' as '_'). ERR_INPUT: *problem names file, line, key and the correction,
   never a secret; *conf is untouched. */
MUST_USE enum err conf_load(struct conf *conf, const char *path, struct buf *problem);
void conf_done(struct conf *conf); /* wipes the secrets; a conf of zeros is allowed */

/* The connection string for "receiver", "api", "courier", "admin", "operator" or "owner": its
   own setting, or else `database`; NULL when neither is set. */
const char *conf_database(const struct conf *conf, const char *program);

/* Appends an address under which others reach us: public_url, base_path, `path` ("/hook/") and
   `last`. Every address that we give to others is made here. Slashes at the end of public_url
   are ignored, and so is base_path there: it is not repeated. Scheme and host become lower
   case. Without public_url the host is a placeholder that looks like one. */
void conf_public_url(const struct conf *conf, const char *path, struct str last, struct buf *out);

enum log_level conf_log_level(const struct conf *conf);

void conf_sample(struct buf *out);			  /* annotated, all defaults */
void conf_show(const struct conf *conf, struct buf *out); /* what is in force; secrets as "(set)" */

#endif
