/* SPDX-License-Identifier: ISC */
/* What a courier does beside delivering: says that it works and what it sees,
   lets the database count and look for findings, and sends what the owner is to
   be told. Uses the courier's connection while that is free, one call at a time. */
#ifndef HL_LEDGER_WATCH_H
#define HL_LEDGER_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct db;
struct db_args;
struct sealer;
struct watch;

/* What a program says of where it runs, nine arguments: the place, its version, and
   the spool there: records, bytes, their limit, damaged files, the oldest one (null
   when it cannot look), those set aside, and after how many seconds one is late. Makes
   no folder. */
void watch_put_host(const struct conf *conf, struct db_args *args);

/* Borrows all three until watch_free(), which breaks off what is being sent. */
struct watch *watch_new(const struct conf *conf, struct db *db, const struct sealer *sealer);
void watch_free(struct watch *watch);

/* An attempt to deliver that has ended, for the counters. */
void watch_count(struct watch *watch, bool is_fine, int64_t duration_us);

/* Before a round ends: is there anything counted that was not told? It is then. */
bool watch_tell(struct watch *watch);

/* From the beginning: looks at once. */
void watch_restart(struct watch *watch);

/* Starts a call when one is due; `may_begin` false: only for what was begun.
   *starts: it did. ERR_BUSY: that did not work. */
MUST_USE enum err watch_start(struct watch *watch, bool may_begin, bool *starts);
bool watch_is_calling(const struct watch *watch);

/* The outcome of the call. ERR_PACE: not yet; ERR_BUSY: it failed. */
MUST_USE enum err watch_take(struct watch *watch);

/* Has looked, has nothing more to count or to send now, and nothing under way? */
bool watch_is_at_rest(const struct watch *watch);
bool watch_is_busy(const struct watch *watch);	/* something is under way or not yet settled */

/* Moves what is being sent on, without waiting. */
void watch_collect(struct watch *watch);

/* As fetch_poll(), for the message that is being sent. */
int watch_poll(const struct watch *watch, struct pollfd *fd);

/* When the next call is due, by clock_ms(); INT64_MAX: none is. */
int64_t watch_next_at(const struct watch *watch, bool may_begin);

#endif
