/* SPDX-License-Identifier: ISC */
#include "base/lobby.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/records.h"

enum {
	PEEK_MAX = 64 * 1024,	/* a callback has about 3 kB with its parameters */
	LINGER_MS = 2000,	/* for a sender to finish after an early answer */
	SEND_MS = 30000,	/* of an answer that does not go on */
	TAPES_BYTES_MAX = 64 * 1024 * 1024,	/* of all tapes; then the oldest gives way */
};

enum stage { WAITING, TAPING, SENDING, LINGERING };

struct conn {
	int fd;
	int tape;		/* -1: none */
	enum stage stage;
	int64_t until;		/* clock_ms() */
	size_t bytes;		/* on the tape */
	off_t from, to;		/* SENDING: what is between these is still to be sent */
	bool lingers;		/* SENDING: the sender has input that we did not read */
	struct records records;
};

struct lobby {
	size_t request_bytes_max;
	int64_t timeout_ms;
	struct conn *conns;
	size_t count;
	size_t tape_bytes;
	char peek[PEEK_MAX];
};

struct lobby *lobby_new(size_t request_bytes_max, int64_t timeout_ms)
{
	struct lobby *lobby = mem_zero(1, sizeof(*lobby));

	lobby->request_bytes_max = request_bytes_max;
	lobby->timeout_ms = timeout_ms;
	return lobby;
}

static void drop(struct lobby *lobby, size_t place)
{
	struct conn *conn = &lobby->conns[place];

	if (conn->tape >= 0)
		close(conn->tape);
	if (conn->fd >= 0)
		close(conn->fd);
	lobby->tape_bytes -= conn->bytes;
	*conn = lobby->conns[--lobby->count];
}

static void hold(struct lobby *lobby, const struct conn *conn, int64_t wait_ms)
{
	lobby->conns = mem_grow(lobby->conns, lobby->count + 1, sizeof(struct conn));
	lobby->conns[lobby->count] = *conn;
	lobby->conns[lobby->count++].until = clock_ms() + wait_ms;
}

void lobby_free(struct lobby *lobby)
{
	if (!lobby)
		return;
	while (lobby->count)
		drop(lobby, lobby->count - 1);
	free(lobby->conns);
	free(lobby);
}

size_t lobby_count(const struct lobby *lobby)
{
	return lobby->count;
}

/* ---- arriving */

/* Is the whole request in the socket? -1: the peer is gone or talks nonsense,
   0: not yet, 1: yes; *some: at least a part of it. */
static int look_ahead(struct lobby *lobby, int fd, bool *some)
{
	ssize_t got = recv(fd, lobby->peek, sizeof(lobby->peek), MSG_PEEK | MSG_DONTWAIT);
	struct records records = { 0 };

	*some = false;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0)
		return -1;
	*some = true;
	records_follow(&records, lobby->peek, (size_t)got);
	return records.is_broken ? -1 : records.is_whole;
}

static bool begin_tape(struct conn *conn)
{
	conn->tape = memfd_create("request", MFD_CLOEXEC);
	conn->stage = TAPING;
	conn->records = (struct records){ 0 };
	return conn->tape >= 0;
}

/* A tape that ends because it is over the limit of one must have room. */
static size_t tapes_max(const struct lobby *lobby)
{
	size_t two = 2 * lobby->request_bytes_max;

	return two > TAPES_BYTES_MAX ? two : TAPES_BYTES_MAX;
}

/* Copies what has come to the tape. false: the connection ended or failed. */
static bool record_tape(struct lobby *lobby, struct conn *conn)
{
	size_t all = tapes_max(lobby);

	while (!conn->records.is_whole && !conn->records.is_broken && conn->bytes < lobby->request_bytes_max &&
	       lobby->tape_bytes < all) {
		ssize_t got = recv(conn->fd, lobby->peek, sizeof(lobby->peek), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return false;
		if (write(conn->tape, lobby->peek, (size_t)got) != got)
			return false;
		conn->bytes += (size_t)got;
		lobby->tape_bytes += (size_t)got;
		records_follow(&conn->records, lobby->peek, (size_t)got);
	}
	return !conn->records.is_broken;
}

static bool give(struct lobby *lobby, size_t place, struct arrival *arrival)
{
	struct conn *conn = &lobby->conns[place];

	*arrival = (struct arrival){ .fd = conn->fd, .tape = conn->tape, .is_whole = conn->tape < 0 || conn->records.is_whole };
	conn->fd = conn->tape = -1;
	drop(lobby, place);
	return true;
}

static bool go_on_arriving(struct lobby *lobby, size_t place, struct arrival *arrival)
{
	struct conn *conn = &lobby->conns[place];

	if (conn->stage == WAITING) {
		bool some;
		int whole = look_ahead(lobby, conn->fd, &some);

		if (whole > 0)
			return give(lobby, place, arrival);
		if (whole < 0 || (some && !begin_tape(conn))) {
			drop(lobby, place);
			return false;
		}
		if (!some)
			return false;
		/* the tape may be whole already */
	}
	if (!record_tape(lobby, conn)) {
		drop(lobby, place);
		return false;
	}
	if (conn->records.is_whole || conn->bytes >= lobby->request_bytes_max)
		return give(lobby, place, arrival);
	return false;
}

bool lobby_enter(struct lobby *lobby, int fd, struct arrival *arrival)
{
	bool some;
	int whole = look_ahead(lobby, fd, &some);

	if (whole > 0) {
		*arrival = (struct arrival){ .fd = fd, .tape = -1, .is_whole = true };
		return true;
	}
	if (whole < 0) {
		close(fd);
		return false;
	}
	hold(lobby, &(struct conn){ .fd = fd, .tape = -1, .stage = WAITING }, lobby->timeout_ms);
	return some && go_on_arriving(lobby, lobby->count - 1, arrival);
}

/* ---- leaving */

/* As much of the answer as the connection takes now. Behind `to` there may be
   input that nobody read. -1: it failed, 0: there is more, 1: all is sent. */
static int send_tape(struct conn *conn)
{
	char piece[16384];

	for (;;) {
		size_t want = conn->to - conn->from < (off_t)sizeof(piece) ? (size_t)(conn->to - conn->from) : sizeof(piece);
		ssize_t got = want ? pread(conn->tape, piece, want, conn->from) : 0, put;

		if (got <= 0)
			return want ? -1 : 1;
		put = send(conn->fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		conn->from += put;
	}
}

void lobby_send(struct lobby *lobby, int fd, int tape, off_t from, off_t to, bool input_is_left)
{
	struct conn conn = { .fd = fd, .tape = tape, .stage = SENDING, .from = from, .to = to, .lingers = input_is_left };

	if (send_tape(&conn) == 0) {
		/* A web server that passes on what it gets is as slow as its client. */
		hold(lobby, &conn, SEND_MS);
		return;
	}
	close(tape);
	if (!input_is_left) {
		close(fd);
		return;
	}
	shutdown(fd, SHUT_WR);
	hold(lobby, &(struct conn){ .fd = fd, .tape = -1, .stage = LINGERING }, LINGER_MS);
}

static void go_on_sending(struct lobby *lobby, size_t place)
{
	struct conn *conn = &lobby->conns[place];
	int sent = send_tape(conn);

	conn->until = clock_ms() + SEND_MS;
	if (sent > 0 && conn->lingers) {
		shutdown(conn->fd, SHUT_WR);
		conn->stage = LINGERING;
		conn->until = clock_ms() + LINGER_MS;
	} else if (sent) {
		drop(lobby, place);
	}
}

static void go_on_lingering(struct lobby *lobby, size_t place)
{
	ssize_t got;

	while ((got = recv(lobby->conns[place].fd, lobby->peek, sizeof(lobby->peek), MSG_DONTWAIT)) > 0)
		;
	if (got == 0 || errno != EAGAIN)
		drop(lobby, place);
}

/* ---- waiting */

int lobby_poll(const struct lobby *lobby, struct pollfd *fds, int wait_ms)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < lobby->count; i++) {
		const struct conn *conn = &lobby->conns[i];

		fds[i] = (struct pollfd){ .fd = conn->fd, .events = conn->stage == SENDING ? POLLOUT : POLLIN };
		wait_ms = clock_within(wait_ms, conn->until - now);
	}
	return wait_ms;
}

/* Newest first, because a drop moves the last one into the gap. */
bool lobby_next(struct lobby *lobby, const struct pollfd *fds, size_t *left, struct arrival *arrival)
{
	while (*left > 0) {
		size_t place = --*left;

		if (!fds[place].revents)
			continue;
		switch (lobby->conns[place].stage) {
		case WAITING:
		case TAPING:
			if (go_on_arriving(lobby, place, arrival))
				return true;
			break;
		case SENDING:
			go_on_sending(lobby, place);
			break;
		case LINGERING:
			go_on_lingering(lobby, place);
			break;
		}
	}
	return false;
}

static void drop_overdue(struct lobby *lobby)
{
	int64_t now = clock_ms();

	for (size_t i = lobby->count; i-- > 0;)
		if (lobby->conns[i].until <= now)
			drop(lobby, i);
}

/* Else a few that drip would keep all others waiting until their time is over. */
static void drop_oldest_tapes(struct lobby *lobby)
{
	static struct log_gate gate;

	while (lobby->tape_bytes >= tapes_max(lobby)) {
		size_t oldest = lobby->count;

		for (size_t i = 0; i < lobby->count; i++)
			if (lobby->conns[i].stage == TAPING &&
			    (oldest == lobby->count || lobby->conns[i].until < lobby->conns[oldest].until))
				oldest = i;
		if (oldest == lobby->count)
			return;
		drop(lobby, oldest);
		if (log_gate_passes(&gate, 1))
			log_write(LOG_WARN, "slow_request_dropped",
			          (struct log_field[]){ log_num("bytes_held", (int64_t)lobby->tape_bytes), log_end() });
	}
}

void lobby_clear(struct lobby *lobby)
{
	drop_overdue(lobby);
	drop_oldest_tapes(lobby);
}
