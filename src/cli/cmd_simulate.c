/* SPDX-License-Identifier: ISC */
/* `hookledger simulate`: plays Toggl. Sends generated events to an endpoint, which needs
   neither settings nor a database; or, with --into-database, records them without a web
   server. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/endpoint.h"
#include "cli/input.h"
#include "cli/simulate_text.h"
#include "cli/term.h"
#include "http/http_client.h"
#include "ledger/sealing.h"
#include "sim/record.h"
#include "sim/send.h"

enum {
	WORKSPACE = 7435584, /* unless another is given */
	SUBSCRIPTION = 10713,
	EVENTS = 100,
	CONNECTIONS = 8,
	DATABASE_CONNECTIONS = 2,
};

static struct {
	const char *url;
	const char *secret_file;
	const char *events_file;
	int64_t workspace, endpoint, seed, events, rate, connections, duplicates, shuffle, people;
	int64_t start_us, since_us, until_us;
	bool every_day, live, retry, ping, dump, into_database, json;
} given = {
	.seed = 1,
	.start_us = INT64_MIN,
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static bool check_given(void)
{
	bool is_for_sending = given.url || given.secret_file || given.rate || given.retry ||
			      given.ping || given.events_file || given.live;

	if (given.into_database && (given.since_us || given.until_us))
		term_problem("--since and --until do not go with --into-database: there --events "
			     "says how far");
	else if (given.live && (given.dump || given.shuffle || given.duplicates))
		term_problem("--live sends each event when its time comes: --dump, --duplicates "
			     "and --shuffle do not go with it");
	else if (given.into_database && (is_for_sending || given.dump))
		term_problem("--into-database sends nothing: --url, --secret-file, --rate, "
			     "--retry, --ping, "
			     "--events-file, --live and --dump do not go with it");
	else if (given.endpoint && !given.into_database)
		term_problem("--endpoint goes with --into-database only");
	else if (!given.into_database && !given.dump && (!given.url || !given.secret_file))
		term_problem("`hookledger simulate` needs --url and --secret-file (or "
			     "--into-database, or "
			     "--dump)");
	else if (given.url && !http_client_can_reach(given.url))
		term_problem("--url must be an http or https URL, not \"%s\"", given.url);
	else if (given.duplicates > 100)
		term_problem("--duplicates is a percentage, at most 100");
	else if (given.connections > 10000 || given.shuffle > 1000000 || given.people > 1000000 ||
		 given.rate > 1000000 || given.events > INT64_C(1000000000))
		term_problem("a number is too large: at most 10000 connections, 1000000 a second, "
			     "a window "
			     "of 1000000, 1000000 people, 1000000000 events");
	else if (given.start_us < 0)
		term_problem("--start must be after 1970");
	else
		return true;
	return false;
}

static void take_interrupts(void)
{
	struct sigaction action = { .sa_handler = interrupt,
				    .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static struct schedule_options schedule_given(void)
{
	return (struct schedule_options){
		.generator = {
			.seed = (uint64_t)given.seed,
			.workspace_id = given.workspace,
			.subscription_id = SUBSCRIPTION,
			.url_callback = given.url ? given.url : "https://hooks.example.org/hook/example",
			.start_us = given.start_us,
			.people = (int)given.people,
			.every_day = given.every_day,
		},
		.events = given.events,
		.since_us = given.since_us,
		.until_us = given.until_us,
		.duplicates = given.duplicates,
		.shuffle = given.shuffle,
	};
}

static int dump(void)
{
	struct schedule_options options = schedule_given();
	struct schedule *schedule = schedule_new(&options);
	struct schedule_item *item;
	bool fine = true;

	while (fine && (item = schedule_next(schedule)) != NULL) {
		buf_add_char(&item->body, '\n');
		fine = fwrite(item->body.at, 1, item->body.len, stdout) == item->body.len;
		schedule_item_free(item);
	}
	schedule_free(schedule);
	return fflush(stdout) == 0 && fine ? CLI_FINE : CLI_FAILED;
}

/* ---- sending */

static void show_sent(void *user, int64_t acknowledged)
{
	progress_to(user, acknowledged);
}

/* Whole lines at once, so that the file is of use when the command is killed. */
static bool open_events_file(FILE **file)
{
	if (!given.events_file)
		return true;
	*file = fopen(given.events_file, "we");
	if (!*file) {
		term_problem("%s cannot be written: %s", given.events_file, strerror(errno));
		return false;
	}
	setvbuf(*file, NULL, _IOLBF, 0);
	return true;
}

static int send_with(struct str secret, FILE *events_file)
{
	struct progress progress;
	struct send_options options = {
		.schedule = schedule_given(),
		.url = given.url,
		.secret = secret,
		.events_file = events_file,
		.rate = given.rate,
		.connections = given.connections ? given.connections : CONNECTIONS,
		.is_live = given.live,
		.repeats = given.retry,
		.begins_with_ping = given.ping,
		.is_interrupted = &is_interrupted,
		.progress = show_sent,
		.user = &progress,
	};
	struct send_result result = { 0 };
	int status = CLI_FAILED;
	enum err err;

	progress = progress_start("events acknowledged", given.live ? 0 : given.events);
	err = send_run(&options, &result);
	progress_end(&progress);
	if (err) {
		term_problem("the ping failed: %s", buf_text(&result.problem));
		goto done;
	}
	(void)simulate_text_sent(&options.schedule, &result, given.json);
	if (events_file && fflush(events_file) != 0)
		term_problem("%s could not be written: %s", given.events_file, strerror(errno));
	/* with --live the user ends it */
	else if (result.distinct == result.events && (result.has_ended || given.live))
		status = CLI_FINE;
done:
	send_result_done(&result);
	return status;
}

static int send_events(void)
{
	struct buf secret = { 0 };
	FILE *events_file = NULL;
	int status = CLI_USAGE;

	/* a user who types the secret can still interrupt that */
	if (input_secret(given.secret_file, &secret)) {
		take_interrupts();
		if (open_events_file(&events_file))
			status = send_with(buf_str(&secret), events_file);
	}
	if (events_file)
		fclose(events_file);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return status;
}

/* ---- --into-database */

/* What record_run() needs of the command. */
struct recording {
	struct db *operator_db;
	struct sealer *sealer;
	struct endpoint endpoint;
	struct simulate_endpoint facts;
	int64_t secret_id;
	struct buf secret;
	struct db **connections;
	int64_t connection_count;
	struct progress progress;
};

/* Does the endpoint of --endpoint take these events? If not, says so. */
static bool check_endpoint(const struct endpoint *endpoint)
{
	long long id = (long long)endpoint->endpoint_id;

	if (given.workspace && endpoint->workspace_id && given.workspace != endpoint->workspace_id)
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

static bool make_endpoint(struct recording *r)
{
	struct db_rows *rows = NULL;
	struct buf secret = { 0 };

	sealing_new_secret(&secret);
	r->facts.is_new = endpoint_make(r->operator_db, r->sealer, NULL, r->facts.workspace_id,
					buf_str(&secret), &r->endpoint.address, &rows) == ERR_NONE;
	if (r->facts.is_new)
		r->endpoint.endpoint_id = db_int(rows, 0, "endpoint_id");
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	db_rows_free(rows);
	return r->facts.is_new;
}

/* The endpoint, its secret and its workspace. */
static bool find_endpoint(struct recording *r)
{
	bool is_found;

	r->facts.workspace_id = given.workspace ? given.workspace : WORKSPACE;
	if (given.endpoint) {
		is_found = endpoint_find(r->operator_db, given.endpoint, &r->endpoint) ==
				   ERR_NONE &&
			   check_endpoint(&r->endpoint);
		if (is_found && r->endpoint.workspace_id)
			r->facts.workspace_id = r->endpoint.workspace_id;
	} else {
		enum err err = endpoint_of_workspace(r->operator_db, r->facts.workspace_id,
						     &r->endpoint);

		is_found = !err || (err == ERR_ABSENT && make_endpoint(r));
	}
	r->facts.endpoint_id = r->endpoint.endpoint_id;
	return is_found && endpoint_secret(r->operator_db, r->sealer, r->endpoint.endpoint_id,
					   &r->secret, &r->secret_id) == ERR_NONE;
}

static bool open_connections(struct recording *r, const struct conf *conf)
{
	r->connection_count = given.connections ? given.connections : DATABASE_CONNECTIONS;
	r->connections = mem_zero((size_t)r->connection_count, sizeof(struct db *));
	for (int64_t i = 0; i < r->connection_count; i++) {
		r->connections[i] = cli_connect_within(conf, "receiver", RECORD_DEADLINE_MS);
		if (!r->connections[i])
			return false;
	}
	return true;
}

static void close_recording(struct recording *r)
{
	for (int64_t i = 0; i < r->connection_count; i++)
		db_close(r->connections[i]);
	free(r->connections);
	db_close(r->operator_db);
	sealer_free(r->sealer);
	mem_wipe(r->secret.at, r->secret.len);
	buf_done(&r->secret);
	buf_done(&r->endpoint.address);
}

/* An error is not reported: a database that is away does not take the batch either, and says
   why. */
static int64_t make_partition(void *user, int64_t us)
{
	const struct recording *r = user;
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	int64_t until_us = us;

	db_arg_time(args, us);
	if (db_call(r->operator_db, "operator.partition_make", args, RECORD_DEADLINE_MS, &rows) ==
	    ERR_NONE)
		until_us = db_int(rows, 0, "partition_make");
	db_rows_free(rows);
	db_args_free(args);
	return until_us;
}

static void show_recorded(void *user, int64_t done)
{
	struct recording *r = user;

	progress_to(&r->progress, done);
}

static int record_with(struct recording *r, const struct conf *conf)
{
	struct record_result result = { 0 };
	struct record_options options = {
		.schedule = schedule_given(),
		.endpoint_id = r->endpoint.endpoint_id,
		.secret_id = r->secret_id,
		.address = buf_str(&r->endpoint.address),
		.secret = buf_str(&r->secret),
		.connections = r->connections,
		.connection_count = (size_t)r->connection_count,
		.make_partition = make_partition,
		.progress = show_recorded,
		.user = r,
		.is_interrupted = &is_interrupted,
	};
	struct buf url = { 0 };
	enum err err;
	bool fine;

	cli_callback_url(conf, buf_str(&r->endpoint.address), &url);
	options.schedule.generator.workspace_id = r->facts.workspace_id;
	options.schedule.generator.url_callback = buf_text(&url);
	r->progress = progress_start("events", options.schedule.events);
	err = record_run(&options, &result);
	progress_end(&r->progress);
	if (result.problem.len)
		term_problem("the database did not take a batch: %s; the same command goes on "
			     "where this one stopped",
			     buf_text(&result.problem));
	fine = simulate_text_recorded(&options.schedule, &result, &r->facts, given.json) && !err &&
	       result.has_ended && !result.horizon && !result.refused;
	record_result_done(&result);
	buf_done(&url);
	return fine ? CLI_FINE : CLI_FAILED;
}

static int record(const struct cli *cli)
{
	struct recording r = { 0 };
	struct buf problem = { 0 };
	struct conf conf = { 0 };
	int status = CLI_USAGE;

	take_interrupts();
	if (conf_load(&conf, cli->conf_path, &problem)) {
		term_problem("%s", buf_text(&problem));
		goto done;
	}
	log_open("hookledger", conf_log_level(&conf));
	r.sealer = cli_sealer(&conf);
	if (!r.sealer)
		goto done;
	status = conf_database(&conf, "operator") ? CLI_FAILED : CLI_USAGE;
	r.operator_db = cli_connect(&conf, "operator");
	if (r.operator_db && find_endpoint(&r) && open_connections(&r, &conf))
		status = record_with(&r, &conf);
done:
	close_recording(&r);
	conf_done(&conf);
	buf_done(&problem);
	return status;
}

static int run_simulate(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	if (given.start_us == INT64_MIN)
		given.start_us = clock_now_us() / INT64_C(86400000000) * INT64_C(86400000000);
	if (!given.events && !given.until_us && !given.live)
		given.events = EVENTS;
	if (!check_given())
		return CLI_USAGE;
	if (given.into_database)
		return record(cli);
	if (!given.workspace)
		given.workspace = WORKSPACE;
	return given.dump ? dump() : send_events();
}

static const struct cli_option options[] = {
	{ "url", OPTION_TEXT, &given.url, "URL", "the callback URL of the endpoint" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "its secret; - is standard input" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID",
	  "the workspace of the events (7435584)" },
	{ "events", OPTION_COUNT, &given.events, "N",
	  "how many (100; with --until or --live all)" },
	{ "seed", OPTION_NUMBER, &given.seed, "N", "another number gives other events (1)" },
	{ "start", OPTION_TIME, &given.start_us, "TIME",
	  "when the events begin (today, 00:00 UTC)" },
	{ "people", OPTION_NUMBER, &given.people, "N", "how many work there (12)" },
	{ "every-day", OPTION_FLAG, &given.every_day, NULL, "they work on weekends too" },
	{ "since", OPTION_TIME, &given.since_us, "TIME", "only events created then or later" },
	{ "until", OPTION_TIME, &given.until_us, "TIME", "and only before then" },
	{ "live", OPTION_FLAG, &given.live, NULL,
	  "sends each event when its time has come, until Ctrl-C" },
	{ "rate", OPTION_NUMBER, &given.rate, "R", "requests a second; 0: as fast as it goes (0)" },
	{ "connections", OPTION_COUNT, &given.connections, "N",
	  "requests at once (8); with --into-database, to PostgreSQL (2)" },
	{ "duplicates", OPTION_NUMBER, &given.duplicates, "PERCENT",
	  "events that are delivered twice (0)" },
	{ "shuffle", OPTION_NUMBER, &given.shuffle, "N",
	  "sends any of the next N first (0: in order)" },
	{ "retry", OPTION_FLAG, &given.retry, NULL,
	  "repeats what was not acknowledged, with back-off" },
	{ "ping", OPTION_FLAG, &given.ping, NULL, "first the validation of the subscription" },
	{ "events-file", OPTION_TEXT, &given.events_file, "FILE",
	  "event_id and created_at of each event acknowledged" },
	{ "into-database", OPTION_FLAG, &given.into_database, NULL,
	  "records the events in the database of the settings file, and sends nothing" },
	{ "endpoint", OPTION_COUNT, &given.endpoint, "ID",
	  "whose events they are then (the workspace's first, made if it has none)" },
	{ "dump", OPTION_FLAG, &given.dump, NULL,
	  "prints the bodies, one a line, and sends nothing" },
	{ "json", OPTION_FLAG, &given.json, NULL, "the counts as JSON" },
	{ 0 },
};

const struct command cmd_simulate[] = {
	{ .name = "simulate",
	  .need = NEED_NOTHING,
	  .run = run_simulate,
	  .options = options,
	  .help = "play Toggl: send signed events of a made-up workspace",
	  .more = "The same seed, workspace, start, people and every-day give the same "
		  "events on every machine.\n"
		  "With --into-database the events are recorded as callbacks are, and marked "
		  "local;\n"
		  "the same command again goes on where it was stopped.\n"
		  "Exit status 1 unless every event was acknowledged, or recorded, in the end.\n"
		  "Example: hookledger simulate --url URL --secret-file - --events 1000 --rate "
		  "50" },
	{ 0 },
};
