/* SPDX-License-Identifier: ISC */
#include "ledger/toggl_round.h"

#include <poll.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/log.h"
#include "ledger/toggl.h"

enum {
	CALL_MS = 60000,
	CONNECT_MS = 10000,
	LEAVE_MS = 5000,	/* of a round, to end in good order */
};

static void say(const struct toggl_outcome *outcome)
{
	static const char *const words[] = {
		[TOGGL_DONE] = "done", [TOGGL_FAILED] = "failed", [TOGGL_WAITS] = "waits", [TOGGL_LOST] = "lost",
	};

	log_write(outcome->end == TOGGL_FAILED ? LOG_WARN : LOG_INFO, "toggl_job_ended",
	          (struct log_field[]){ log_num("job", outcome->job_id), log_text("how", words[outcome->end]),
	                                log_str("words", outcome->words), log_end() });
}

static void work(struct toggl *toggl, int64_t until_ms, int64_t leave_ms, int stop_fd)
{
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
	struct toggl_outcome outcome;
	enum err err;

	while ((err = toggl_take(toggl, &outcome)) != ERR_ABSENT) {
		int64_t left_ms = until_ms - clock_ms();
		int wait_ms = toggl_poll(toggl, &fds[0]);

		if (!err) {
			say(&outcome);
			continue;
		}
		if (left_ms > 0)
			/* a signal ends it early, which the next turn sees */
			(void)poll(fds, 2, wait_ms < 0 || wait_ms > left_ms ? (int)(left_ms > INT32_MAX ? INT32_MAX : left_ms) : wait_ms);
		if (left_ms <= 0 || fds[1].revents) {
			toggl_leave(toggl, leave_ms);
			return;
		}
	}
}

enum err toggl_round(const struct conf *conf, int64_t for_ms, int stop_fd)
{
	struct db_how how = {
		.conninfo = conf_database(conf, "courier"),
		.program = "hookledger-toggl",
		.pooled = conf->db_pooled,
		.deadline_ms = CALL_MS,
	};
	struct toggl_how toggl_how = {
		.conf = conf, .door = TOGGL_COURIER, .agent = "hookledger/" HL_VERSION, .wait_ms = CALL_MS,
	};
	int64_t leave_ms = for_ms && for_ms < 2 * LEAVE_MS ? for_ms / 2 : LEAVE_MS;
	int64_t until_ms = for_ms ? clock_ms() + for_ms - leave_ms : INT64_MAX;
	struct db *db = db_open(&how);
	struct sealer *sealer = sealer_new(conf->master_key, conf->master_key_previous);
	struct toggl *toggl = NULL;
	struct buf hook_url = { 0 };
	enum err err = db_wait(db, CONNECT_MS);

	/* the courier, which connects too, says so */
	if (err)
		goto done;
	conf_public_url(conf, "/hook/", str_of(""), &hook_url);
	toggl_how.db = db;
	toggl_how.sealer = sealer;
	toggl_how.hook_url = buf_text(&hook_url);
	toggl = toggl_new(&toggl_how);
	err = toggl_start_due(toggl, NULL);
	if (err)
		log_write(LOG_WARN, "toggl_not_begun", (struct log_field[]){ log_text("why", db_problem(db)), log_end() });
	work(toggl, until_ms, leave_ms, stop_fd);
done:
	toggl_free(toggl);
	sealer_free(sealer);
	db_close(db);
	buf_done(&hook_url);
	return err;
}
