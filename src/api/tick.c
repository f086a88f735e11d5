/* SPDX-License-Identifier: ISC */
/* The address for web-cron: a request runs one round of the courier, with a time limit, on
   hosts that allow no cron and no daemon. It is answered before the round, because such
   clients do not wait long. */
#include "api/api.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/crypto.h"
#include "base/db.h"
#include "base/fd.h"
#include "http/http_server.h"
#include "base/log.h"
#include "delivery/delivery_loop.h"
#include "toggl/toggl_check.h"

enum { ROUND_MS = 20 * 1000 }; /* less than the minute until the next call */

static void run_round(const struct conf *conf)
{
	struct delivery_loop *courier = delivery_loop_new(conf);

	/* the reason is in the log already */
	if (delivery_loop_run(courier, &(struct delivery_loop_task){ .is_round = true,
								     .for_ms = ROUND_MS,
								     .stop_fd = -1 }))
		log_write(LOG_WARN, "tick_failed", NULL);
	delivery_loop_free(courier);
	/* after the deliveries, because it waits for Toggl; it logs its errors */
	if (toggl_check_run(conf, ROUND_MS, -1))
		log_write(LOG_WARN, "tick_failed", NULL);
}

/* Runs the round in another process, so that other requests do not wait. The process between
   ends at once, so that init reaps the child. The child closes all inherited descriptors:
   otherwise a web server would wait for the end of its connection. */
static bool start_round(const struct conf *conf)
{
	pid_t child = fork();

	if (child == 0) {
		if (fork() == 0) {
			setsid();
			fd_close_from(STDERR_FILENO + 1);
			run_round(conf);
		}
		_exit(0);
	}
	if (child < 0)
		return false;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}

void api_tick(struct api *api, struct http_req *req, const struct caller *caller,
	      const struct route_match *match)
{
	unsigned char digest[DIGEST_BYTES];
	struct db_args *args = db_args_new();
	struct db_rows *found = NULL;
	struct str word;

	crypto_digest(route_text(match, "token"), digest);
	db_arg_bytes(args, (struct str){ (const char *)digest, sizeof(digest) });
	if (api_call(api, req, caller, "api.tick_use", args, &found))
		goto done;
	word = db_str(found, 0, "tick_use");
	if (str_is(word, "unknown")) {
		api_refuse(api, req, caller, 404, "Not Found");
	} else if (str_is(word, "soon")) {
		/* a round is running */
		api_answer(api, req, caller, 200, str_of("{\"status\":\"OK\"}"));
	} else if (http_is_cgi(api->web)) {
		api_answer(api, req, caller, 200, str_of("{\"status\":\"OK\"}"));
		http_flush(api->web);
		run_round(api->conf);
	} else if (start_round(api->conf)) {
		api_answer(api, req, caller, 200, str_of("{\"status\":\"OK\"}"));
	} else {
		api_refuse(api, req, caller, 503,
			   "No process could be started for it; please try again in a minute");
	}
done:
	db_rows_free(found);
	db_args_free(args);
}
