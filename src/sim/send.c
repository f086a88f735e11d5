/* SPDX-License-Identifier: ISC */
/* One thread: as many requests at once as there are connections, and what was
   not acknowledged waits for its next attempt. */
#include "sim/simulate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/prng.h"
#include "http/http_client.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "sim/histogram.h"
#include "cli/term.h"

enum {
	REQUEST_MS = 30000, /* longer than any deadline of a receiver */
	ANSWER_MAX = 65536,
	STATUS_MAX = 600,
	/* 0.2, 0.4, … 10, 10 s: for a good minute, as long as a database takes to
	   come back; a refusal by the receiver's own judgement does not change */
	BACKOFF_MS = 200,
	BACKOFF_MAX_MS = 10000,
	ATTEMPTS = 12,
	ATTEMPTS_REFUSED = 4,
	WAITING_MAX = 4096, /* callbacks that wait for another attempt */
	BURST_MS = 200,	    /* what a rate may make up after a pause */
	LIVE_MS = 1000,	    /* a body says that it was sent within so much of its event */
	ROOM = 1024,	    /* events, to begin with */
};

struct counts {
	int64_t sent;		     /* requests */
	int64_t acknowledged;	     /* of them answered with 200 */
	int64_t distinct;	     /* events acknowledged at least once */
	int64_t failed;		     /* no answer came */
	int64_t refused[STATUS_MAX]; /* other answers, by status */
	int64_t refused_all;
	int64_t started_ms, ended_ms;
	struct histogram histogram;
};

struct sender {
	const struct simulate_send *options;
	struct schedule *schedule;
	struct http_client *client;
	struct mac *mac;
	FILE *events_file;
	bool *is_acknowledged;		       /* each event of the stream, by its place */
	int64_t room;			       /* for so many of them */
	struct schedule_item *waiting;	       /* for another attempt */
	int64_t waiting_count, waiting_due_ms; /* the earliest of them */
	struct schedule_item *early; /* with --live: the next one, whose time has not come */
	bool has_ended;		     /* the stream */
	int64_t next_us; /* the rate allows the next request at this time (of clock_ms) */
	struct counts counts;
	struct buf problem; /* the last one in words */
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
			/* an event that comes twice is known by its number */
			.may_repeat = true,
			.user = user,
		});
	buf_done(&header);
	return err;
}

static void wait_again(struct sender *sender, struct schedule_item *item)
{
	if (!sender->waiting_count++ || item->due_ms < sender->waiting_due_ms)
		sender->waiting_due_ms = item->due_ms;
	item->next = sender->waiting;
	sender->waiting = item;
}

/* One whose back-off is over. */
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

/* How long it is until Toggl would send it. */
static int64_t early_ms(const struct schedule_item *item)
{
	return (item->event.created_us - clock_now_us()) / 1000 + LIVE_MS;
}

static struct schedule_item *take(struct sender *sender, int64_t now_ms)
{
	struct schedule_item *item = take_waiting(sender, now_ms);

	if (item || sender->has_ended || sender->waiting_count >= WAITING_MAX)
		return item;
	item = sender->early ? sender->early : schedule_next(sender->schedule);
	sender->early = NULL;
	sender->has_ended = !item;
	if (item && sender->options->live && early_ms(item) > 0) {
		sender->early = item;
		return NULL;
	}
	return item;
}

/* Starts requests as long as there are callbacks, connections and time. */
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
		sender->counts.sent++;
		/* the URL was judged before, and there is room */
		if (post(sender, item->event.body, item))
			abort();
	}
}

static void note_problem(struct sender *sender, const struct http_client_result *outcome)
{
	buf_clear(&sender->problem);
	if (outcome->problem) {
		buf_add_text(&sender->problem, outcome->problem);
		return;
	}
	buf_addf(&sender->problem, "answered %d: ", outcome->status);
	buf_add(&sender->problem, outcome->body.at,
		outcome->body.len < 300 ? outcome->body.len : 300);
}

static void acknowledge(struct sender *sender, const struct schedule_item *item)
{
	sender->counts.acknowledged++;
	while (item->place >= sender->room) {
		int64_t room = sender->room ? 2 * sender->room : ROOM;

		sender->is_acknowledged = mem_grow(sender->is_acknowledged, (size_t)room,
						   sizeof(bool));
		memset(sender->is_acknowledged + sender->room, 0, (size_t)(room - sender->room));
		sender->room = room;
	}
	if (sender->is_acknowledged[item->place])
		return;
	sender->is_acknowledged[item->place] = true;
	sender->counts.distinct++;
	if (sender->events_file) {
		struct buf line = { 0 };

		/* as PostgreSQL's COPY reads it */
		buf_addf(&line, "%lld\t", (long long)item->event.event_id);
		clock_write(&line, item->event.created_us);
		fprintf(sender->events_file, "%s\n", buf_text(&line));
		buf_done(&line);
	}
}

static void settle(struct sender *sender, const struct http_client_result *outcome)
{
	struct schedule_item *item = outcome->user;
	struct counts *counts = &sender->counts;
	bool is_judged = outcome->status >= 400 && outcome->status < 500;
	int64_t pause = (int64_t)BACKOFF_MS << (item->attempts - 1);

	if (outcome->status)
		histogram_add(&counts->histogram, outcome->duration_us);
	if (outcome->status == 200) {
		acknowledge(sender, item);
		schedule_item_free(item);
		return;
	}
	note_problem(sender, outcome);
	if (outcome->status) {
		counts->refused[outcome->status < STATUS_MAX ? outcome->status : STATUS_MAX - 1]++;
		counts->refused_all++;
	} else {
		counts->failed++;
	}
	if (!sender->options->retry ||
	    item->attempts >= (is_judged ? ATTEMPTS_REFUSED : ATTEMPTS)) {
		schedule_item_free(item);
		return;
	}
	schedule_item_repeat(item);
	item->due_ms = clock_ms() + (pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS);
	wait_again(sender, item);
}

/* Until something may be sent, if there is anything left to send. */
static int64_t idle_ms(const struct sender *sender)
{
	int64_t now_ms = clock_ms(), until = now_ms + 1000;

	if (sender->waiting && sender->waiting_due_ms < until)
		until = sender->waiting_due_ms;
	if (sender->early && now_ms + early_ms(sender->early) < until)
		until = now_ms + early_ms(sender->early);
	if (sender->options->rate && !sender->has_ended &&
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
	struct progress progress = progress_start(
		"events acknowledged",
		sender->options->live ? 0 : sender->options->schedule.events);

	sender->counts.started_ms = clock_ms();
	sender->next_us = sender->counts.started_ms * 1000;
	for (;;) {
		struct http_client_result outcome;

		send_some(sender);
		if (!http_client_count(sender->client)) {
			if (*sender->options->is_interrupted ||
			    (sender->has_ended && !sender->waiting))
				break;
			pause_ms(idle_ms(sender));
			continue;
		}
		/* after Ctrl-C what is under way is still counted */
		if (http_client_wait(sender->client,
				     *sender->options->is_interrupted ? -1 : idle_ms(sender),
				     &outcome) == ERR_NONE)
			settle(sender, &outcome);
		progress_to(&progress, sender->counts.distinct);
	}
	sender->counts.ended_ms = clock_ms();
	progress_end(&progress);
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
	struct http_client_result outcome;
	bool fine = false;

	make_code(sender->options->schedule.generator.seed, &code);
	generator_write_ping(&body, schedule_generator(sender->schedule), buf_text(&code));
	if (post(sender, buf_str(&body), NULL) || http_client_wait(sender->client, -1, &outcome))
		abort(); /* the URL was judged before, and nothing else is under way */
	if (outcome.status == 200 && is_echo(outcome.body, &code)) {
		fine = true;
	} else if (outcome.status == 200) {
		term_problem(
			"the ping was answered 200 without its validation_code; is the callback "
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
	if (sender->has_ended || sender->options->live || !sender->options->schedule.events)
		return schedule_count(sender->schedule) - (sender->early != NULL);
	return sender->options->schedule.events;
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

	clock_write(&start, sender->options->schedule.generator.start_us);
	buf_add_char(&out, '{');
	json_put_id(&out, "workspace_id", sender->options->schedule.generator.workspace_id);
	json_put_id(&out, "seed", (int64_t)sender->options->schedule.generator.seed);
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
	json_put_int(&out, "latency_p50_us", histogram_at(&counts->histogram, 50));
	json_put_int(&out, "latency_p99_us", histogram_at(&counts->histogram, 99));
	json_put_text(&out, "problem",
		      sender->problem.len ? buf_str(&sender->problem) : (struct str){ 0 });
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
			buf_addf(&out, "refused       %lld with status %d\n",
				 (long long)counts->refused[i], i);
	if (counts->failed)
		buf_addf(&out, "failed        %lld without an answer\n", (long long)counts->failed);
	buf_addf(&out, "latency       p50 %.2f ms, p99 %.2f ms\n",
		 (double)histogram_at(&counts->histogram, 50) / 1000,
		 (double)histogram_at(&counts->histogram, 99) / 1000);
	if (sender->problem.len) {
		buf_add_text(&out, "last problem  ");
		term_add_safe(&out, buf_str(&sender->problem));
		buf_add_char(&out, '\n');
	}
	term_write(buf_str(&out));
	buf_done(&out);
}

/* ---- the door */

static bool open_events_file(struct sender *sender)
{
	const char *path = sender->options->events_file;

	if (!path)
		return true;
	sender->events_file = fopen(path, "we");
	if (!sender->events_file) {
		term_problem("%s cannot be written: %s", path, strerror(errno));
		return false;
	}
	/* whole lines at once, in case we are killed */
	setvbuf(sender->events_file, NULL, _IOLBF, 0);
	return true;
}

int simulate_send(const struct simulate_send *options)
{
	struct sender sender = { .options = options };
	int status = CLI_USAGE;

	if (!open_events_file(&sender))
		goto done;
	sender.mac = mac_new(options->secret);
	sender.schedule = schedule_new(&options->schedule);
	sender.client = http_client_new(
		&(struct http_client_options){ .requests_max = (size_t)options->connections,
					       .answer_max = ANSWER_MAX,
					       .agent = "hookledger-simulate/" HL_VERSION });
	status = CLI_FAILED;
	if (options->ping && !ping(&sender))
		goto done;
	send_all(&sender);
	if (options->json)
		say_json(&sender);
	else
		say_words(&sender);
	if (sender.events_file && fflush(sender.events_file) != 0) {
		term_problem("%s could not be written: %s", options->events_file, strerror(errno));
		goto done;
	}
	/* a live story is over when somebody ends it */
	if (sender.counts.distinct == wanted(&sender) && (sender.has_ended || options->live))
		status = CLI_FINE;
done:
	if (sender.events_file)
		fclose(sender.events_file);
	while (sender.waiting) {
		struct schedule_item *next = sender.waiting->next;

		schedule_item_free(sender.waiting);
		sender.waiting = next;
	}
	schedule_item_free(sender.early);
	http_client_free(sender.client);
	mac_free(sender.mac);
	schedule_free(sender.schedule);
	buf_done(&sender.problem);
	free(sender.is_acknowledged);
	return status;
}
