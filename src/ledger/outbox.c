/* SPDX-License-Identifier: ISC */
#include "ledger/outbox.h"

#include <stdlib.h>

#include "base/db.h"
#include "ledger/delivery.h"

enum {
	GATHER_MOST = 1000,	/* deliveries at a time: some 20 ms */
	GATHER_ENOUGH = 200,	/* due deliveries that a subscription has enough with */
	HOUSEKEEP_EVERY_MS = 3600 * 1000,
	HOUSEKEEP_MOST = 2000,	/* rows at a time */
};

struct outbox {
	struct db *db;
	struct outbox_how how;
	struct db_args *args;
	enum outbox_call call;
	struct db_rows *rows;	/* of the call that was taken last */
	int64_t gathered_workspace;
	struct buf sealed, sealed_before;	/* of the row that was asked for last */
};

struct outbox *outbox_new(struct db *db, const struct outbox_how *how)
{
	struct outbox *outbox = mem_zero(1, sizeof(*outbox));

	outbox->db = db;
	outbox->how = *how;
	outbox->args = db_args_new();
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	db_rows_free(outbox->rows);
	db_args_free(outbox->args);
	buf_done(&outbox->sealed);
	buf_done(&outbox->sealed_before);
	free(outbox);
}

/* ---- starting a call */

static enum err start(struct outbox *outbox, enum outbox_call call, const char *function)
{
	enum err err = db_send(outbox->db, function, outbox->args);

	if (!err)
		outbox->call = call;
	return err;
}

enum err outbox_listen(struct outbox *outbox)
{
	db_args_clear(outbox->args);
	return start(outbox, OUTBOX_LISTEN, "courier.listen");
}

enum err outbox_gather(struct outbox *outbox)
{
	db_args_clear(outbox->args);
	db_arg_int(outbox->args, outbox->gathered_workspace);
	db_arg_int(outbox->args, GATHER_ENOUGH);
	db_arg_int(outbox->args, GATHER_MOST);
	return start(outbox, OUTBOX_GATHER, "courier.gather");
}

static void put_ids(struct db_args *args, const struct lanes *lanes)
{
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, lanes->at[i]->subscription_id);
}

static void put_leases(struct db_args *args, const struct lanes *lanes)
{
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, lanes->at[i]->lease);
}

static size_t length(const struct delivery *list)
{
	size_t count = 0;

	for (; list; list = list->next)
		count++;
	return count;
}

static void put_owner(struct db_args *args, const struct delivery *one)
{
	db_put_int(args, one->lane->subscription_id);
}

static void put_id(struct db_args *args, const struct delivery *one)
{
	db_put_int(args, one->id);
}

/* One array of all that is in the hand: it is still due in the database. */
static void put_hand(struct db_args *args, const struct lanes *lanes, const struct delivery *under_way,
                     const struct delivery *done, void (*put)(struct db_args *, const struct delivery *))
{
	size_t count = length(under_way) + length(done);

	for (size_t i = 0; i < lanes->count; i++)
		count += lanes->at[i]->waiting;
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = under_way; one; one = one->next)
		put(args, one);
	for (const struct delivery *one = done; one; one = one->next)
		put(args, one);
	for (size_t i = 0; i < lanes->count; i++)
		for (const struct delivery *one = lanes->at[i]->first; one; one = one->next)
			put(args, one);
}

enum err outbox_claim(struct outbox *outbox, const struct lanes *lanes, const struct delivery *under_way,
                      const struct delivery *done, int64_t most)
{
	struct db_args *args = outbox->args;

	db_args_clear(args);
	put_ids(args, lanes);
	put_leases(args, lanes);
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, lanes->at[i]->is_renewed);
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, lanes->at[i]->wanted);
	db_array(args, DB_TIMES, lanes->count);
	for (size_t i = 0; i < lanes->count; i++) {
		if (lanes->at[i]->due_us)
			db_put_time(args, lanes->at[i]->due_us);
		else
			db_put_null(args);
	}
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, lanes->at[i]->after_id);
	put_hand(args, lanes, under_way, done, put_owner);
	put_hand(args, lanes, under_way, done, put_id);
	db_arg_int(args, most);
	db_arg_int(args, LANE_FIRST);
	db_arg_int(args, outbox->how.lease_ms);
	return start(outbox, OUTBOX_CLAIM, "courier.claim");
}

static void put_texts(struct db_args *args, const struct delivery *results, size_t count, bool is_problem)
{
	db_array(args, DB_TEXTS, count);
	for (const struct delivery *one = results; one; one = one->next) {
		const struct buf *text = is_problem ? &one->problem : &one->answer;

		if (text->len)
			db_put_str(args, buf_str(text));
		else
			db_put_null(args);
	}
}

enum err outbox_settle(struct outbox *outbox, const struct lanes *lanes, const struct delivery *results)
{
	const struct outbox_how *how = &outbox->how;
	struct db_args *args = outbox->args;
	size_t count = length(results);

	db_args_clear(args);
	put_ids(args, lanes);
	put_leases(args, lanes);
	db_array(args, DB_INTS, lanes->count);
	for (size_t i = 0; i < lanes->count; i++)
		db_put_int(args, !lanes->at[i]->is_given_back);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->lane->subscription_id);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->id);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->attempt);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->status);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->duration_us);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next) {
		if (one->pause_ms >= 0)
			db_put_int(args, one->pause_ms);
		else
			db_put_null(args);
	}
	put_texts(args, results, count, false);
	put_texts(args, results, count, true);
	db_arg_int(args, how->retry_first_ms);
	db_arg_int(args, how->retry_factor);
	db_arg_int(args, how->retry_longest_ms);
	db_arg_int(args, how->give_up_ms);
	db_arg_int(args, how->failing_ms);
	return start(outbox, OUTBOX_SETTLE, "courier.settle");
}

enum err outbox_look(struct outbox *outbox)
{
	db_args_clear(outbox->args);
	return start(outbox, OUTBOX_LOOK, "courier.look");
}

enum err outbox_housekeep(struct outbox *outbox)
{
	db_args_clear(outbox->args);
	db_arg_int(outbox->args, HOUSEKEEP_EVERY_MS);
	db_arg_int(outbox->args, outbox->how.keep_ms);
	db_arg_int(outbox->args, outbox->how.keep_dead_ms);
	db_arg_int(outbox->args, HOUSEKEEP_MOST);
	return start(outbox, OUTBOX_HOUSEKEEP, "courier.housekeep");
}

/* ---- what it said */

enum outbox_call outbox_under_way(const struct outbox *outbox)
{
	return outbox->call;
}

enum err outbox_take(struct outbox *outbox)
{
	struct db_rows *rows = NULL;
	enum outbox_call call = outbox->call;
	enum err err = db_take(outbox->db, &rows);

	if (err == ERR_PACE)
		return err;
	outbox->call = OUTBOX_NONE;
	db_rows_free(outbox->rows);
	outbox->rows = rows;
	if (!err && call == OUTBOX_GATHER && db_rows_count(rows))
		outbox->gathered_workspace = db_int(rows, 0, "workspace_id");
	/* what it was given is right: whatever is wrong may be so for a while */
	return err ? ERR_BUSY : ERR_NONE;
}

struct outbox_gathered outbox_gathered(const struct outbox *outbox)
{
	struct outbox_gathered gathered = { 0 };

	if (db_rows_count(outbox->rows)) {
		gathered.is_more = true;
		gathered.taken = db_int(outbox->rows, 0, "taken");
		gathered.made = db_int(outbox->rows, 0, "made");
	}
	return gathered;
}

size_t outbox_claimed_count(const struct outbox *outbox)
{
	return db_rows_count(outbox->rows);
}

static struct str text_of(const struct db_rows *rows, size_t row, const char *column)
{
	return db_is_null(rows, row, column) ? (struct str){ 0 } : db_str(rows, row, column);
}

static struct str bytes_of(const struct db_rows *rows, size_t row, const char *column, struct buf *bytes)
{
	buf_clear(bytes);
	if (!db_is_null(rows, row, column))
		db_bytes(rows, row, column, bytes);
	return buf_str(bytes);
}

void outbox_claimed(struct outbox *outbox, size_t row, struct outbox_claimed *claimed)
{
	const struct db_rows *rows = outbox->rows;

	*claimed = (struct outbox_claimed){
		.subscription_id = db_int(rows, row, "subscription_id"),
		.lease = db_int(rows, row, "lease"),
		.delivery_id = db_int(rows, row, "delivery_id"),
		.due_us = db_int(rows, row, "due_us"),
		.attempt = db_int(rows, row, "attempt"),
		.event_id = db_int(rows, row, "event_id"),
		.created_us = db_int(rows, row, "created_us"),
		.body = text_of(rows, row, "body"),
		.payload = text_of(rows, row, "payload"),
		.metadata = text_of(rows, row, "metadata"),
		.facts = {
			.url = db_str(rows, row, "url_callback"),
			.sealed = bytes_of(rows, row, "secret_sealed", &outbox->sealed),
			.sealed_before = bytes_of(rows, row, "secret_before_sealed", &outbox->sealed_before),
			.parallel = db_int(rows, row, "parallel"),
			.pause_us = db_int(rows, row, "pause_us"),
		},
		.is_failing = db_bool(rows, row, "is_failing"),
	};
	if (claimed->facts.parallel == 0)
		claimed->facts.parallel = outbox->how.parallel;
}

size_t outbox_settled_count(const struct outbox *outbox)
{
	return db_rows_count(outbox->rows);
}

void outbox_settled(const struct outbox *outbox, size_t row, struct outbox_settled *settled)
{
	*settled = (struct outbox_settled){
		.subscription_id = db_int(outbox->rows, row, "subscription_id"),
		.is_held = db_bool(outbox->rows, row, "is_held"),
		.is_open = db_bool(outbox->rows, row, "is_open"),
		.disabled_reason = text_of(outbox->rows, row, "disabled_reason"),
	};
}

struct outbox_looked outbox_looked(const struct outbox *outbox)
{
	struct outbox_looked looked = { .has_events = db_bool(outbox->rows, 0, "has_events"),
		                        .next_us = INT64_MAX };

	if (!db_is_null(outbox->rows, 0, "next_us"))
		looked.next_us = db_int(outbox->rows, 0, "next_us");
	return looked;
}

int64_t outbox_housekept(const struct outbox *outbox)
{
	return db_int(outbox->rows, 0, "housekeep");
}
