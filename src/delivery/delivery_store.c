/* SPDX-License-Identifier: ISC */
#include "delivery/delivery_store.h"

#include <stdlib.h>

#include "base/db.h"
#include "delivery/delivery.h"

enum {
	GATHER_MOST = 1000,  /* deliveries in one call: some 20 ms */
	GATHER_BUSY = 200,   /* the same while receivers are busy */
	GATHER_ENOUGH = 200, /* due deliveries of a subscription; no more are made then */
	HOUSEKEEP_EVERY_MS = 3600 * 1000,
	HOUSEKEEP_MOST = 2000, /* rows at a time */
};

struct delivery_store {
	struct db *db;
	struct delivery_store_options options;
	struct db_args *args;
	enum delivery_store_call call;
	struct db_rows *rows; /* of the call that was taken last */
	int64_t gathered_workspace;
	struct buf sealed, sealed_before; /* of the row that was read last */
};

struct delivery_store *delivery_store_new(struct db *db,
					  const struct delivery_store_options *options)
{
	struct delivery_store *store = mem_zero(1, sizeof(*store));

	store->db = db;
	store->options = *options;
	store->args = db_args_new();
	return store;
}

void delivery_store_free(struct delivery_store *store)
{
	if (!store)
		return;
	db_rows_free(store->rows);
	db_args_free(store->args);
	buf_done(&store->sealed);
	buf_done(&store->sealed_before);
	free(store);
}

/* ---- starting a call */

static enum err start(struct delivery_store *store, enum delivery_store_call call,
		      const char *function)
{
	enum err err = db_send(store->db, function, store->args);

	if (!err)
		store->call = call;
	return err;
}

enum err delivery_store_listen(struct delivery_store *store)
{
	db_args_clear(store->args);
	return start(store, DELIVERY_STORE_LISTEN, "courier.listen");
}

enum err delivery_store_gather(struct delivery_store *store, bool is_busy)
{
	db_args_clear(store->args);
	db_arg_int(store->args, store->gathered_workspace);
	db_arg_int(store->args, GATHER_ENOUGH);
	db_arg_int(store->args, is_busy ? GATHER_BUSY : GATHER_MOST);
	return start(store, DELIVERY_STORE_GATHER, "courier.gather");
}

static void put_ids(struct db_args *args, const struct subscriber_queues *queues)
{
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, queues->at[i]->subscription_id);
}

static void put_leases(struct db_args *args, const struct subscriber_queues *queues)
{
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, queues->at[i]->lease);
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
	db_put_int(args, one->queue->subscription_id);
}

static void put_id(struct db_args *args, const struct delivery *one)
{
	db_put_int(args, one->id);
}

/* An array of all deliveries that this courier holds: the database counts them as due. */
static void put_inflight(struct db_args *args, const struct subscriber_queues *queues,
			 const struct delivery *in_flight, const struct delivery *done,
			 void (*put)(struct db_args *, const struct delivery *))
{
	size_t count = length(in_flight) + length(done);

	for (size_t i = 0; i < queues->count; i++)
		count += queues->at[i]->waiting;
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = in_flight; one; one = one->next)
		put(args, one);
	for (const struct delivery *one = done; one; one = one->next)
		put(args, one);
	for (size_t i = 0; i < queues->count; i++)
		for (const struct delivery *one = queues->at[i]->first; one; one = one->next)
			put(args, one);
}

enum err delivery_store_claim(struct delivery_store *store, const struct subscriber_queues *queues,
			      const struct delivery *in_flight, const struct delivery *done,
			      int64_t most)
{
	struct db_args *args = store->args;

	db_args_clear(args);
	put_ids(args, queues);
	put_leases(args, queues);
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, queues->at[i]->is_renewed);
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, queues->at[i]->wanted);
	db_array(args, DB_TIMES, queues->count);
	for (size_t i = 0; i < queues->count; i++) {
		if (queues->at[i]->due_us)
			db_put_time(args, queues->at[i]->due_us);
		else
			db_put_null(args);
	}
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, queues->at[i]->after_id);
	put_inflight(args, queues, in_flight, done, put_owner);
	put_inflight(args, queues, in_flight, done, put_id);
	db_arg_int(args, most);
	db_arg_int(args, SUBSCRIBER_QUEUE_FIRST);
	db_arg_int(args, store->options.lease_ms);
	return start(store, DELIVERY_STORE_CLAIM, "courier.claim");
}

static void put_texts(struct db_args *args, const struct delivery *results, size_t count,
		      bool is_problem)
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

enum err delivery_store_settle(struct delivery_store *store, const struct subscriber_queues *queues,
			       const struct delivery *results)
{
	const struct delivery_store_options *options = &store->options;
	struct db_args *args = store->args;
	size_t count = length(results);

	db_args_clear(args);
	put_ids(args, queues);
	put_leases(args, queues);
	db_array(args, DB_INTS, queues->count);
	for (size_t i = 0; i < queues->count; i++)
		db_put_int(args, !queues->at[i]->is_released);
	db_array(args, DB_INTS, count);
	for (const struct delivery *one = results; one; one = one->next)
		db_put_int(args, one->queue->subscription_id);
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
	db_arg_int(args, options->retry_first_ms);
	db_arg_int(args, options->retry_factor);
	db_arg_int(args, options->retry_longest_ms);
	db_arg_int(args, options->give_up_ms);
	db_arg_int(args, options->failing_ms);
	return start(store, DELIVERY_STORE_SETTLE, "courier.settle");
}

enum err delivery_store_look(struct delivery_store *store)
{
	db_args_clear(store->args);
	return start(store, DELIVERY_STORE_LOOK, "courier.look");
}

enum err delivery_store_housekeep(struct delivery_store *store)
{
	db_args_clear(store->args);
	db_arg_int(store->args, HOUSEKEEP_EVERY_MS);
	db_arg_int(store->args, store->options.keep_ms);
	db_arg_int(store->args, store->options.keep_dead_ms);
	db_arg_int(store->args, HOUSEKEEP_MOST);
	return start(store, DELIVERY_STORE_HOUSEKEEP, "courier.housekeep");
}

/* ---- results */

enum delivery_store_call delivery_store_in_flight(const struct delivery_store *store)
{
	return store->call;
}

enum err delivery_store_take(struct delivery_store *store)
{
	struct db_rows *rows = NULL;
	enum delivery_store_call call = store->call;
	enum err err = db_take(store->db, &rows);

	if (err == ERR_PACE)
		return err;
	store->call = DELIVERY_STORE_NONE;
	db_rows_free(store->rows);
	store->rows = rows;
	if (!err && call == DELIVERY_STORE_GATHER && db_rows_count(rows))
		store->gathered_workspace = db_int(rows, 0, "workspace_id");
	/* the arguments are right, so any error may pass */
	return err ? ERR_BUSY : ERR_NONE;
}

struct delivery_store_gathered delivery_store_gathered(const struct delivery_store *store)
{
	struct delivery_store_gathered gathered = { 0 };

	if (db_rows_count(store->rows)) {
		gathered.is_more = true;
		gathered.taken = db_int(store->rows, 0, "taken");
		gathered.made = db_int(store->rows, 0, "made");
	}
	return gathered;
}

size_t delivery_store_claimed_count(const struct delivery_store *store)
{
	return db_rows_count(store->rows);
}

static struct str text_of(const struct db_rows *rows, size_t row, const char *column)
{
	return db_is_null(rows, row, column) ? (struct str){ 0 } : db_str(rows, row, column);
}

static struct str bytes_of(const struct db_rows *rows, size_t row, const char *column,
			   struct buf *bytes)
{
	buf_clear(bytes);
	if (!db_is_null(rows, row, column))
		db_bytes(rows, row, column, bytes);
	return buf_str(bytes);
}

void delivery_store_claimed(struct delivery_store *store, size_t row,
			    struct delivery_store_claimed *claimed)
{
	const struct db_rows *rows = store->rows;

	*claimed = (struct delivery_store_claimed){
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
			.sealed = bytes_of(rows, row, "secret_sealed", &store->sealed),
			.sealed_before = bytes_of(rows, row, "secret_before_sealed", &store->sealed_before),
			.parallel = db_int(rows, row, "parallel"),
			.pause_us = db_int(rows, row, "pause_us"),
		},
		.is_failing = db_bool(rows, row, "is_failing"),
	};
	if (claimed->facts.parallel == 0)
		claimed->facts.parallel = store->options.parallel;
}

size_t delivery_store_settled_count(const struct delivery_store *store)
{
	return db_rows_count(store->rows);
}

void delivery_store_settled(const struct delivery_store *store, size_t row,
			    struct delivery_store_settled *settled)
{
	*settled = (struct delivery_store_settled){
		.subscription_id = db_int(store->rows, row, "subscription_id"),
		.is_held = db_bool(store->rows, row, "is_held"),
		.is_open = db_bool(store->rows, row, "is_open"),
		.disabled_reason = text_of(store->rows, row, "disabled_reason"),
	};
}

struct delivery_store_looked delivery_store_looked(const struct delivery_store *store)
{
	struct delivery_store_looked looked = { .has_events = db_bool(store->rows, 0, "has_events"),
						.next_us = INT64_MAX };

	if (!db_is_null(store->rows, 0, "next_us"))
		looked.next_us = db_int(store->rows, 0, "next_us");
	return looked;
}

int64_t delivery_store_housekept(const struct delivery_store *store)
{
	return db_int(store->rows, 0, "housekeep");
}
