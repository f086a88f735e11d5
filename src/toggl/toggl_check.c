/* SPDX-License-Identifier: ISC */
#include "toggl/toggl_check.h"

#include <poll.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/log.h"
#include "toggl/toggl_client.h"

enum {
	CALL_MS = 60000,
	CONNECT_MS = 10000,
	LEAVE_MS = 5000, /* at the end of a round, to release jobs */
};

static void log_result(const struct toggl_job_result *outcome)
{
	static const char *const names[] = {
		[TOGGL_JOB_DONE] = "done",
		[TOGGL_JOB_FAILED] = "failed",
		[TOGGL_JOB_WAITING] = "waits",
		[TOGGL_JOB_LOST] = "lost",
	};

	log_write(outcome->end == TOGGL_JOB_FAILED ? LOG_WARN : LOG_INFO, "toggl_job_ended",
		  (struct log_field[]){ log_num("job", outcome->job_id),
					log_text("how", names[outcome->end]),
					log_str("message", outcome->message), log_end() });
}

static void work(struct toggl_client *toggl, int64_t until_ms, int64_t leave_ms, int stop_fd)
{
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
	struct toggl_job_result outcome;
	enum err err;

	while ((err = toggl_client_take(toggl, &outcome)) != ERR_ABSENT) {
		int64_t left_ms = until_ms - clock_ms();
		int wait_ms = toggl_client_poll(toggl, &fds[0]);

		if (!err) {
			log_result(&outcome);
			continue;
		}
		if (left_ms > 0)
			/* a signal interrupts it; the next turn of the loop sees that */
			(void)poll(fds, 2,
				   wait_ms < 0 || wait_ms > left_ms
					   ? (int)(left_ms > INT32_MAX ? INT32_MAX : left_ms)
					   : wait_ms);
		if (left_ms <= 0 || fds[1].revents) {
			toggl_client_leave(toggl, leave_ms);
			return;
		}
	}
}

enum err toggl_check_run(const struct conf *conf, int64_t for_ms, int stop_fd)
{
	struct db_options options = {
		.conninfo = conf_database(conf, "courier"),
		.program = "hookledger-toggl",
		.pooled = conf->db_pooled,
		.deadline_ms = CALL_MS,
	};
	struct toggl_client_options client = {
		.conf = conf,
		.schema = TOGGL_SCHEMA_COURIER,
		.agent = "hookledger/" HL_VERSION,
		.wait_ms = CALL_MS,
	};
	/* the time to release jobs is part of for_ms: half of it at most */
	int64_t leave_ms = for_ms && for_ms < 2 * LEAVE_MS ? for_ms / 2 : LEAVE_MS;
	int64_t until_ms = for_ms ? clock_ms() + for_ms - leave_ms : INT64_MAX;
	struct db *db = db_open(&options);
	struct sealer *sealer = sealer_new(conf->master_key, conf->master_key_previous);
	struct toggl_client *toggl = NULL;
	struct buf hook_url = { 0 };
	enum err err = db_wait(db, CONNECT_MS);

	/* no log line: the courier, which connects too, writes one */
	if (err)
		goto done;
	conf_public_url(conf, "/hook/", str_of(""), &hook_url);
	client.db = db;
	client.sealer = sealer;
	client.hook_url = buf_text(&hook_url);
	toggl = toggl_client_new(&client);
	err = toggl_client_start_due(toggl, NULL);
	if (err)
		log_write(LOG_WARN, "toggl_not_begun",
			  (struct log_field[]){ log_text("why", db_problem(db)), log_end() });
	work(toggl, until_ms, leave_ms, stop_fd);
done:
	toggl_client_free(toggl);
	sealer_free(sealer);
	db_close(db);
	buf_done(&hook_url);
	return err;
}
