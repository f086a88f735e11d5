/* SPDX-License-Identifier: ISC */
#include "ledger/toggl.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/fetch.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/sealing.h"

enum {
	JOBS_MAX = 16,
	ANSWER_MAX = 32 * 1024 * 1024,	/* all projects of a large company in one answer */
	ADDRESS_RANDOM = 24,		/* 192 bits, as every endpoint has */
	SECRET_RANDOM = 32,
	TRIES = 5,			/* of a call while the database is away, a second between */
	RETRY_MS = 1000,
	SIGNED_MAX = 500,		/* as ledger.toggl_unsigned() gives at once */
};

static const struct door {
	const char *begin, *turn, *pending, *local, *record, *leave, *due, *connection_add, *connection_token;
	bool asks_who;	/* the first argument of what begins something */
} doors[] = {
	[TOGGL_OPERATOR] = { "operator.toggl_begin", "operator.toggl_turn", "operator.toggl_unsigned", "operator.toggl_local",
	                     "operator.toggl_record", "operator.toggl_leave", "operator.toggl_due",
	                     "operator.toggl_connection_add", "operator.toggl_connection_token", false },
	[TOGGL_COURIER] = { "courier.toggl_begin", "courier.toggl_turn", "courier.toggl_unsigned", "courier.toggl_local",
	                    "courier.toggl_record", "courier.toggl_leave", "courier.toggl_due", NULL, NULL, false },
	[TOGGL_ADMIN] = { "admin.toggl_begin", "admin.toggl_turn", "admin.toggl_unsigned", "admin.toggl_local",
	                  "admin.toggl_record", "admin.toggl_leave", NULL,
	                  "admin.toggl_connection_add", "admin.toggl_connection_token", true },
};

/* One job. */
struct errand {
	int64_t job_id, lease;
	void *user;
	enum { FREE, TURNS, WAITS, ASKS, ENDED } state;
	int64_t due_ms;		/* WAITS: when the request may go, TURNS: when to call again */
	int tries;		/* of the call of the database */
	struct buf method, url, authorization, body;	/* the request */
	bool has_answer;	/* the next turn brings one: */
	int status;
	int64_t remaining, resets_in, retry_after;	/* -1: not there */
	struct buf answer, problem;
	enum toggl_end end;
	int64_t wait_ms;
	struct buf words, result;
};

struct toggl {
	struct toggl_how how;
	struct fetch *fetch;
	struct buf how_json;
	struct errand errands[JOBS_MAX];
	struct buf words, result;	/* of the outcome that was given out */
};

static const char *const wanted[] = { "X-Toggl-Quota-Remaining", "X-Toggl-Quota-Resets-In", "Retry-After", NULL };

struct toggl *toggl_new(const struct toggl_how *how)
{
	struct toggl *toggl = mem_zero(1, sizeof(*toggl));
	struct fetch_how fetch = {
		.requests_max = JOBS_MAX,
		.answer_max = ANSWER_MAX,
		.wanted = wanted,
		.ca_file = how->conf->ca_file,
		.agent = how->agent,
	};

	toggl->how = *how;
	toggl->fetch = fetch_new(&fetch);
	buf_add_char(&toggl->how_json, '{');
	json_put_int(&toggl->how_json, "reserve", how->conf->toggl_reserve);
	json_put_int(&toggl->how_json, "pace_ms", how->conf->toggl_pace_ms);
	json_put_bool(&toggl->how_json, "repair", how->conf->toggl_repair);
	buf_add_char(&toggl->how_json, '}');
	return toggl;
}

static void wipe(struct buf *secret)
{
	mem_wipe(secret->at, secret->len);
	buf_done(secret);
}

static void forget_request(struct errand *errand)
{
	buf_done(&errand->method);
	buf_done(&errand->url);
	wipe(&errand->authorization);
	wipe(&errand->body);
}

static void forget(struct errand *errand)
{
	forget_request(errand);
	wipe(&errand->answer);
	buf_done(&errand->problem);
	buf_done(&errand->words);
	buf_done(&errand->result);
	*errand = (struct errand){ 0 };
}

void toggl_free(struct toggl *toggl)
{
	if (!toggl)
		return;
	fetch_free(toggl->fetch);
	for (size_t i = 0; i < JOBS_MAX; i++)
		forget(&toggl->errands[i]);
	buf_done(&toggl->how_json);
	buf_done(&toggl->words);
	buf_done(&toggl->result);
	free(toggl);
}

size_t toggl_count(const struct toggl *toggl)
{
	size_t count = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		count += toggl->errands[i].state != FREE;
	return count;
}

static enum err call(struct toggl *toggl, const char *function, const struct db_args *args, struct db_rows **rows)
{
	if (!db_is_ready(toggl->how.db) && db_wait(toggl->how.db, toggl->how.wait_ms))
		return ERR_BUSY;
	return db_call(toggl->how.db, function, args, toggl->how.wait_ms, rows);
}

/* ---- the request */

static void end(struct errand *errand, enum toggl_end how, struct str words)
{
	errand->state = ENDED;
	errand->end = how;
	buf_clear(&errand->words);
	buf_add_str(&errand->words, words);
	forget_request(errand);
}

/* What the next turn is to judge as if it were the answer. */
static void answer_self(struct errand *errand, const char *problem)
{
	errand->has_answer = true;
	errand->status = 0;
	errand->remaining = errand->resets_in = errand->retry_after = -1;
	buf_clear(&errand->answer);
	buf_clear(&errand->problem);
	buf_add_text(&errand->problem, problem);
	errand->state = TURNS;
	errand->due_ms = 0;
}

/* Basic authentication: the token is the name, the password a fixed word. */
static enum err authorize(struct toggl *toggl, struct errand *errand, const struct db_rows *rows)
{
	struct buf sealed = { 0 }, token = { 0 };
	enum err err;

	db_bytes(rows, 0, "token", &sealed);
	err = sealing_toggl_open(toggl->how.sealer, db_int(rows, 0, "connection_id"), buf_str(&sealed), &token);
	if (!err) {
		buf_add_text(&token, ":api_token");
		buf_add_text(&errand->authorization, "Authorization: Basic ");
		base64_write(&errand->authorization, token.at, token.len);
	}
	wipe(&token);
	buf_done(&sealed);
	return err;
}

/* The body, with the secret where one belongs into it. */
static enum err fill_body(struct toggl *toggl, struct errand *errand, const struct db_rows *rows)
{
	struct buf sealed = { 0 }, secret = { 0 };
	enum err err = ERR_NONE;

	buf_add_str(&errand->body, db_str(rows, 0, "body"));
	if (!db_is_null(rows, 0, "sealed") && errand->body.len) {
		db_bytes(rows, 0, "sealed", &sealed);
		err = seal_open(toggl->how.sealer, db_str(rows, 0, "place"), buf_str(&sealed), &secret);
		errand->body.len--;	/* the closing brace */
		if (!err)
			json_put_text(&errand->body, "secret", buf_str(&secret));
		buf_add_char(&errand->body, '}');
	}
	wipe(&secret);
	buf_done(&sealed);
	return err;
}

static void prepare(struct toggl *toggl, struct errand *errand, const struct db_rows *rows)
{
	struct str base = str_of(str_is(db_str(rows, 0, "api"), "webhooks") ? toggl->how.conf->toggl_webhooks_url
	                                                                    : toggl->how.conf->toggl_api_url);

	forget_request(errand);
	while (base.len && base.at[base.len - 1] == '/')
		base.len--;
	buf_add_str(&errand->url, base);
	buf_add_str(&errand->url, db_str(rows, 0, "path"));
	buf_add_str(&errand->method, db_str(rows, 0, "method"));
	errand->state = WAITS;
	errand->due_ms = clock_ms() + db_int(rows, 0, "wait_ms");
	if (authorize(toggl, errand, rows) || fill_body(toggl, errand, rows))
		answer_self(errand, "it was not asked: a secret does not open with this master_key");
}

static void ask(struct toggl *toggl, struct errand *errand)
{
	struct fetch_request request = {
		.method = buf_text(&errand->method),
		.url = buf_text(&errand->url),
		.headers = (const char *const[]){ buf_text(&errand->authorization),
		                                  errand->body.len ? "Content-Type: application/json" : NULL, NULL },
		.body = errand->body.len ? buf_str(&errand->body) : (struct str){ 0 },
		.timeout_ms = toggl->how.conf->toggl_timeout_ms,
		/* what is made twice holds two places of the plan, and each request counts */
		.is_sent_once = true,
		.user = errand,
	};

	errand->state = ASKS;
	if (fetch_add(toggl->fetch, &request))
		answer_self(errand, "the setting toggl_webhooks_url or toggl_api_url is no http or https URL");
}

static int64_t header(struct toggl *toggl, const char *name)
{
	struct str value = fetch_header(toggl->fetch, name);
	int64_t number;

	return value.at && str_int(str_trim(value), &number) && number >= 0 ? number : -1;
}

static void take_answer(struct toggl *toggl, const struct fetch_outcome *outcome)
{
	struct errand *errand = outcome->user;

	answer_self(errand, outcome->problem ? outcome->problem : "");
	errand->status = outcome->status;
	errand->remaining = header(toggl, wanted[0]);
	errand->resets_in = header(toggl, wanted[1]);
	errand->retry_after = header(toggl, wanted[2]);
	/* what no text of PostgreSQL can hold is no answer of Toggl's */
	if (outcome->body.len && utf8_is_valid(outcome->body) && !memchr(outcome->body.at, '\0', outcome->body.len))
		buf_add_str(&errand->answer, outcome->body);
}

/* ---- what was loaded */

static enum err make_local(struct toggl *toggl, int64_t workspace_id)
{
	struct db_args *args = db_args_new();
	struct buf address = { 0 }, secret = { 0 }, sealed = { 0 };
	enum err err;

	crypto_random_text(&address, ADDRESS_RANDOM);
	crypto_random_text(&secret, SECRET_RANDOM);
	err = seal(toggl->how.sealer, buf_str(&address), buf_str(&secret), &sealed);
	if (!err) {
		db_arg_int(args, workspace_id);
		db_arg_text(args, buf_str(&address));
		db_arg_bytes(args, buf_str(&sealed));
		err = call(toggl, doors[toggl->how.door].local, args, NULL);
	}
	wipe(&secret);
	buf_done(&address);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* Signs and records the rows from `first` on that have one secret; *next is
   behind them. */
static enum err record(struct toggl *toggl, int64_t job_id, const struct db_rows *rows, size_t first, size_t *next)
{
	unsigned char signature[SIGNED_MAX][MAC_BYTES];
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 }, secret = { 0 };
	int64_t secret_id = db_int(rows, first, "secret_id");
	struct mac *mac = NULL;
	size_t count = 0;
	enum err err;

	db_bytes(rows, first, "sealed", &sealed);
	err = seal_open(toggl->how.sealer, db_str(rows, first, "address"), buf_str(&sealed), &secret);
	if (err)
		goto done;
	mac = mac_new(buf_str(&secret));
	while (first + count < db_rows_count(rows) && count < SIGNED_MAX &&
	       db_int(rows, first + count, "secret_id") == secret_id) {
		mac_sign(mac, db_str(rows, first + count, "body"), signature[count]);
		count++;
	}
	db_arg_int(args, job_id);
	db_array(args, DB_INTS, count);
	for (size_t i = 0; i < count; i++)
		db_put_int(args, db_int(rows, first + i, "event_id"));
	db_array(args, DB_BYTES, count);
	for (size_t i = 0; i < count; i++)
		db_put_str(args, (struct str){ (const char *)signature[i], MAC_BYTES });
	db_arg_int(args, db_int(rows, first, "endpoint_id"));
	db_arg_int(args, secret_id);
	err = call(toggl, doors[toggl->how.door].record, args, NULL);
	*next = first + count;
done:
	mac_free(mac);
	wipe(&secret);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* All that waits to be signed. Repeated after an error it goes on. */
static enum err sign(struct toggl *toggl, int64_t job_id)
{
	struct db_args *args = db_args_new();
	enum err err = ERR_NONE;
	size_t count = 1;

	db_arg_int(args, job_id);
	while (!err && count) {
		struct db_rows *rows = NULL;

		err = call(toggl, doors[toggl->how.door].pending, args, &rows);
		count = err ? 0 : db_rows_count(rows);
		for (size_t i = 0; i < count && !err;) {
			if (db_is_null(rows, i, "endpoint_id")) {
				/* the next round has it */
				err = make_local(toggl, db_int(rows, i, "workspace_id"));
				break;
			}
			err = record(toggl, job_id, rows, i, &i);
		}
		db_rows_free(rows);
	}
	db_args_free(args);
	return err;
}

/* ---- a turn */

static void add_header(struct db_args *args, int64_t value)
{
	if (value < 0)
		db_arg_null(args);
	else
		db_arg_int(args, value);
}

static enum err call_turn(struct toggl *toggl, const struct errand *errand, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, errand->job_id);
	db_arg_int(args, errand->lease);
	db_arg_jsonb(args, buf_str(&toggl->how_json));
	if (errand->has_answer) {
		db_arg_int(args, errand->status);
		db_arg_text(args, (struct str){ buf_text(&errand->answer), errand->answer.len });
		add_header(args, errand->remaining);
		add_header(args, errand->resets_in);
		add_header(args, errand->retry_after);
		db_arg_text(args, buf_str(&errand->problem));
	} else {
		for (int i = 0; i < 6; i++)
			db_arg_null(args);
	}
	err = call(toggl, doors[toggl->how.door].turn, args, rows);
	db_args_free(args);
	return err;
}

/* The database does not answer: again in a moment, with the same answer of
   Toggl in hand, unless that was tried long enough. */
static void try_again(struct toggl *toggl, struct errand *errand)
{
	if (++errand->tries >= TRIES)
		end(errand, TOGGL_LOST, str_of(db_problem(toggl->how.db)));
	else
		errand->due_ms = clock_ms() + RETRY_MS;
}

static void turn(struct toggl *toggl, struct errand *errand)
{
	struct db_rows *rows = NULL;
	struct str verdict;

	if (call_turn(toggl, errand, &rows)) {
		try_again(toggl, errand);
		return;
	}
	errand->has_answer = false;
	errand->tries = 0;
	errand->lease = db_int(rows, 0, "next_lease");
	verdict = db_str(rows, 0, "verdict");
	buf_add_str(&errand->result, db_str(rows, 0, "result"));
	if (str_is(verdict, "ask")) {
		prepare(toggl, errand, rows);
	} else if (str_is(verdict, "sign")) {
		if (sign(toggl, errand->job_id))
			end(errand, TOGGL_LOST, str_of(db_problem(toggl->how.db)));
	} else {
		errand->wait_ms = db_int(rows, 0, "wait_ms");
		end(errand, str_is(verdict, "done") ? TOGGL_DONE : str_is(verdict, "failed") ? TOGGL_FAILED :
		            str_is(verdict, "wait") ? TOGGL_WAITS : TOGGL_LOST,
		    db_str(rows, 0, "words"));
	}
	db_rows_free(rows);
}

/* ---- jobs */

static void add_who(const struct toggl *toggl, struct db_args *args, struct str who)
{
	if (doors[toggl->how.door].asks_who)
		db_arg_bytes(args, who);
}

enum err toggl_connection(struct toggl *toggl, struct str who, struct str token, int64_t *connection_id)
{
	const struct door *door = &doors[toggl->how.door];
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf sealed = { 0 };
	int64_t made = 0;
	enum err err;

	add_who(toggl, args, who);
	err = call(toggl, door->connection_add, args, &rows);
	if (!err) {
		made = db_int(rows, 0, "toggl_connection_add");
		err = sealing_toggl(toggl->how.sealer, made, token, &sealed);
	}
	if (!err) {
		db_args_clear(args);
		add_who(toggl, args, who);
		db_arg_int(args, made);
		db_arg_bytes(args, buf_str(&sealed));
		err = call(toggl, door->connection_token, args, NULL);
	}
	if (!err)
		*connection_id = made;
	buf_done(&sealed);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static struct errand *free_place(struct toggl *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->errands[i].state == FREE)
			return &toggl->errands[i];
	return NULL;
}

static bool is_what(const struct toggl_task *task, const char *what)
{
	return strcmp(task->what, what) == 0;
}

/* Address and secret of what is made: theirs are stored before Toggl is asked. */
static enum err add_secret(struct toggl *toggl, const struct toggl_task *task, struct db_args *args)
{
	bool is_new = is_what(task, "subscribe") || is_what(task, "adopt");
	struct buf address = { 0 }, secret = { 0 }, sealed = { 0 };
	enum err err = ERR_NONE;

	if (!is_new && !is_what(task, "rotate")) {
		db_arg_null(args);
		db_arg_null(args);
		return ERR_NONE;
	}
	if (is_new)
		crypto_random_text(&address, ADDRESS_RANDOM);
	else
		buf_add_str(&address, task->address);
	crypto_random_text(&secret, SECRET_RANDOM);
	err = seal(toggl->how.sealer, buf_str(&address), buf_str(&secret), &sealed);
	db_arg_text(args, buf_str(&address));
	db_arg_bytes(args, buf_str(&sealed));
	wipe(&secret);
	buf_done(&address);
	buf_done(&sealed);
	return err;
}

enum err toggl_start(struct toggl *toggl, const struct toggl_task *task, int64_t *job_id)
{
	struct errand *errand = free_place(toggl);
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	struct buf asked = { 0 };
	enum err err = ERR_PACE;

	if (!errand)
		goto done;
	/* the callback addresses that new endpoints get begin with it */
	buf_add_str(&asked, task->asked.len ? task->asked : str_of("{}"));
	asked.len--;
	json_put_text(&asked, "hook_url", str_of(toggl->how.hook_url));
	buf_add_char(&asked, '}');
	add_who(toggl, args, task->who);
	if (task->connection_id)
		db_arg_int(args, task->connection_id);
	else
		db_arg_null(args);
	db_arg_text(args, str_of(task->what));
	db_arg_jsonb(args, buf_str(&asked));
	err = add_secret(toggl, task, args);
	db_arg_bool(args, task->is_interactive);
	if (!err)
		err = call(toggl, doors[toggl->how.door].begin, args, &rows);
	if (err)
		goto done;
	*errand = (struct errand){
		.job_id = db_int(rows, 0, "job_id"),
		.lease = db_int(rows, 0, "lease"),
		.user = task->user,
		.state = TURNS,
	};
	if (job_id)
		*job_id = errand->job_id;
done:
	buf_done(&asked);
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

enum err toggl_start_due(struct toggl *toggl, size_t *begun)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	size_t count = 0;
	enum err err;

	db_arg_int(args, toggl->how.conf->toggl_check_hours);
	err = call(toggl, doors[toggl->how.door].due, args, &rows);
	for (size_t i = 0; !err && i < db_rows_count(rows) && free_place(toggl); i++) {
		char *what = mem_dup(db_str(rows, i, "what"));
		struct toggl_task task = {
			.connection_id = db_int(rows, i, "connection_id"),
			.what = what,
			.asked = db_str(rows, i, "asked"),
		};

		err = toggl_start(toggl, &task, NULL);
		count += !err;
		free(what);
		/* another process was faster */
		if (err == ERR_ABSENT)
			err = ERR_NONE;
	}
	if (begun)
		*begun = count;
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

static void give_out(struct toggl *toggl, struct errand *errand, struct toggl_outcome *outcome)
{
	struct buf words = toggl->words, result = toggl->result;

	toggl->words = errand->words;
	toggl->result = errand->result;
	errand->words = words;
	errand->result = result;
	*outcome = (struct toggl_outcome){
		.user = errand->user,
		.end = errand->end,
		.job_id = errand->job_id,
		.wait_ms = errand->wait_ms,
		.words = buf_str(&toggl->words),
		.result = buf_str(&toggl->result),
	};
	forget(errand);
}

enum err toggl_take(struct toggl *toggl, struct toggl_outcome *outcome)
{
	struct fetch_outcome answer;

	while (!fetch_take(toggl->fetch, &answer))
		take_answer(toggl, &answer);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct errand *errand = &toggl->errands[i];

		while (errand->state == TURNS && errand->due_ms <= clock_ms())
			turn(toggl, errand);
		if (errand->state == WAITS && errand->due_ms <= clock_ms())
			ask(toggl, errand);
		if (errand->state == ENDED) {
			give_out(toggl, errand, outcome);
			return ERR_NONE;
		}
	}
	return toggl_count(toggl) ? ERR_PACE : ERR_ABSENT;
}

static void give_back(struct toggl *toggl, const struct errand *errand)
{
	struct db_args *args = db_args_new();

	db_arg_int(args, errand->job_id);
	db_arg_int(args, errand->lease);
	/* if it does not get through, the lease runs out by itself */
	if (call(toggl, doors[toggl->how.door].leave, args, NULL))
		log_write(LOG_WARN, "toggl_job_kept",
		          (struct log_field[]){ log_num("job", errand->job_id), log_text("why", db_problem(toggl->how.db)), log_end() });
	db_args_free(args);
}

static bool is_asking(const struct toggl *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->errands[i].state == ASKS)
			return true;
	return false;
}

void toggl_leave(struct toggl *toggl, int64_t wait_ms)
{
	int64_t until_ms = clock_ms() + wait_ms;
	struct fetch_outcome answer;

	while (is_asking(toggl) && clock_ms() < until_ms) {
		struct pollfd fd = { .fd = -1 };
		int64_t left_ms = until_ms - clock_ms();
		int wanted_ms = fetch_poll(toggl->fetch, &fd);

		if (wanted_ms >= 0 && wanted_ms < left_ms)
			left_ms = wanted_ms;
		/* a signal ends it early, which the next round sees */
		(void)poll(&fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		while (!fetch_take(toggl->fetch, &answer))
			take_answer(toggl, &answer);
	}
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct errand *errand = &toggl->errands[i];

		while (errand->state == TURNS && !errand->tries)
			turn(toggl, errand);
		/* what Toggl has not answered it may still do: nobody goes on before the lease is over */
		if (errand->state == WAITS)
			give_back(toggl, errand);
	}
}

int toggl_poll(const struct toggl *toggl, struct pollfd *fd)
{
	int64_t wait_ms = fetch_poll(toggl->fetch, fd), now_ms = clock_ms();

	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct errand *errand = &toggl->errands[i];
		int64_t left_ms = errand->due_ms > now_ms ? errand->due_ms - now_ms : 0;

		if (errand->state == FREE || errand->state == ASKS)
			continue;
		if (errand->state == ENDED)
			left_ms = 0;
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

enum err toggl_wait(struct toggl *toggl, int stop_fd, struct toggl_outcome *outcome)
{
	for (;;) {
		struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
		enum err err = toggl_take(toggl, outcome);

		if (err != ERR_PACE)
			return err;
		/* a signal ends it early, which the next round sees */
		(void)poll(fds, 2, toggl_poll(toggl, &fds[0]));
		if (fds[1].revents)
			return ERR_BUSY;
	}
}
