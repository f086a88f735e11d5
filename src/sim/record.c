/* SPDX-License-Identifier: ISC */
/* One thread: while PostgreSQL is at work with the batches of some connections,
   the next one is told and signed. */
#include "sim/simulate.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/endpoint.h"
#include "cli/term.h"
#include "ledger/callback.h"
#include "ledger/intake.h"
#include "ledger/sealing.h"

enum {
	BATCH = 500,	     /* the cost of a commit is gone, and a page of progress is seen */
	DEADLINE_MS = 60000, /* of one batch, however slow the disk */
	TRIES = 4,	     /* of a batch that the database did not take, with time to come back */
};

static const char source[] = "local";

/* A connection with the batch that is on its way over it. */
struct subscriber_queue {
	struct db *db;
	struct intake *intake;
	struct schedule_item *callouts[BATCH];
	struct callback callbacks[BATCH];
	size_t count;
	bool is_busy;
};

struct recorder {
	const struct simulate_record *options;
	struct db *operator;
	struct schedule *schedule;
	struct mac *mac;
	struct endpoint endpoint;
	int64_t secret_id, workspace_id;
	bool is_new; /* the endpoint */
	struct subscriber_queue *queues;
	int64_t made_from_us, made_until_us; /* there are partitions for this time */
	bool has_ended;			     /* the stream */
	int64_t sent, done;
	bool *is_recorded; /* by place in the story */
	int64_t recorded, duplicates, horizon, refused;
	int64_t first_us, last_us; /* created_at */
	int64_t started_ms, ended_ms;
};

/* ---- the endpoint */

/* May the story go to the one that was named? */
static bool is_fitting(const struct recorder *r)
{
	const struct endpoint *endpoint = &r->endpoint;
	long long id = (long long)endpoint->endpoint_id;
	int64_t wanted = r->options->schedule.generator.workspace_id;

	if (wanted && endpoint->workspace_id && wanted != endpoint->workspace_id)
		term_problem("endpoint %lld takes events of workspace %lld only", id,
			     (long long)endpoint->workspace_id);
	else if (!endpoint->is_enabled)
		term_problem(
			"endpoint %lld is disabled; `hookledger endpoint enable %lld` lets it take "
			"events",
			id, id);
	else
		return true;
	return false;
}

static bool make_endpoint(struct recorder *r, const struct sealer *sealer)
{
	struct db_rows *rows = NULL;
	struct buf secret = { 0 };
	bool fine;

	sealing_new_secret(&secret);
	fine = endpoint_make(r->operator, sealer, NULL, r->workspace_id, buf_str(&secret),
			     &r->endpoint.address, &rows) == ERR_NONE;
	if (fine)
		r->endpoint.endpoint_id = db_int(rows, 0, "endpoint_id");
	r->is_new = fine;
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	db_rows_free(rows);
	return fine;
}

static bool find_endpoint(struct recorder *r, const struct sealer *sealer)
{
	struct buf secret = { 0 };
	enum err err;
	bool fine;

	r->workspace_id = r->options->schedule.generator.workspace_id
				  ? r->options->schedule.generator.workspace_id
				  : SIMULATE_WORKSPACE;
	if (r->options->endpoint) {
		fine = endpoint_find(r->operator, r->options->endpoint, &r->endpoint) == ERR_NONE &&
		       is_fitting(r);
		if (fine && r->endpoint.workspace_id)
			r->workspace_id = r->endpoint.workspace_id;
	} else {
		err = endpoint_of_workspace(r->operator, r->workspace_id, &r->endpoint);
		fine = !err || (err == ERR_ABSENT && make_endpoint(r, sealer));
	}
	fine = fine && endpoint_secret(r->operator, sealer, r->endpoint.endpoint_id, &secret,
				       &r->secret_id) == ERR_NONE;
	if (fine)
		r->mac = mac_new(buf_str(&secret));
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return fine;
}

/* ---- partitions */

/* Gives the end of that month. */
static enum err make_partition(struct recorder *r, int64_t us, int64_t *until_us)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	db_arg_time(args, us);
	err = cli_call(r->operator, "operator.partition_make", args, &rows);
	if (!err)
		*until_us = db_int(rows, 0, "partition_make");
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

/* Before a batch goes out: the story spans months that nobody made partitions
   for, and the default partition is slow when it has millions of rows. */
static enum err prepare_months(struct recorder *r, const struct subscriber_queue *queue)
{
	int64_t first_us = queue->callbacks[0].created_us, last_us = first_us;
	enum err err = ERR_NONE;

	for (size_t i = 1; i < queue->count; i++) {
		int64_t us = queue->callbacks[i].created_us;

		first_us = us < first_us ? us : first_us;
		last_us = us > last_us ? us : last_us;
	}
	if (!r->made_until_us)
		r->made_from_us = r->made_until_us = first_us;
	/* earlier than all before: it was shuffled, by less than a month */
	if (first_us < r->made_from_us) {
		int64_t until_us;

		err = make_partition(r, first_us, &until_us);
		r->made_from_us = first_us;
	}
	while (!err && last_us >= r->made_until_us)
		err = make_partition(r, r->made_until_us, &r->made_until_us);
	return err;
}

/* ---- batches */

static void sign(struct recorder *r, struct callback *cb, const struct schedule_item *item)
{
	enum reason reason;
	const char *why;

	*cb = (struct callback){
		.address = buf_str(&r->endpoint.address),
		.body = item->event.body,
		.received_us = clock_now_us(),
		.endpoint_id = r->endpoint.endpoint_id,
		.secret_id = r->secret_id,
	};
	mac_sign(r->mac, cb->body, cb->signature);
	/* as the receiver reads it; a story tells nothing else than events */
	if (callback_parse(cb, &reason, &why))
		abort();
}

static void fill(struct recorder *r, struct subscriber_queue *queue)
{
	struct schedule_item *item;

	intake_clear(queue->intake);
	for (queue->count = 0; queue->count < BATCH && (item = schedule_next(r->schedule));
	     queue->count++) {
		queue->callouts[queue->count] = item;
		sign(r, &queue->callbacks[queue->count], item);
	}
	r->has_ended = queue->count < BATCH;
	for (size_t i = 0; i < queue->count; i++)
		intake_add(queue->intake, &queue->callbacks[i]);
	r->sent += (int64_t)queue->count;
}

/* Of two deliveries of an event in one batch both are "recorded". */
static void note_recorded(struct recorder *r, int64_t place)
{
	if (r->is_recorded[place])
		r->duplicates++;
	else
		r->recorded++;
	r->is_recorded[place] = true;
}

static void settle(struct recorder *r, struct subscriber_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++) {
		int64_t us = queue->callbacks[i].created_us;

		switch (intake_verdict(queue->intake, i)) {
		case VERDICT_RECORDED:
			note_recorded(r, queue->callouts[i]->place);
			break;
		case VERDICT_DUPLICATE:
			r->duplicates++;
			break;
		case VERDICT_HORIZON:
			r->horizon++;
			break;
		default:
			r->refused++;
		}
		if (!r->first_us || us < r->first_us)
			r->first_us = us;
		if (us > r->last_us)
			r->last_us = us;
		schedule_item_free(queue->callouts[i]);
	}
	r->done += (int64_t)queue->count;
	queue->count = 0;
	queue->is_busy = false;
}

/* A batch whose outcome is not known, or that did not get out: what was recorded
   of it counts as a duplicate then. */
static enum err try_again(struct subscriber_queue *queue)
{
	enum err err = ERR_BUSY;

	for (int i = 0; err == ERR_BUSY && i < TRIES; i++)
		if (db_wait(queue->db, DEADLINE_MS / TRIES) == ERR_NONE)
			err = intake_append(queue->intake, queue->db, source, DEADLINE_MS);
	if (err)
		term_problem("the database did not take a batch: %s; the same command goes on "
			     "where this "
			     "one stopped",
			     db_problem(queue->db));
	return err;
}

/* Sends the next batch, when there is one and nobody wants us to stop. */
static enum err start(struct recorder *r, struct subscriber_queue *queue)
{
	enum err err;

	if (r->has_ended || *r->options->is_interrupted)
		return ERR_NONE;
	fill(r, queue);
	if (!queue->count)
		return ERR_NONE;
	queue->is_busy = true;
	err = prepare_months(r, queue);
	if (err)
		return err;
	if (intake_start(queue->intake, queue->db, source) == ERR_NONE)
		return ERR_NONE;
	err = try_again(queue);
	if (!err)
		settle(r, queue);
	return err;
}

static enum err finish(struct recorder *r, struct subscriber_queue *queue)
{
	enum err err = intake_finish(queue->intake, queue->db, source, DEADLINE_MS);

	if (err == ERR_PACE)
		return ERR_NONE;
	if (err)
		err = try_again(queue);
	if (!err)
		settle(r, queue);
	return err;
}

static bool wait_for_any(const struct recorder *r)
{
	struct pollfd *fds = mem_zero((size_t)r->options->connections, sizeof(*fds));
	bool is_any = false;

	for (int64_t i = 0; i < r->options->connections; i++) {
		fds[i].fd = -1;
		if (!r->queues[i].is_busy)
			continue;
		is_any = true;
		db_poll(r->queues[i].db, &fds[i]);
	}
	if (is_any)
		poll(fds, (nfds_t)r->options->connections, DEADLINE_MS);
	free(fds);
	return is_any;
}

/* What is on its way is always waited for, also after Ctrl-C. */
static enum err record_all(struct recorder *r, struct progress *progress)
{
	enum err err = ERR_NONE, first = ERR_NONE;

	do {
		for (int64_t i = 0; i < r->options->connections; i++) {
			struct subscriber_queue *queue = &r->queues[i];

			err = queue->is_busy ? finish(r, queue) : ERR_NONE;
			if (!err && !queue->is_busy && !first)
				err = start(r, queue);
			if (err) {
				first = err;
				queue->is_busy = false;
			}
		}
		progress_to(progress, r->done);
	} while (wait_for_any(r));
	return first;
}

/* ---- the outcome */

static int64_t rate_of(const struct recorder *r)
{
	int64_t ms = r->ended_ms - r->started_ms;

	return r->done * 1000 / (ms > 0 ? ms : 1);
}

static bool say_json(const struct recorder *r)
{
	struct buf out = { 0 }, time = { 0 };
	bool fine;

	buf_add_char(&out, '{');
	json_put_id(&out, "endpoint_id", r->endpoint.endpoint_id);
	json_put_bool(&out, "endpoint_is_new", r->is_new);
	json_put_id(&out, "workspace_id", r->workspace_id);
	json_put_id(&out, "seed", (int64_t)r->options->schedule.generator.seed);
	if (r->done)
		clock_write(&time, r->first_us);
	json_put_text(&out, "first_at", time.len ? buf_str(&time) : (struct str){ 0 });
	buf_clear(&time);
	if (r->done)
		clock_write(&time, r->last_us);
	json_put_text(&out, "last_at", time.len ? buf_str(&time) : (struct str){ 0 });
	json_put_int(&out, "events", r->options->schedule.events);
	json_put_int(&out, "recorded", r->recorded);
	json_put_int(&out, "duplicates", r->duplicates);
	json_put_int(&out, "horizon", r->horizon);
	json_put_int(&out, "refused", r->refused);
	json_put_int(&out, "duration_ms", r->ended_ms - r->started_ms);
	json_put_int(&out, "rate", rate_of(r));
	buf_add_text(&out, "}\n");
	fine = term_write(buf_str(&out));
	buf_done(&time);
	buf_done(&out);
	return fine;
}

static bool say_words(const struct recorder *r)
{
	int64_t ms = r->ended_ms - r->started_ms;
	struct buf out = { 0 };
	bool fine;

	buf_addf(&out, "recorded   %lld events in %lld.%03lld s, %lld a second\n",
		 (long long)r->recorded, (long long)(ms / 1000), (long long)(ms % 1000),
		 (long long)rate_of(r));
	if (r->duplicates)
		buf_addf(&out, "duplicate  %lld were there already\n", (long long)r->duplicates);
	if (r->horizon)
		buf_addf(&out,
			 "horizon    %lld are older than what is kept, and were not recorded\n",
			 (long long)r->horizon);
	if (r->refused)
		buf_addf(&out, "refused    %lld\n", (long long)r->refused);
	if (r->done) {
		buf_add_text(&out, "story      ");
		term_add_time(&out, r->first_us);
		buf_add_text(&out, " to ");
		term_add_time(&out, r->last_us);
		buf_add_char(&out, '\n');
	}
	buf_addf(&out, "endpoint   %lld of workspace %lld%s\n", (long long)r->endpoint.endpoint_id,
		 (long long)r->workspace_id, r->is_new ? ", made for it" : "");
	fine = term_write(buf_str(&out));
	buf_done(&out);
	return fine;
}

/* ---- the command */

static void open_stream(struct recorder *r, const struct conf *conf)
{
	struct schedule_options options = r->options->schedule;
	struct buf url = { 0 };

	cli_callback_url(conf, buf_str(&r->endpoint.address), &url);
	options.generator.workspace_id = r->workspace_id;
	options.generator.url_callback = buf_text(&url);
	r->schedule = schedule_new(&options);
	buf_done(&url);
}

static bool open_lanes(struct recorder *r, const struct conf *conf)
{
	r->queues = mem_zero((size_t)r->options->connections, sizeof(*r->queues));
	for (int64_t i = 0; i < r->options->connections; i++) {
		r->queues[i].intake = intake_new();
		r->queues[i].db = cli_connect_within(conf, "receiver", DEADLINE_MS);
		if (!r->queues[i].db)
			return false;
	}
	return true;
}

static void close_lanes(struct recorder *r)
{
	for (int64_t i = 0; r->queues && i < r->options->connections; i++) {
		for (size_t k = 0; k < r->queues[i].count; k++)
			schedule_item_free(r->queues[i].callouts[k]);
		intake_free(r->queues[i].intake);
		db_close(r->queues[i].db);
	}
	free(r->queues);
}

static int record(struct recorder *r, const struct conf *conf)
{
	struct sealer *sealer = cli_sealer(conf);
	struct progress progress;
	int status = CLI_USAGE;
	enum err err;

	if (!sealer)
		goto done;
	status = conf_database(conf, "operator") ? CLI_FAILED : CLI_USAGE;
	r->operator= cli_connect(conf, "operator");
	if (!r->operator|| !find_endpoint(r, sealer) || !open_lanes(r, conf))
		goto done;
	open_stream(r, conf);
	r->is_recorded = mem_zero((size_t)r->options->schedule.events, sizeof(bool));
	progress = progress_start("events", r->options->schedule.events);
	r->started_ms = clock_ms();
	err = record_all(r, &progress);
	r->ended_ms = clock_ms();
	progress_end(&progress);
	if ((r->options->json ? say_json(r) : say_words(r)) && !err && r->has_ended &&
	    !r->horizon && !r->refused)
		status = CLI_FINE;
done:
	close_lanes(r);
	free(r->is_recorded);
	schedule_free(r->schedule);
	mac_free(r->mac);
	db_close(r->operator);
	sealer_free(sealer);
	buf_done(&r->endpoint.address);
	return status;
}

int simulate_record(const struct simulate_record *options)
{
	struct recorder r = { .options = options };
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	int status = CLI_USAGE;

	if (conf_load(&conf, options->conf_path, &problem)) {
		term_problem("%s", buf_text(&problem));
	} else {
		log_open("hookledger", conf_log_level(&conf));
		status = record(&r, &conf);
	}
	conf_done(&conf);
	buf_done(&problem);
	return status;
}
