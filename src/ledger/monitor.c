/* SPDX-License-Identifier: ISC */
#include "ledger/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/alert.h"
#include "ledger/db_outage.h"
#include "ledger/ledger_conf.h"
#include "ledger/spool.h"

enum {
	MORE_MS = 100,		    /* there is more to count: deliveries come in between */
	FAILED_MS = 5000,	    /* a failed call is repeated after this time */
	IDLE_MS = 24 * 3600 * 1000, /* no message waits: the next look finds new ones */
	PLACE_MAX = 256,
	AWAY_LOOKS = 5,		 /* a database that is away is reported after so many looks, */
	AWAY_MS = 5 * 60 * 1000, /* or after this time */
};

/* Upper bounds in milliseconds of the buckets for durations. */
static const int64_t bounds_ms[] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 };
enum { BOUNDS = sizeof(bounds_ms) / sizeof(bounds_ms[0]) };

enum call { CALL_NONE, CALL_WATCH, CALL_CLAIM, CALL_SETTLE, CALL_TARGETS, CALL_OVER };

/* What was counted since the last report. */
struct counts {
	int64_t fine, failed, us;
	int64_t within[BOUNDS + 1]; /* the last one: longer than all bounds */
};

struct monitor {
	const struct conf *conf;
	struct db *db;
	struct alert *alert;
	struct db_args *args;
	enum call call;
	int64_t look_at, claim_at; /* not before */
	bool is_more;		   /* there is more to count */
	bool is_reading_targets;   /* the targets for a time when the database is away */
	struct db_outage *outage;
	struct counts counts, telling;
	struct alert_outcome outcome; /* message_id 0: none is to be settled */
	struct buf problem, page, sealed;
};

static void host_name(char name[PLACE_MAX])
{
	name[PLACE_MAX - 1] = '\0';
	if (gethostname(name, PLACE_MAX - 1) || !name[0])
		snprintf(name, PLACE_MAX, "this host");
}

struct monitor *monitor_new(const struct conf *conf, struct db *db, const struct sealer *sealer)
{
	struct monitor *monitor = mem_zero(1, sizeof(*monitor));
	char host[PLACE_MAX] = "";

	monitor->conf = conf;
	monitor->db = db;
	monitor->alert = alert_new(conf, sealer);
	monitor->args = db_args_new();
	alert_page(conf, &monitor->page);
	host_name(host);
	monitor->outage = db_outage_new(ledger_conf(conf)->watch_ms > AWAY_MS / AWAY_LOOKS
						? AWAY_MS
						: AWAY_LOOKS * ledger_conf(conf)->watch_ms,
					str_of(host), buf_str(&monitor->page));
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	alert_free(monitor->alert);
	db_outage_free(monitor->outage);
	db_args_free(monitor->args);
	buf_done(&monitor->problem);
	buf_done(&monitor->page);
	buf_done(&monitor->sealed);
	free(monitor);
}

void monitor_count(struct monitor *monitor, bool is_fine, int64_t duration_us)
{
	struct counts *counts = &monitor->counts;
	size_t class = 0;

	while (class < BOUNDS && duration_us > bounds_ms[class] * 1000)
		class ++;
	counts->within[class]++;
	counts->us += duration_us;
	if (is_fine)
		counts->fine++;
	else
		counts->failed++;
}

bool monitor_flush(struct monitor *monitor)
{
	bool has_counts = monitor->counts.fine || monitor->counts.failed;

	if (has_counts)
		monitor->look_at = 0;
	return has_counts;
}

void monitor_restart(struct monitor *monitor)
{
	monitor->look_at = monitor->claim_at = 0;
}

/* ---- calls */

/* Reading must not create a spool: a folder that does not exist has none. */
static bool count_spool(const struct conf *conf, struct spool_status *status)
{
	struct spool_options options = { .dir = ledger_conf(conf)->spool_dir,
					 .max_bytes = ledger_conf(conf)->spool_max_bytes,
					 .unverified_max_bytes =
						 ledger_conf(conf)->spool_unverified_max_bytes };
	struct spool *spool = NULL;
	bool fine;

	if (!ledger_conf(conf)->spool_dir ||
	    access(ledger_conf(conf)->spool_dir, R_OK | W_OK | X_OK))
		return false;
	fine = spool_open(&spool, &options) == ERR_NONE && spool_count(spool, status) == ERR_NONE;
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

void monitor_put_host(const struct conf *conf, struct db_args *args)
{
	struct spool_status status = { 0 };
	char host[PLACE_MAX] = "";
	struct buf host_and_dir = { 0 };

	host_name(host);
	utf8_add(&host_and_dir, str_of(host));
	buf_add_char(&host_and_dir, ':');
	/* a folder's name may have any bytes, and this is a text */
	utf8_add(&host_and_dir, str_of(ledger_conf(conf)->spool_dir));
	db_arg_text(args, buf_str(&host_and_dir));
	buf_done(&host_and_dir);
	db_arg_text(args, str_of(HL_VERSION));
	if (count_spool(conf, &status)) {
		db_arg_int(args, status.records);
		db_arg_int(args, status.bytes);
		db_arg_int(args, ledger_conf(conf)->spool_max_bytes);
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
	db_arg_int(args, ledger_conf(conf)->spool_late_s);
}

static enum err look(struct monitor *monitor)
{
	monitor_put_host(monitor->conf, monitor->args);
	db_arg_text(monitor->args, monitor->page.len ? buf_str(&monitor->page) : str_of(""));
	monitor->telling = monitor->counts;
	put_counts(monitor->args, &monitor->telling);
	return db_send(monitor->db, "courier.monitor", monitor->args);
}

static enum err settle(struct monitor *monitor)
{
	db_arg_int(monitor->args, monitor->outcome.message_id);
	db_arg_int(monitor->args, monitor->outcome.lease);
	db_arg_text(monitor->args,
		    monitor->problem.len ? buf_str(&monitor->problem) : (struct str){ 0 });
	return db_send(monitor->db, "courier.alert_settle", monitor->args);
}

/* Is the sender idle, and will it stay so? */
static bool is_sender_free(const struct monitor *monitor)
{
	return !alert_is_busy(monitor->alert) && monitor->call != CALL_CLAIM;
}

/* While the database cannot be asked for messages. */
static void notify_of_outage(struct monitor *monitor)
{
	struct spool_status status = { 0 };
	struct alert_message message;
	int64_t now = clock_ms();
	bool is_seen;

	if (!db_is_ready(monitor->db) && !db_is_working(monitor->db)) {
		db_outage_observe(monitor->outage, false, now, db_problem(monitor->db));
		/* the first call that succeeds after an outage, which ends it */
		monitor->look_at = 0;
		monitor->is_reading_targets = false;
	}
	if (now < db_outage_next_at(monitor->outage) || !is_sender_free(monitor))
		return;
	is_seen = count_spool(monitor->conf, &status);
	if (!db_outage_next(monitor->outage, now, is_seen ? &status : NULL, &message))
		return;
	log_write(LOG_WARN, "outage_alerted",
		  (struct log_field[]){ log_num("alert", message.alert_id), log_end() });
	alert_send(monitor->alert, &message);
}

void monitor_collect(struct monitor *monitor)
{
	struct alert_outcome outcome;

	notify_of_outage(monitor);
	if (!alert_take(monitor->alert, &outcome))
		return;
	if (outcome.problem)
		log_write(LOG_WARN, "alert_not_sent",
			  (struct log_field[]){ log_num("message", outcome.message_id),
						log_text("why", outcome.problem), log_end() });
	if (outcome.message_id < 0) {
		db_outage_settle(monitor->outage, outcome.message_id, !outcome.problem, clock_ms());
		return;
	}
	monitor->outcome = outcome;
	buf_clear(&monitor->problem);
	if (outcome.problem)
		buf_add_text(&monitor->problem, outcome.problem);
	monitor->claim_at = 0;
}

/* The database reports the end once, however many couriers reported the outage. */
static enum err end_outage(struct monitor *monitor)
{
	db_arg_time(monitor->args, db_outage_since_us(monitor->outage));
	db_arg_jsonb(monitor->args, db_outage_summary(monitor->outage));
	return db_send(monitor->db, "courier.outage_over", monitor->args);
}

enum err monitor_start(struct monitor *monitor, bool may_begin, bool *starts)
{
	int64_t now = clock_ms();
	enum err err = ERR_NONE;

	*starts = true;
	db_args_clear(monitor->args);
	if (monitor->outcome.message_id && now >= monitor->claim_at) {
		monitor->call = CALL_SETTLE;
		err = settle(monitor);
	} else if (may_begin && db_outage_is_over(monitor->outage) && now >= monitor->claim_at) {
		monitor->call = CALL_OVER;
		err = end_outage(monitor);
	} else if (may_begin && monitor->is_reading_targets &&
		   !db_outage_is_notified(monitor->outage)) {
		monitor->call = CALL_TARGETS;
		err = db_send(monitor->db, "courier.alert_targets", NULL);
	} else if (may_begin && now >= monitor->look_at) {
		monitor->call = CALL_WATCH;
		err = look(monitor);
	} else if (may_begin && now >= monitor->claim_at && !alert_is_busy(monitor->alert) &&
		   !monitor->outcome.message_id) {
		monitor->call = CALL_CLAIM;
		db_arg_int(monitor->args, ALERT_LEASE_MS);
		err = db_send(monitor->db, "courier.alert_claim", monitor->args);
	} else {
		*starts = false;
	}
	if (err)
		monitor->call = CALL_NONE;
	return err;
}

bool monitor_is_calling(const struct monitor *monitor)
{
	return monitor->call != CALL_NONE;
}

/* ---- results */

static void subtract(struct counts *from, const struct counts *payload)
{
	from->fine -= payload->fine;
	from->failed -= payload->failed;
	from->us -= payload->us;
	for (size_t i = 0; i <= BOUNDS; i++)
		from->within[i] -= payload->within[i];
}

static void claimed(struct monitor *monitor, const struct db_rows *rows)
{
	struct alert_message message;
	int64_t wait_ms = IDLE_MS;

	if (db_rows_count(rows) && db_int(rows, 0, "message_id")) {
		alert_read(rows, &monitor->sealed, &message);
		alert_send(monitor->alert, &message);
		return;
	}
	if (db_rows_count(rows) && !db_is_null(rows, 0, "next_us") &&
	    db_int(rows, 0, "next_us") / 1000 < wait_ms)
		wait_ms = db_int(rows, 0, "next_us") / 1000 + 1;
	/* never hurried: a message that another courier has is due at once when that courier
	   dies */
	monitor->claim_at = clock_ms() + (wait_ms < MORE_MS ? MORE_MS : wait_ms);
}

static void learn_targets(struct monitor *monitor, const struct db_rows *rows)
{
	monitor->is_reading_targets = false;
	db_outage_forget(monitor->outage);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		struct buf sealed = { 0 };

		if (!db_is_null(rows, i, "secret_sealed"))
			db_bytes(rows, i, "secret_sealed", &sealed);
		db_outage_add(monitor->outage, db_int(rows, i, "alert_id"), db_str(rows, i, "kind"),
			      db_str(rows, i, "target"), buf_str(&sealed));
		buf_done(&sealed);
	}
}

static void take_news(struct monitor *monitor, enum call call, const struct db_rows *rows)
{
	switch (call) {
	case CALL_WATCH:
		subtract(&monitor->counts, &monitor->telling);
		monitor->is_more = db_bool(rows, 0, "is_more");
		monitor->look_at = clock_ms() + (monitor->is_more
							 ? MORE_MS
							 : ledger_conf(monitor->conf)->watch_ms);
		monitor->claim_at = 0;
		monitor->is_reading_targets = true;
		db_outage_observe(monitor->outage, true, clock_ms(), NULL);
		break;
	case CALL_TARGETS:
		learn_targets(monitor, rows);
		break;
	case CALL_OVER:
		log_write(LOG_INFO, "outage_over", NULL);
		db_outage_end(monitor->outage);
		break;
	case CALL_CLAIM:
		claimed(monitor, rows);
		break;
	case CALL_SETTLE:
		monitor->outcome = (struct alert_outcome){ 0 };
		break;
	case CALL_NONE:
		break;
	}
}

enum err monitor_take(struct monitor *monitor)
{
	struct db_rows *rows = NULL;
	enum call call = monitor->call;
	enum err err = db_take(monitor->db, &rows);

	if (err == ERR_PACE)
		return err;
	monitor->call = CALL_NONE;
	if (err) {
		/* The counts may have been stored: losing them once is better than storing them
		   twice. */
		if (call == CALL_WATCH)
			subtract(&monitor->counts, &monitor->telling);
		db_outage_observe(monitor->outage, false, clock_ms(), db_problem(monitor->db));
		monitor->is_reading_targets = false;
		monitor->is_more = false;
		monitor->look_at = monitor->claim_at = clock_ms() + FAILED_MS;
	} else {
		take_news(monitor, call, rows);
	}
	db_rows_free(rows);
	return err ? ERR_BUSY : ERR_NONE;
}

/* ---- waiting */

bool monitor_is_busy(const struct monitor *monitor)
{
	return monitor->call != CALL_NONE || alert_is_busy(monitor->alert) ||
	       monitor->outcome.message_id;
}

bool monitor_is_at_rest(const struct monitor *monitor)
{
	int64_t now = clock_ms();

	return !monitor_is_busy(monitor) && !monitor->is_more && monitor->look_at > now &&
	       monitor->claim_at > now;
}

int monitor_poll(const struct monitor *monitor, struct pollfd *fd)
{
	int wait_ms = alert_poll(monitor->alert, fd);
	int64_t outage_at = db_outage_next_at(monitor->outage);

	return is_sender_free(monitor) && outage_at != INT64_MAX
		       ? clock_within(wait_ms, outage_at - clock_ms())
		       : wait_ms;
}

int64_t monitor_next_at(const struct monitor *monitor, bool may_begin)
{
	int64_t next = monitor->outcome.message_id ? monitor->claim_at : INT64_MAX;

	if (may_begin && monitor->is_reading_targets && !db_outage_is_notified(monitor->outage))
		return 0;
	if (may_begin && db_outage_is_over(monitor->outage) && monitor->claim_at < next)
		next = monitor->claim_at;
	if (may_begin && monitor->look_at < next)
		next = monitor->look_at;
	if (may_begin && !alert_is_busy(monitor->alert) && monitor->claim_at < next)
		next = monitor->claim_at;
	return next;
}
