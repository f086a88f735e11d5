/* SPDX-License-Identifier: ISC */
#include "cli/toggl_jobs.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/term.h"

enum { CALL_MS = 60000, MARGIN_MS = 1000 };

static int stop_fd = -1;

static void count_request(void *context)
{
	struct toggl_jobs *jobs = context;

	progress_to(&jobs->progress, jobs->progress.done + 1);
}

bool toggl_jobs_open(struct toggl_jobs *jobs, struct cli *cli)
{
	struct toggl_client_options options = {
		.db = cli->db,
		.conf = cli->conf,
		.schema = TOGGL_SCHEMA_OPERATOR,
		.agent = "hookledger/" HL_VERSION,
		.wait_ms = CALL_MS,
		.sent = count_request,
		.sent_context = jobs,
	};

	jobs->cli = cli;
	jobs->sealer = cli_sealer(cli->conf);
	if (!jobs->sealer)
		return false;
	cli_callback_url(cli->conf, str_of(""), &jobs->hook_url);
	options.sealer = jobs->sealer;
	options.hook_url = buf_text(&jobs->hook_url);
	jobs->toggl = toggl_client_new(&options);
	/* Ctrl-C stops between two steps; `toggl continue` goes on with the job */
	if (stop_fd < 0)
		stop_fd = interrupt_open();
	return true;
}

void toggl_jobs_close(struct toggl_jobs *jobs)
{
	toggl_client_free(jobs->toggl);
	sealer_free(jobs->sealer);
	buf_done(&jobs->hook_url);
	*jobs = (struct toggl_jobs){ 0 };
}

/* Text from another server: control characters must not reach the terminal. */
static void print_lines(FILE *to, const char *before, struct str message)
{
	while (message.len) {
		struct buf line = { 0 };

		buf_add_text(&line, before);
		term_add_safe(&line, str_cut(&message, '\n'));
		fprintf(to, "%s\n", buf_text(&line));
		buf_done(&line);
	}
	fflush(to);
}

static const char *end_word(enum toggl_job_end end)
{
	switch (end) {
	case TOGGL_JOB_DONE:
		return "done";
	case TOGGL_JOB_FAILED:
		return "failed";
	case TOGGL_JOB_WAITING:
		return "waits";
	case TOGGL_JOB_LOST:
		break;
	}
	return "lost";
}

static void print_json(const struct toggl_job_result *outcome)
{
	struct buf out = { 0 };

	buf_add_char(&out, '{');
	json_put_text(&out, "end", str_of(end_word(outcome->end)));
	json_put_id(&out, "job_id", outcome->job_id);
	json_put_text(&out, "words", outcome->message);
	json_key(&out, "result");
	buf_add_str(&out, outcome->result.len ? outcome->result : str_of("{}"));
	buf_add_text(&out, "}\n");
	(void)term_write(buf_str(&out));
	buf_done(&out);
}

static void print_result(const struct toggl_jobs *jobs, const struct toggl_job_result *outcome)
{
	long long job = (long long)outcome->job_id;

	if (jobs->json) {
		print_json(outcome);
		return;
	}
	switch (outcome->end) {
	case TOGGL_JOB_DONE:
		print_lines(stdout, "", outcome->message);
		break;
	case TOGGL_JOB_FAILED:
		print_lines(stderr, "hookledger: ", outcome->message);
		break;
	case TOGGL_JOB_WAITING:
		print_lines(stderr, "hookledger: ", outcome->message);
		term_problem("`hookledger toggl continue %lld` goes on then, or --wait here", job);
		break;
	case TOGGL_JOB_LOST:
		print_lines(stderr, "hookledger: ", outcome->message);
		term_problem("the job is kept: `hookledger toggl continue %lld` goes on with it",
			     job);
		break;
	}
}

/* Waits until the job has ended; when the quota is spent and jobs->waits is false, until then. */
static bool finish(struct toggl_jobs *jobs, struct toggl_job_result *outcome)
{
	for (;;) {
		struct buf parameters = { 0 };
		struct toggl_job again = { .kind = "resume", .is_interactive = true };
		enum err err = toggl_client_wait(jobs->toggl, stop_fd, outcome);

		if (err) {
			term_problem(
				"interrupted; `hookledger toggl continue` goes on with it after "
				"five minutes");
			return false;
		}
		if (outcome->end != TOGGL_JOB_WAITING || !jobs->waits)
			return true;
		print_lines(stderr, "hookledger: waiting: ", outcome->message);
		for (int64_t until_ms = clock_ms() + outcome->wait_ms + MARGIN_MS;
		     clock_ms() < until_ms;) {
			usleep(200000);
			if (interrupt_signal()) {
				print_result(jobs, outcome);
				return false;
			}
		}
		buf_add_char(&parameters, '{');
		json_put_int(&parameters, "job", outcome->job_id);
		buf_add_char(&parameters, '}');
		again.parameters = buf_str(&parameters);
		err = toggl_client_start(jobs->toggl, &again, NULL);
		buf_done(&parameters);
		if (err) {
			term_problem("%s", db_problem(jobs->cli->db));
			return false;
		}
	}
}

int toggl_jobs_run(struct toggl_jobs *jobs, const struct toggl_job *task)
{
	struct toggl_job_result outcome;
	bool is_finished;

	if (toggl_client_start(jobs->toggl, task, NULL)) {
		term_problem("%s", db_problem(jobs->cli->db));
		return CLI_FAILED;
	}
	jobs->progress = progress_start("requests to Toggl", 0);
	is_finished = finish(jobs, &outcome);
	progress_end(&jobs->progress);
	if (!is_finished)
		return interrupt_signal() ? CLI_SIGNAL + interrupt_signal() : CLI_FAILED;
	print_result(jobs, &outcome);
	return outcome.end == TOGGL_JOB_DONE ? CLI_FINE : CLI_FAILED;
}

int toggl_jobs_run_all(struct toggl_jobs *jobs, const char *kind, struct str parameters)
{
	struct db_rows *rows = NULL;
	int status = CLI_FINE;

	if (cli_call(jobs->cli->db, "operator.toggl_connection_list", NULL, &rows))
		return CLI_FAILED;
	if (!db_rows_count(rows)) {
		term_problem("there is no connection to Toggl; `hookledger connect` makes one");
		status = CLI_FAILED;
	}
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		int one = toggl_jobs_run(
			jobs,
			&(struct toggl_job){ .connection_id = db_int(rows, i, "connection_id"),
					     .kind = kind,
					     .parameters = parameters,
					     .is_interactive = true });

		status = one > status ? one : status;
	}
	db_rows_free(rows);
	return status;
}
