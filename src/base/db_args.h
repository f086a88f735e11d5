/* SPDX-License-Identifier: ISC */
/* The arguments of one call, in the binary form of their types. */
#ifndef HL_BASE_DB_ARGS_H
#define HL_BASE_DB_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* In the order of the parameters; reusable after db_args_clear(). */
struct db_args;
struct db_args *db_args_new(void);
void db_args_free(struct db_args *args);
void db_args_clear(struct db_args *args);

/* All functions copy their values. */
void db_arg_null(struct db_args *args); /* as text */
void db_arg_int(struct db_args *args, int64_t value);
void db_arg_id(struct db_args *args, int64_t id); /* 0: null */
void db_arg_bool(struct db_args *args, bool value);
void db_arg_text(struct db_args *args, struct str value); /* at == NULL: null */
void db_arg_bytes(struct db_args *args, struct str value);
/* Valid JSON, or at == NULL: null. */
void db_arg_json(struct db_args *args, struct str value);
void db_arg_jsonb(struct db_args *args, struct str value);
void db_arg_time(struct db_args *args, int64_t us); /* since 1970 */

/* An array argument: db_array(), then exactly `count` times db_put_…() of that kind. */
enum db_kind { DB_INTS, DB_TEXTS, DB_TIMES, DB_BYTES, DB_JSONS };
void db_array(struct db_args *args, enum db_kind kind, size_t count);
void db_put_null(struct db_args *args);
void db_put_int(struct db_args *args, int64_t value);
void db_put_time(struct db_args *args, int64_t us);
void db_put_str(struct db_args *args, struct str value); /* for texts, bytes and JSON */

/* ---- for base/db */

/* The arguments (NULL: none) as libpq takes them, borrowed until they change. */
enum { DB_ARGS_MAX = 32 };
struct db_bound {
	int count;
	unsigned types[DB_ARGS_MAX]; /* 0: the type of the function's parameter */
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX], formats[DB_ARGS_MAX];
};
void db_args_bind(const struct db_args *args, struct db_bound *bound);

/* OIDs of PostgreSQL's built-in types (pg_type.dat); they never change. */
enum {
	DB_OID_BOOL = 16,
	DB_OID_BYTEA = 17,
	DB_OID_INT8 = 20,
	DB_OID_TEXT = 25,
	DB_OID_JSON = 114,
	DB_OID_JSON_ARRAY = 199,
	DB_OID_BYTEA_ARRAY = 1001,
	DB_OID_TEXT_ARRAY = 1009,
	DB_OID_INT8_ARRAY = 1016,
	DB_OID_TIMESTAMPTZ = 1184,
	DB_OID_TIMESTAMPTZ_ARRAY = 1185,
	DB_OID_JSONB = 3802,
};

#endif
