/* SPDX-License-Identifier: ISC */
/* Where connections of a web server wait: until their request is there whole,
   and until their answer has gone. What is not whole at once, or larger than
   64 kB, is copied as it comes to a file in memory, its tape; an answer goes out
   from one. Nothing here blocks. What a request says is not looked at
   (base/records has where it ends). */
#ifndef HL_BASE_LOBBY_H
#define HL_BASE_LOBBY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lobby;

/* On a tape go at most request_bytes_max of a request, which has timeout_ms to
   come whole. */
struct lobby *lobby_new(size_t request_bytes_max, int64_t timeout_ms);
void lobby_free(struct lobby *lobby);	/* hangs up on all that wait */
size_t lobby_count(const struct lobby *lobby);

/* A request that is there. It lies in the connection's own buffer (tape -1), or
   on a tape that is to be read from its beginning. Gives both descriptors away. */
struct arrival {
	int fd, tape;
	bool is_whole;	/* false: it has an end beyond request_bytes_max, which was not waited for */
};

/* Keeps a connection that was accepted. true: its request is there already. */
bool lobby_enter(struct lobby *lobby, int fd, struct arrival *arrival);

/* Writes what to poll into fds[0] to fds[lobby_count()]; the wait is over when
   somebody's time is, and not longer than `wait_ms` (base/clock). */
int lobby_poll(const struct lobby *lobby, struct pollfd *fds, int wait_ms);

/* Goes on with those that poll() found ready, from *left (lobby_count() before
   the first call) down, until one has its request there: true. */
bool lobby_next(struct lobby *lobby, const struct pollfd *fds, size_t *left, struct arrival *arrival);

/* Hangs up on those whose time is over; and while all tapes are larger together
   than they may be, on whoever takes longest to arrive, which is logged. */
void lobby_clear(struct lobby *lobby);

/* Sends what is on the tape between `from` and `to`, now and as the peer takes
   it, then hangs up; keeps both descriptors. Behind a sender whose input was left
   the rest is read away for a while, so that it sees the answer, not a reset. */
void lobby_send(struct lobby *lobby, int fd, int tape, off_t from, off_t to, bool input_is_left);

#endif
