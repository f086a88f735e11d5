/* SPDX-License-Identifier: ISC */
/* What a courier does beside delivering: says that it works and what it sees,
   lets the database count and look for findings, and sends what the owner is to
   be told. Uses the courier's connection while that is free, one call at a time. */
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

/* What a program says of where it runs, nine arguments: the place, its version, and
   the spool there: records, bytes, their limit, damaged files, the oldest one (null
   when it cannot look), those set aside, and after how many seconds one is late. Makes
   no folder. */
void monitor_put_host(const struct conf *conf, struct db_args *args);

/* Borrows all three until monitor_free(), which breaks off what is being sent. */
struct monitor *monitor_new(const struct conf *conf, struct db *db, const struct sealer *sealer);
void monitor_free(struct monitor *monitor);

/* An attempt to deliver that has ended, for the counters. */
void monitor_count(struct monitor *monitor, bool is_fine, int64_t duration_us);

/* Before a round ends: is there anything counted that was not told? It is then. */
bool monitor_tell(struct monitor *monitor);

/* From the beginning: looks at once. */
void monitor_restart(struct monitor *monitor);

/* Starts a call when one is due; `may_begin` false: only for what was begun.
 *starts: it did. ERR_BUSY: that did not work. */
MUST_USE enum err monitor_start(struct monitor *monitor, bool may_begin, bool *starts);
bool monitor_is_calling(const struct monitor *monitor);

/* The outcome of the call. ERR_PACE: not yet; ERR_BUSY: it failed. */
MUST_USE enum err monitor_take(struct monitor *monitor);

/* Has looked, has nothing more to count or to send now, and nothing under way? */
bool monitor_is_at_rest(const struct monitor *monitor);
bool monitor_is_busy(const struct monitor *monitor); /* something is under way or not yet settled */

/* Moves what is being sent on, without waiting. */
void monitor_collect(struct monitor *monitor);

/* As http_client_poll(), for the message that is being sent. */
int monitor_poll(const struct monitor *monitor, struct pollfd *fd);

/* When the next call is due, by clock_ms(); INT64_MAX: none is. */
int64_t monitor_next_at(const struct monitor *monitor, bool may_begin);

#endif
