/* SPDX-License-Identifier: ISC */
#include "base/db_args.h"

#include <stdlib.h>

/* PostgreSQL counts its binary times from 2000-01-01. */
static const int64_t EPOCH_2000_US = INT64_C(946684800) * 1000000;

struct arg {
	unsigned type;
	size_t at; /* offset in the bytes of db_args */
	int len;
	bool is_null;
};

struct db_args {
	struct buf bytes;
	struct arg arg[DB_ARGS_MAX];
	int count;
};

struct db_args *db_args_new(void)
{
	return mem_zero(1, sizeof(struct db_args));
}

void db_args_free(struct db_args *args)
{
	if (!args)
		return;
	buf_done(&args->bytes);
	free(args);
}

void db_args_clear(struct db_args *args)
{
	buf_clear(&args->bytes);
	args->count = 0;
}

static struct arg *next_arg(struct db_args *args, unsigned type)
{
	struct arg *arg;

	if (args->count == DB_ARGS_MAX)
		abort();
	arg = &args->arg[args->count++];
	*arg = (struct arg){ .type = type, .at = args->bytes.len };
	return arg;
}

static void close_arg(struct db_args *args)
{
	struct arg *arg = &args->arg[args->count - 1];

	arg->len = (int)(args->bytes.len - arg->at);
}

void db_arg_null(struct db_args *args)
{
	next_arg(args, 0)->is_null = true;
}

void db_arg_int(struct db_args *args, int64_t value)
{
	next_arg(args, DB_OID_INT8);
	buf_add_u64(&args->bytes, (uint64_t)value);
	close_arg(args);
}

void db_arg_id(struct db_args *args, int64_t id)
{
	if (id)
		db_arg_int(args, id);
	else
		db_arg_null(args);
}

void db_arg_bool(struct db_args *args, bool value)
{
	next_arg(args, DB_OID_BOOL);
	buf_add_char(&args->bytes, value);
	close_arg(args);
}

void db_arg_text(struct db_args *args, struct str value)
{
	struct arg *arg = next_arg(args, DB_OID_TEXT);

	arg->is_null = !value.at;
	buf_add_str(&args->bytes, value);
	close_arg(args);
}

void db_arg_bytes(struct db_args *args, struct str value)
{
	next_arg(args, DB_OID_BYTEA);
	buf_add_str(&args->bytes, value);
	close_arg(args);
}

void db_arg_json(struct db_args *args, struct str value)
{
	next_arg(args, DB_OID_JSON)->is_null = !value.at;
	buf_add_str(&args->bytes, value);
	close_arg(args);
}

void db_arg_jsonb(struct db_args *args, struct str value)
{
	next_arg(args, DB_OID_JSONB)->is_null = !value.at;
	buf_add_char(&args->bytes, 1); /* version of the binary form, which is the text itself */
	buf_add_str(&args->bytes, value);
	close_arg(args);
}

void db_arg_time(struct db_args *args, int64_t us)
{
	next_arg(args, DB_OID_TIMESTAMPTZ);
	buf_add_u64(&args->bytes, (uint64_t)(us - EPOCH_2000_US));
	close_arg(args);
}

/* Array in binary form (PostgreSQL's array_recv): dimensions, has-nulls flag,
   element type, length, lower bound, then each element with its length. */
void db_array(struct db_args *args, enum db_kind kind, size_t count)
{
	static const struct {
		unsigned array, element;
	} types[] = {
		[DB_INTS] = { DB_OID_INT8_ARRAY, DB_OID_INT8 },
		[DB_TEXTS] = { DB_OID_TEXT_ARRAY, DB_OID_TEXT },
		[DB_TIMES] = { DB_OID_TIMESTAMPTZ_ARRAY, DB_OID_TIMESTAMPTZ },
		[DB_BYTES] = { DB_OID_BYTEA_ARRAY, DB_OID_BYTEA },
		[DB_JSONS] = { DB_OID_JSON_ARRAY, DB_OID_JSON },
	};

	next_arg(args, types[kind].array);
	buf_add_u32(&args->bytes, count ? 1 : 0);
	buf_add_u32(&args->bytes, 1);
	buf_add_u32(&args->bytes, types[kind].element);
	if (count) {
		buf_add_u32(&args->bytes, (uint32_t)count);
		buf_add_u32(&args->bytes, 1);
	}
	close_arg(args);
}

void db_put_null(struct db_args *args)
{
	buf_add_u32(&args->bytes, UINT32_MAX);
	close_arg(args);
}

void db_put_int(struct db_args *args, int64_t value)
{
	buf_add_u32(&args->bytes, 8);
	buf_add_u64(&args->bytes, (uint64_t)value);
	close_arg(args);
}

void db_put_time(struct db_args *args, int64_t us)
{
	db_put_int(args, us - EPOCH_2000_US);
}

void db_put_str(struct db_args *args, struct str value)
{
	if (!value.at) {
		db_put_null(args);
		return;
	}
	buf_add_u32(&args->bytes, (uint32_t)value.len);
	buf_add_str(&args->bytes, value);
	close_arg(args);
}

void db_args_bind(const struct db_args *args, struct db_bound *bound)
{
	bound->count = args ? args->count : 0;
	for (int i = 0; i < bound->count; i++) {
		const struct arg *arg = &args->arg[i];

		bound->types[i] = arg->type;
		bound->values[i] = arg->is_null ? NULL : buf_text(&args->bytes) + arg->at;
		bound->lengths[i] = arg->len;
		bound->formats[i] = 1; /* binary */
	}
}
