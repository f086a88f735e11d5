/* SPDX-License-Identifier: ISC */
#include "admin/queue.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	WAIT_MAX_MS = 20000, /* the client has given up by then */
	KNOWN_MS = 60000,    /* so long is known whose a session is */
};

static uint64_t hash_of(struct str key)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char)key.at[i]) * UINT64_C(1099511628211);
	return hash;
}

static struct known *known_of(struct admin_pool *pool, const struct admin_job *job)
{
	return &pool->known[hash_of((struct str){ job->visit.session.at, DIGEST_BYTES }) %
			    KNOWN_MAX];
}

static void set_operator(struct admin_job *job, int64_t operator_id)
{
	buf_clear(&job->key);
	buf_addf(&job->key, "operator %lld", (long long)operator_id);
}

/* Before the operator is known, the owner of a job is a network; for exports it is the
   session, because several operators behind one address may each export. */
void admin_job_own(struct admin_pool *pool, struct admin_job *job)
{
	const struct known *known = known_of(pool, job);

	if (!job->row->is_open && known->until_ms > clock_ms() &&
	    memcmp(known->digest, job->visit.session.at, DIGEST_BYTES) == 0) {
		set_operator(job, known->operator_id);
		return;
	}
	buf_add_text(&job->key, "client ");
	if (job->kind == ADMIN_QUEUE_EXPORT)
		buf_add(&job->key, job->visit.session.at, DIGEST_BYTES);
	else
		admin_network(&job->visit, &job->key);
}

void admin_job_learn(struct admin_pool *pool, struct admin_job *job, int64_t operator_id)
{
	struct known *known = known_of(pool, job);

	known->operator_id = operator_id;
	known->until_ms = clock_ms() + KNOWN_MS;
	memcpy(known->digest, job->visit.session.at, DIGEST_BYTES);
	set_operator(job, operator_id);
}

void admin_jobs_add(struct admin_job **list, struct admin_job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

void admin_jobs_remove(struct admin_job **list, const struct admin_job *job)
{
	while (*list && *list != job)
		list = &(*list)->next;
	if (*list)
		*list = job->next;
}

void admin_queue_add(struct admin_queue *queue, struct admin_job *job)
{
	admin_jobs_add(&queue->waiting, job);
	queue->queued++;
}

static bool is_same(const struct admin_job *a, const struct admin_job *b)
{
	return str_equal(buf_str(&a->key), buf_str(&b->key));
}

size_t admin_jobs_count(const struct admin_job *list, const struct admin_job *like, bool is_slow)
{
	size_t count = 0;

	for (; list; list = list->next)
		count += (!like || is_same(list, like)) && (!is_slow || list->is_slow);
	return count;
}

static bool may_run(const struct admin_queue *queue, const struct admin_job *job)
{
	if (admin_jobs_count(queue->running, job, false) >= queue->key_max)
		return false;
	return !job->is_slow || (admin_jobs_count(queue->running, NULL, true) < queue->slow_max &&
				 admin_jobs_count(queue->running, job, true) < queue->slow_key_max);
}

/* The larger, the longer ago. */
static size_t served_ago(const struct admin_queue *queue, const struct admin_job *job)
{
	uint64_t hash = hash_of(buf_str(&job->key));
	size_t ago = 0;

	while (ago < SERVED_MAX && queue->served[ago] != hash)
		ago++;
	return ago;
}

static bool goes_before(const struct admin_queue *queue, const struct admin_job *a,
			const struct admin_job *b)
{
	size_t running_a = admin_jobs_count(queue->running, a, false),
	       running_b = admin_jobs_count(queue->running, b, false);

	return running_a != running_b ? running_a < running_b
				      : served_ago(queue, a) > served_ago(queue, b);
}

struct admin_job *admin_queue_pick(struct admin_queue *queue)
{
	struct admin_job *best = NULL;
	size_t ago;

	for (struct admin_job *job = queue->waiting; job; job = job->next)
		if (may_run(queue, job) && (!best || goes_before(queue, job, best)))
			best = job;
	if (!best)
		return NULL;
	admin_jobs_remove(&queue->waiting, best);
	queue->queued--;
	admin_jobs_add(&queue->running, best);
	ago = served_ago(queue, best);
	memmove(queue->served + 1, queue->served,
		(ago < SERVED_MAX ? ago : SERVED_MAX - 1) * sizeof(queue->served[0]));
	queue->served[0] = hash_of(buf_str(&best->key));
	best->is_late = clock_ms() - best->since_ms > WAIT_MAX_MS;
	return best;
}

const char *admin_queue_crowd(const struct admin_queue *queue, const struct admin_job *job,
			      int *status)
{
	size_t busy = queue->queued + admin_jobs_count(queue->running, NULL, false);

	*status = 429;
	if (queue->number == ADMIN_QUEUE_EXPORT &&
	    admin_jobs_count(queue->running, job, false) +
			    admin_jobs_count(queue->waiting, job, false) >=
		    queue->key_max)
		return "export.own_runs";
	if (admin_jobs_count(queue->waiting, job, false) >= queue->key_queue_max &&
	    queue->number != ADMIN_QUEUE_EXPORT)
		return queue->number == ADMIN_QUEUE_PASSWORD ? "login.own_crowd"
							     : "request.own_crowd";
	*status = 503;
	if (queue->number == ADMIN_QUEUE_EXPORT && busy >= queue->threads_max)
		return "export.others_run";
	if (queue->number != ADMIN_QUEUE_EXPORT && queue->queued >= queue->queue_max)
		return queue->number == ADMIN_QUEUE_PASSWORD ? "login.crowd" : "request.crowd";
	return NULL;
}

void admin_queue_wait(struct admin_queue *queue, int64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&queue->changed, &queue->pool->lock, &until);
}

void admin_wake(int fd)
{
	uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* it is full, so it is awake */
}
