/* SPDX-License-Identifier: ISC */
/* Cancels the running call of a connection. Without this, a server that computes notices only
   at its next row that the client gave up. */
#include "base/db_internal.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* How long a cancelled call may take to end, when the request is sent again, and how often
   the loop looks whether the request arrived. */
enum { CANCEL_WAIT_MS = 3000, CANCEL_AGAIN_MS = 200, CANCEL_LOOK_MS = 10 };

/* A cancel request in flight. PQcancel() has no time limit: it opens a connection and waits
   until the server closes it, which a stopped server never does. So a thread sends it. */
struct cancel_request {
	PGcancel *handle;
	atomic_int references; /* of the thread and of db_cancel() */
	atomic_bool is_over;
};

static void release(struct cancel_request *request)
{
	if (!request || atomic_fetch_sub(&request->references, 1) > 1)
		return;
	PQfreeCancel(request->handle);
	free(request);
}

static void log_failure(const char *reason)
{
	log_write(LOG_DEBUG, "db_cancel_failed",
		  (struct log_field[]){ log_text("reason", reason), log_end() });
}

static void *send_request(void *argument)
{
	struct cancel_request *request = argument;
	char reason[256];

	if (!PQcancel(request->handle, reason, sizeof(reason)))
		log_failure(reason);
	atomic_store(&request->is_over, true);
	release(request);
	return NULL;
}

/* NULL: no request is in flight. */
static struct cancel_request *start_request(struct db *db)
{
	struct cancel_request *request = mem_zero(1, sizeof(*request));
	sigset_t all, before;
	pthread_t thread;
	int failed = -1;

	request->handle = PQgetCancel(db->conn);
	atomic_init(&request->references, 2);
	/* The new thread inherits the mask: it must not receive the program's signals. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (request->handle)
		failed = pthread_create(&thread, NULL, send_request, request);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed) {
		pthread_detach(thread);
		return request;
	}
	log_failure(request->handle ? strerror(failed) : "no connection");
	atomic_store(&request->references, 1);
	release(request);
	return NULL;
}

/* Discards the results that have arrived. true: the call has ended. */
static bool discard_results(struct db *db)
{
	char *row = NULL;
	bool is_copy = false;
	int len;

	if (!PQconsumeInput(db->conn))
		return true;
	while ((len = PQgetCopyData(db->conn, &row, 1)) > 0)
		PQfreemem(row);
	while (len < 0 && !is_copy && !PQisBusy(db->conn)) {
		PGresult *result = PQgetResult(db->conn);
		ExecStatusType status = PQresultStatus(result);

		if (!result)
			return true;
		is_copy = status == PGRES_COPY_OUT || status == PGRES_COPY_IN;
		PQclear(result);
	}
	return false;
}

/* The server ignores a request that arrives before the call has begun, so the request is
   repeated until the call ends. The loop also waits for the last request: one that is still in
   flight would cancel the next call. */
bool db_cancel(struct db *db)
{
	int64_t until = clock_ms() + CANCEL_WAIT_MS, again_at = 0;
	struct cancel_request *request = NULL;
	bool arrived = true, ended = false;

	for (;;) {
		struct pollfd fd = { .fd = -1, .events = POLLIN };

		arrived = !request || atomic_load(&request->is_over);
		ended = ended || discard_results(db);
		if ((ended && arrived) || clock_ms() >= until)
			break;
		if (arrived && clock_ms() >= again_at) {
			release(request);
			request = start_request(db);
			again_at = clock_ms() + CANCEL_AGAIN_MS;
		}
		if (!ended)
			fd.fd = PQsocket(db->conn);
		db_wait_for(&fd, until, CANCEL_LOOK_MS);
	}
	release(request);
	return ended && arrived && PQstatus(db->conn) == CONNECTION_OK;
}
