/* SPDX-License-Identifier: ISC */
#include "bin/errand.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/json.h"
#include "bin/cmd.h"
#include "bin/stop.h"
#include "bin/term.h"

enum { CALL_MS = 60000, MARGIN_MS = 1000 };

static int stop_fd = -1;

bool errands_open(struct errands *errands, struct cli *cli)
{
	struct toggl_how how = {
		.db = cli->db,
		.conf = cli->conf,
		.door = TOGGL_OPERATOR,
		.agent = "hookledger/" HL_VERSION,
		.wait_ms = CALL_MS,
	};

	errands->cli = cli;
	errands->sealer = cli_sealer(cli->conf);
	if (!errands->sealer)
		return false;
	cli_callback_url(cli->conf, str_of(""), &errands->hook_url);
	how.sealer = errands->sealer;
	how.hook_url = buf_text(&errands->hook_url);
	errands->toggl = toggl_new(&how);
	/* Ctrl-C breaks off between two steps; the job can be gone on with */
	if (stop_fd < 0)
		stop_fd = stop_open();
	return true;
}

void errands_close(struct errands *errands)
{
	toggl_free(errands->toggl);
	sealer_free(errands->sealer);
	buf_done(&errands->hook_url);
	*errands = (struct errands){ 0 };
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

static const char *end_word(enum toggl_end end)
{
	switch (end) {
	case TOGGL_DONE:
		return "done";
	case TOGGL_FAILED:
		return "failed";
	case TOGGL_WAITS:
		return "waits";
	case TOGGL_LOST:
		break;
	}
	return "lost";
}

static void say_json(const struct toggl_outcome *outcome)
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

static void say(const struct errands *errands, const struct toggl_outcome *outcome)
{
	long long job = (long long)outcome->job_id;

	if (errands->json) {
		say_json(outcome);
		return;
	}
	switch (outcome->end) {
	case TOGGL_DONE:
		say_lines(stdout, "", outcome->words);
		break;
	case TOGGL_FAILED:
		say_lines(stderr, "hookledger: ", outcome->words);
		break;
	case TOGGL_WAITS:
		say_lines(stderr, "hookledger: ", outcome->words);
		term_problem("`hookledger toggl continue %lld` goes on then, or --wait here", job);
		break;
	case TOGGL_LOST:
		say_lines(stderr, "hookledger: ", outcome->words);
		term_problem("what was begun is noted: `hookledger toggl continue %lld` goes on with it", job);
		break;
	}
}

/* Until it has ended, or as long as a spent quota is not waited for. */
static bool finish(struct errands *errands, struct toggl_outcome *outcome)
{
	for (;;) {
		struct buf asked = { 0 };
		struct toggl_task again = { .what = "resume", .is_interactive = true };
		enum err err = toggl_wait(errands->toggl, stop_fd, outcome);

		if (err) {
			term_problem("broken off; `hookledger toggl continue` goes on with it in five minutes or later");
			return false;
		}
		if (outcome->end != TOGGL_WAITS || !errands->waits)
			return true;
		say_lines(stderr, "hookledger: waiting: ", outcome->words);
		for (int64_t until_ms = clock_ms() + outcome->wait_ms + MARGIN_MS; clock_ms() < until_ms;) {
			usleep(200000);
			if (stop_signal()) {
				say(errands, outcome);
				return false;
			}
		}
		buf_add_char(&asked, '{');
		json_put_int(&asked, "job", outcome->job_id);
		buf_add_char(&asked, '}');
		again.asked = buf_str(&asked);
		err = toggl_start(errands->toggl, &again, NULL);
		buf_done(&asked);
		if (err) {
			term_problem("%s", db_problem(errands->cli->db));
			return false;
		}
	}
}

int errands_do(struct errands *errands, const struct toggl_task *task, struct buf *result)
{
	struct toggl_outcome outcome;

	if (toggl_start(errands->toggl, task, NULL)) {
		term_problem("%s", db_problem(errands->cli->db));
		return CLI_FAILED;
	}
	if (!finish(errands, &outcome))
		return stop_signal() ? CLI_SIGNAL + stop_signal() : CLI_FAILED;
	say(errands, &outcome);
	if (result)
		buf_add_str(result, outcome.result);
	return outcome.end == TOGGL_DONE ? CLI_FINE : CLI_FAILED;
}
