/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_db.h"

#include "base/db.h"
#include "base/json.h"
#include "ledger/sealing.h"

/* The courier adds no connections. On the admin page, jobs and connections begin through
   options->operate. */
static const char *const functions[][TOGGL_DB_FUNCTIONS] = {
	[TOGGL_SCHEMA_OPERATOR] = {
		[TOGGL_DB_BEGIN] = "operator.toggl_begin",
		[TOGGL_DB_TURN] = "operator.toggl_turn",
		[TOGGL_DB_UNSIGNED] = "operator.toggl_unsigned",
		[TOGGL_DB_LOCAL] = "operator.toggl_local",
		[TOGGL_DB_RECORD] = "operator.toggl_record",
		[TOGGL_DB_LEAVE] = "operator.toggl_leave",
		[TOGGL_DB_DUE] = "operator.toggl_due",
		[TOGGL_DB_CONNECTION_ADD] = "operator.toggl_connection_add",
		[TOGGL_DB_CONNECTION_TOKEN] = "operator.toggl_connection_token",
	},
	[TOGGL_SCHEMA_COURIER] = {
		[TOGGL_DB_BEGIN] = "courier.toggl_begin",
		[TOGGL_DB_TURN] = "courier.toggl_turn",
		[TOGGL_DB_UNSIGNED] = "courier.toggl_unsigned",
		[TOGGL_DB_LOCAL] = "courier.toggl_local",
		[TOGGL_DB_RECORD] = "courier.toggl_record",
		[TOGGL_DB_LEAVE] = "courier.toggl_leave",
		[TOGGL_DB_DUE] = "courier.toggl_due",
	},
	[TOGGL_SCHEMA_ADMIN] = {
		[TOGGL_DB_TURN] = "admin.toggl_turn",
		[TOGGL_DB_UNSIGNED] = "admin.toggl_unsigned",
		[TOGGL_DB_LOCAL] = "admin.toggl_local",
		[TOGGL_DB_RECORD] = "admin.toggl_record",
		[TOGGL_DB_LEAVE] = "admin.toggl_leave",
	},
};

enum err toggl_db_call(const struct toggl_client_options *options, enum toggl_db_function function,
		       const struct db_args *args, struct db_rows **rows)
{
	if (!db_is_ready(options->db) && db_wait(options->db, options->wait_ms))
		return ERR_BUSY;
	return db_call(options->db, functions[options->schema][function], args, options->wait_ms,
		       rows);
}

/* ---- connections and new jobs */

/* A number in the result of an operation; 0: it is not there. */
static int64_t number_of(const struct buf *output, const char *name)
{
	int64_t number = 0;

	return json_int(json_find(buf_str(output), name), &number) ? number : 0;
}

static enum err operate(const struct toggl_client_options *options, struct str session,
			const char *operation, const struct buf *input, struct buf *output)
{
	if (!db_is_ready(options->db) && db_wait(options->db, options->wait_ms))
		return ERR_BUSY;
	return options->operate(options->operate_context, session, operation,
				input ? buf_str(input) : (struct str){ 0 }, output);
}

static enum err add_connection(const struct toggl_client_options *options, struct str session,
			       int64_t *connection_id)
{
	struct db_rows *rows = NULL;
	struct buf output = { 0 };
	enum err err;

	if (options->operate) {
		err = operate(options, session, "toggl_connection_add", NULL, &output);
		*connection_id = number_of(&output, "connection_id");
	} else {
		err = toggl_db_call(options, TOGGL_DB_CONNECTION_ADD, NULL, &rows);
		if (!err)
			*connection_id = db_int(rows, 0, "toggl_connection_add");
	}
	buf_done(&output);
	db_rows_free(rows);
	return err;
}

static enum err store_token(const struct toggl_client_options *options, struct str session,
			    int64_t connection_id, const struct buf *sealed)
{
	struct db_args *args = db_args_new();
	struct buf input = { 0 }, output = { 0 };
	enum err err;

	if (options->operate) {
		json_begin(&input, NULL);
		json_put_int(&input, "connection_id", connection_id);
		json_put_bytes(&input, "sealed", buf_str(sealed));
		json_end(&input);
		err = operate(options, session, "toggl_connection_token", &input, &output);
	} else {
		db_arg_int(args, connection_id);
		db_arg_bytes(args, buf_str(sealed));
		err = toggl_db_call(options, TOGGL_DB_CONNECTION_TOKEN, args, NULL);
	}
	buf_done(&input);
	buf_done(&output);
	db_args_free(args);
	return err;
}

enum err toggl_db_add_connection(const struct toggl_client_options *options, struct str session,
				 struct str token, int64_t *connection_id)
{
	struct buf sealed = { 0 };
	int64_t new_id = 0;
	enum err err = add_connection(options, session, &new_id);

	if (!err)
		err = sealing_row(options->sealer, SEALING_TOGGL, new_id, token, &sealed);
	if (!err)
		err = store_token(options, session, new_id, &sealed);
	if (!err)
		*connection_id = new_id;
	buf_done(&sealed);
	return err;
}

static struct str null_if_empty(const struct buf *b)
{
	return b->len ? buf_str(b) : (struct str){ 0 };
}

static enum err operate_begin(const struct toggl_client_options *options,
			      const struct toggl_job *wanted, const struct buf *parameters,
			      const struct buf *address, const struct buf *sealed,
			      struct toggl_db_lease *job)
{
	struct buf input = { 0 }, output = { 0 };
	enum err err;

	json_begin(&input, NULL);
	if (wanted->connection_id)
		json_put_int(&input, "connection_id", wanted->connection_id);
	json_put_text(&input, "kind", str_of(wanted->kind));
	json_put_json(&input, "parameters", buf_str(parameters));
	json_put_text(&input, "address", null_if_empty(address));
	json_put_bytes(&input, "secret", null_if_empty(sealed));
	json_end(&input);
	err = operate(options, wanted->session, "toggl_begin", &input, &output);
	job->job_id = number_of(&output, "job_id");
	job->lease = number_of(&output, "lease");
	buf_done(&input);
	buf_done(&output);
	return err;
}

static enum err call_begin(const struct toggl_client_options *options,
			   const struct toggl_job *wanted, const struct buf *parameters,
			   const struct buf *address, const struct buf *sealed,
			   struct toggl_db_lease *job)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_id(args, wanted->connection_id);
	db_arg_text(args, str_of(wanted->kind));
	db_arg_jsonb(args, buf_str(parameters));
	db_arg_text(args, null_if_empty(address));
	if (sealed->len)
		db_arg_bytes(args, buf_str(sealed));
	else
		db_arg_null(args);
	db_arg_bool(args, wanted->is_interactive);
	err = toggl_db_call(options, TOGGL_DB_BEGIN, args, &rows);
	if (!err) {
		job->job_id = db_int(rows, 0, "job_id");
		job->lease = db_int(rows, 0, "lease");
	}
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

enum err toggl_db_begin(const struct toggl_client_options *options, const struct toggl_job *wanted,
			const struct buf *parameters, const struct buf *address,
			const struct buf *sealed, struct toggl_db_lease *lease)
{
	return options->operate ? operate_begin(options, wanted, parameters, address, sealed, lease)
				: call_begin(options, wanted, parameters, address, sealed, lease);
}
