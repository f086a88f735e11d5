/* SPDX-License-Identifier: ISC */
#include "ledger/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/notice.h"
#include "ledger/outage.h"
#include "ledger/spool.h"

enum {
	MORE_MS = 100,		/* there is more to count: deliveries come between */
	FAILED_MS = 5000,	/* a call that failed is made again */
	IDLE_MS = 24 * 3600 * 1000,	/* nothing waits to be told: the next look finds it */
	PLACE_MAX = 256,
	AWAY_LOOKS = 5,		/* the owner is told of a database that is away for so many, */
	AWAY_MS = 5 * 60 * 1000,	/* or for so long */
};

/* Upper bounds in milliseconds of the classes that durations are counted in. */
static const int64_t bounds_ms[] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 };
enum { BOUNDS = sizeof(bounds_ms) / sizeof(bounds_ms[0]) };

enum call { CALL_NONE, CALL_WATCH, CALL_CLAIM, CALL_SETTLE, CALL_TARGETS, CALL_OVER };

/* What was counted since it was last told. */
struct counts {
	int64_t fine, failed, us;
	int64_t within[BOUNDS + 1];	/* the last: longer than all bounds */
};

struct watch {
	const struct conf *conf;
	struct db *db;
	struct notice *notice;
	struct db_args *args;
	enum call call;
	int64_t look_at, claim_at;	/* not before */
	bool is_more;			/* to count */
	bool is_asking_whom;		/* to tell when the database is away */
	struct outage *outage;
	struct counts counts, telling;
	struct notice_outcome outcome;	/* message_id 0: none is to be settled */
	struct buf problem, page, sealed;
};

static void host_name(char name[PLACE_MAX])
{
	name[PLACE_MAX - 1] = '\0';
	if (gethostname(name, PLACE_MAX - 1) || !name[0])
		snprintf(name, PLACE_MAX, "this host");
}

struct watch *watch_new(const struct conf *conf, struct db *db, const struct sealer *sealer)
{
	struct watch *watch = mem_zero(1, sizeof(*watch));
	char host[PLACE_MAX] = "";

	watch->conf = conf;
	watch->db = db;
	watch->notice = notice_new(conf, sealer);
	watch->args = db_args_new();
	notice_page(conf, &watch->page);
	host_name(host);
	watch->outage = outage_new(conf->watch_ms > AWAY_MS / AWAY_LOOKS ? AWAY_MS : AWAY_LOOKS * conf->watch_ms, str_of(host),
	                           buf_str(&watch->page));
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	notice_free(watch->notice);
	outage_free(watch->outage);
	db_args_free(watch->args);
	buf_done(&watch->problem);
	buf_done(&watch->page);
	buf_done(&watch->sealed);
	free(watch);
}

void watch_count(struct watch *watch, bool is_fine, int64_t duration_us)
{
	struct counts *counts = &watch->counts;
	size_t class = 0;

	while (class < BOUNDS && duration_us > bounds_ms[class] * 1000)
		class++;
	counts->within[class]++;
	counts->us += duration_us;
	if (is_fine)
		counts->fine++;
	else
		counts->failed++;
}

bool watch_tell(struct watch *watch)
{
	bool has_counts = watch->counts.fine || watch->counts.failed;

	if (has_counts)
		watch->look_at = 0;
	return has_counts;
}

void watch_restart(struct watch *watch)
{
	watch->look_at = watch->claim_at = 0;
}

/* ---- calls */

/* Nobody else's spool is made by looking: a folder that is not there is none. */
static bool see_spool(const struct conf *conf, struct spool_status *status)
{
	struct spool_how how = { .dir = conf->spool_dir, .max_bytes = conf->spool_max_bytes,
		                 .unjudged_max_bytes = conf->spool_unjudged_max_bytes };
	struct spool *spool = NULL;
	bool fine;

	if (!conf->spool_dir || access(conf->spool_dir, R_OK | W_OK | X_OK))
		return false;
	fine = spool_open(&spool, &how) == ERR_NONE && spool_count(spool, status) == ERR_NONE;
	spool_close(spool);
	return fine;
}

static void put_counts(struct db_args *args, const struct counts *counts)
{
	enum { COUNTS = BOUNDS + 4 };
	char label[24];

	db_array(args, DB_TEXTS, COUNTS);
	for (size_t i = 0; i <= BOUNDS; i++)
		db_put_str(args, str_of("attempt_le"));
	db_put_str(args, str_of("attempts"));
	db_put_str(args, str_of("attempts"));
	db_put_str(args, str_of("attempt_us"));
	db_array(args, DB_TEXTS, COUNTS);
	for (size_t i = 0; i < BOUNDS; i++) {
		snprintf(label, sizeof(label), "%lld", (long long)bounds_ms[i]);
		db_put_str(args, str_of(label));
	}
	db_put_str(args, str_of("+Inf"));
	db_put_str(args, str_of("ok"));
	db_put_str(args, str_of("failed"));
	db_put_str(args, str_of(""));
	db_array(args, DB_INTS, COUNTS);
	for (size_t i = 0; i <= BOUNDS; i++)
		db_put_int(args, counts->within[i]);
	db_put_int(args, counts->fine);
	db_put_int(args, counts->failed);
	db_put_int(args, counts->us);
}

void watch_put_host(const struct conf *conf, struct db_args *args)
{
	struct spool_status status = { 0 };
	char host[PLACE_MAX] = "";
	struct buf place = { 0 };

	host_name(host);
	utf8_add(&place, str_of(host));
	buf_add_char(&place, ':');
	/* a folder may have any name, and this is a text */
	utf8_add(&place, str_of(conf->spool_dir));
	db_arg_text(args, buf_str(&place));
	buf_done(&place);
	db_arg_text(args, str_of(HL_VERSION));
	if (see_spool(conf, &status)) {
		db_arg_int(args, status.records);
		db_arg_int(args, status.bytes);
		db_arg_int(args, conf->spool_max_bytes);
		db_arg_int(args, status.damaged_files);
	} else {
		for (int i = 0; i < 4; i++)
			db_arg_null(args);
	}
	if (status.oldest_us)
		db_arg_time(args, status.oldest_us);
	else
		db_arg_null(args);
	db_arg_int(args, status.aside_records);
	db_arg_int(args, conf->spool_late_s);
}

static enum err look(struct watch *watch)
{
	watch_put_host(watch->conf, watch->args);
	db_arg_text(watch->args, watch->page.len ? buf_str(&watch->page) : str_of(""));
	watch->telling = watch->counts;
	put_counts(watch->args, &watch->telling);
	return db_send(watch->db, "courier.watch", watch->args);
}

static enum err settle(struct watch *watch)
{
	db_arg_int(watch->args, watch->outcome.message_id);
	db_arg_int(watch->args, watch->outcome.lease);
	db_arg_text(watch->args, watch->problem.len ? buf_str(&watch->problem) : (struct str){ 0 });
	return db_send(watch->db, "courier.notice_settle", watch->args);
}

/* Is what sends messages free, and will be? */
static bool is_sender_free(const struct watch *watch)
{
	return !notice_is_busy(watch->notice) && watch->call != CALL_CLAIM;
}

/* While nobody can ask the database whom to tell. */
static void tell_of_outage(struct watch *watch)
{
	struct spool_status status = { 0 };
	struct notice_message message;
	int64_t now = clock_ms();
	bool is_seen;

	if (!db_is_ready(watch->db) && !db_is_working(watch->db)) {
		outage_see(watch->outage, false, now, db_problem(watch->db));
		watch->look_at = 0;	/* the first that is done when it is back, which tells that it works */
	}
	if (now < outage_next_at(watch->outage) || !is_sender_free(watch))
		return;
	is_seen = see_spool(watch->conf, &status);
	if (!outage_next(watch->outage, now, is_seen ? &status : NULL, &message))
		return;
	log_write(LOG_WARN, "outage_told", (struct log_field[]){ log_num("notice", message.notice_id), log_end() });
	notice_send(watch->notice, &message);
}

void watch_collect(struct watch *watch)
{
	struct notice_outcome outcome;

	tell_of_outage(watch);
	if (!notice_take(watch->notice, &outcome))
		return;
	if (outcome.problem)
		log_write(LOG_WARN, "notice_not_sent", (struct log_field[]){ log_num("message", outcome.message_id),
		                                                             log_text("why", outcome.problem), log_end() });
	if (outcome.message_id < 0) {
		outage_told(watch->outage, outcome.message_id, !outcome.problem, clock_ms());
		return;
	}
	watch->outcome = outcome;
	buf_clear(&watch->problem);
	if (outcome.problem)
		buf_add_text(&watch->problem, outcome.problem);
	watch->claim_at = 0;
}

/* That it is over is told by the database, once, however many couriers were told. */
static enum err end_outage(struct watch *watch)
{
	db_arg_time(watch->args, outage_since_us(watch->outage));
	db_arg_text(watch->args, outage_words(watch->outage));
	return db_send(watch->db, "courier.outage_over", watch->args);
}

enum err watch_start(struct watch *watch, bool may_begin, bool *starts)
{
	int64_t now = clock_ms();
	enum err err = ERR_NONE;

	*starts = true;
	db_args_clear(watch->args);
	if (watch->outcome.message_id && now >= watch->claim_at) {
		watch->call = CALL_SETTLE;
		err = settle(watch);
	} else if (may_begin && outage_is_over(watch->outage) && now >= watch->claim_at) {
		watch->call = CALL_OVER;
		err = end_outage(watch);
	} else if (may_begin && watch->is_asking_whom && !outage_is_told(watch->outage)) {
		watch->call = CALL_TARGETS;
		err = db_send(watch->db, "courier.notice_targets", NULL);
	} else if (may_begin && now >= watch->look_at) {
		watch->call = CALL_WATCH;
		err = look(watch);
	} else if (may_begin && now >= watch->claim_at && !notice_is_busy(watch->notice) && !watch->outcome.message_id) {
		watch->call = CALL_CLAIM;
		db_arg_int(watch->args, NOTICE_LEASE_MS);
		err = db_send(watch->db, "courier.notice_claim", watch->args);
	} else {
		*starts = false;
	}
	if (err)
		watch->call = CALL_NONE;
	return err;
}

bool watch_is_calling(const struct watch *watch)
{
	return watch->call != CALL_NONE;
}

/* ---- and what they said */

static void subtract(struct counts *from, const struct counts *told)
{
	from->fine -= told->fine;
	from->failed -= told->failed;
	from->us -= told->us;
	for (size_t i = 0; i <= BOUNDS; i++)
		from->within[i] -= told->within[i];
}

static void claimed(struct watch *watch, const struct db_rows *rows)
{
	struct notice_message message;
	int64_t wait_ms = IDLE_MS;

	if (db_rows_count(rows) && db_int(rows, 0, "message_id")) {
		notice_read(rows, &watch->sealed, &message);
		notice_send(watch->notice, &message);
		return;
	}
	if (db_rows_count(rows) && !db_is_null(rows, 0, "next_us") && db_int(rows, 0, "next_us") / 1000 < wait_ms)
		wait_ms = db_int(rows, 0, "next_us") / 1000 + 1;
	/* never in a hurry: one that another courier has is due at once when it dies */
	watch->claim_at = clock_ms() + (wait_ms < MORE_MS ? MORE_MS : wait_ms);
}

static void learn_targets(struct watch *watch, const struct db_rows *rows)
{
	watch->is_asking_whom = false;
	outage_forget(watch->outage);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct buf sealed = { 0 };

		if (!db_is_null(rows, i, "secret_sealed"))
			db_bytes(rows, i, "secret_sealed", &sealed);
		outage_add(watch->outage, db_int(rows, i, "notice_id"), db_str(rows, i, "kind"), db_str(rows, i, "target"), buf_str(&sealed));
		buf_done(&sealed);
	}
}

static void take_news(struct watch *watch, enum call call, const struct db_rows *rows)
{
	switch (call) {
	case CALL_WATCH:
		subtract(&watch->counts, &watch->telling);
		watch->is_more = db_bool(rows, 0, "is_more");
		watch->look_at = clock_ms() + (watch->is_more ? MORE_MS : watch->conf->watch_ms);
		watch->claim_at = 0;
		watch->is_asking_whom = true;
		outage_see(watch->outage, true, clock_ms(), NULL);
		break;
	case CALL_TARGETS:
		learn_targets(watch, rows);
		break;
	case CALL_OVER:
		log_write(LOG_INFO, "outage_over", NULL);
		outage_end(watch->outage);
		break;
	case CALL_CLAIM:
		claimed(watch, rows);
		break;
	case CALL_SETTLE:
		watch->outcome = (struct notice_outcome){ 0 };
		break;
	case CALL_NONE:
		break;
	}
}

enum err watch_take(struct watch *watch)
{
	struct db_rows *rows = NULL;
	enum call call = watch->call;
	enum err err = db_take(watch->db, &rows);

	if (err == ERR_PACE)
		return err;
	watch->call = CALL_NONE;
	if (err) {
		/* what was counted may have been told: rather once too few than twice */
		if (call == CALL_WATCH)
			subtract(&watch->counts, &watch->telling);
		outage_see(watch->outage, false, clock_ms(), db_problem(watch->db));
		watch->is_asking_whom = false;
		watch->is_more = false;
		watch->look_at = watch->claim_at = clock_ms() + FAILED_MS;
	} else {
		take_news(watch, call, rows);
	}
	db_rows_free(rows);
	return err ? ERR_BUSY : ERR_NONE;
}

/* ---- waiting */

bool watch_is_busy(const struct watch *watch)
{
	return watch->call != CALL_NONE || notice_is_busy(watch->notice) || watch->outcome.message_id;
}

bool watch_is_at_rest(const struct watch *watch)
{
	int64_t now = clock_ms();

	return !watch_is_busy(watch) && !watch->is_more && watch->look_at > now && watch->claim_at > now;
}

int watch_poll(const struct watch *watch, struct pollfd *fd)
{
	int wait_ms = notice_poll(watch->notice, fd);
	int64_t outage_at = outage_next_at(watch->outage);

	return is_sender_free(watch) && outage_at != INT64_MAX ? clock_within(wait_ms, outage_at - clock_ms()) : wait_ms;
}

int64_t watch_next_at(const struct watch *watch, bool may_begin)
{
	int64_t next = watch->outcome.message_id ? watch->claim_at : INT64_MAX;

	if (may_begin && watch->is_asking_whom && !outage_is_told(watch->outage))
		return 0;
	if (may_begin && outage_is_over(watch->outage) && watch->claim_at < next)
		next = watch->claim_at;
	if (may_begin && watch->look_at < next)
		next = watch->look_at;
	if (may_begin && !notice_is_busy(watch->notice) && watch->claim_at < next)
		next = watch->claim_at;
	return next;
}
