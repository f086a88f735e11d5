/* SPDX-License-Identifier: ISC */
/* An answer on its way from the thread that makes it to the front, which has the
   connection: one piece at a time, so that a slow reader costs no memory. */
#include "admin/pool.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/http_server.h"
#include "admin/admin.h"
#include "admin/queue.h"

enum {
	PIECE_WAIT_MS = 60000,	     /* for the reader to take one piece */
	SCHEDULE_AHEAD = 256 * 1024, /* bytes that wait to be sent, besides one piece */
};

bool admin_stream_put(struct admin *admin, const char *type, const char *headers, struct buf *piece)
{
	struct admin_job *job = admin->job;
	struct admin_queue *queue = &admin->pool->queues[ADMIN_QUEUE_EXPORT];
	int64_t until = clock_ms() + PIECE_WAIT_MS;
	struct buf empty = job->piece;
	bool fine;

	pthread_mutex_lock(&admin->pool->lock);
	if (!job->is_stream) {
		buf_addf(&job->head, "%s\n%s", type, headers);
		job->is_stream = true;
	}
	buf_clear(&empty);
	job->piece = *piece;
	*piece = empty;
	job->has_piece = true;
	admin_wake(admin->pool->wake_fd);
	while (job->has_piece && !job->is_gone && clock_ms() < until)
		admin_queue_wait(queue, until - clock_ms() > 0 ? until - clock_ms() : 0);
	fine = !job->has_piece && !job->is_gone;
	if (!fine)
		job->is_cut = true;
	pthread_mutex_unlock(&admin->pool->lock);
	return fine;
}

void admin_stream_cut(struct admin *admin)
{
	admin->job->is_cut = true;
}

void admin_stream_send(struct admin_pool *pool, struct admin_job *job)
{
	bool fine = true;

	if (job->has_piece && !job->is_begun) {
		struct str headers = buf_str(&job->head), type = str_cut(&headers, '\n');
		char *type_text = mem_dup(type), *headers_text = mem_dup(headers);

		http_stream_begin(job->req, 200, type_text, headers_text);
		job->is_begun = true;
		free(type_text);
		free(headers_text);
	}
	if (job->has_piece && http_stream_pending(job->req) < SCHEDULE_AHEAD) {
		fine = http_stream_put(job->req, buf_str(&job->piece));
		job->has_piece = false;
	} else if (job->is_begun) {
		fine = http_stream_send(job->req);
	}
	job->is_gone = job->is_gone || !fine;
	if (!job->has_piece || job->is_gone)
		pthread_cond_broadcast(&pool->queues[ADMIN_QUEUE_EXPORT].changed);
}
