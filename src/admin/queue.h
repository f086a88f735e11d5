/* SPDX-License-Identifier: ISC */
/* Inside of admin/pool: the requests that wait in a queue and those that run from it,
   and which of them is next. The caller holds the pool's lock. */
#ifndef HL_ADMIN_QUEUE_H
#define HL_ADMIN_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "http/route.h"
#include "admin/admin.h"

enum {
	SERVED_MAX = 64,
	KNOWN_MAX = 256, /* sessions of which is known whose they are */
};

struct admin_job {
	struct admin_job *next;
	struct http_req *req;
	const struct admin_row *row;
	struct route_match match;
	struct visit visit;
	enum admin_queue_kind kind;
	bool is_slow;
	bool is_kept;	/* its thread answers it later */
	bool is_late;	/* it waited too long */
	struct buf key; /* whose it is */
	int64_t since_ms;

	/* a stream: pieces on their way from its thread to the front */
	struct buf head, piece; /* the first line of `head` is the media type */
	bool is_stream, is_begun, has_piece, is_cut, is_gone;
};

struct admin_queue {
	struct admin_pool *pool;
	enum admin_queue_kind number;
	size_t threads_max, slow_max, key_max, slow_key_max, queue_max, key_queue_max;
	const char *place; /* counted on this host by this name; NULL: they are not */
	int64_t place_wait_ms;
	pthread_t *threads;
	size_t started, idle;
	struct admin_job *waiting, *running;
	size_t queued;
	uint64_t served[SERVED_MAX]; /* by the hash of their key, the last first */
	pthread_cond_t changed;
};

/* What all threads share; `lock` is for all that stands behind it. */
struct admin_pool {
	const struct program *program;
	struct http *web;
	pthread_mutex_t lock;
	struct admin_queue queues[ADMIN_QUEUES];
	struct admin_job *done, *kept;
	int wake_fd, asking_fd;
	bool ends;
	struct known {
		unsigned char digest[DIGEST_BYTES];
		int64_t operator_id, until_ms;
	} known[KNOWN_MAX];
};

/* Whose a new job is, as far as that is known; and what the database said of it. */
void admin_job_own(struct admin_pool *pool, struct admin_job *job);
void admin_job_learn(struct admin_pool *pool, struct admin_job *job, int64_t operator_id);

void admin_jobs_add(struct admin_job **list, struct admin_job *job); /* at its end */
void admin_jobs_remove(struct admin_job **list, const struct admin_job *job);

/* Those of a list, or of them those of the job's key or the slow ones, or both. */
size_t admin_jobs_count(const struct admin_job *list, const struct admin_job *like, bool is_slow);

/* Puts a job into the queue. */
void admin_queue_add(struct admin_queue *queue, struct admin_job *job);

/* Takes the next that may run out of the queue; NULL: none may now. Of those that may,
   it is the job whose owner (operator or network) has the fewest running, then the one
   whose owner was served longest ago. */
struct admin_job *admin_queue_pick(struct admin_queue *queue);

/* The code that a new job is refused with instead of being queued, and its *status; NULL: it
   is not. */
const char *admin_queue_crowd(const struct admin_queue *queue, const struct admin_job *job,
			      int *status);

/* Waits until something in the queue has changed, or until the time is over. */
void admin_queue_wait(struct admin_queue *queue, int64_t wait_ms);

void admin_wake(int fd); /* an eventfd; -1: nobody */

/* For the front: passes on what has come of a stream (admin/stream). */
void admin_stream_send(struct admin_pool *pool, struct admin_job *job);

#endif
