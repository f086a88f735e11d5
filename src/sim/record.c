/* SPDX-License-Identifier: ISC */
/* One thread: while PostgreSQL works on the batches of some connections, the batch of the
   next connection is generated and signed. */
#include "sim/record.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "ledger/callback.h"
#include "ledger/intake.h"

enum {
	BATCH = 500, /* the cost of a commit hardly counts, and progress is seen often enough */
	TRIES = 4,   /* of a batch that the database did not take */
};

static const char source[] = "local";

/* A connection and the batch that is in flight over it. */
struct connection {
	struct db *db;
	struct intake *intake;
	struct schedule_item *items[BATCH];
	struct callback callbacks[BATCH];
	size_t count;
	bool is_busy;
};

struct recorder {
	const struct record_options *options;
	struct record_result *result;
	struct schedule *schedule;
	struct mac *mac;
	struct connection *connections;
	int64_t made_from_us, made_until_us; /* partitions exist for this time */
	bool *is_recorded;		     /* by index in the schedule */
};

/* ---- partitions */

/* Before a batch is sent: generated events span months that have no partition yet, and the
   default partition is slow when it has millions of rows. A month whose partition cannot be
   made now (retention holds the lock) is tried again with the next batch. */
static void make_partitions(struct recorder *r, const struct connection *connection)
{
	const struct record_options *options = r->options;
	int64_t first_us = connection->callbacks[0].created_us, last_us = first_us;
	int64_t until_us;

	for (size_t i = 1; i < connection->count; i++) {
		int64_t us = connection->callbacks[i].created_us;

		first_us = us < first_us ? us : first_us;
		last_us = us > last_us ? us : last_us;
	}
	if (!r->made_until_us)
		r->made_from_us = r->made_until_us = first_us;
	/* earlier than all before: events are shuffled, by less than a month */
	if (first_us < r->made_from_us &&
	    options->make_partition(options->user, first_us) > first_us)
		r->made_from_us = first_us;
	while (last_us >= r->made_until_us) {
		until_us = options->make_partition(options->user, r->made_until_us);
		if (until_us == r->made_until_us)
			return;
		r->made_until_us = until_us;
	}
}

/* ---- batches */

static void sign(struct recorder *r, struct callback *cb, const struct schedule_item *item)
{
	enum reason reason;
	const char *why;

	*cb = (struct callback){
		.address = r->options->address,
		.body = item->event.body,
		.received_us = clock_now_us(),
		.endpoint_id = r->options->endpoint_id,
		.secret_id = r->options->secret_id,
	};
	mac_sign(r->mac, cb->body, cb->signature);
	/* the generator makes nothing that the receiver would refuse */
	if (callback_parse(cb, &reason, &why))
		abort();
}

static void fill(struct recorder *r, struct connection *connection)
{
	struct schedule_item *item;

	intake_clear(connection->intake);
	for (connection->count = 0;
	     connection->count < BATCH && (item = schedule_next(r->schedule));
	     connection->count++) {
		connection->items[connection->count] = item;
		sign(r, &connection->callbacks[connection->count], item);
	}
	r->result->has_ended = connection->count < BATCH;
	for (size_t i = 0; i < connection->count; i++)
		intake_add(connection->intake, &connection->callbacks[i]);
}

/* When a batch holds two deliveries of one event, both get the verdict "recorded". */
static void count_recorded(struct recorder *r, int64_t index)
{
	if (r->is_recorded[index])
		r->result->duplicates++;
	else
		r->result->recorded++;
	r->is_recorded[index] = true;
}

/* Counts the verdicts of a batch; the connection is free then. */
static void settle(struct recorder *r, struct connection *connection)
{
	struct record_result *result = r->result;

	for (size_t i = 0; i < connection->count; i++) {
		int64_t us = connection->callbacks[i].created_us;

		switch (intake_verdict(connection->intake, i)) {
		case VERDICT_RECORDED:
			count_recorded(r, connection->items[i]->index);
			break;
		case VERDICT_DUPLICATE:
			result->duplicates++;
			break;
		case VERDICT_HORIZON:
			result->horizon++;
			break;
		default:
			result->refused++;
		}
		if (!result->first_us || us < result->first_us)
			result->first_us = us;
		if (us > result->last_us)
			result->last_us = us;
		schedule_item_free(connection->items[i]);
	}
	result->done += (int64_t)connection->count;
	connection->count = 0;
	connection->is_busy = false;
}

/* For a batch that was not sent, or whose outcome is unknown: events that were recorded
   after all count as duplicates then. */
static enum err try_again(struct recorder *r, struct connection *connection)
{
	enum err err = ERR_BUSY;

	for (int i = 0; err == ERR_BUSY && i < TRIES; i++)
		if (db_wait(connection->db, RECORD_DEADLINE_MS / TRIES) == ERR_NONE)
			err = intake_append(connection->intake, connection->db, source,
					    RECORD_DEADLINE_MS);
	if (err) {
		buf_clear(&r->result->problem);
		buf_add_text(&r->result->problem, db_problem(connection->db));
	}
	return err;
}

/* Sends the next batch, unless there is none or the user has interrupted. */
static enum err start(struct recorder *r, struct connection *connection)
{
	enum err err;

	if (r->result->has_ended || *r->options->is_interrupted)
		return ERR_NONE;
	fill(r, connection);
	if (!connection->count)
		return ERR_NONE;
	connection->is_busy = true;
	make_partitions(r, connection);
	if (intake_start(connection->intake, connection->db, source) == ERR_NONE)
		return ERR_NONE;
	err = try_again(r, connection);
	if (!err)
		settle(r, connection);
	return err;
}

static enum err finish(struct recorder *r, struct connection *connection)
{
	enum err err = intake_finish(connection->intake, connection->db, source,
				     RECORD_DEADLINE_MS);

	if (err == ERR_PACE)
		return ERR_NONE;
	if (err)
		err = try_again(r, connection);
	if (!err)
		settle(r, connection);
	return err;
}

/* Waits until a connection has news. false: none is busy. */
static bool wait_for_any(const struct recorder *r)
{
	size_t count = r->options->connection_count;
	struct pollfd *fds = mem_zero(count, sizeof(*fds));
	bool is_any = false;

	for (size_t i = 0; i < count; i++) {
		fds[i].fd = -1;
		if (!r->connections[i].is_busy)
			continue;
		is_any = true;
		db_poll(r->connections[i].db, &fds[i]);
	}
	if (is_any)
		poll(fds, (nfds_t)count, RECORD_DEADLINE_MS);
	free(fds);
	return is_any;
}

/* Batches in flight are always waited for, also after an interrupt or an error. */
static enum err record_all(struct recorder *r)
{
	enum err err = ERR_NONE, first = ERR_NONE;

	do {
		for (size_t i = 0; i < r->options->connection_count; i++) {
			struct connection *connection = &r->connections[i];

			err = connection->is_busy ? finish(r, connection) : ERR_NONE;
			if (!err && !connection->is_busy && !first)
				err = start(r, connection);
			if (err) {
				first = err;
				connection->is_busy = false;
			}
		}
		r->options->progress(r->options->user, r->result->done);
	} while (wait_for_any(r));
	return first;
}

enum err record_run(const struct record_options *options, struct record_result *result)
{
	int64_t started_ms = clock_ms();
	struct recorder r = {
		.options = options,
		.result = result,
		.schedule = schedule_new(&options->schedule),
		.mac = mac_new(options->secret),
		.connections = mem_zero(options->connection_count, sizeof(*r.connections)),
		.is_recorded = mem_zero((size_t)options->schedule.events, sizeof(bool)),
	};
	enum err err;

	for (size_t i = 0; i < options->connection_count; i++) {
		r.connections[i].db = options->connections[i];
		r.connections[i].intake = intake_new();
	}
	err = record_all(&r);
	result->duration_ms = clock_ms() - started_ms;
	for (size_t i = 0; i < options->connection_count; i++) {
		for (size_t k = 0; k < r.connections[i].count; k++)
			schedule_item_free(r.connections[i].items[k]);
		intake_free(r.connections[i].intake);
	}
	free(r.connections);
	free(r.is_recorded);
	mac_free(r.mac);
	schedule_free(r.schedule);
	return err;
}

void record_result_done(struct record_result *result)
{
	buf_done(&result->problem);
}
