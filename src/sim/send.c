/* SPDX-License-Identifier: ISC */
/* One thread: as many requests at once as there are connections. What was not acknowledged
   waits for its next attempt. */
#include "sim/send.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/prng.h"
#include "http/http_client.h"

enum {
	REQUEST_MS = 30000, /* longer than any deadline of a receiver */
	ANSWER_MAX = 65536,
	/* 0.2, 0.4, … 10, 10 s, together a good minute: as long as a database takes to come
	   back. A 4xx is the receiver's verdict and hardly ever changes. */
	BACKOFF_MS = 200,
	BACKOFF_MAX_MS = 10000,
	ATTEMPTS = 12,
	ATTEMPTS_REFUSED = 4,
	WAITING_MAX = 4096, /* callbacks that wait for another attempt */
	BURST_MS = 200,	    /* after a pause the sender may catch up by so much */
	LIVE_MS = 1000,	    /* Toggl sends an event so long after its created_at at most */
	ROOM = 1024,	    /* events, to begin with */
};

struct sender {
	const struct send_options *options;
	struct send_result *result;
	struct schedule *schedule;
	struct http_client *client;
	struct mac *mac;
	bool *is_acknowledged;		       /* by index in the schedule */
	int64_t room;			       /* of is_acknowledged */
	struct schedule_item *waiting;	       /* for another attempt; a list */
	int64_t waiting_count, waiting_due_ms; /* the earliest of them */
	struct schedule_item *early;	       /* is_live: the next one, whose time has not come */
	int64_t next_us;		       /* by clock_ms(): the rate allows the next request */
};

/* ---- sending */

static enum err post(struct sender *sender, struct str body, void *user)
{
	unsigned char signature[MAC_BYTES];
	struct buf header = { 0 };
	enum err err;

	mac_sign(sender->mac, body, signature);
	buf_add_text(&header, "X-Webhook-Signature-256: sha256=");
	buf_add_hex(&header, signature, sizeof(signature));
	err = http_client_add(
		sender->client,
		&(struct http_client_request){
			.url = sender->options->url,
			.headers = (const char *const[]){ "Content-Type: application/json",
							  buf_text(&header), NULL },
			.body = body,
			.timeout_ms = REQUEST_MS,
			/* the receiver recognises a repeated event by its event_id */
			.may_repeat = true,
			.user = user,
		});
	buf_done(&header);
	return err;
}

static void add_waiting(struct sender *sender, struct schedule_item *item)
{
	if (!sender->waiting_count++ || item->due_ms < sender->waiting_due_ms)
		sender->waiting_due_ms = item->due_ms;
	item->next = sender->waiting;
	sender->waiting = item;
}

/* Takes one whose back-off is over. NULL: there is none. */
static struct schedule_item *take_waiting(struct sender *sender, int64_t now_ms)
{
	struct schedule_item *found = NULL;
	int64_t earliest = INT64_MAX;

	if (!sender->waiting || sender->waiting_due_ms > now_ms)
		return NULL;
	for (struct schedule_item **at = &sender->waiting; *at;) {
		struct schedule_item *item = *at;

		if (!found && item->due_ms <= now_ms) {
			found = item;
			*at = item->next;
			item->next = NULL;
			sender->waiting_count--;
			continue;
		}
		if (item->due_ms < earliest)
			earliest = item->due_ms;
		at = &item->next;
	}
	sender->waiting_due_ms = earliest;
	return found;
}

/* The time until Toggl would send it. */
static int64_t early_ms(const struct schedule_item *item)
{
	return (item->event.created_us - clock_now_us()) / 1000 + LIVE_MS;
}

/* The next callback to send. NULL: there is none now. */
static struct schedule_item *take(struct sender *sender, int64_t now_ms)
{
	struct schedule_item *item = take_waiting(sender, now_ms);

	if (item || sender->result->has_ended || sender->waiting_count >= WAITING_MAX)
		return item;
	item = sender->early ? sender->early : schedule_next(sender->schedule);
	sender->early = NULL;
	sender->result->has_ended = !item;
	if (item && sender->options->is_live && early_ms(item) > 0) {
		sender->early = item;
		return NULL;
	}
	return item;
}

/* Starts requests while there are callbacks to send and free connections, and the rate allows it.
 */
static void send_some(struct sender *sender)
{
	while (!*sender->options->is_interrupted &&
	       http_client_count(sender->client) < (size_t)sender->options->connections) {
		int64_t now_ms = clock_ms();
		struct schedule_item *item;

		if (sender->options->rate && sender->next_us > now_ms * 1000)
			return;
		item = take(sender, now_ms);
		if (!item)
			return;
		if (sender->options->rate) {
			if (sender->next_us < (now_ms - BURST_MS) * 1000)
				sender->next_us = (now_ms - BURST_MS) * 1000;
			sender->next_us += 1000000 / sender->options->rate;
		}
		item->attempts++;
		sender->result->sent++;
		/* the URL was checked before, and a connection is free */
		if (post(sender, item->event.body, item))
			abort();
	}
}

static void note_problem(struct sender *sender, const struct http_client_result *outcome)
{
	buf_clear(&sender->result->problem);
	if (outcome->problem) {
		buf_add_text(&sender->result->problem, outcome->problem);
		return;
	}
	buf_addf(&sender->result->problem, "answered %d: ", outcome->status);
	buf_add(&sender->result->problem, outcome->body.at,
		outcome->body.len < 300 ? outcome->body.len : 300);
}

static void acknowledge(struct sender *sender, const struct schedule_item *item)
{
	sender->result->acknowledged++;
	while (item->index >= sender->room) {
		int64_t room = sender->room ? 2 * sender->room : ROOM;

		sender->is_acknowledged = mem_grow(sender->is_acknowledged, (size_t)room,
						   sizeof(bool));
		memset(sender->is_acknowledged + sender->room, 0, (size_t)(room - sender->room));
		sender->room = room;
	}
	if (sender->is_acknowledged[item->index])
		return;
	sender->is_acknowledged[item->index] = true;
	sender->result->distinct++;
	if (sender->options->events_file) {
		struct buf line = { 0 };

		/* as PostgreSQL's COPY reads it */
		buf_addf(&line, "%lld\t", (long long)item->event.event_id);
		clock_write(&line, item->event.created_us);
		fprintf(sender->options->events_file, "%s\n", buf_text(&line));
		buf_done(&line);
	}
}

static void settle(struct sender *sender, const struct http_client_result *outcome)
{
	struct schedule_item *item = outcome->user;
	struct send_result *result = sender->result;
	bool is_refused = outcome->status >= 400 && outcome->status < 500;
	int64_t pause = (int64_t)BACKOFF_MS << (item->attempts - 1);

	if (outcome->status)
		histogram_add(&result->latency, outcome->duration_us);
	if (outcome->status == 200) {
		acknowledge(sender, item);
		schedule_item_free(item);
		return;
	}
	note_problem(sender, outcome);
	if (outcome->status)
		result->refused[outcome->status < SEND_STATUS_MAX ? outcome->status
								  : SEND_STATUS_MAX - 1]++;
	else
		result->failed++;
	if (!sender->options->repeats ||
	    item->attempts >= (is_refused ? ATTEMPTS_REFUSED : ATTEMPTS)) {
		schedule_item_free(item);
		return;
	}
	schedule_item_repeat(item);
	item->due_ms = clock_ms() + (pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS);
	add_waiting(sender, item);
}

/* The time until the next request may start, at most a second. */
static int64_t idle_ms(const struct sender *sender)
{
	int64_t now_ms = clock_ms(), until = now_ms + 1000;

	if (sender->waiting && sender->waiting_due_ms < until)
		until = sender->waiting_due_ms;
	if (sender->early && now_ms + early_ms(sender->early) < until)
		until = now_ms + early_ms(sender->early);
	if (sender->options->rate && !sender->result->has_ended &&
	    http_client_count(sender->client) < (size_t)sender->options->connections &&
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
	const struct send_options *options = sender->options;
	int64_t started_ms = clock_ms();

	sender->next_us = started_ms * 1000;
	for (;;) {
		struct http_client_result outcome;

		send_some(sender);
		if (!http_client_count(sender->client)) {
			if (*options->is_interrupted ||
			    (sender->result->has_ended && !sender->waiting))
				break;
			pause_ms(idle_ms(sender));
			continue;
		}
		/* after an interrupt the requests in flight are still counted */
		if (http_client_wait(sender->client,
				     *options->is_interrupted ? -1 : idle_ms(sender),
				     &outcome) == ERR_NONE)
			settle(sender, &outcome);
		options->progress(options->user, sender->result->distinct);
	}
	sender->result->duration_ms = clock_ms() - started_ms;
}

/* ---- the validation handshake */

static void make_code(uint64_t seed, struct buf *code)
{
	struct prng prng = { seed };
	uint64_t halves[2];

	halves[0] = prng_next(&prng);
	halves[1] = prng_next(&prng);
	buf_addf(code, "%016llx%016llx", (unsigned long long)halves[0],
		 (unsigned long long)halves[1]);
}

static bool has_code(struct str answer, const struct buf *code)
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

static enum err ping(struct sender *sender)
{
	struct buf code = { 0 }, body = { 0 };
	struct http_client_result outcome;
	struct buf *problem = &sender->result->problem;
	enum err err = ERR_NONE;

	make_code(sender->options->schedule.generator.seed, &code);
	generator_write_ping(&body, schedule_generator(sender->schedule), buf_text(&code));
	/* the URL was checked before, and nothing else is in flight */
	if (post(sender, buf_str(&body), NULL) || http_client_wait(sender->client, -1, &outcome))
		abort();
	if (outcome.status != 200) {
		note_problem(sender, &outcome);
		err = ERR_DENIED;
	} else if (!has_code(outcome.body, &code)) {
		buf_clear(problem);
		buf_add_text(problem,
			     "it was answered 200 without its validation_code; is the callback "
			     "URL that of a hookledger endpoint?");
		err = ERR_DENIED;
	}
	buf_done(&code);
	buf_done(&body);
	return err;
}

/* ---- the whole */

/* How many events are to be acknowledged. */
static int64_t expected(const struct sender *sender)
{
	const struct send_options *options = sender->options;

	if (sender->result->has_ended || options->is_live || !options->schedule.events)
		return schedule_count(sender->schedule) - (sender->early != NULL);
	return options->schedule.events;
}

enum err send_run(const struct send_options *options, struct send_result *result)
{
	struct sender sender = {
		.options = options,
		.result = result,
		.mac = mac_new(options->secret),
		.schedule = schedule_new(&options->schedule),
		.client = http_client_new(&(struct http_client_options){
			.requests_max = (size_t)options->connections,
			.answer_max = ANSWER_MAX,
			.agent = "hookledger-simulate/" HL_VERSION }),
	};
	enum err err = options->begins_with_ping ? ping(&sender) : ERR_NONE;

	if (!err) {
		send_all(&sender);
		result->events = expected(&sender);
	}
	while (sender.waiting) {
		struct schedule_item *next = sender.waiting->next;

		schedule_item_free(sender.waiting);
		sender.waiting = next;
	}
	schedule_item_free(sender.early);
	http_client_free(sender.client);
	mac_free(sender.mac);
	schedule_free(sender.schedule);
	free(sender.is_acknowledged);
	return err;
}

void send_result_done(struct send_result *result)
{
	buf_done(&result->problem);
}
