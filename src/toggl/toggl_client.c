/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "http/http_client.h"
#include "base/json.h"
#include "base/log.h"
#include "http/http_conf.h"
#include "ledger/sealing.h"
#include "toggl/toggl_conf.h"

enum {
	JOBS_MAX = 16,
	ANSWER_MAX = 32 * 1024 * 1024, /* all projects of a large company in one answer */
	ADDRESS_RANDOM = 24,	       /* 192 bits, as every endpoint has */
	SECRET_RANDOM = 32,
	TRIES = 5, /* of a call while the database is away, a second between */
	RETRY_MS = 1000,
	SIGNED_MAX = 500, /* as ledger.toggl_unsigned() gives at once */
};

static const struct functions {
	const char *begin, *turn, *pending, *local, *record, *leave, *due, *connection_add,
		*connection_token;
} functions_of[] = {
	[TOGGL_SCHEMA_OPERATOR] = { "operator.toggl_begin", "operator.toggl_turn",
				    "operator.toggl_unsigned", "operator.toggl_local",
				    "operator.toggl_record", "operator.toggl_leave",
				    "operator.toggl_due", "operator.toggl_connection_add",
				    "operator.toggl_connection_token" },
	[TOGGL_SCHEMA_COURIER] = { "courier.toggl_begin", "courier.toggl_turn",
				   "courier.toggl_unsigned", "courier.toggl_local",
				   "courier.toggl_record", "courier.toggl_leave",
				   "courier.toggl_due", NULL, NULL },
	/* what begins something is operated, for who asks */
	[TOGGL_SCHEMA_ADMIN] = { NULL, "admin.toggl_turn", "admin.toggl_unsigned",
				 "admin.toggl_local", "admin.toggl_record", "admin.toggl_leave",
				 NULL, NULL, NULL },
};

/* One job. */
struct job {
	int64_t job_id, lease;
	void *user;
	enum { FREE, TURNS, WAITS, ASKS, ENDED } state;
	int64_t due_ms; /* WAITS: when the request may go, TURNS: when to call again */
	int tries;	/* of the call of the database */
	struct buf method, url, authorization, body; /* the request */
	bool has_answer;			     /* the next turn brings one: */
	int status;
	int64_t remaining, resets_in, retry_after; /* -1: not there */
	struct buf answer, problem;
	enum toggl_job_end end;
	int64_t wait_ms;
	struct buf words, result;
};

struct toggl_client {
	struct toggl_client_options options;
	struct http_client *client;
	struct buf how_json;
	struct job jobs[JOBS_MAX];
	struct buf words, result; /* of the outcome that was given out */
};

static const char *const wanted[] = { "X-Toggl-Quota-Remaining", "X-Toggl-Quota-Resets-In",
				      "Retry-After", NULL };

struct toggl_client *toggl_client_new(const struct toggl_client_options *options)
{
	struct toggl_client *toggl = mem_zero(1, sizeof(*toggl));
	struct http_client_options client = {
		.requests_max = JOBS_MAX,
		.answer_max = ANSWER_MAX,
		.wanted = wanted,
		.ca_file = http_conf(options->conf)->ca_file,
		.agent = options->agent,
	};

	toggl->options = *options;
	toggl->client = http_client_new(&client);
	buf_add_char(&toggl->how_json, '{');
	json_put_int(&toggl->how_json, "reserve", toggl_conf(options->conf)->reserve);
	json_put_int(&toggl->how_json, "pace_ms", toggl_conf(options->conf)->pace_ms);
	json_put_bool(&toggl->how_json, "repair", toggl_conf(options->conf)->repair);
	buf_add_char(&toggl->how_json, '}');
	return toggl;
}

static void wipe(struct buf *secret)
{
	mem_wipe(secret->at, secret->len);
	buf_done(secret);
}

static void forget_request(struct job *job)
{
	buf_done(&job->method);
	buf_done(&job->url);
	wipe(&job->authorization);
	wipe(&job->body);
}

static void forget(struct job *job)
{
	forget_request(job);
	wipe(&job->answer);
	buf_done(&job->problem);
	buf_done(&job->words);
	buf_done(&job->result);
	*job = (struct job){ 0 };
}

void toggl_client_free(struct toggl_client *toggl)
{
	if (!toggl)
		return;
	http_client_free(toggl->client);
	for (size_t i = 0; i < JOBS_MAX; i++)
		forget(&toggl->jobs[i]);
	buf_done(&toggl->how_json);
	buf_done(&toggl->words);
	buf_done(&toggl->result);
	free(toggl);
}

size_t toggl_client_count(const struct toggl_client *toggl)
{
	size_t count = 0;

	for (size_t i = 0; i < JOBS_MAX; i++)
		count += toggl->jobs[i].state != FREE;
	return count;
}

static enum err call(struct toggl_client *toggl, const char *function, const struct db_args *args,
		     struct db_rows **rows)
{
	if (!db_is_ready(toggl->options.db) && db_wait(toggl->options.db, toggl->options.wait_ms))
		return ERR_BUSY;
	return db_call(toggl->options.db, function, args, toggl->options.wait_ms, rows);
}

/* ---- the request */

static void end(struct job *job, enum toggl_job_end options, struct str words)
{
	job->state = ENDED;
	job->end = options;
	buf_clear(&job->words);
	buf_add_str(&job->words, words);
	forget_request(job);
}

/* What the next turn is to judge as if it were the answer. */
static void answer_self(struct job *job, const char *problem)
{
	job->has_answer = true;
	job->status = 0;
	job->remaining = job->resets_in = job->retry_after = -1;
	buf_clear(&job->answer);
	buf_clear(&job->problem);
	buf_add_text(&job->problem, problem);
	job->state = TURNS;
	job->due_ms = 0;
}

/* Basic authentication: the token is the name, the password a fixed word. */
static enum err authorize(struct toggl_client *toggl, struct job *job, const struct db_rows *rows)
{
	struct buf sealed = { 0 }, token = { 0 };
	enum err err;

	db_bytes(rows, 0, "token", &sealed);
	err = sealing_toggl_open(toggl->options.sealer, db_int(rows, 0, "connection_id"),
				 buf_str(&sealed), &token);
	if (!err) {
		buf_add_text(&token, ":api_token");
		buf_add_text(&job->authorization, "Authorization: Basic ");
		base64_write(&job->authorization, token.at, token.len);
	}
	wipe(&token);
	buf_done(&sealed);
	return err;
}

/* The body, with the secret where one belongs into it. */
static enum err fill_body(struct toggl_client *toggl, struct job *job, const struct db_rows *rows)
{
	struct buf sealed = { 0 }, secret = { 0 };
	enum err err = ERR_NONE;

	buf_add_str(&job->body, db_str(rows, 0, "body"));
	if (!db_is_null(rows, 0, "sealed") && job->body.len) {
		db_bytes(rows, 0, "sealed", &sealed);
		err = seal_open(toggl->options.sealer, db_str(rows, 0, "place"), buf_str(&sealed),
				&secret);
		job->body.len--; /* the closing brace */
		if (!err)
			json_put_text(&job->body, "secret", buf_str(&secret));
		buf_add_char(&job->body, '}');
	}
	wipe(&secret);
	buf_done(&sealed);
	return err;
}

static void prepare(struct toggl_client *toggl, struct job *job, const struct db_rows *rows)
{
	struct str base = str_of(str_is(db_str(rows, 0, "api"), "webhooks")
					 ? toggl_conf(toggl->options.conf)->webhooks_url
					 : toggl_conf(toggl->options.conf)->api_url);

	forget_request(job);
	while (base.len && base.at[base.len - 1] == '/')
		base.len--;
	buf_add_str(&job->url, base);
	buf_add_str(&job->url, db_str(rows, 0, "path"));
	buf_add_str(&job->method, db_str(rows, 0, "method"));
	job->state = WAITS;
	job->due_ms = clock_ms() + db_int(rows, 0, "wait_ms");
	if (authorize(toggl, job, rows) || fill_body(toggl, job, rows))
		answer_self(job, "it was not asked: a secret does not open with this master_key");
}

static void ask(struct toggl_client *toggl, struct job *job)
{
	struct http_client_request request = {
		.method = buf_text(&job->method),
		.url = buf_text(&job->url),
		.headers = (const char *const[]){ buf_text(&job->authorization),
						  job->body.len ? "Content-Type: application/json"
								: NULL,
						  NULL },
		.body = job->body.len ? buf_str(&job->body) : (struct str){ 0 },
		.timeout_ms = toggl_conf(toggl->options.conf)->timeout_ms,
		/* what is made twice holds two places of the plan, and each request counts */
		.is_sent_once = true,
		.user = job,
	};

	job->state = ASKS;
	if (http_client_add(toggl->client, &request))
		answer_self(
			job,
			"the setting toggl_webhooks_url or toggl_api_url is no http or https URL");
}

static int64_t header(struct toggl_client *toggl, const char *name)
{
	struct str value = http_client_header(toggl->client, name);
	int64_t number;

	return value.at && str_int(str_trim(value), &number) && number >= 0 ? number : -1;
}

static void take_answer(struct toggl_client *toggl, const struct http_client_result *outcome)
{
	struct job *job = outcome->user;

	answer_self(job, outcome->problem ? outcome->problem : "");
	job->status = outcome->status;
	job->remaining = header(toggl, wanted[0]);
	job->resets_in = header(toggl, wanted[1]);
	job->retry_after = header(toggl, wanted[2]);
	/* what no text of PostgreSQL can hold is no answer of Toggl's */
	if (outcome->body.len && utf8_is_valid(outcome->body) &&
	    !memchr(outcome->body.at, '\0', outcome->body.len))
		buf_add_str(&job->answer, outcome->body);
}

/* ---- what was loaded */

static enum err make_local(struct toggl_client *toggl, int64_t workspace_id)
{
	struct db_args *args = db_args_new();
	struct buf address = { 0 }, secret = { 0 }, sealed = { 0 };
	enum err err;

	crypto_random_text(&address, ADDRESS_RANDOM);
	crypto_random_text(&secret, SECRET_RANDOM);
	err = seal(toggl->options.sealer, buf_str(&address), buf_str(&secret), &sealed);
	if (!err) {
		db_arg_int(args, workspace_id);
		db_arg_text(args, buf_str(&address));
		db_arg_bytes(args, buf_str(&sealed));
		err = call(toggl, functions_of[toggl->options.schema].local, args, NULL);
	}
	wipe(&secret);
	buf_done(&address);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* Signs and records the rows from `first` on that have one secret; *next is
   behind them. */
static enum err record(struct toggl_client *toggl, int64_t job_id, const struct db_rows *rows,
		       size_t first, size_t *next)
{
	unsigned char signature[SIGNED_MAX][MAC_BYTES];
	struct db_args *args = db_args_new();
	struct buf sealed = { 0 }, secret = { 0 };
	int64_t secret_id = db_int(rows, first, "secret_id");
	struct mac *mac = NULL;
	size_t count = 0;
	enum err err;

	db_bytes(rows, first, "sealed", &sealed);
	err = seal_open(toggl->options.sealer, db_str(rows, first, "address"), buf_str(&sealed),
			&secret);
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
	err = call(toggl, functions_of[toggl->options.schema].record, args, NULL);
	*next = first + count;
done:
	mac_free(mac);
	wipe(&secret);
	buf_done(&sealed);
	db_args_free(args);
	return err;
}

/* All that waits to be signed. Repeated after an error it goes on. */
static enum err sign(struct toggl_client *toggl, int64_t job_id)
{
	struct db_args *args = db_args_new();
	enum err err = ERR_NONE;
	size_t count = 1;

	db_arg_int(args, job_id);
	while (!err && count) {
		struct db_rows *rows = NULL;

		err = call(toggl, functions_of[toggl->options.schema].pending, args, &rows);
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

static enum err call_turn(struct toggl_client *toggl, const struct job *job, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, job->job_id);
	db_arg_int(args, job->lease);
	db_arg_jsonb(args, buf_str(&toggl->how_json));
	if (job->has_answer) {
		db_arg_int(args, job->status);
		db_arg_text(args, (struct str){ buf_text(&job->answer), job->answer.len });
		add_header(args, job->remaining);
		add_header(args, job->resets_in);
		add_header(args, job->retry_after);
		db_arg_text(args, buf_str(&job->problem));
	} else {
		for (int i = 0; i < 6; i++)
			db_arg_null(args);
	}
	err = call(toggl, functions_of[toggl->options.schema].turn, args, rows);
	db_args_free(args);
	return err;
}

/* The database does not answer: again in a moment, with the same answer of
   Toggl in hand, unless that was tried long enough. */
static void try_again(struct toggl_client *toggl, struct job *job)
{
	if (++job->tries >= TRIES)
		end(job, TOGGL_JOB_LOST, str_of(db_problem(toggl->options.db)));
	else
		job->due_ms = clock_ms() + RETRY_MS;
}

static void turn(struct toggl_client *toggl, struct job *job)
{
	struct db_rows *rows = NULL;
	struct str verdict;

	if (call_turn(toggl, job, &rows)) {
		try_again(toggl, job);
		return;
	}
	job->has_answer = false;
	job->tries = 0;
	job->lease = db_int(rows, 0, "next_lease");
	verdict = db_str(rows, 0, "verdict");
	buf_add_str(&job->result, db_str(rows, 0, "result"));
	if (str_is(verdict, "ask")) {
		prepare(toggl, job, rows);
	} else if (str_is(verdict, "sign")) {
		if (sign(toggl, job->job_id))
			end(job, TOGGL_JOB_LOST, str_of(db_problem(toggl->options.db)));
	} else {
		job->wait_ms = db_int(rows, 0, "wait_ms");
		end(job,
		    str_is(verdict, "done")	? TOGGL_JOB_DONE
		    : str_is(verdict, "failed") ? TOGGL_JOB_FAILED
		    : str_is(verdict, "wait")	? TOGGL_JOB_WAITING
						: TOGGL_JOB_LOST,
		    db_str(rows, 0, "words"));
	}
	db_rows_free(rows);
}

/* ---- job */

/* A number that an operation gives; 0: it gives none. */
static int64_t number_of(const struct buf *given, const char *name)
{
	int64_t number = 0;

	return json_int(json_find(buf_str(given), name), &number) ? number : 0;
}

static enum err operate(struct toggl_client *toggl, struct str who, const char *operation,
			const struct buf *made, struct buf *given)
{
	const struct toggl_client_options *options = &toggl->options;

	if (!db_is_ready(options->db) && db_wait(options->db, options->wait_ms))
		return ERR_BUSY;
	return options->operate(options->operator_of, who, operation,
				made ? buf_str(made) : (struct str){ 0 }, given);
}

static enum err add_connection(struct toggl_client *toggl, struct str who, int64_t *connection_id)
{
	struct db_rows *rows = NULL;
	struct buf given = { 0 };
	enum err err;

	if (toggl->options.operate) {
		err = operate(toggl, who, "toggl_connection_add", NULL, &given);
		*connection_id = number_of(&given, "connection_id");
	} else {
		err = call(toggl, functions_of[toggl->options.schema].connection_add, NULL, &rows);
		if (!err)
			*connection_id = db_int(rows, 0, "toggl_connection_add");
	}
	buf_done(&given);
	db_rows_free(rows);
	return err;
}

static enum err store_token(struct toggl_client *toggl, struct str who, int64_t connection_id,
			    const struct buf *sealed)
{
	struct db_args *args = db_args_new();
	struct buf made = { 0 }, given = { 0 };
	enum err err;

	if (toggl->options.operate) {
		json_begin(&made, NULL);
		json_put_int(&made, "connection_id", connection_id);
		json_put_bytes(&made, "sealed", buf_str(sealed));
		json_end(&made);
		err = operate(toggl, who, "toggl_connection_token", &made, &given);
	} else {
		db_arg_int(args, connection_id);
		db_arg_bytes(args, buf_str(sealed));
		err = call(toggl, functions_of[toggl->options.schema].connection_token, args, NULL);
	}
	buf_done(&made);
	buf_done(&given);
	db_args_free(args);
	return err;
}

enum err toggl_client_connection(struct toggl_client *toggl, struct str who, struct str token,
				 int64_t *connection_id)
{
	struct buf sealed = { 0 };
	int64_t made = 0;
	enum err err = add_connection(toggl, who, &made);

	if (!err)
		err = sealing_toggl(toggl->options.sealer, made, token, &sealed);
	if (!err)
		err = store_token(toggl, who, made, &sealed);
	if (!err)
		*connection_id = made;
	buf_done(&sealed);
	return err;
}

static struct job *free_job(struct toggl_client *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->jobs[i].state == FREE)
			return &toggl->jobs[i];
	return NULL;
}

static bool is_what(const struct toggl_job *task, const char *what)
{
	return strcmp(task->what, what) == 0;
}

/* Address and secret of what is made: theirs are stored before Toggl is asked. Both stay
   empty where nothing is. */
static enum err make_secret(struct toggl_client *toggl, const struct toggl_job *task,
			    struct buf *address, struct buf *sealed)
{
	bool is_new = is_what(task, "subscribe") || is_what(task, "adopt");
	struct buf secret = { 0 };
	enum err err;

	if (!is_new && !is_what(task, "rotate"))
		return ERR_NONE;
	if (is_new)
		crypto_random_text(address, ADDRESS_RANDOM);
	else
		buf_add_str(address, task->address);
	crypto_random_text(&secret, SECRET_RANDOM);
	err = seal(toggl->options.sealer, buf_str(address), buf_str(&secret), sealed);
	wipe(&secret);
	return err;
}

static struct str null_if_empty(const struct buf *b)
{
	return b->len ? buf_str(b) : (struct str){ 0 };
}

static enum err operate_begin(struct toggl_client *toggl, const struct toggl_job *task,
			      const struct buf *asked, const struct buf *address,
			      const struct buf *sealed, struct job *job)
{
	struct buf made = { 0 }, given = { 0 };
	enum err err;

	json_begin(&made, NULL);
	if (task->connection_id)
		json_put_int(&made, "connection_id", task->connection_id);
	json_put_text(&made, "what", str_of(task->what));
	json_put_json(&made, "asked", buf_str(asked));
	json_put_text(&made, "address", null_if_empty(address));
	json_put_bytes(&made, "secret", null_if_empty(sealed));
	json_end(&made);
	err = operate(toggl, task->who, "toggl_begin", &made, &given);
	job->job_id = number_of(&given, "job_id");
	job->lease = number_of(&given, "lease");
	buf_done(&made);
	buf_done(&given);
	return err;
}

static enum err call_begin(struct toggl_client *toggl, const struct toggl_job *task,
			   const struct buf *asked, const struct buf *address,
			   const struct buf *sealed, struct job *job)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	enum err err;

	if (task->connection_id)
		db_arg_int(args, task->connection_id);
	else
		db_arg_null(args);
	db_arg_text(args, str_of(task->what));
	db_arg_jsonb(args, buf_str(asked));
	db_arg_text(args, null_if_empty(address));
	if (sealed->len)
		db_arg_bytes(args, buf_str(sealed));
	else
		db_arg_null(args);
	db_arg_bool(args, task->is_interactive);
	err = call(toggl, functions_of[toggl->options.schema].begin, args, &rows);
	if (!err) {
		job->job_id = db_int(rows, 0, "job_id");
		job->lease = db_int(rows, 0, "lease");
	}
	db_rows_free(rows);
	db_args_free(args);
	return err;
}

enum err toggl_client_start(struct toggl_client *toggl, const struct toggl_job *task,
			    int64_t *job_id)
{
	struct job *job = free_job(toggl), begun = { .user = task->user, .state = TURNS };
	struct buf asked = { 0 }, address = { 0 }, sealed = { 0 };
	enum err err;

	if (!job)
		return ERR_PACE;
	json_begin(&asked, NULL);
	if (task->asked.len)
		json_put_members(&asked, task->asked);
	/* the callback addresses that new endpoints get begin with it */
	json_put_text(&asked, "hook_url", str_of(toggl->options.hook_url));
	json_end(&asked);
	err = make_secret(toggl, task, &address, &sealed);
	if (!err)
		err = toggl->options.operate
			      ? operate_begin(toggl, task, &asked, &address, &sealed, &begun)
			      : call_begin(toggl, task, &asked, &address, &sealed, &begun);
	if (!err) {
		*job = begun;
		if (job_id)
			*job_id = begun.job_id;
	}
	buf_done(&asked);
	buf_done(&address);
	buf_done(&sealed);
	return err;
}

enum err toggl_client_start_due(struct toggl_client *toggl, size_t *begun)
{
	struct db_args *args = db_args_new();
	struct db_rows *rows = NULL;
	size_t count = 0;
	enum err err;

	db_arg_int(args, toggl_conf(toggl->options.conf)->check_hours);
	err = call(toggl, functions_of[toggl->options.schema].due, args, &rows);
	for (size_t i = 0; !err && i < db_rows_count(rows) && free_job(toggl); i++) {
		char *what = mem_dup(db_str(rows, i, "what"));
		struct toggl_job task = {
			.connection_id = db_int(rows, i, "connection_id"),
			.what = what,
			.asked = db_str(rows, i, "asked"),
		};

		err = toggl_client_start(toggl, &task, NULL);
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

static void give_out(struct toggl_client *toggl, struct job *job, struct toggl_job_result *outcome)
{
	struct buf words = toggl->words, result = toggl->result;

	toggl->words = job->words;
	toggl->result = job->result;
	job->words = words;
	job->result = result;
	*outcome = (struct toggl_job_result){
		.user = job->user,
		.end = job->end,
		.job_id = job->job_id,
		.wait_ms = job->wait_ms,
		.words = buf_str(&toggl->words),
		.result = buf_str(&toggl->result),
	};
	forget(job);
}

enum err toggl_client_take(struct toggl_client *toggl, struct toggl_job_result *outcome)
{
	struct http_client_result answer;

	while (!http_client_take(toggl->client, &answer))
		take_answer(toggl, &answer);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &toggl->jobs[i];

		while (job->state == TURNS && job->due_ms <= clock_ms())
			turn(toggl, job);
		if (job->state == WAITS && job->due_ms <= clock_ms())
			ask(toggl, job);
		if (job->state == ENDED) {
			give_out(toggl, job, outcome);
			return ERR_NONE;
		}
	}
	return toggl_client_count(toggl) ? ERR_PACE : ERR_ABSENT;
}

static void give_back(struct toggl_client *toggl, const struct job *job)
{
	struct db_args *args = db_args_new();

	db_arg_int(args, job->job_id);
	db_arg_int(args, job->lease);
	/* if it does not get through, the lease runs out by itself */
	if (call(toggl, functions_of[toggl->options.schema].leave, args, NULL))
		log_write(LOG_WARN, "toggl_job_kept",
			  (struct log_field[]){ log_num("job", job->job_id),
						log_text("why", db_problem(toggl->options.db)),
						log_end() });
	db_args_free(args);
}

static bool is_asking(const struct toggl_client *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->jobs[i].state == ASKS)
			return true;
	return false;
}

void toggl_client_leave(struct toggl_client *toggl, int64_t wait_ms)
{
	int64_t until_ms = clock_ms() + wait_ms;
	struct http_client_result answer;

	while (is_asking(toggl) && clock_ms() < until_ms) {
		struct pollfd fd = { .fd = -1 };
		int64_t left_ms = until_ms - clock_ms();
		int wanted_ms = http_client_poll(toggl->client, &fd);

		if (wanted_ms >= 0 && wanted_ms < left_ms)
			left_ms = wanted_ms;
		/* a signal ends it early, which the next round sees */
		(void)poll(&fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		while (!http_client_take(toggl->client, &answer))
			take_answer(toggl, &answer);
	}
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &toggl->jobs[i];

		while (job->state == TURNS && !job->tries)
			turn(toggl, job);
		/* what Toggl has not answered it may still do: nobody goes on before the lease is
		 * over */
		if (job->state == WAITS)
			give_back(toggl, job);
	}
}

int toggl_client_poll(const struct toggl_client *toggl, struct pollfd *fd)
{
	int64_t wait_ms = http_client_poll(toggl->client, fd), now_ms = clock_ms();

	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct job *job = &toggl->jobs[i];
		int64_t left_ms = job->due_ms > now_ms ? job->due_ms - now_ms : 0;

		if (job->state == FREE || job->state == ASKS)
			continue;
		if (job->state == ENDED)
			left_ms = 0;
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
	}
	return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

enum err toggl_client_wait(struct toggl_client *toggl, int stop_fd,
			   struct toggl_job_result *outcome)
{
	for (;;) {
		struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
		enum err err = toggl_client_take(toggl, outcome);

		if (err != ERR_PACE)
			return err;
		/* a signal ends it early, which the next round sees */
		(void)poll(fds, 2, toggl_client_poll(toggl, &fds[0]));
		if (fds[1].revents)
			return ERR_BUSY;
	}
}
