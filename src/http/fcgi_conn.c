/* SPDX-License-Identifier: ISC */
#include "http/fcgi_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/fcgi_record.h"

enum {
	PEEK_MAX = 64 * 1024, /* a callback has about 3 kB with its parameters */
	LINGER_MS = 2000,     /* for a peer that still sends when the response is sent */
	SEND_MS = 30000,      /* for a response that makes no progress */
	SPILL_BYTES_MAX = 64 * 1024 *
			  1024, /* of all spill files; above it the oldest are dropped */
};

enum stage { WAITING, TAPING, SENDING, LINGERING };

struct conn {
	int fd;
	int spill; /* -1: none */
	enum stage stage;
	int64_t until;	/* clock_ms() */
	size_t bytes;	/* in the spill file */
	off_t from, to; /* SENDING: the bytes that are still to be sent */
	bool lingers;	/* SENDING: the peer has sent input that we did not read */
	struct fcgi_record records;
};

struct fcgi_conns {
	size_t request_bytes_max;
	int64_t timeout_ms;
	struct conn *conns;
	size_t count;
	size_t spill_bytes;
	char peek[PEEK_MAX];
};

struct fcgi_conns *fcgi_conn_new(size_t request_bytes_max, int64_t timeout_ms)
{
	struct fcgi_conns *conns = mem_zero(1, sizeof(*conns));

	conns->request_bytes_max = request_bytes_max;
	conns->timeout_ms = timeout_ms;
	return conns;
}

static void drop(struct fcgi_conns *conns, size_t index)
{
	struct conn *conn = &conns->conns[index];

	if (conn->spill >= 0)
		close(conn->spill);
	if (conn->fd >= 0)
		close(conn->fd);
	conns->spill_bytes -= conn->bytes;
	*conn = conns->conns[--conns->count];
}

static void hold(struct fcgi_conns *conns, const struct conn *conn, int64_t wait_ms)
{
	conns->conns = mem_grow(conns->conns, conns->count + 1, sizeof(struct conn));
	conns->conns[conns->count] = *conn;
	conns->conns[conns->count++].until = clock_ms() + wait_ms;
}

void fcgi_conn_free(struct fcgi_conns *conns)
{
	if (!conns)
		return;
	while (conns->count)
		drop(conns, conns->count - 1);
	free(conns->conns);
	free(conns);
}

size_t fcgi_conn_count(const struct fcgi_conns *conns)
{
	return conns->count;
}

/* ---- receiving */

/* Is the whole request in the socket's buffer? 1: yes; 0: not yet; -1: the peer is gone, or
   sends no FastCGI. *some: at least a part has arrived. */
static int peek(struct fcgi_conns *conns, int fd, bool *some)
{
	ssize_t got = recv(fd, conns->peek, sizeof(conns->peek), MSG_PEEK | MSG_DONTWAIT);
	struct fcgi_record records = { 0 };

	*some = false;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0)
		return -1;
	*some = true;
	fcgi_record_follow(&records, conns->peek, (size_t)got);
	return records.is_broken ? -1 : records.is_whole;
}

static bool begin_spill(struct conn *conn)
{
	conn->spill = memfd_create("request", MFD_CLOEXEC);
	conn->stage = TAPING;
	conn->records = (struct fcgi_record){ 0 };
	return conn->spill >= 0;
}

/* The limit of all spill files must leave room for one that ends above its own limit. */
static size_t spill_files_max(const struct fcgi_conns *conns)
{
	size_t two = 2 * conns->request_bytes_max;

	return two > SPILL_BYTES_MAX ? two : SPILL_BYTES_MAX;
}

/* Copies what has arrived to the spill file. false: the connection ended or failed. */
static bool copy_to_spill(struct fcgi_conns *conns, struct conn *conn)
{
	size_t all = spill_files_max(conns);

	while (!conn->records.is_whole && !conn->records.is_broken &&
	       conn->bytes < conns->request_bytes_max && conns->spill_bytes < all) {
		ssize_t got = recv(conn->fd, conns->peek, sizeof(conns->peek), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return false;
		if (write(conn->spill, conns->peek, (size_t)got) != got)
			return false;
		conn->bytes += (size_t)got;
		conns->spill_bytes += (size_t)got;
		fcgi_record_follow(&conn->records, conns->peek, (size_t)got);
	}
	return !conn->records.is_broken;
}

static bool hand_over(struct fcgi_conns *conns, size_t index, struct fcgi_conn_request *request)
{
	struct conn *conn = &conns->conns[index];

	*request = (struct fcgi_conn_request){ .fd = conn->fd,
					       .spill = conn->spill,
					       .is_whole = conn->spill < 0 ||
							   conn->records.is_whole };
	conn->fd = conn->spill = -1;
	drop(conns, index);
	return true;
}

static bool continue_receiving(struct fcgi_conns *conns, size_t index,
			       struct fcgi_conn_request *request)
{
	struct conn *conn = &conns->conns[index];

	if (conn->stage == WAITING) {
		bool some;
		int whole = peek(conns, conn->fd, &some);

		if (whole > 0)
			return hand_over(conns, index, request);
		if (whole < 0 || (some && !begin_spill(conn))) {
			drop(conns, index);
			return false;
		}
		if (!some)
			return false;
		/* the request in the spill file may be complete already */
	}
	if (!copy_to_spill(conns, conn)) {
		drop(conns, index);
		return false;
	}
	if (conn->records.is_whole || conn->bytes >= conns->request_bytes_max)
		return hand_over(conns, index, request);
	return false;
}

bool fcgi_conn_enter(struct fcgi_conns *conns, int fd, struct fcgi_conn_request *request)
{
	bool some;
	int whole = peek(conns, fd, &some);

	if (whole > 0) {
		*request = (struct fcgi_conn_request){ .fd = fd, .spill = -1, .is_whole = true };
		return true;
	}
	if (whole < 0) {
		close(fd);
		return false;
	}
	hold(conns, &(struct conn){ .fd = fd, .spill = -1, .stage = WAITING }, conns->timeout_ms);
	return some && continue_receiving(conns, conns->count - 1, request);
}

/* ---- sending */

/* Sends as much as the socket takes. Behind `to` there may be input that nobody read. 1: all is
   sent; 0: there is more; -1: it failed. */
static int send_spill(struct conn *conn)
{
	char piece[16384];

	for (;;) {
		size_t want = conn->to - conn->from < (off_t)sizeof(piece)
				      ? (size_t)(conn->to - conn->from)
				      : sizeof(piece);
		ssize_t got = want ? pread(conn->spill, piece, want, conn->from) : 0, put;

		if (got <= 0)
			return want ? -1 : 1;
		put = send(conn->fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		conn->from += put;
	}
}

void fcgi_conn_send(struct fcgi_conns *conns, int fd, int spill, off_t from, off_t to,
		    bool input_is_left)
{
	struct conn conn = { .fd = fd,
			     .spill = spill,
			     .stage = SENDING,
			     .from = from,
			     .to = to,
			     .lingers = input_is_left };

	if (send_spill(&conn) == 0) {
		/* A web server that streams is as slow as its client. */
		hold(conns, &conn, SEND_MS);
		return;
	}
	close(spill);
	if (!input_is_left) {
		close(fd);
		return;
	}
	shutdown(fd, SHUT_WR);
	hold(conns, &(struct conn){ .fd = fd, .spill = -1, .stage = LINGERING }, LINGER_MS);
}

static void continue_sending(struct fcgi_conns *conns, size_t index)
{
	struct conn *conn = &conns->conns[index];
	int sent = send_spill(conn);

	conn->until = clock_ms() + SEND_MS;
	if (sent > 0 && conn->lingers) {
		shutdown(conn->fd, SHUT_WR);
		conn->stage = LINGERING;
		conn->until = clock_ms() + LINGER_MS;
	} else if (sent) {
		drop(conns, index);
	}
}

static void continue_lingering(struct fcgi_conns *conns, size_t index)
{
	ssize_t got;

	while ((got = recv(conns->conns[index].fd, conns->peek, sizeof(conns->peek),
			   MSG_DONTWAIT)) > 0)
		;
	if (got == 0 || errno != EAGAIN)
		drop(conns, index);
}

/* ---- waiting */

int fcgi_conn_poll(const struct fcgi_conns *conns, struct pollfd *fds, int wait_ms)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < conns->count; i++) {
		const struct conn *conn = &conns->conns[i];

		fds[i] = (struct pollfd){ .fd = conn->fd,
					  .events = conn->stage == SENDING ? POLLOUT : POLLIN };
		wait_ms = clock_within(wait_ms, conn->until - now);
	}
	return wait_ms;
}

/* From the last to the first, because a drop moves the last one into the gap. */
bool fcgi_conn_next(struct fcgi_conns *conns, const struct pollfd *fds, size_t *left,
		    struct fcgi_conn_request *request)
{
	while (*left > 0) {
		size_t index = --*left;

		if (!fds[index].revents)
			continue;
		switch (conns->conns[index].stage) {
		case WAITING:
		case TAPING:
			if (continue_receiving(conns, index, request))
				return true;
			break;
		case SENDING:
			continue_sending(conns, index);
			break;
		case LINGERING:
			continue_lingering(conns, index);
			break;
		}
	}
	return false;
}

static void drop_overdue(struct fcgi_conns *conns)
{
	int64_t now = clock_ms();

	for (size_t i = conns->count; i-- > 0;)
		if (conns->conns[i].until <= now)
			drop(conns, i);
}

/* Without this, a few senders that send slowly delay all others until their time is over. */
static void drop_oldest_spills(struct fcgi_conns *conns)
{
	static struct log_gate gate;

	while (conns->spill_bytes >= spill_files_max(conns)) {
		size_t oldest = conns->count;

		for (size_t i = 0; i < conns->count; i++)
			if (conns->conns[i].stage == TAPING &&
			    (oldest == conns->count ||
			     conns->conns[i].until < conns->conns[oldest].until))
				oldest = i;
		if (oldest == conns->count)
			return;
		drop(conns, oldest);
		if (log_gate_passes(&gate, 1))
			log_write(LOG_WARN, "slow_request_dropped",
				  (struct log_field[]){
					  log_num("bytes_held", (int64_t)conns->spill_bytes),
					  log_end() });
	}
}

void fcgi_conn_clear(struct fcgi_conns *conns)
{
	drop_overdue(conns);
	drop_oldest_spills(conns);
}
