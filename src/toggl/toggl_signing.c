/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_signing.h"

#include "base/crypto.h"
#include "base/db.h"
#include "ledger/sealing.h"
#include "toggl/toggl_db.h"

enum { SIGNED_MAX = 500 }; /* as many as ledger.toggl_unsigned() returns in one call */

/* Makes the local endpoint of a workspace, whose secret signs loaded events. */
static enum err make_local_endpoint(const struct toggl_client_options *options,
				    int64_t workspace_id)
{
	struct db_args *args = db_args_new();
	struct buf address = { 0 }, secret = { 0 }, sealed = { 0 };
	enum err err;

	sealing_new_address(&address);
	sealing_new_secret(&secret);
	err = seal(options->sealer, buf_str(&address), buf_str(&secret), &sealed);
	if (!err) {
		db_arg_int(args, workspace_id);
		db_arg_text(args, buf_str(&address));
		db_arg_bytes(args, buf_str(&sealed));
		err = toggl_db_call(options, TOGGL_DB_LOCAL, args, NULL);
	}
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&address);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* Signs and records the rows from `first` on that share a secret; *next is the row after
   them. */
static enum err record_signed(const struct toggl_client_options *options, int64_t job_id,
			      const struct db_rows *rows, size_t first, size_t *next)
{
	unsigned char signature[SIGNED_MAX][MAC_BYTES];
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 }, secret = { 0 };
	int64_t secret_id = db_int(rows, first, "secret_id");
	struct mac *mac = NULL;
	size_t count = 0;
	enum err err;

	db_bytes(rows, first, "sealed", &sealed);
	err = seal_open(options->sealer, db_str(rows, first, "address"), buf_str(&sealed), &secret);
	if (err)
		goto done;
	mac = mac_new(buf_str(&secret));
	while (first + count < db_rows_count(rows) && count < SIGNED_MAX &&
	       db_int(rows, first + count, "secret_id") == secret_id) {
		mac_sign(mac, db_str(rows, first + count, "body"), signature[count]);
		count++;
	}
	db_arg_int(args, job_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, db_int(rows, first + i, "event_id"));
	db_array(args, DB_BYTES, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, (struct str){ (const char *)signature[i], MAC_BYTES });
	db_arg_int(args, db_int(rows, first, "endpoint_id"));
	db_arg_int(args, secret_id);
	err = toggl_db_call(options, TOGGL_DB_RECORD, args, NULL);
	*next = first + count;
done:
	mac_free(mac);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

enum err toggl_signing_run(const struct toggl_client_options *options, int64_t job_id)
{
	struct db_args *args = db_args_new();
	enum err err = ERR_NONE;
	size_t count = 1;

	db_arg_int(args, job_id);
	while (!err && count) {
		struct db_rows *rows = NULL;

		err = toggl_db_call(options, TOGGL_DB_UNSIGNED, args, &rows);
		count = err ? 0 : db_rows_count(rows);
		for (size_t i = 0; i < count && !err;) {
			if (db_is_null(rows, i, "endpoint_id")) {
				/* the next call of TOGGL_DB_UNSIGNED has its secret */
				err = make_local_endpoint(options, db_int(rows, i, "workspace_id"));
				break;
			}
			err = record_signed(options, job_id, rows, i, &i);
		}
		db_rows_free(rows);
	}
	db_args_free(args);
	return err;
}
