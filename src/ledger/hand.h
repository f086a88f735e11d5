/* SPDX-License-Identifier: ISC */
/* What a courier has in its hand: the lanes, the deliveries that wait in them,
   the requests under way, and the results that the database has not yet got. */
#ifndef HL_LEDGER_HAND_H
#define HL_LEDGER_HAND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/log.h"
#include "ledger/lane.h"
#include "ledger/outbox.h"

struct conf;
struct delivery;
struct fetch;
struct sealer;
struct watch;

struct hand {
	const struct conf *conf;
	struct fetch *fetch;
	struct networks allowed;
	struct sealer *sealer;

	struct lanes lanes;
	struct delivery *under_way, *done, *settling;	/* lists; settling: those of done that are with the database */
	size_t count, done_count;	/* of all in the hand, and of those done */
	int64_t done_since_ms;		/* the oldest of them */
	int64_t delivered, failed;	/* attempts so far */
	struct watch *watch;		/* counts them too; borrowed */

	struct delivery *spare;
	size_t turn;			/* the lane that starts first */
	struct log_gate failures;
};

/* {0} before; borrows the settings until hand_done(). */
void hand_init(struct hand *hand, const struct conf *conf);
void hand_done(struct hand *hand);	/* breaks off what is under way */

/* Takes a claimed delivery into its lane, which is made when there is none. */
struct lane *hand_lane(struct hand *hand, const struct outbox_claimed *row);
void hand_put(struct hand *hand, struct lane *lane, const struct outbox_claimed *row);

/* Starts what may start, at most `most`, and gives how many that were; lowers
   *wait_ms to when a lane's pace allows the next. What was claimed more than 5 s
   ago is dropped instead: a right may have been taken since then. */
int hand_start(struct hand *hand, int most, int *wait_ms);
/* Takes the requests that have ended. */
void hand_collect(struct hand *hand);
int hand_poll(const struct hand *hand, struct pollfd *fd);	/* as fetch_poll() */

/* What has not started is due in the database all the same. */
void hand_drop_waiting(struct hand *hand, struct lane *lane);
void hand_lose(struct hand *hand, struct lane *lane);	/* its lease is somebody else's */

/* All that is done goes to `settling`; then it is settled, or done as before. */
void hand_settle(struct hand *hand);
void hand_settled(struct hand *hand);
void hand_not_settled(struct hand *hand);

#endif
