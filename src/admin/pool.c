/* SPDX-License-Identifier: ISC */
/* Each queue (admin/queue) has threads of its own, which are started when it has work for
   them. All that threads share is behind one lock, which no thread holds while it waits. */
#include "admin/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/db_conninfo.h"
#include "http/http_server.h"
#include "base/log.h"
#include "base/slot.h"
#include "http/program.h"
#include "admin/admin.h"
#include "admin/admin_conf.h"
#include "admin/queue.h"
#include "http/http_conf.h"
#include "ledger/catalog.h"
#include "ledger/ledger_conf.h"

enum {
	IDLE_MS = 60000, /* then a thread gives its connection back */
	PLACE_WAIT_MS = 5000,
	CONNECT_MS = 1000,  /* for a connection that is not there */
	KEY_QUEUE_MAX = 24, /* a page asks for about six things at once */
};

static void calm(int fd)
{
	uint64_t all;

	if (read(fd, &all, sizeof(all)) < 0)
		return; /* nobody woke it */
}

/* ---- running */

static void refuse_crowd(struct http_req *req, int status, const char *code)
{
	admin_refuse_with(req, status, "Retry-After: 5", code);
}

/* Finds the operator of a request, for the limits; asks the database once a minute for each
   session. false: the request is answered. */
static bool find_out(struct admin *admin, struct admin_job *job)
{
	struct admin_pool *pool = admin->pool;
	struct db_rows *found = NULL;
	bool fine = admin_ask(admin, job->req, &job->visit, "visitor", NULL, &found) == ERR_NONE;

	if (fine) {
		pthread_mutex_lock(&pool->lock);
		admin_job_learn(pool, job, admin_private_int(found, "operator_id"));
		pthread_mutex_unlock(&pool->lock);
	}
	db_rows_free(found);
	return fine;
}

static bool needs_operator(const struct admin_pool *pool, const struct admin_job *job)
{
	/* without a cookie the operation itself knows what to say */
	return !job->row->is_open && job->visit.token.at &&
	       !str_starts(buf_str(&job->key), "operator ") && !http_is_cgi(pool->web);
}

/* Is it over a limit, now that it is known whose it is? */
static bool is_over(struct admin_queue *queue, const struct admin_job *job)
{
	bool is_over;

	pthread_mutex_lock(&queue->pool->lock);
	is_over = admin_jobs_count(queue->running, job, false) > queue->key_max ||
		  admin_jobs_count(queue->running, job, true) > queue->slow_key_max;
	pthread_mutex_unlock(&queue->pool->lock);
	return is_over;
}

static int64_t places(const struct admin_queue *queue, const struct conf *conf)
{
	return queue->number == ADMIN_QUEUE_EXPORT     ? admin_conf(conf)->page_exports
	       : queue->number == ADMIN_QUEUE_PASSWORD ? admin_conf(conf)->password_hashes
						       : admin_conf(conf)->page_connections;
}

/* true: put back, because its operator has enough under way. */
static bool run(struct admin *admin, struct admin_queue *queue, struct admin_job *job)
{
	const struct conf *conf = admin->conf;
	int place = SLOT_FREE;

	if (job->is_late) {
		refuse_crowd(job->req, 503, "request.late");
		return false;
	}
	if (queue->place &&
	    (place = slot_take(ledger_conf(conf)->spool_dir, queue->place, places(queue, conf),
			       queue->place_wait_ms)) == SLOT_NONE) {
		refuse_crowd(job->req, 503,
			     queue->number == ADMIN_QUEUE_EXPORT ? "export.others_run"
								 : "request.crowd");
		return false;
	}
	db_maintain(admin->db); /* it may have been lost while nobody asked */
	if (!db_is_ready(admin->db) &&
	    db_wait(admin->db, http_is_cgi(admin->web) || conf->db_deadline_ms < CONNECT_MS
				       ? conf->db_deadline_ms
				       : CONNECT_MS))
		log_write(
			LOG_WARN, "database_away",
			(struct log_field[]){ log_text("why", db_problem(admin->db)), log_end() });
	if (needs_operator(admin->pool, job)) {
		bool is_known_now = find_out(admin, job);

		if (!is_known_now || is_over(queue, job)) {
			slot_release(place);
			if (is_known_now && queue->number == ADMIN_QUEUE_EXPORT)
				refuse_crowd(job->req, 429, "export.own_runs");
			return is_known_now && queue->number != ADMIN_QUEUE_EXPORT;
		}
	}
	admin->job = job;
	if (job->row->run)
		job->row->run(admin, job->req, &job->visit, &job->match);
	else
		admin_answer_call(admin, job->req, &job->visit, job->row->operation, NULL);
	admin->job = NULL;
	slot_release(place);
	return false;
}

static struct db *open_db(const struct program *program)
{
	const struct conf *conf = program->conf;
	struct db_options options = {
		.conninfo = conf_database(conf, program->schema),
		.program = program->name,
		.pooled = conf->db_pooled,
		.deadline_ms = conf->db_deadline_ms,
		.cancels = true,
		.wording = catalog_write,
	};

	return db_open(&options);
}

static void free_job(struct admin_job *job)
{
	admin_visit_done(&job->visit);
	buf_done(&job->key);
	buf_done(&job->head);
	buf_done(&job->piece);
	free(job);
}

/* With the lock held: to the front, which ends the request. */
static void release(struct admin_pool *pool, struct admin_job *job)
{
	admin_jobs_add(&pool->done, job);
	admin_wake(pool->wake_fd);
}

static void finish(struct admin_queue *queue, struct admin_job *job, bool is_again)
{
	admin_jobs_remove(&queue->running, job);
	if (is_again) {
		admin_queue_add(queue, job);
	} else if (job->is_kept) {
		admin_jobs_add(&queue->pool->kept, job);
	} else {
		release(queue->pool, job);
	}
	pthread_cond_broadcast(&queue->changed);
}

static void open_admin(struct admin *admin, struct admin_queue *queue)
{
	const struct program *program = queue->pool->program;

	admin->conf = program->conf;
	admin->web = queue->pool->web;
	admin->pool = queue->pool;
	ip_networks_reread(&admin->trusted, http_conf(admin->conf)->trusted_proxies);
	admin->sealer = sealer_new(admin->conf->master_key, admin->conf->master_key_previous);
	admin->db = open_db(program);
}

static void close_admin(struct admin *admin)
{
	admin_watch_done(admin);
	sealer_free(admin->sealer);
	db_close(admin->db);
	ip_networks_done(&admin->trusted);
}

/* Runs the next request; false: it is time to end. */
static bool serve_next(struct admin *admin, struct admin_queue *queue)
{
	struct admin_pool *pool = queue->pool;
	struct admin_job *job;
	int64_t idle_since = clock_ms();
	bool is_again;

	pthread_mutex_lock(&pool->lock);
	while (!(job = admin_queue_pick(queue)) && !(pool->ends && !queue->waiting)) {
		queue->idle++;
		admin_queue_wait(queue, IDLE_MS);
		queue->idle--;
		if (clock_ms() - idle_since >= IDLE_MS && queue->number != ADMIN_QUEUE_HEALTH)
			db_drop(admin->db);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!job)
		return false;
	is_again = run(admin, queue, job);
	pthread_mutex_lock(&pool->lock);
	finish(queue, job, is_again);
	pthread_mutex_unlock(&pool->lock);
	return true;
}

static void *serve_queue(void *argument)
{
	struct admin_queue *queue = argument;
	struct admin admin = { 0 };

	open_admin(&admin, queue);
	if (queue->number == ADMIN_QUEUE_HEALTH && db_wait(admin.db, CONNECT_MS))
		log_write(LOG_WARN, "database_away",
			  (struct log_field[]){ log_text("why", db_problem(admin.db)), log_end() });
	while (serve_next(&admin, queue))
		;
	close_admin(&admin);
	return NULL;
}

/* ---- asking others */

/* What came for this thread, without waiting. */
static struct admin_job *take_asking(struct admin_pool *pool, bool *ends)
{
	struct admin_job *job;

	pthread_mutex_lock(&pool->lock);
	job = admin_queue_pick(&pool->queues[ADMIN_QUEUE_OUTBOUND]);
	*ends = pool->ends;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *serve_asking(void *argument)
{
	struct admin_queue *queue = argument;
	struct admin_pool *pool = queue->pool;
	struct admin admin = { 0 };
	struct pollfd fds[ADMIN_ASKING_FDS + 1];
	struct admin_job *job;
	bool ends;

	open_admin(&admin, queue);
	admin_asking_open(&admin);
	for (;;) {
		int wait_ms;

		while ((job = take_asking(pool, &ends))) {
			bool is_again = run(&admin, queue, job);

			pthread_mutex_lock(&pool->lock);
			finish(queue, job, is_again);
			pthread_mutex_unlock(&pool->lock);
		}
		if (ends)
			break;
		wait_ms = admin_asking_go_on(&admin, fds);
		fds[ADMIN_ASKING_FDS] = (struct pollfd){ .fd = pool->asking_fd, .events = POLLIN };
		(void)poll(fds, ADMIN_ASKING_FDS + 1, wait_ms);
		calm(pool->asking_fd);
	}
	admin_asking_close(&admin);
	close_admin(&admin);
	return NULL;
}

void admin_hold(struct admin *admin, struct http_req *req)
{
	(void)req;
	admin->job->is_kept = true;
}

void admin_release(struct admin *admin, struct http_req *req)
{
	struct admin_pool *pool = admin->pool;
	struct admin_job *job;

	/* answered before its operation has returned */
	if (admin->job && admin->job->req == req) {
		admin->job->is_kept = false;
		return;
	}
	pthread_mutex_lock(&pool->lock);
	for (job = pool->kept; job && job->req != req; job = job->next)
		;
	if (job) {
		admin_jobs_remove(&pool->kept, job);
		release(pool, job);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* ---- the front */

static void init_queue(struct admin_pool *pool, enum admin_queue_kind number, size_t threads,
		       size_t queue_max)
{
	struct admin_queue *queue = &pool->queues[number];
	pthread_condattr_t options;

	pthread_condattr_init(&options);
	pthread_condattr_setclock(&options, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->changed, &options);
	pthread_condattr_destroy(&options);
	*queue = (struct admin_queue){
		.pool = pool,
		.number = number,
		.changed = queue->changed,
		.threads_max = threads,
		.queue_max = queue_max,
		/* by default anybody may have all of it */
		.slow_max = threads,
		.key_max = threads,
		.slow_key_max = threads,
		.key_queue_max = queue_max,
		.threads = mem_zero(threads, sizeof(pthread_t)),
	};
}

static void start_thread(struct admin_queue *queue)
{
	sigset_t all, before;
	int failed;

	/* signals are for the front, whose poll they wake */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&queue->threads[queue->started], NULL,
				queue->number == ADMIN_QUEUE_OUTBOUND ? serve_asking : serve_queue,
				queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		log_write(LOG_ERROR, "thread_not_started",
			  (struct log_field[]){ log_text("why", strerror(failed)), log_end() });
	else
		queue->started++;
}

struct admin_pool *admin_pool_new(const struct program *program, struct http *web)
{
	struct admin_pool *pool = mem_zero(1, sizeof(*pool));
	const struct conf *conf = program->conf;
	size_t page = (size_t)admin_conf(conf)->page_connections;
	bool is_cgi = http_is_cgi(web);

	if (conf->db_pooled)
		db_pin_pooled();
	pool->program = program;
	pool->web = web;
	pthread_mutex_init(&pool->lock, NULL);
	pool->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool->asking_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->wake_fd < 0 || pool->asking_fd < 0)
		abort(); /* no descriptors at the start */
	init_queue(pool, ADMIN_QUEUE_PAGE, page, 256);
	pool->queues[ADMIN_QUEUE_PAGE].key_max = pool->queues[ADMIN_QUEUE_PAGE].slow_max =
		(page + 1) / 2;
	pool->queues[ADMIN_QUEUE_PAGE].slow_key_max = (page + 3) / 4;
	pool->queues[ADMIN_QUEUE_PAGE].key_queue_max = KEY_QUEUE_MAX;
	init_queue(pool, ADMIN_QUEUE_HEALTH, 1, 256);
	init_queue(pool, ADMIN_QUEUE_METRICS, 1, 16);
	init_queue(pool, ADMIN_QUEUE_PASSWORD, (size_t)admin_conf(conf)->password_hashes, 64);
	pool->queues[ADMIN_QUEUE_PASSWORD].key_max =
		(pool->queues[ADMIN_QUEUE_PASSWORD].threads_max + 1) / 2;
	pool->queues[ADMIN_QUEUE_PASSWORD].key_queue_max = 16;
	pool->queues[ADMIN_QUEUE_PASSWORD].place = "password";
	pool->queues[ADMIN_QUEUE_PASSWORD].place_wait_ms = PLACE_WAIT_MS;
	init_queue(pool, ADMIN_QUEUE_EXPORT, (size_t)admin_conf(conf)->page_exports, 0);
	pool->queues[ADMIN_QUEUE_EXPORT].key_max = 1;
	pool->queues[ADMIN_QUEUE_EXPORT].place = "export";
	init_queue(pool, ADMIN_QUEUE_OUTBOUND, 1, 64);
	/* A process a request: only the host can count them. */
	if (is_cgi) {
		pool->queues[ADMIN_QUEUE_PAGE].place = pool->queues[ADMIN_QUEUE_OUTBOUND].place =
			"page";
		pool->queues[ADMIN_QUEUE_PAGE].place_wait_ms =
			pool->queues[ADMIN_QUEUE_OUTBOUND].place_wait_ms = PLACE_WAIT_MS;
	} else {
		start_thread(&pool->queues[ADMIN_QUEUE_HEALTH]);
	}
	return pool;
}

void admin_pool_give(struct admin_pool *pool, struct http_req *req, const struct route_match *match,
		     struct visit *visit)
{
	const struct admin_row *row = (const struct admin_row *)match->row;
	struct admin_job *job = mem_zero(1, sizeof(*job));
	struct admin_queue *queue = &pool->queues[row->queue];
	const char *crowd;
	int status;

	job->req = req;
	job->row = row;
	job->match = *match;
	job->visit = *visit;
	*visit = (struct visit){ 0 };
	job->kind = row->queue;
	job->is_slow = row->is_slow;
	job->since_ms = clock_ms();
	http_hold(req);
	pthread_mutex_lock(&pool->lock);
	admin_job_own(pool, job);
	crowd = admin_queue_crowd(queue, job, &status);
	if (!crowd) {
		admin_queue_add(queue, job);
		if (queue->idle < queue->queued && queue->started < queue->threads_max)
			start_thread(queue);
		pthread_cond_broadcast(&queue->changed);
		if (row->queue == ADMIN_QUEUE_OUTBOUND)
			admin_wake(pool->asking_fd);
		if (!queue->started) {
			admin_jobs_remove(&queue->waiting, job);
			queue->queued--;
			crowd = "request.no_thread";
			status = 503;
		}
	}
	pthread_mutex_unlock(&pool->lock);
	if (crowd) {
		refuse_crowd(req, status, crowd);
		http_release(req);
		free_job(job);
	}
}

int admin_pool_poll(struct admin_pool *pool, struct pollfd *fds, size_t *count)
{
	int wait_ms = -1;

	fds[0] = (struct pollfd){ .fd = pool->wake_fd, .events = POLLIN };
	*count = 1;
	pthread_mutex_lock(&pool->lock);
	for (const struct admin_job *job = pool->queues[ADMIN_QUEUE_EXPORT].running;
	     job && *count < ADMIN_POOL_FDS; job = job->next)
		if (job->is_begun)
			wait_ms = clock_sooner(wait_ms,
					       http_stream_poll(job->req, &fds[(*count)++]));
	pthread_mutex_unlock(&pool->lock);
	return wait_ms;
}

void admin_pool_go_on(struct admin_pool *pool)
{
	struct admin_job *done, *next;

	calm(pool->wake_fd);
	pthread_mutex_lock(&pool->lock);
	for (struct admin_job *job = pool->queues[ADMIN_QUEUE_EXPORT].running; job; job = job->next)
		if (job->is_stream && !job->is_gone)
			admin_stream_send(pool, job);
	done = pool->done;
	pool->done = NULL;
	pthread_mutex_unlock(&pool->lock);
	for (; done; done = next) {
		next = done->next;
		if (done->is_begun && (done->is_cut || done->is_gone))
			http_stream_abort(done->req);
		http_release(done->req);
		free_job(done);
	}
}

void admin_pool_free(struct admin_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->ends = true;
	for (size_t i = 0; i < ADMIN_QUEUES; i++)
		pthread_cond_broadcast(&pool->queues[i].changed);
	for (struct admin_job *job = pool->queues[ADMIN_QUEUE_EXPORT].running; job; job = job->next)
		job->is_gone = true;
	admin_wake(pool->asking_fd);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < ADMIN_QUEUES; i++) {
		for (size_t j = 0; j < pool->queues[i].started; j++)
			pthread_join(pool->queues[i].threads[j], NULL);
		free(pool->queues[i].threads);
		pthread_cond_destroy(&pool->queues[i].changed);
	}
	while (pool->kept) {
		struct admin_job *job = pool->kept;

		pool->kept = job->next;
		release(pool, job);
	}
	admin_pool_go_on(pool);
	close(pool->wake_fd);
	close(pool->asking_fd);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
