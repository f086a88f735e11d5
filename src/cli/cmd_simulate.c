/* SPDX-License-Identifier: ISC */
/* Plays Toggl. Sending a story, which needs neither settings nor database, so that
   it can stand anywhere, is simulate_send's; recording it without a web server is
   simulate_record's. */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/http_client.h"
#include "cli/cmd.h"
#include "cli/input.h"
#include "sim/simulate.h"
#include "cli/term.h"

enum {
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

static bool is_given_well(void)
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

static int record_story(const struct cli *cli)
{
	take_interrupts();
	return simulate_record(&(struct simulate_record){
		.conf_path = cli->conf_path,
		.schedule = schedule_given(),
		.endpoint = given.endpoint,
		.connections = given.connections ? given.connections : DATABASE_CONNECTIONS,
		.json = given.json,
		.is_interrupted = &is_interrupted,
	});
}

static int dump(void)
{
	struct schedule_options how = schedule_given();
	struct schedule *schedule = schedule_new(&how);
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

static int send_story(void)
{
	struct buf secret = { 0 };
	int status = CLI_USAGE;

	if (!input_secret(given.secret_file, &secret))
		goto done;
	/* not before, for somebody may be typing the secret */
	take_interrupts();
	status = simulate_send(&(struct simulate_send){
		.schedule = schedule_given(),
		.url = given.url,
		.secret = buf_str(&secret),
		.events_file = given.events_file,
		.rate = given.rate,
		.connections = given.connections ? given.connections : CONNECTIONS,
		.live = given.live,
		.retry = given.retry,
		.ping = given.ping,
		.json = given.json,
		.is_interrupted = &is_interrupted,
	});
done:
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return status;
}

static int run_simulate(struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	if (given.start_us == INT64_MIN)
		given.start_us = clock_now_us() / INT64_C(86400000000) * INT64_C(86400000000);
	if (!given.events && !given.until_us && !given.live)
		given.events = EVENTS;
	if (!is_given_well())
		return CLI_USAGE;
	if (given.into_database)
		return record_story(cli);
	if (!given.workspace)
		given.workspace = SIMULATE_WORKSPACE;
	return given.dump ? dump() : send_story();
}

static const struct cli_option options[] = {
	{ "url", OPTION_TEXT, &given.url, "URL", "the callback URL of the endpoint" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE",
	  "its secret; - is standard input" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID",
	  "the workspace of the events (7435584)" },
	{ "events", OPTION_COUNT, &given.events, "N",
	  "how many (100; with --until or --live all)" },
	{ "seed", OPTION_NUMBER, &given.seed, "N", "which story (1)" },
	{ "start", OPTION_TIME, &given.start_us, "TIME", "when it begins (today, 00:00 UTC)" },
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
	  .more = "The same seed, workspace, start, people and every-day give the same story on "
		  "every machine.\n"
		  "With --into-database the events are recorded as callbacks are, and marked "
		  "local;\n"
		  "the same command again goes on where it was stopped.\n"
		  "Exit status 1 unless every event was acknowledged, or recorded, in the end.\n"
		  "Example: hookledger simulate --url URL --secret-file - --events 1000 --rate "
		  "50" },
	{ 0 },
};
