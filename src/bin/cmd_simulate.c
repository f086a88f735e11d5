/* SPDX-License-Identifier: ISC */
/* Plays Toggl: sends the callbacks of a story to a URL, signed, and counts what
   was acknowledged. That needs neither settings nor database, so it can stand
   anywhere. Recording without a web server is simulate_record's. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/dice.h"
#include "base/fetch.h"
#include "base/json.h"
#include "bin/cmd.h"
#include "bin/input.h"
#include "bin/latency.h"
#include "bin/simulate.h"
#include "bin/stream.h"
#include "bin/term.h"

enum {
	REQUEST_MS = 30000,	/* longer than any deadline of a receiver */
	ANSWER_MAX = 65536,
	STATUS_MAX = 600,
	/* 0.2, 0.4, … 10, 10 s: for a good minute, as long as a database takes to
	   come back; a refusal by the receiver's own judgement does not change */
	BACKOFF_MS = 200,
	BACKOFF_MAX_MS = 10000,
	ATTEMPTS = 12,
	ATTEMPTS_REFUSED = 4,
	WAITING_MAX = 4096,	/* callbacks that wait for another attempt */
	BURST_MS = 200,		/* what a rate may make up after a pause */
	LIVE_MS = 1000,		/* a body says that it was sent within so much of its event */
	SUBSCRIPTION = 10713,
	EVENTS = 100,
	ROOM = 1024,
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
	.seed = 1, .start_us = INT64_MIN,
};

struct counts {
	int64_t sent;		/* requests */
	int64_t acknowledged;	/* of them answered with 200 */
	int64_t distinct;	/* events acknowledged at least once */
	int64_t failed;		/* no answer came */
	int64_t refused[STATUS_MAX];	/* other answers, by status */
	int64_t refused_all;
	int64_t started_ms, ended_ms;
	struct latency latency;
};

struct sender {
	struct stream *stream;
	struct fetch *fetch;
	struct mac *mac;
	FILE *events_file;
	bool *is_acknowledged;	/* each event of the stream, by its place */
	int64_t room;		/* for so many of them */
	struct callout *waiting;	/* for another attempt */
	int64_t waiting_count, waiting_due_ms;	/* the earliest of them */
	struct callout *early;	/* with --live: the next one, whose time has not come */
	bool has_ended;		/* the stream */
	int64_t next_us;	/* the rate allows the next request at this time (of clock_ms) */
	struct counts counts;
	struct buf problem;	/* the last one in words */
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

/* ---- sending */

static enum err post(struct sender *sender, struct str body, void *user)
{
	unsigned char signature[MAC_BYTES];
	struct buf header = { 0 };
	enum err err;

	mac_sign(sender->mac, body, signature);
	buf_add_text(&header, "X-Webhook-Signature-256: sha256=");
	buf_add_hex(&header, signature, sizeof(signature));
	err = fetch_add(sender->fetch,
	                &(struct fetch_request){
				.url = given.url,
				.headers = (const char *const[]){ "Content-Type: application/json",
		                                                  buf_text(&header), NULL },
				.body = body,
				.timeout_ms = REQUEST_MS,
				.user = user,
			});
	buf_done(&header);
	return err;
}

static void wait_again(struct sender *sender, struct callout *callout)
{
	if (!sender->waiting_count++ || callout->due_ms < sender->waiting_due_ms)
		sender->waiting_due_ms = callout->due_ms;
	callout->next = sender->waiting;
	sender->waiting = callout;
}

/* One whose back-off is over. */
static struct callout *take_waiting(struct sender *sender, int64_t now_ms)
{
	struct callout *found = NULL;
	int64_t earliest = INT64_MAX;

	if (!sender->waiting || sender->waiting_due_ms > now_ms)
		return NULL;
	for (struct callout **at = &sender->waiting; *at;) {
		struct callout *callout = *at;

		if (!found && callout->due_ms <= now_ms) {
			found = callout;
			*at = callout->next;
			callout->next = NULL;
			sender->waiting_count--;
			continue;
		}
		if (callout->due_ms < earliest)
			earliest = callout->due_ms;
		at = &callout->next;
	}
	sender->waiting_due_ms = earliest;
	return found;
}

/* How long it is until Toggl would send it. */
static int64_t early_ms(const struct callout *callout)
{
	return (callout->event.created_us - clock_now_us()) / 1000 + LIVE_MS;
}

static struct callout *take(struct sender *sender, int64_t now_ms)
{
	struct callout *callout = take_waiting(sender, now_ms);

	if (callout || sender->has_ended || sender->waiting_count >= WAITING_MAX)
		return callout;
	callout = sender->early ? sender->early : stream_next(sender->stream);
	sender->early = NULL;
	sender->has_ended = !callout;
	if (callout && given.live && early_ms(callout) > 0) {
		sender->early = callout;
		return NULL;
	}
	return callout;
}

/* Starts requests as long as there are callbacks, connections and time. */
static void send_some(struct sender *sender)
{
	while (!is_interrupted && fetch_count(sender->fetch) < (size_t)given.connections) {
		int64_t now_ms = clock_ms();
		struct callout *callout;

		if (given.rate && sender->next_us > now_ms * 1000)
			return;
		callout = take(sender, now_ms);
		if (!callout)
			return;
		if (given.rate) {
			if (sender->next_us < (now_ms - BURST_MS) * 1000)
				sender->next_us = (now_ms - BURST_MS) * 1000;
			sender->next_us += 1000000 / given.rate;
		}
		callout->attempts++;
		sender->counts.sent++;
		/* the URL was judged before, and there is room */
		if (post(sender, callout->event.body, callout))
			abort();
	}
}

static void note_problem(struct sender *sender, const struct fetch_outcome *outcome)
{
	buf_clear(&sender->problem);
	if (outcome->problem) {
		buf_add_text(&sender->problem, outcome->problem);
		return;
	}
	buf_addf(&sender->problem, "answered %d: ", outcome->status);
	buf_add(&sender->problem, outcome->body.at, outcome->body.len < 300 ? outcome->body.len : 300);
}

static void acknowledge(struct sender *sender, const struct callout *callout)
{
	sender->counts.acknowledged++;
	while (callout->place >= sender->room) {
		int64_t room = sender->room ? 2 * sender->room : ROOM;

		sender->is_acknowledged = mem_grow(sender->is_acknowledged, (size_t)room, sizeof(bool));
		memset(sender->is_acknowledged + sender->room, 0, (size_t)(room - sender->room));
		sender->room = room;
	}
	if (sender->is_acknowledged[callout->place])
		return;
	sender->is_acknowledged[callout->place] = true;
	sender->counts.distinct++;
	if (sender->events_file) {
		struct buf line = { 0 };

		/* as PostgreSQL's COPY reads it */
		buf_addf(&line, "%lld\t", (long long)callout->event.event_id);
		clock_write(&line, callout->event.created_us);
		fprintf(sender->events_file, "%s\n", buf_text(&line));
		buf_done(&line);
	}
}

static void settle(struct sender *sender, const struct fetch_outcome *outcome)
{
	struct callout *callout = outcome->user;
	struct counts *counts = &sender->counts;
	bool is_judged = outcome->status >= 400 && outcome->status < 500;
	int64_t pause = (int64_t)BACKOFF_MS << (callout->attempts - 1);

	if (outcome->status)
		latency_add(&counts->latency, outcome->duration_us);
	if (outcome->status == 200) {
		acknowledge(sender, callout);
		callout_free(callout);
		return;
	}
	note_problem(sender, outcome);
	if (outcome->status) {
		counts->refused[outcome->status < STATUS_MAX ? outcome->status : STATUS_MAX - 1]++;
		counts->refused_all++;
	} else {
		counts->failed++;
	}
	if (!given.retry || callout->attempts >= (is_judged ? ATTEMPTS_REFUSED : ATTEMPTS)) {
		callout_free(callout);
		return;
	}
	callout_repeat(callout);
	callout->due_ms = clock_ms() + (pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS);
	wait_again(sender, callout);
}

/* Until something may be sent, if there is anything left to send. */
static int64_t idle_ms(const struct sender *sender)
{
	int64_t now_ms = clock_ms(), until = now_ms + 1000;

	if (sender->waiting && sender->waiting_due_ms < until)
		until = sender->waiting_due_ms;
	if (sender->early && now_ms + early_ms(sender->early) < until)
		until = now_ms + early_ms(sender->early);
	if (given.rate && !sender->has_ended && fetch_count(sender->fetch) < (size_t)given.connections &&
	    sender->next_us / 1000 + 1 < until)
		until = sender->next_us / 1000 + 1;
	return until > now_ms ? until - now_ms : 0;
}

static void pause_ms(int64_t ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void send_all(struct sender *sender)
{
	struct progress progress = progress_start("events acknowledged", given.live ? 0 : given.events);

	sender->counts.started_ms = clock_ms();
	sender->next_us = sender->counts.started_ms * 1000;
	for (;;) {
		struct fetch_outcome outcome;

		send_some(sender);
		if (!fetch_count(sender->fetch)) {
			if (is_interrupted || (sender->has_ended && !sender->waiting))
				break;
			pause_ms(idle_ms(sender));
			continue;
		}
		/* after Ctrl-C what is under way is still counted */
		if (fetch_wait(sender->fetch, is_interrupted ? -1 : idle_ms(sender), &outcome) == ERR_NONE)
			settle(sender, &outcome);
		progress_to(&progress, sender->counts.distinct);
	}
	sender->counts.ended_ms = clock_ms();
	progress_end(&progress);
}

/* ---- the validation handshake */

static void make_code(struct buf *code)
{
	struct dice dice = { (uint64_t)given.seed };
	uint64_t halves[2];

	halves[0] = dice_next(&dice);
	halves[1] = dice_next(&dice);
	buf_addf(code, "%016llx%016llx", (unsigned long long)halves[0], (unsigned long long)halves[1]);
}

static bool is_echo(struct str answer, const struct buf *code)
{
	const struct json_want want = { "validation_code", NULL };
	struct json_value found;
	struct buf text = { 0 };
	bool same;

	if (json_scan(answer, &want, &found, 1, NULL) || json_text(found, &text))
		return false;
	same = str_equal(buf_str(&text), buf_str(code));
	buf_done(&text);
	return same;
}

static bool ping(struct sender *sender)
{
	struct buf code = { 0 }, body = { 0 };
	struct fetch_outcome outcome;
	bool fine = false;

	make_code(&code);
	story_write_ping(&body, stream_story(sender->stream), buf_text(&code));
	if (post(sender, buf_str(&body), NULL) || fetch_wait(sender->fetch, -1, &outcome))
		abort();	/* the URL was judged before, and nothing else is under way */
	if (outcome.status == 200 && is_echo(outcome.body, &code)) {
		fine = true;
	} else if (outcome.status == 200) {
		term_problem("the ping was answered 200 without its validation_code; is the callback "
		             "URL that of a hookledger endpoint?");
	} else {
		note_problem(sender, &outcome);
		term_problem("the ping failed: %s", buf_text(&sender->problem));
	}
	buf_done(&code);
	buf_done(&body);
	return fine;
}

/* ---- the outcome */

/* How many events there are to acknowledge. */
static int64_t wanted(const struct sender *sender)
{
	if (sender->has_ended || given.live || !given.events)
		return stream_told(sender->stream) - (sender->early != NULL);
	return given.events;
}

static int64_t rate_of(const struct counts *counts)
{
	int64_t ms = counts->ended_ms - counts->started_ms;

	return counts->acknowledged * 1000 / (ms > 0 ? ms : 1);
}

static void say_json(const struct sender *sender)
{
	const struct counts *counts = &sender->counts;
	struct buf out = { 0 }, start = { 0 };
	char status[16];

	clock_write(&start, given.start_us);
	buf_add_char(&out, '{');
	json_put_id(&out, "workspace_id", given.workspace);
	json_put_id(&out, "seed", given.seed);
	json_put_text(&out, "start", buf_str(&start));
	json_put_int(&out, "events", wanted(sender));
	json_put_int(&out, "sent", counts->sent);
	json_put_int(&out, "acknowledged", counts->acknowledged);
	json_put_int(&out, "distinct", counts->distinct);
	json_put_int(&out, "unacknowledged", wanted(sender) - counts->distinct);
	json_key(&out, "refused");
	buf_add_char(&out, '{');
	for (int i = 0; i < STATUS_MAX; i++) {
		if (!counts->refused[i])
			continue;
		snprintf(status, sizeof(status), "%d", i);
		json_put_int(&out, status, counts->refused[i]);
	}
	buf_add_char(&out, '}');
	json_put_int(&out, "failed", counts->failed);
	json_put_int(&out, "duration_ms", counts->ended_ms - counts->started_ms);
	json_put_int(&out, "rate", rate_of(counts));
	json_put_int(&out, "latency_p50_us", latency_at(&counts->latency, 50));
	json_put_int(&out, "latency_p99_us", latency_at(&counts->latency, 99));
	json_put_text(&out, "problem", sender->problem.len ? buf_str(&sender->problem) : (struct str){ 0 });
	buf_add_text(&out, "}\n");
	term_write(buf_str(&out));
	buf_done(&start);
	buf_done(&out);
}

static void say_words(const struct sender *sender)
{
	const struct counts *counts = &sender->counts;
	int64_t ms = counts->ended_ms - counts->started_ms;
	struct buf out = { 0 };

	buf_addf(&out, "sent          %lld callbacks of %lld events in %lld.%03lld s\n",
	         (long long)counts->sent, (long long)wanted(sender), (long long)(ms / 1000),
	         (long long)(ms % 1000));
	buf_addf(&out, "acknowledged  %lld, %lld a second\n", (long long)counts->acknowledged,
	         (long long)rate_of(counts));
	buf_addf(&out, "events        %lld acknowledged, %lld not\n", (long long)counts->distinct,
	         (long long)(wanted(sender) - counts->distinct));
	for (int i = 0; i < STATUS_MAX; i++)
		if (counts->refused[i])
			buf_addf(&out, "refused       %lld with status %d\n", (long long)counts->refused[i], i);
	if (counts->failed)
		buf_addf(&out, "failed        %lld without an answer\n", (long long)counts->failed);
	buf_addf(&out, "latency       p50 %.2f ms, p99 %.2f ms\n",
	         (double)latency_at(&counts->latency, 50) / 1000,
	         (double)latency_at(&counts->latency, 99) / 1000);
	if (sender->problem.len) {
		buf_add_text(&out, "last problem  ");
		term_add_safe(&out, buf_str(&sender->problem));
		buf_add_char(&out, '\n');
	}
	term_write(buf_str(&out));
	buf_done(&out);
}

/* ---- the command */

static int dump(struct stream *stream)
{
	struct callout *callout;
	bool fine = true;

	while (fine && (callout = stream_next(stream)) != NULL) {
		buf_add_char(&callout->body, '\n');
		fine = fwrite(callout->body.at, 1, callout->body.len, stdout) == callout->body.len;
		callout_free(callout);
	}
	return fflush(stdout) == 0 && fine ? CLI_FINE : CLI_FAILED;
}

static bool is_given_well(void)
{
	bool is_for_sending = given.url || given.secret_file || given.rate || given.retry || given.ping ||
	                      given.events_file || given.live;

	if (given.into_database && (given.since_us || given.until_us))
		term_problem("--since and --until do not go with --into-database: there --events says how far");
	else if (given.live && (given.dump || given.shuffle || given.duplicates))
		term_problem("--live sends each event when its time comes: --dump, --duplicates and --shuffle do not go with it");
	else if (given.into_database && (is_for_sending || given.dump))
		term_problem("--into-database sends nothing: --url, --secret-file, --rate, --retry, --ping, "
		             "--events-file, --live and --dump do not go with it");
	else if (given.endpoint && !given.into_database)
		term_problem("--endpoint goes with --into-database only");
	else if (!given.into_database && !given.dump && (!given.url || !given.secret_file))
		term_problem("`hookledger simulate` needs --url and --secret-file (or --into-database, or "
		             "--dump)");
	else if (given.url && !fetch_can_reach(given.url))
		term_problem("--url must be an http or https URL, not \"%s\"", given.url);
	else if (given.duplicates > 100)
		term_problem("--duplicates is a percentage, at most 100");
	else if (given.connections > 10000 || given.shuffle > 1000000 || given.people > 1000000 ||
	         given.rate > 1000000 || given.events > INT64_C(1000000000))
		term_problem("a number is too large: at most 10000 connections, 1000000 a second, a window "
		             "of 1000000, 1000000 people, 1000000000 events");
	else if (given.start_us < 0)
		term_problem("--start must be after 1970");
	else
		return true;
	return false;
}

static void take_interrupts(void)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int send_story(struct sender *sender)
{
	struct buf secret = { 0 };
	bool fine = input_secret(given.secret_file, &secret);

	if (fine)
		sender->mac = mac_new(buf_str(&secret));
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	if (!fine)
		return CLI_USAGE;
	if (given.events_file) {
		sender->events_file = fopen(given.events_file, "we");
		if (!sender->events_file) {
			term_problem("%s cannot be written: %s", given.events_file, strerror(errno));
			return CLI_USAGE;
		}
		/* whole lines at once, in case we are killed */
		setvbuf(sender->events_file, NULL, _IOLBF, 0);
	}
	sender->fetch = fetch_new(&(struct fetch_how){ .requests_max = (size_t)given.connections,
		                                       .answer_max = ANSWER_MAX,
		                                       .agent = "hookledger-simulate/" HL_VERSION });
	take_interrupts();
	if (given.ping && !ping(sender))
		return CLI_FAILED;
	send_all(sender);
	if (given.json)
		say_json(sender);
	else
		say_words(sender);
	if (sender->events_file && fflush(sender->events_file) != 0) {
		term_problem("%s could not be written: %s", given.events_file, strerror(errno));
		return CLI_FAILED;
	}
	/* a live story is over when somebody ends it */
	return sender->counts.distinct == wanted(sender) && (sender->has_ended || given.live) ? CLI_FINE : CLI_FAILED;
}

static struct stream_how stream_given(void)
{
	return (struct stream_how){
		.story = {
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
		.stream = stream_given(),
		.endpoint = given.endpoint,
		.connections = given.connections ? given.connections : DATABASE_CONNECTIONS,
		.json = given.json,
		.is_interrupted = &is_interrupted,
	});
}

static int run_simulate(struct cli *cli, int argc, char **argv)
{
	struct sender sender = { 0 };
	struct stream_how how;
	int status;

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
	if (!given.connections)
		given.connections = CONNECTIONS;
	how = stream_given();
	sender.stream = stream_new(&how);
	status = given.dump ? dump(sender.stream) : send_story(&sender);
	if (sender.events_file)
		fclose(sender.events_file);
	while (sender.waiting) {
		struct callout *next = sender.waiting->next;

		callout_free(sender.waiting);
		sender.waiting = next;
	}
	callout_free(sender.early);
	fetch_free(sender.fetch);
	mac_free(sender.mac);
	stream_free(sender.stream);
	buf_done(&sender.problem);
	free(sender.is_acknowledged);
	return status;
}

static const struct cli_option options[] = {
	{ "url", OPTION_TEXT, &given.url, "URL", "the callback URL of the endpoint" },
	{ "secret-file", OPTION_TEXT, &given.secret_file, "FILE", "its secret; - is standard input" },
	{ "workspace", OPTION_COUNT, &given.workspace, "ID", "the workspace of the events (7435584)" },
	{ "events", OPTION_COUNT, &given.events, "N", "how many (100; with --until or --live all)" },
	{ "seed", OPTION_NUMBER, &given.seed, "N", "which story (1)" },
	{ "start", OPTION_TIME, &given.start_us, "TIME", "when it begins (today, 00:00 UTC)" },
	{ "people", OPTION_NUMBER, &given.people, "N", "how many work there (12)" },
	{ "every-day", OPTION_FLAG, &given.every_day, NULL, "they work on weekends too" },
	{ "since", OPTION_TIME, &given.since_us, "TIME", "only events created then or later" },
	{ "until", OPTION_TIME, &given.until_us, "TIME", "and only before then" },
	{ "live", OPTION_FLAG, &given.live, NULL, "sends each event when its time has come, until Ctrl-C" },
	{ "rate", OPTION_NUMBER, &given.rate, "R", "requests a second; 0: as fast as it goes (0)" },
	{ "connections", OPTION_COUNT, &given.connections, "N",
	  "requests at once (8); with --into-database, to PostgreSQL (2)" },
	{ "duplicates", OPTION_NUMBER, &given.duplicates, "PERCENT", "events that are delivered twice (0)" },
	{ "shuffle", OPTION_NUMBER, &given.shuffle, "N", "sends any of the next N first (0: in order)" },
	{ "retry", OPTION_FLAG, &given.retry, NULL, "repeats what was not acknowledged, with back-off" },
	{ "ping", OPTION_FLAG, &given.ping, NULL, "first the validation of the subscription" },
	{ "events-file", OPTION_TEXT, &given.events_file, "FILE",
	  "event_id and created_at of each event acknowledged" },
	{ "into-database", OPTION_FLAG, &given.into_database, NULL,
	  "records the events in the database of the settings file, and sends nothing" },
	{ "endpoint", OPTION_COUNT, &given.endpoint, "ID",
	  "whose events they are then (the workspace's first, made if it has none)" },
	{ "dump", OPTION_FLAG, &given.dump, NULL, "prints the bodies, one a line, and sends nothing" },
	{ "json", OPTION_FLAG, &given.json, NULL, "the counts as JSON" },
	{ 0 },
};

const struct command cmd_simulate[] = {
	{ .name = "simulate",
	  .need = NEED_NOTHING,
	  .run = run_simulate,
	  .options = options,
	  .help = "play Toggl: send signed events of a made-up workspace",
	  .more = "The same seed, workspace, start, people and every-day give the same story on every machine.\n"
	          "With --into-database the events are recorded as callbacks are, and marked local;\n"
	          "the same command again goes on where it was stopped.\n"
	          "Exit status 1 unless every event was acknowledged, or recorded, in the end.\n"
	          "Example: hookledger simulate --url URL --secret-file - --events 1000 --rate 50" },
	{ 0 },
};
