/* SPDX-License-Identifier: ISC */
/* One thread: while PostgreSQL is at work with the batches of some connections,
   the next one is told and signed. */
#include "bin/simulate.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "bin/cmd.h"
#include "bin/endpoint.h"
#include "bin/term.h"
#include "ledger/callback.h"
#include "ledger/intake.h"
#include "ledger/sealing.h"

enum {
	BATCH = 500,		/* the cost of a commit is gone, and a page of progress is seen */
	DEADLINE_MS = 60000,	/* of one batch, however slow the disk */
	TRIES = 4,		/* of a batch that the database did not take, with time to come back */
};

static const char source[] = "local";

/* A connection with the batch that is on its way over it. */
struct lane {
	struct db *db;
	struct intake *intake;
	struct callout *callouts[BATCH];
	struct callback callbacks[BATCH];
	size_t count;
	bool is_busy;
};

struct recorder {
	const struct simulate_record *how;
	struct db *operator;
	struct stream *stream;
	struct mac *mac;
	struct endpoint endpoint;
	int64_t secret_id, workspace_id;
	bool is_new;		/* the endpoint */
	struct lane *lanes;
	int64_t made_from_us, made_until_us;	/* there are partitions for this time */
	bool has_ended;		/* the stream */
	int64_t sent, done;
	bool *is_recorded;	/* by place in the story */
	int64_t recorded, duplicates, horizon, refused;
	int64_t first_us, last_us;	/* created_at */
	int64_t started_ms, ended_ms;
};

/* ---- the endpoint */

/* May the story go to the one that was named? */
static bool is_fitting(const struct recorder *r)
{
	const struct endpoint *endpoint = &r->endpoint;
	long long id = (long long)endpoint->endpoint_id;
	int64_t wanted = r->how->stream.story.workspace_id;

	if (wanted && endpoint->workspace_id && wanted != endpoint->workspace_id)
		term_problem("endpoint %lld takes events of workspace %lld only", id,
		             (long long)endpoint->workspace_id);
	else if (!endpoint->is_enabled)
		term_problem("endpoint %lld is disabled; `hookledger endpoint enable %lld` lets it take "
		             "events", id, id);
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

	r->workspace_id = r->how->stream.story.workspace_id ? r->how->stream.story.workspace_id : SIMULATE_WORKSPACE;
	if (r->how->endpoint) {
		fine = endpoint_find(r->operator, r->how->endpoint, &r->endpoint) == ERR_NONE && is_fitting(r);
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
static enum err prepare_months(struct recorder *r, const struct lane *lane)
{
	int64_t first_us = lane->callbacks[0].created_us, last_us = first_us;
	enum err err = ERR_NONE;

	for (size_t i = 1; i < lane->count; i++) {
		int64_t us = lane->callbacks[i].created_us;

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

static void sign(struct recorder *r, struct callback *cb, const struct callout *callout)
{
	enum reason reason;
	const char *why;

	*cb = (struct callback){
		.address = buf_str(&r->endpoint.address),
		.body = callout->event.body,
		.received_us = clock_now_us(),
		.endpoint_id = r->endpoint.endpoint_id,
		.secret_id = r->secret_id,
	};
	mac_sign(r->mac, cb->body, cb->signature);
	/* as the receiver reads it; a story tells nothing else than events */
	if (callback_parse(cb, &reason, &why))
		abort();
}

static void fill(struct recorder *r, struct lane *lane)
{
	struct callout *callout;

	intake_clear(lane->intake);
	for (lane->count = 0; lane->count < BATCH && (callout = stream_next(r->stream)); lane->count++) {
		lane->callouts[lane->count] = callout;
		sign(r, &lane->callbacks[lane->count], callout);
	}
	r->has_ended = lane->count < BATCH;
	for (size_t i = 0; i < lane->count; i++)
		intake_add(lane->intake, &lane->callbacks[i]);
	r->sent += (int64_t)lane->count;
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

static void settle(struct recorder *r, struct lane *lane)
{
	for (size_t i = 0; i < lane->count; i++) {
		int64_t us = lane->callbacks[i].created_us;

		switch (intake_verdict(lane->intake, i)) {
		case VERDICT_RECORDED:
			note_recorded(r, lane->callouts[i]->place);
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
		callout_free(lane->callouts[i]);
	}
	r->done += (int64_t)lane->count;
	lane->count = 0;
	lane->is_busy = false;
}

/* A batch whose outcome is not known, or that did not get out: what was recorded
   of it counts as a duplicate then. */
static enum err try_again(struct lane *lane)
{
	enum err err = ERR_BUSY;

	for (int i = 0; err == ERR_BUSY && i < TRIES; i++)
		if (db_wait(lane->db, DEADLINE_MS / TRIES) == ERR_NONE)
			err = intake_append(lane->intake, lane->db, source, DEADLINE_MS);
	if (err)
		term_problem("the database did not take a batch: %s; the same command goes on where this "
		             "one stopped", db_problem(lane->db));
	return err;
}

/* Sends the next batch, when there is one and nobody wants us to stop. */
static enum err start(struct recorder *r, struct lane *lane)
{
	enum err err;

	if (r->has_ended || *r->how->is_interrupted)
		return ERR_NONE;
	fill(r, lane);
	if (!lane->count)
		return ERR_NONE;
	lane->is_busy = true;
	err = prepare_months(r, lane);
	if (err)
		return err;
	if (intake_start(lane->intake, lane->db, source) == ERR_NONE)
		return ERR_NONE;
	err = try_again(lane);
	if (!err)
		settle(r, lane);
	return err;
}

static enum err finish(struct recorder *r, struct lane *lane)
{
	enum err err = intake_finish(lane->intake, lane->db, source, DEADLINE_MS);

	if (err == ERR_PACE)
		return ERR_NONE;
	if (err)
		err = try_again(lane);
	if (!err)
		settle(r, lane);
	return err;
}

static bool wait_for_any(const struct recorder *r)
{
	struct pollfd *fds = mem_zero((size_t)r->how->connections, sizeof(*fds));
	bool is_any = false;

	for (int64_t i = 0; i < r->how->connections; i++) {
		fds[i].fd = -1;
		if (!r->lanes[i].is_busy)
			continue;
		is_any = true;
		db_poll(r->lanes[i].db, &fds[i]);
	}
	if (is_any)
		poll(fds, (nfds_t)r->how->connections, DEADLINE_MS);
	free(fds);
	return is_any;
}

/* What is on its way is always waited for, also after Ctrl-C. */
static enum err record_all(struct recorder *r, struct progress *progress)
{
	enum err err = ERR_NONE, first = ERR_NONE;

	do {
		for (int64_t i = 0; i < r->how->connections; i++) {
			struct lane *lane = &r->lanes[i];

			err = lane->is_busy ? finish(r, lane) : ERR_NONE;
			if (!err && !lane->is_busy && !first)
				err = start(r, lane);
			if (err) {
				first = err;
				lane->is_busy = false;
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
	json_put_id(&out, "seed", (int64_t)r->how->stream.story.seed);
	if (r->done)
		clock_write(&time, r->first_us);
	json_put_text(&out, "first_at", time.len ? buf_str(&time) : (struct str){ 0 });
	buf_clear(&time);
	if (r->done)
		clock_write(&time, r->last_us);
	json_put_text(&out, "last_at", time.len ? buf_str(&time) : (struct str){ 0 });
	json_put_int(&out, "events", r->how->stream.events);
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

	buf_addf(&out, "recorded   %lld events in %lld.%03lld s, %lld a second\n", (long long)r->recorded,
	         (long long)(ms / 1000), (long long)(ms % 1000), (long long)rate_of(r));
	if (r->duplicates)
		buf_addf(&out, "duplicate  %lld were there already\n", (long long)r->duplicates);
	if (r->horizon)
		buf_addf(&out, "horizon    %lld are older than what is kept, and were not recorded\n",
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
	struct stream_how how = r->how->stream;
	struct buf url = { 0 };

	cli_callback_url(conf, buf_str(&r->endpoint.address), &url);
	how.story.workspace_id = r->workspace_id;
	how.story.url_callback = buf_text(&url);
	r->stream = stream_new(&how);
	buf_done(&url);
}

static bool open_lanes(struct recorder *r, const struct conf *conf)
{
	r->lanes = mem_zero((size_t)r->how->connections, sizeof(*r->lanes));
	for (int64_t i = 0; i < r->how->connections; i++) {
		r->lanes[i].intake = intake_new();
		r->lanes[i].db = cli_connect_within(conf, "receiver", DEADLINE_MS);
		if (!r->lanes[i].db)
			return false;
	}
	return true;
}

static void close_lanes(struct recorder *r)
{
	for (int64_t i = 0; r->lanes && i < r->how->connections; i++) {
		for (size_t k = 0; k < r->lanes[i].count; k++)
			callout_free(r->lanes[i].callouts[k]);
		intake_free(r->lanes[i].intake);
		db_close(r->lanes[i].db);
	}
	free(r->lanes);
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
	r->operator = cli_connect(conf, "operator");
	if (!r->operator || !find_endpoint(r, sealer) || !open_lanes(r, conf))
		goto done;
	open_stream(r, conf);
	r->is_recorded = mem_zero((size_t)r->how->stream.events, sizeof(bool));
	progress = progress_start("events", r->how->stream.events);
	r->started_ms = clock_ms();
	err = record_all(r, &progress);
	r->ended_ms = clock_ms();
	progress_end(&progress);
	if ((r->how->json ? say_json(r) : say_words(r)) && !err && r->has_ended && !r->horizon && !r->refused)
		status = CLI_FINE;
done:
	close_lanes(r);
	free(r->is_recorded);
	stream_free(r->stream);
	mac_free(r->mac);
	db_close(r->operator);
	sealer_free(sealer);
	buf_done(&r->endpoint.address);
	return status;
}

int simulate_record(const struct simulate_record *how)
{
	struct recorder r = { .how = how };
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	int status = CLI_USAGE;

	if (conf_load(&conf, how->conf_path, &problem)) {
		term_problem("%s", buf_text(&problem));
	} else {
		log_open("hookledger", conf_log_level(&conf));
		status = record(&r, &conf);
	}
	conf_done(&conf);
	buf_done(&problem);
	return status;
}
