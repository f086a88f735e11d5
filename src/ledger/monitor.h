/* SPDX-License-Identifier: ISC */
/* What a courier does beside delivering: reports that it works and what it found, lets the
   database count and look for findings, and sends alerts to the owner. Uses the courier's
   connection while that is idle, one call at a time. */
#ifndef HL_LEDGER_MONITOR_H
#define HL_LEDGER_MONITOR_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct db;
struct db_args;
struct sealer;
struct monitor;

/* Nine parameters that describe the host of a program: host and folder, version, and the spool
   there: records, bytes, their limit, damaged files, the oldest record (null when the spool is
   not readable), records set aside, and after how many seconds one is late. Makes no folder. */
void monitor_put_host(const struct conf *conf, struct db_args *args);

/* Borrows all three until monitor_free(), which aborts the message in flight. */
struct monitor *monitor_new(const struct conf *conf, struct db *db, const struct sealer *sealer);
void monitor_free(struct monitor *monitor);

/* Counts an attempt to deliver that has ended. */
void monitor_count(struct monitor *monitor, bool is_fine, int64_t duration_us);

/* Before a round ends: makes the report due when something was counted since the last one; true:
   it is. */
bool monitor_flush(struct monitor *monitor);

/* Starts again: looks at once. */
void monitor_restart(struct monitor *monitor);

/* Starts a call when one is due; `may_begin` false: only to finish what was begun. *starts: it
   did. ERR_BUSY: the call failed. */
MUST_USE enum err monitor_start(struct monitor *monitor, bool may_begin, bool *starts);
bool monitor_is_calling(const struct monitor *monitor);

/* The outcome of the call. ERR_PACE: not yet; ERR_BUSY: it failed. */
MUST_USE enum err monitor_take(struct monitor *monitor);

/* Has it looked, with nothing more to count or to send now, and nothing in flight? */
bool monitor_is_at_rest(const struct monitor *monitor);
bool monitor_is_busy(
	const struct monitor *monitor); /* something is in flight, or not yet settled */

/* Continues to send, without waiting. */
void monitor_collect(struct monitor *monitor);

/* As http_client_poll(), for the message in flight. */
int monitor_poll(const struct monitor *monitor, struct pollfd *fd);

/* When the next call is due, by clock_ms(); INT64_MAX: none is. */
int64_t monitor_next_at(const struct monitor *monitor, bool may_begin);

#endif
