/* SPDX-License-Identifier: ISC */
#include "cli/endpoint.h"

#include "base/db.h"
#include "cli/cli.h"
#include "cli/pagination.h"
#include "cli/term.h"
#include "ledger/sealing.h"

enum err endpoint_make(struct db *db, const struct sealer *sealer, const char *name,
		       int64_t workspace, struct str secret, struct buf *address,
		       struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 };
	enum err err;

	sealing_new_address(address);
	err = sealing_endpoint(sealer, buf_str(address), secret, &sealed);
	if (err)
		goto done;
	db_arg_text(args, buf_str(address));
	db_arg_text(args, str_of(name));
	cli_arg_int(args, workspace, workspace);
	db_arg_bytes(args, buf_str(&sealed));
	err = cli_call(db, "operator.endpoint_add", args, rows);
done:
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* If the row is a valid secret of the endpoint and it opens: replaces *secret by it. */
static bool read_secret(const struct sealer *sealer, int64_t endpoint, const struct db_rows *rows,
			size_t row, struct buf *secret)
{
	struct buf sealed = { 0 }, plain = { 0 };
	bool is_open;

	if (db_int(rows, row, "endpoint_id") != endpoint || !db_bool(rows, row, "is_valid"))
		return false;
	db_bytes(rows, row, "sealed", &sealed);
	is_open = sealing_endpoint_open(sealer, db_str(rows, row, "address"), buf_str(&sealed),
					&plain) == ERR_NONE;
	if (is_open) {
		mem_wipe(secret->at, secret->len);
		buf_clear(secret);
		buf_add_str(secret, buf_str(&plain));
	}
	mem_wipe(plain.at, plain.len);
	buf_done(&plain);
	buf_done(&sealed);
	return is_open;
}

enum err endpoint_secret(struct db *db, const struct sealer *sealer, int64_t endpoint,
			 struct buf *secret, int64_t *secret_id)
{
	struct pagination pages = { .function = "operator.secret_read", .number = "secret_id" };

	while (pagination_next(&pages, db))
		for (size_t i = 0; i < db_rows_count(pages.rows); i++)
			if (read_secret(sealer, endpoint, pages.rows, i, secret))
				*secret_id = db_int(pages.rows, i, "secret_id");
	if (pages.err || secret->len)
		return pages.err;
	term_problem("endpoint %lld has no valid secret that opens with this master_key; "
		     "`hookledger endpoint rotate %lld` makes one",
		     (long long)endpoint, (long long)endpoint);
	return ERR_ABSENT;
}

static void read_row(struct endpoint *endpoint, const struct db_rows *rows, size_t row)
{
	endpoint->endpoint_id = db_int(rows, row, "endpoint_id");
	endpoint->workspace_id = db_int(rows, row, "workspace_id");
	endpoint->is_enabled = db_bool(rows, row, "enabled");
	buf_add_str(&endpoint->address, db_str(rows, row, "address"));
}

enum err endpoint_find(struct db *db, int64_t id, struct endpoint *endpoint)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_int(args, id);
	err = cli_call(db, "operator.endpoint_find", args, &rows);
	if (!err)
		read_row(endpoint, rows, 0);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

enum err endpoint_of_workspace(struct db *db, int64_t workspace, struct endpoint *endpoint)
{
	struct pagination pages = { .function = "operator.endpoint_list", .number = "endpoint_id" };

	while (pagination_next(&pages, db))
		for (size_t i = 0; i < db_rows_count(pages.rows); i++)
			if (db_int(pages.rows, i, "workspace_id") == workspace &&
			    db_bool(pages.rows, i, "enabled")) {
				read_row(endpoint, pages.rows, i);
				pagination_done(&pages);
				return ERR_NONE;
			}
	return pages.err ? pages.err : ERR_ABSENT;
}
