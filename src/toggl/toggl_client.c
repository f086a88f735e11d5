/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "http/http_client.h"
#include "http/http_conf.h"
#include "ledger/catalog.h"
#include "ledger/sealing.h"
#include "toggl/toggl_conf.h"
#include "toggl/toggl_db.h"
#include "toggl/toggl_request.h"
#include "toggl/toggl_signing.h"

enum {
	JOBS_MAX = 16,
	ANSWER_MAX = 32 * 1024 * 1024, /* all projects of a large company in one answer */
	TRIES_MAX = 5,		       /* of a step, while the database is away */
	RETRY_MS = 1000,	       /* between two of them */
};

/* A job that this client runs. A step of it is one call of toggl_turn(): the function gets the
   answer to the last request and says what comes next: a request, signing, or the end. */
struct job {
	int64_t job_id, lease;
	void *user;
	enum { FREE, STEP_DUE, REQUEST_DUE, IN_FLIGHT, ENDED } state;
	int64_t due_ms; /* STEP_DUE, REQUEST_DUE: not before */
	int tries;	/* of the step, while the database is away */
	struct toggl_request request;
	enum toggl_job_end end;
	int64_t wait_ms;
	struct buf message, result;
};

struct toggl_client {
	struct toggl_client_options options;
	struct http_client *client;
	struct buf options_json;
	struct job jobs[JOBS_MAX];
	struct buf message, result; /* of the result that was taken last */
};

struct toggl_client *toggl_client_new(const struct toggl_client_options *options)
{
	struct toggl_client *toggl = mem_zero(1, sizeof(*toggl));
	struct http_client_options client = {
		.requests_max = JOBS_MAX,
		.answer_max = ANSWER_MAX,
		.wanted = toggl_request_headers,
		.ca_file = http_conf(options->conf)->ca_file,
		.agent = options->agent,
	};

	toggl->options = *options;
	toggl->client = http_client_new(&client);
	json_begin(&toggl->options_json, NULL);
	json_put_int(&toggl->options_json, "reserve", toggl_conf(options->conf)->reserve);
	json_put_int(&toggl->options_json, "pace_ms", toggl_conf(options->conf)->pace_ms);
	json_put_bool(&toggl->options_json, "repair", toggl_conf(options->conf)->repair);
	json_end(&toggl->options_json);
	return toggl;
}

static void clear_job(struct job *job)
{
	toggl_request_done(&job->request);
	buf_done(&job->message);
	buf_done(&job->result);
	*job = (struct job){ 0 };
}

void toggl_client_free(struct toggl_client *toggl)
{
	if (!toggl)
		return;
	http_client_free(toggl->client);
	for (size_t i = 0; i < JOBS_MAX; i++)
		clear_job(&toggl->jobs[i]);
	buf_done(&toggl->options_json);
	buf_done(&toggl->message);
	buf_done(&toggl->result);
	free(toggl);
}

static void end(struct job *job, enum toggl_job_end how, struct str message)
{
	job->state = ENDED;
	job->end = how;
	buf_clear(&job->message);
	buf_add_str(&job->message, message);
	toggl_request_clear(&job->request);
}

/* ---- a step */

/* The request was not sent: the next step gets this problem in place of Toggl's answer. */
static void fail_request(struct job *job, const char *problem)
{
	toggl_request_fail(&job->request, problem);
	job->state = STEP_DUE;
	job->due_ms = 0;
}

static void prepare_request(struct toggl_client *toggl, struct job *job, const struct db_rows *rows)
{
	job->state = REQUEST_DUE;
	job->due_ms = clock_ms() + db_int(rows, 0, "wait_ms");
	if (toggl_request_prepare(&job->request, &toggl->options, rows))
		fail_request(job, "it was not asked: a secret does not open with this master_key");
}

static void send_request(struct toggl_client *toggl, struct job *job)
{
	job->state = IN_FLIGHT;
	if (toggl_request_send(&job->request, &toggl->options, toggl->client, job))
		fail_request(
			job,
			"the setting toggl_webhooks_url, toggl_api_url or toggl_reports_url is no "
			"http or https URL");
	else if (toggl->options.sent)
		toggl->options.sent(toggl->options.sent_context);
}

/* Stores each answer that has arrived in its job. */
static void take_answers(struct toggl_client *toggl)
{
	struct http_client_result answer;

	while (!http_client_take(toggl->client, &answer)) {
		struct job *job = answer.user;

		toggl_request_take(&job->request, toggl->client, &answer);
		job->state = STEP_DUE;
		job->due_ms = 0;
	}
}

static enum err call_step(struct toggl_client *toggl, const struct job *job, struct db_rows **rows)
{
	struct db_args *args = db_args_new();
	enum err err;

	db_arg_int(args, job->job_id);
	db_arg_int(args, job->lease);
	db_arg_jsonb(args, buf_str(&toggl->options_json));
	toggl_request_add_answer(&job->request, args);
	err = toggl_db_call(&toggl->options, TOGGL_DB_TURN, args, rows);
	db_args_free(args);
	return err;
}

/* The database does not answer: repeats the step a second later, with the same answer of Toggl,
   at most TRIES_MAX times. */
static void retry_step(struct toggl_client *toggl, struct job *job)
{
	if (++job->tries >= TRIES_MAX)
		end(job, TOGGL_JOB_LOST, str_of(db_problem(toggl->options.db)));
	else
		job->due_ms = clock_ms() + RETRY_MS;
}

static void run_step(struct toggl_client *toggl, struct job *job)
{
	struct db_rows *rows = NULL;
	struct buf message = { 0 };
	struct str verdict;

	if (call_step(toggl, job, &rows)) {
		retry_step(toggl, job);
		return;
	}
	job->request.has_answer = false;
	job->tries = 0;
	job->lease = db_int(rows, 0, "next_lease");
	verdict = db_str(rows, 0, "verdict");
	buf_add_str(&job->result, db_str(rows, 0, "result"));
	if (str_is(verdict, "ask")) {
		prepare_request(toggl, job, rows);
	} else if (str_is(verdict, "sign")) {
		if (toggl_signing_run(&toggl->options, job->job_id))
			end(job, TOGGL_JOB_LOST, str_of(db_problem(toggl->options.db)));
	} else {
		job->wait_ms = db_int(rows, 0, "wait_ms");
		catalog_write_json(db_str(rows, 0, "message"), &message);
		end(job,
		    str_is(verdict, "done")	? TOGGL_JOB_DONE
		    : str_is(verdict, "failed") ? TOGGL_JOB_FAILED
		    : str_is(verdict, "wait")	? TOGGL_JOB_WAITING
						: TOGGL_JOB_LOST,
		    buf_str(&message));
	}
	buf_done(&message);
	db_rows_free(rows);
}

/* ---- jobs */

enum err toggl_client_add_connection(struct toggl_client *toggl, struct str session,
				     struct str token, int64_t *connection_id)
{
	return toggl_db_add_connection(&toggl->options, session, token, connection_id);
}

static struct job *free_job(struct toggl_client *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->jobs[i].state == FREE)
			return &toggl->jobs[i];
	return NULL;
}

static bool is_kind(const struct toggl_job *wanted, const char *kind)
{
	return strcmp(wanted->kind, kind) == 0;
}

/* Makes the address and the secret that a job needs; both are stored before the request to
   Toggl is sent. They stay empty when the job needs none. */
static enum err make_secret(struct toggl_client *toggl, const struct toggl_job *wanted,
			    struct buf *address, struct buf *sealed)
{
	bool is_new = is_kind(wanted, "subscribe") || is_kind(wanted, "adopt");
	struct buf secret = { 0 };
	enum err err;

	if (!is_new && !is_kind(wanted, "rotate"))
		return ERR_NONE;
	if (is_new)
		sealing_new_address(address);
	else
		buf_add_str(address, wanted->address);
	sealing_new_secret(&secret);
	err = seal(toggl->options.sealer, buf_str(address), buf_str(&secret), sealed);
	mem_wipe(secret.at, secret.len);
	buf_done(&secret);
	return err;
}

enum err toggl_client_start(struct toggl_client *toggl, const struct toggl_job *wanted,
			    int64_t *job_id)
{
	struct job *job = free_job(toggl);
	struct toggl_db_lease lease = { 0 };
	struct buf parameters = { 0 }, address = { 0 }, sealed = { 0 };
	enum err err;

	if (!job)
		return ERR_PACE;
	json_begin(&parameters, NULL);
	if (wanted->parameters.len)
		json_put_members(&parameters, wanted->parameters);
	/* the callback URL of a new endpoint begins with hook_url */
	json_put_text(&parameters, "hook_url", str_of(toggl->options.hook_url));
	json_end(&parameters);
	err = make_secret(toggl, wanted, &address, &sealed);
	if (!err)
		err = toggl_db_begin(&toggl->options, wanted, &parameters, &address, &sealed,
				     &lease);
	if (!err) {
		*job = (struct job){ .job_id = lease.job_id,
				     .lease = lease.lease,
				     .user = wanted->user,
				     .state = STEP_DUE };
		if (job_id)
			*job_id = lease.job_id;
	}
	buf_done(&parameters);
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
	db_arg_int(args, toggl_conf(toggl->options.conf)->compare_days);
	db_arg_int(args, toggl_conf(toggl->options.conf)->prove_hours);
	db_arg_int(args, toggl_conf(toggl->options.conf)->load_hours);
	err = toggl_db_call(&toggl->options, TOGGL_DB_DUE, args, &rows);
	for (size_t i = 0; !err && i < db_rows_count(rows) && free_job(toggl); i++) {
		char *kind = mem_dup(db_str(rows, i, "kind"));
		struct toggl_job due = {
			.connection_id = db_int(rows, i, "connection_id"),
			.kind = kind,
			.parameters = db_str(rows, i, "parameters"),
		};

		err = toggl_client_start(toggl, &due, NULL);
		count += !err;
		free(kind);
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

static void give_result(struct toggl_client *toggl, struct job *job,
			struct toggl_job_result *outcome)
{
	struct buf message = toggl->message, result = toggl->result;

	toggl->message = job->message;
	toggl->result = job->result;
	job->message = message;
	job->result = result;
	*outcome = (struct toggl_job_result){
		.user = job->user,
		.end = job->end,
		.job_id = job->job_id,
		.wait_ms = job->wait_ms,
		.message = buf_str(&toggl->message),
		.result = buf_str(&toggl->result),
	};
	clear_job(job);
}

enum err toggl_client_take(struct toggl_client *toggl, struct toggl_job_result *outcome)
{
	take_answers(toggl);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &toggl->jobs[i];

		while (job->state == STEP_DUE && job->due_ms <= clock_ms())
			run_step(toggl, job);
		if (job->state == REQUEST_DUE && job->due_ms <= clock_ms())
			send_request(toggl, job);
		if (job->state == ENDED) {
			give_result(toggl, job, outcome);
			return ERR_NONE;
		}
	}
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->jobs[i].state != FREE)
			return ERR_PACE;
	return ERR_ABSENT;
}

static void release(struct toggl_client *toggl, const struct job *job)
{
	struct db_args *args = db_args_new();

	db_arg_int(args, job->job_id);
	db_arg_int(args, job->lease);
	/* when this call fails, the lease runs out by itself */
	if (toggl_db_call(&toggl->options, TOGGL_DB_LEAVE, args, NULL))
		log_write(LOG_WARN, "toggl_job_kept",
			  (struct log_field[]){ log_num("job", job->job_id),
						log_text("why", db_problem(toggl->options.db)),
						log_end() });
	db_args_free(args);
}

static bool has_requests_in_flight(const struct toggl_client *toggl)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (toggl->jobs[i].state == IN_FLIGHT)
			return true;
	return false;
}

void toggl_client_leave(struct toggl_client *toggl, int64_t wait_ms)
{
	int64_t until_ms = clock_ms() + wait_ms;

	while (has_requests_in_flight(toggl) && clock_ms() < until_ms) {
		struct pollfd fd = { .fd = -1 };
		int64_t left_ms = until_ms - clock_ms();
		int wanted_ms = http_client_poll(toggl->client, &fd);

		if (wanted_ms >= 0 && wanted_ms < left_ms)
			left_ms = wanted_ms;
		/* a signal interrupts it; the next turn of the loop sees that */
		(void)poll(&fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		take_answers(toggl);
	}
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &toggl->jobs[i];

		while (job->state == STEP_DUE && !job->tries)
			run_step(toggl, job);
		/* A job whose request is still in flight keeps its lease: Toggl may yet carry out
		   the request, so no process may continue the job before the lease ends. */
		if (job->state == REQUEST_DUE)
			release(toggl, job);
	}
}

int toggl_client_poll(const struct toggl_client *toggl, struct pollfd *fd)
{
	int64_t wait_ms = http_client_poll(toggl->client, fd), now_ms = clock_ms();

	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct job *job = &toggl->jobs[i];
		int64_t left_ms = job->due_ms > now_ms ? job->due_ms - now_ms : 0;

		if (job->state == FREE || job->state == IN_FLIGHT)
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
		/* a signal interrupts it; the next turn of the loop sees that */
		(void)poll(fds, 2, toggl_client_poll(toggl, &fds[0]));
		if (fds[1].revents)
			return ERR_BUSY;
	}
}
