/* SPDX-License-Identifier: ISC */
#include "cli/toggl_jobs.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/term.h"

enum { CALL_MS = 60000, MARGIN_MS = 1000 };

static int stop_fd = -1;

bool toggl_jobs_open(struct toggl_jobs *jobs, struct cli *cli)
{
	struct toggl_client_options how = {
		.db = cli->db,
		.conf = cli->conf,
		.schema = TOGGL_SCHEMA_OPERATOR,
		.agent = "hookledger/" HL_VERSION,
		.wait_ms = CALL_MS,
	};

	jobs->cli = cli;
	jobs->sealer = cli_sealer(cli->conf);
	if (!jobs->sealer)
		return false;
	cli_callback_url(cli->conf, str_of(""), &jobs->hook_url);
	how.sealer = jobs->sealer;
	how.hook_url = buf_text(&jobs->hook_url);
	jobs->toggl = toggl_client_new(&how);
	/* Ctrl-C breaks off between two steps; the job can be gone on with */
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

/* Nothing of what another server said may move the cursor. */
static void say_lines(FILE *to, const char *before, struct str words)
{
	while (words.len) {
		struct buf line = { 0 };

		buf_add_text(&line, before);
		term_add_safe(&line, str_cut(&words, '\n'));
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

static void say_json(const struct toggl_job_result *outcome)
{
	struct buf out = { 0 };

	buf_add_char(&out, '{');
	json_put_text(&out, "end", str_of(end_word(outcome->end)));
	json_put_id(&out, "job_id", outcome->job_id);
	json_put_text(&out, "words", outcome->words);
	json_key(&out, "result");
	buf_add_str(&out, outcome->result.len ? outcome->result : str_of("{}"));
	buf_add_text(&out, "}\n");
	(void)term_write(buf_str(&out));
	buf_done(&out);
}

static void say(const struct toggl_jobs *jobs, const struct toggl_job_result *outcome)
{
	long long job = (long long)outcome->job_id;

	if (jobs->json) {
		say_json(outcome);
		return;
	}
	switch (outcome->end) {
	case TOGGL_JOB_DONE:
		say_lines(stdout, "", outcome->words);
		break;
	case TOGGL_JOB_FAILED:
		say_lines(stderr, "hookledger: ", outcome->words);
		break;
	case TOGGL_JOB_WAITING:
		say_lines(stderr, "hookledger: ", outcome->words);
		term_problem("`hookledger toggl continue %lld` goes on then, or --wait here", job);
		break;
	case TOGGL_JOB_LOST:
		say_lines(stderr, "hookledger: ", outcome->words);
		term_problem(
			"what was begun is noted: `hookledger toggl continue %lld` goes on with it",
			job);
		break;
	}
}

/* Until it has ended, or as long as a spent quota is not waited for. */
static bool finish(struct toggl_jobs *jobs, struct toggl_job_result *outcome)
{
	for (;;) {
		struct buf asked = { 0 };
		struct toggl_job again = { .what = "resume", .is_interactive = true };
		enum err err = toggl_client_wait(jobs->toggl, stop_fd, outcome);

		if (err) {
			term_problem("broken off; `hookledger toggl continue` goes on with it in "
				     "five minutes or later");
			return false;
		}
		if (outcome->end != TOGGL_JOB_WAITING || !jobs->waits)
			return true;
		say_lines(stderr, "hookledger: waiting: ", outcome->words);
		for (int64_t until_ms = clock_ms() + outcome->wait_ms + MARGIN_MS;
		     clock_ms() < until_ms;) {
			usleep(200000);
			if (interrupt_signal()) {
				say(jobs, outcome);
				return false;
			}
		}
		buf_add_char(&asked, '{');
		json_put_int(&asked, "job", outcome->job_id);
		buf_add_char(&asked, '}');
		again.asked = buf_str(&asked);
		err = toggl_client_start(jobs->toggl, &again, NULL);
		buf_done(&asked);
		if (err) {
			term_problem("%s", db_problem(jobs->cli->db));
			return false;
		}
	}
}

int toggl_jobs_run(struct toggl_jobs *jobs, const struct toggl_job *task, struct buf *result)
{
	struct toggl_job_result outcome;

	if (toggl_client_start(jobs->toggl, task, NULL)) {
		term_problem("%s", db_problem(jobs->cli->db));
		return CLI_FAILED;
	}
	if (!finish(jobs, &outcome))
		return interrupt_signal() ? CLI_SIGNAL + interrupt_signal() : CLI_FAILED;
	say(jobs, &outcome);
	if (result)
		buf_add_str(result, outcome.result);
	return outcome.end == TOGGL_JOB_DONE ? CLI_FINE : CLI_FAILED;
}
