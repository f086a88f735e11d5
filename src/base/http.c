/* SPDX-License-Identifier: ISC */
/* A connection from the web server is accepted here and waits in the poll set.
   When a look ahead (MSG_PEEK) shows the whole request, libfcgi gets the
   descriptor and reads it without ever blocking. What is not whole at once, or
   larger than the look ahead, is copied as it comes to a file in memory (the
   tape), which libfcgi then reads and writes in place of the connection. */
#include "base/http.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/address.h"
#include "base/basic.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/forwarded.h"
#include "base/log.h"
#include "base/records.h"
#include "base/uri.h"

extern char **environ;

enum {
	PEEK_MAX = 64 * 1024,		/* a callback has about 3 kB with its parameters */
	PARAMS_MAX = 64 * 1024,		/* on top of body_max on a tape */
	KEEP_MAX = 64 * 1024,		/* storage of a body that is kept for the next one */
	LINGER_MS = 2000,		/* for a sender to finish after an early answer */
	END_MS = 2000,			/* for requests that are on their way when we are to end */
	ANSWER_AT_ONCE = 64 * 1024,	/* a socket takes about 200 KB without being read */
	SEND_MS = 30000,		/* of an answer that does not go on */
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

struct http_req {
	struct http *http;
	FCGX_Request fcgi;
	char **env;
	struct buf body, path;
	bool has_path;
	enum http_flaw flaw;
	int fd;			/* the connection, when libfcgi has the tape instead */
	int tape;		/* a second descriptor of that tape */
	off_t from;		/* where the answer begins on it */
	bool is_answered, input_is_left;
};

struct http {
	struct http_how how;
	char *base_path;
	int listen_fd;		/* -1: plain CGI, or closed because we are to end */
	bool is_cgi, cgi_is_done;

	struct conn *conns;	/* not handed over yet */
	size_t conn_count;
	size_t tape_bytes;
	struct pollfd *polls;
	int64_t end_at;		/* when we are to end: not later than this; 0: we are not */

	struct http_req **reqs;	/* batch_max of them: a stream of libfcgi's knows where its request lies */
	size_t count;
	size_t held;		/* requests that the caller answers later */
	size_t gathered_bytes;
	struct buf answer;	/* storage of the one that is being written */
	char peek[PEEK_MAX];
};

static int wake_read = -1, wake_write = -1;

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	/* The pipe never fills up: one byte is enough. */
	if (write(wake_write, "x", 1) < 0)
		errno = saved;
	errno = saved;
}

/* ---- opening */

static bool unix_listen(const char *path, int *fd, struct buf *problem, enum err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat facts;
	int probe;

	if (strlen(path) >= sizeof(address.sun_path)) {
		buf_addf(problem, "the socket path is longer than %zu bytes", sizeof(address.sun_path) - 1);
		*err = ERR_INPUT;
		return false;
	}
	strcpy(address.sun_path, path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0) {
		close(probe);
		buf_addf(problem, "another process listens on %s", path);
		*err = ERR_CONFLICT;
		return false;
	}
	/* a plain file refuses connections too, and is not ours to remove */
	if (probe >= 0 && errno == ECONNREFUSED && lstat(path, &facts) == 0 && S_ISSOCK(facts.st_mode))
		unlink(path);
	if (probe >= 0)
		close(probe);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && bind(*fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(path, 0660) == 0 && listen(*fd, SOMAXCONN) == 0)
		return true;
	buf_addf(problem, "cannot listen on %s: %s", path, strerror(errno));
	*err = ERR_FAULT;
	return false;
}

static bool tcp_listen(const char *address, int *fd, struct buf *problem, enum err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	const char *colon = strrchr(address, ':');
	struct addrinfo *found = NULL;
	int64_t port;
	char *host;
	int yes = 1;

	if (!colon || colon == address || !str_int(str_of(colon + 1), &port)) {
		buf_addf(problem, "\"%s\" is neither unix:/path nor address:port", address);
		*err = ERR_INPUT;
		return false;
	}
	host = mem_dup((struct str){ address, (size_t)(colon - address) });
	/* getaddrinfo() takes 70000 for 4464 */
	if (port < 0 || port > 65535 || getaddrinfo(host, colon + 1, &hints, &found))
		found = NULL;
	free(host);
	if (!found) {
		buf_addf(problem, "\"%s\" is no numeric address and port", address);
		*err = ERR_INPUT;
		return false;
	}
	*fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(*fd, found->ai_addr, found->ai_addrlen) == 0 && listen(*fd, SOMAXCONN) == 0) {
		freeaddrinfo(found);
		return true;
	}
	buf_addf(problem, "cannot listen on %s: %s", address, strerror(errno));
	*err = errno == EADDRINUSE ? ERR_CONFLICT : ERR_FAULT;
	freeaddrinfo(found);
	return false;
}

enum err http_listen(const char *address, int *out, struct buf *problem)
{
	enum err err = ERR_NONE;
	int fd = -1;
	bool fine = strncmp(address, "unix:", 5) == 0 ? unix_listen(address + 5, &fd, problem, &err)
	                                              : tcp_listen(address, &fd, problem, &err);

	if (fine)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return err;
}

static void take_signals(void)
{
	struct sigaction on = { .sa_handler = on_signal }, off = { .sa_handler = SIG_IGN };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	wake_read = ends[0];
	wake_write = ends[1];
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGUSR1, &off, NULL);
	sigaction(SIGPIPE, &off, NULL);
}

static struct http_req *new_req(struct http *http)
{
	struct http_req *req = mem_zero(1, sizeof(*req));

	req->http = http;
	req->fd = req->tape = -1;
	if (!http->is_cgi)
		FCGX_InitRequest(&req->fcgi, -1, 0);
	return req;
}

static void free_req(struct http_req *req)
{
	buf_done(&req->body);
	buf_done(&req->path);
	free(req);
}

struct http *http_open(int listen_fd, const struct http_how *how)
{
	struct http *http = mem_zero(1, sizeof(*http));
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	http->how = *how;
	http->base_path = mem_dup(str_of(how->base_path));
	http->listen_fd = listen_fd;
	if (listen_fd < 0) {
		/* FastCGI specification, 2.2: a listening socket has no peer, and
		   says so; a pipe or file says that it is no socket. */
		bool is_socket = getpeername(0, (struct sockaddr *)&peer, &size) < 0 && errno == ENOTCONN;

		http->is_cgi = !is_socket;
		http->listen_fd = is_socket ? 0 : -1;
	}
	if (http->is_cgi)
		http->how.batch_max = 1;
	else if (FCGX_Init())
		abort();
	/* after FCGX_Init(), which installs handlers of its own */
	take_signals();
	http->reqs = mem_zero(http->how.batch_max, sizeof(*http->reqs));
	for (size_t i = 0; i < http->how.batch_max; i++)
		http->reqs[i] = new_req(http);
	if (!http->is_cgi) {
		fcntl(http->listen_fd, F_SETFL, fcntl(http->listen_fd, F_GETFL) | O_NONBLOCK);
		fcntl(http->listen_fd, F_SETFD, FD_CLOEXEC);
		/* a connection needs one, with a tape two */
		descriptors_need(how->connections_max * 2);
	}
	return http;
}

bool http_is_cgi(const struct http *http)
{
	return http->is_cgi;
}

/* ---- connections that are not whole yet */

static void drop(struct http *http, size_t place)
{
	struct conn *conn = &http->conns[place];

	if (conn->tape >= 0)
		close(conn->tape);
	if (conn->fd >= 0)
		close(conn->fd);
	http->tape_bytes -= conn->bytes;
	*conn = http->conns[--http->conn_count];
}

static void hold(struct http *http, int fd, enum stage stage, int64_t wait_ms)
{
	http->conns = mem_grow(http->conns, http->conn_count + 1, sizeof(struct conn));
	http->conns[http->conn_count++] =
		(struct conn){ .fd = fd, .tape = -1, .stage = stage, .until = clock_ms() + wait_ms };
}

/* ---- handing a whole request to libfcgi */

/* REQUEST_URI without its query, less the base path, decoded: the same behind
   every web server, whatever it makes of SCRIPT_NAME and PATH_INFO. */
static void read_path(struct http_req *req)
{
	struct str uri = http_header(req, "REQUEST_URI"), path;
	size_t base = strlen(req->http->base_path);

	buf_clear(&req->path);
	path = str_cut(&uri, '?');
	req->has_path = path.len > 0 && str_starts(path, req->http->base_path) &&
	                path.len > base && path.at[base] == '/' &&
	                uri_decode((struct str){ path.at + base, path.len - base }, &req->path);
}

/* Reads the body as far as it may be, and compares it with what was announced.
   `some` reads a piece: 0 at the end. */
static void read_body(struct http_req *req, size_t (*some)(struct http_req *, char *, size_t))
{
	struct str length = http_header(req, "CONTENT_LENGTH");
	size_t max = req->http->how.body_max, got;
	int64_t announced = -1;
	char piece[16384];

	buf_clear(&req->body);
	req->flaw = HTTP_WHOLE;
	if (length.len && (!str_int(length, &announced) || announced < 0))
		req->flaw = HTTP_CUT_SHORT;
	else if (length.len && (uint64_t)announced > max)
		req->flaw = HTTP_TOO_BIG;
	else if (length.len)
		buf_need(&req->body, (size_t)announced);
	while (!req->flaw && (got = some(req, piece, sizeof(piece))) > 0) {
		if (got > max - req->body.len)
			req->flaw = HTTP_TOO_BIG;
		else
			buf_add(&req->body, piece, got);
	}
	if (!req->flaw && !length.len && req->body.len == 0)
		req->flaw = HTTP_NO_LENGTH;
	if (!req->flaw && length.len && req->body.len != (size_t)announced)
		req->flaw = HTTP_CUT_SHORT;
	req->http->gathered_bytes += req->body.len;
}

static size_t fcgi_some(struct http_req *req, char *into, size_t len)
{
	int got = FCGX_GetStr(into, (int)len, req->fcgi.in);

	return got > 0 ? (size_t)got : 0;
}

/* What is left unread on the connection itself would turn our close into a
   reset, and the web server might drop the answer with it. */
static void read_to_end(struct http_req *req)
{
	char piece[16384];

	while (fcgi_some(req, piece, sizeof(piece)) > 0)
		;
}

/* Gives libfcgi a descriptor (the connection or its tape) that holds a whole
   request. false: it is none, and libfcgi has closed it. */
static bool accept_fd(struct http_req *req, int fd)
{
	/* With keepConnection set, FCGX_Accept_r's clean-up of the last request
	   leaves ipcFd alone and takes it as a connection that is kept. */
	req->fcgi.ipcFd = fd;
	req->fcgi.keepConnection = 1;
	req->fcgi.in = NULL;
	/* Detached, because libfcgi would wait up to two seconds for the peer to
	   hang up when what it reads is no request. */
	FCGX_Detach(&req->fcgi);
	if (FCGX_Accept_r(&req->fcgi) < 0)
		return false;
	req->env = req->fcgi.envp;
	req->is_answered = false;
	read_path(req);
	return true;
}

/* A request that is whole in the socket's own buffer. */
static bool take_conn(struct http *http, int fd)
{
	struct http_req *req = http->reqs[http->count];

	req->fd = req->tape = -1;
	if (!accept_fd(req, fd))
		return false;
	read_body(req, fcgi_some);
	read_to_end(req);
	req->input_is_left = false;
	http->count++;
	return true;
}

/* A request on a tape: libfcgi reads it to wherever the answer then begins. */
static void take_tape(struct http *http, size_t place)
{
	struct conn *conn = &http->conns[place];
	struct http_req *req = http->reqs[http->count];
	bool is_whole = conn->records.is_whole;
	int tape = conn->tape, fd = conn->fd;

	conn->tape = conn->fd = -1;
	drop(http, place);
	req->tape = dup(tape);
	req->fd = fd;
	if (req->tape < 0 || lseek(tape, 0, SEEK_SET) != 0) {
		close(tape);
		tape = -1;
	}
	if (tape < 0 || !accept_fd(req, tape)) {
		if (req->tape >= 0)
			close(req->tape);
		close(fd);
		req->fd = req->tape = -1;
		return;
	}
	read_body(req, fcgi_some);
	/* Handed over before its end, because it is larger than we ever read:
	   whatever its length says, the end of the tape is not its end. */
	if (!is_whole)
		req->flaw = HTTP_TOO_BIG;
	req->input_is_left = !is_whole;
	http->count++;
}

static bool is_full(const struct http *http)
{
	return http->count == http->how.batch_max ||
	       (http->count && http->gathered_bytes >= http->how.batch_max_bytes);
}

/* A tape that ends because it is over the limit of one must have room. */
static size_t tapes_max(const struct http *http)
{
	size_t two = 2 * (http->how.body_max + PARAMS_MAX);

	return two > TAPES_BYTES_MAX ? two : TAPES_BYTES_MAX;
}

/* Copies what has come to the tape. false: the connection ended or failed. */
static bool record_tape(struct http *http, struct conn *conn)
{
	size_t most = http->how.body_max + PARAMS_MAX, all = tapes_max(http);

	while (!conn->records.is_whole && !conn->records.is_broken && conn->bytes < most &&
	       http->tape_bytes < all) {
		ssize_t got = recv(conn->fd, http->peek, sizeof(http->peek), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return false;
		if (write(conn->tape, http->peek, (size_t)got) != got)
			return false;
		conn->bytes += (size_t)got;
		http->tape_bytes += (size_t)got;
		records_follow(&conn->records, http->peek, (size_t)got);
	}
	return !conn->records.is_broken;
}

static bool begin_tape(struct conn *conn)
{
	conn->tape = memfd_create("request", MFD_CLOEXEC);
	conn->stage = TAPING;
	conn->records = (struct records){ 0 };
	return conn->tape >= 0;
}

/* Is the whole request in the socket? -1: the peer is gone or talks nonsense,
   0: not yet, 1: yes; *some: at least a part of it. */
static int look_ahead(struct http *http, int fd, bool *some)
{
	ssize_t got = recv(fd, http->peek, sizeof(http->peek), MSG_PEEK | MSG_DONTWAIT);
	struct records records = { 0 };

	*some = false;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0)
		return -1;
	*some = true;
	records_follow(&records, http->peek, (size_t)got);
	return records.is_broken ? -1 : records.is_whole;
}

/* Sends what libfcgi wrote on the tape, as much of it as the connection takes
   now. Behind `to` there may be input that nobody read. -1: it failed, 0: there
   is more, 1: all is sent. */
static int send_tape(int fd, int tape, off_t *from, off_t to)
{
	char piece[16384];

	for (;;) {
		size_t want = to - *from < (off_t)sizeof(piece) ? (size_t)(to - *from) : sizeof(piece);
		ssize_t got = want ? pread(tape, piece, want, *from) : 0, put;

		if (got <= 0)
			return want ? -1 : 1;
		put = send(fd, piece, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		*from += put;
	}
}

/* Moves the waiting connection on; false: it is gone from the list (handed
   over or dropped), so its place holds another one now. */
static bool attend(struct http *http, size_t place)
{
	struct conn *conn = &http->conns[place];
	bool some, over;
	int whole, fd;

	switch (conn->stage) {
	case WAITING:
		whole = look_ahead(http, conn->fd, &some);
		if (whole > 0) {
			fd = conn->fd;
			conn->fd = -1;
			drop(http, place);
			take_conn(http, fd);
			return false;
		}
		if (whole < 0 || (some && !begin_tape(conn))) {
			drop(http, place);
			return false;
		}
		if (!some)
			return true;
		__attribute__((fallthrough));	/* the tape may be whole already */
	case TAPING:
		if (!record_tape(http, conn)) {
			drop(http, place);
			return false;
		}
		over = conn->bytes >= http->how.body_max + PARAMS_MAX;
		if (conn->records.is_whole || over) {
			take_tape(http, place);
			return false;
		}
		return true;
	case SENDING:
		whole = send_tape(conn->fd, conn->tape, &conn->from, conn->to);
		conn->until = clock_ms() + SEND_MS;
		if (whole > 0 && conn->lingers) {
			shutdown(conn->fd, SHUT_WR);
			conn->stage = LINGERING;
			conn->until = clock_ms() + LINGER_MS;
		} else if (whole) {
			drop(http, place);
			return false;
		}
		return true;
	case LINGERING:
		for (;;) {
			ssize_t got = recv(conn->fd, http->peek, sizeof(http->peek), MSG_DONTWAIT);

			if (got < 0 && errno == EAGAIN)
				return true;
			if (got <= 0) {
				drop(http, place);
				return false;
			}
			records_follow(&conn->records, http->peek, (size_t)got);
		}
	}
	return true;
}

/* All connections that have something to say (by the last poll), newest first
   because a drop moves the last one into the gap. */
static void attend_all(struct http *http, const struct pollfd *polls, size_t polled)
{
	for (size_t i = polled; i-- > 0;) {
		if (is_full(http))
			return;
		if (polls[i].revents)
			attend(http, i);
	}
}

static void drop_overdue(struct http *http)
{
	int64_t now = clock_ms();

	for (size_t i = http->conn_count; i-- > 0;)
		if (http->conns[i].until <= now)
			drop(http, i);
}

/* When the tapes are full, whoever takes longest to arrive is given up: else a
   few that drip would keep all others waiting until their time is over. */
static void drop_oldest_tapes(struct http *http)
{
	static struct log_gate gate;

	while (http->tape_bytes >= tapes_max(http)) {
		size_t oldest = http->conn_count;

		for (size_t i = 0; i < http->conn_count; i++)
			if (http->conns[i].stage == TAPING &&
			    (oldest == http->conn_count || http->conns[i].until < http->conns[oldest].until))
				oldest = i;
		if (oldest == http->conn_count)
			return;
		drop(http, oldest);
		if (log_gate_passes(&gate, 1))
			log_write(LOG_WARN, "slow_request_dropped",
			          (struct log_field[]){ log_num("bytes_held", (int64_t)http->tape_bytes),
			                                log_end() });
	}
}

static void accept_all(struct http *http)
{
	static struct log_gate gate;

	while (!is_full(http) && http->conn_count < http->how.connections_max) {
		int fd = accept4(http->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		bool some;
		int whole;

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if (errno != EAGAIN && log_gate_passes(&gate, 1))
				log_write(LOG_ERROR, "accept_failed",
				          (struct log_field[]){ log_text("why", strerror(errno)),
				                                log_end() });
			return;
		}
		whole = look_ahead(http, fd, &some);
		if (whole > 0) {
			take_conn(http, fd);
		} else if (whole < 0) {
			close(fd);
		} else {
			hold(http, fd, WAITING, http->how.timeout_ms);
			if (some)
				attend(http, http->conn_count - 1);
		}
	}
}

/* ---- ending requests */

static void finish_fcgi(struct http_req *req)
{
	struct http *http = req->http;
	off_t to;
	int sent;

	/* Detached, because FCGX_Finish_r would else wait until the web server
	   closes (measured: 5,200 instead of 13,800 requests a second). */
	req->fcgi.keepConnection = 0;
	FCGX_Detach(&req->fcgi);
	FCGX_Finish_r(&req->fcgi);
	req->env = NULL;
	if (req->tape < 0)
		return;
	to = lseek(req->tape, 0, SEEK_CUR);
	sent = send_tape(req->fd, req->tape, &req->from, to);
	if (sent == 0) {
		/* A web server that passes on what it gets is as slow as its client. */
		hold(http, req->fd, SENDING, SEND_MS);
		http->conns[http->conn_count - 1].tape = req->tape;
		http->conns[http->conn_count - 1].from = req->from;
		http->conns[http->conn_count - 1].to = to;
		http->conns[http->conn_count - 1].lingers = req->input_is_left;
		req->fd = req->tape = -1;
		return;
	}
	close(req->tape);
	req->tape = -1;
	if (req->input_is_left) {
		/* The rest is read away for a while, so that the sender sees our
		   answer instead of a reset. */
		shutdown(req->fd, SHUT_WR);
		hold(http, req->fd, LINGERING, LINGER_MS);
	} else {
		close(req->fd);
	}
	req->fd = -1;
}

static void finish(struct http_req *req)
{
	if (!req->is_answered)
		http_answer(req, 500, NULL, str_of("{\"error\":\"internal error\"}"));
	if (!req->http->is_cgi)
		finish_fcgi(req);
}

static void finish_all(struct http *http)
{
	for (size_t i = 0; i < http->count; i++) {
		finish(http->reqs[i]);
		if (http->reqs[i]->body.cap > KEEP_MAX)
			buf_done(&http->reqs[i]->body);
	}
	http->count = 0;
	http->gathered_bytes = 0;
}

void http_hold(struct http_req *req)
{
	struct http *http = req->http;
	size_t place = 0;

	while (http->reqs[place] != req)
		place++;
	/* The others keep their order; the last of this gather takes no gap. */
	http->count--;
	for (size_t i = place; i < http->count; i++)
		http->reqs[i] = http->reqs[i + 1];
	http->reqs[http->count] = new_req(http);
	http->held++;
}

void http_release(struct http_req *req)
{
	finish(req);
	req->http->held--;
	free_req(req);
}

/* ---- plain CGI */

static size_t cgi_some(struct http_req *req, char *into, size_t len)
{
	struct str length = http_header(req, "CONTENT_LENGTH");
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t left = req->http->end_at - clock_ms(), announced;
	ssize_t got;

	/* RFC 3875, 4.2: not beyond the announced length; some servers keep the
	   pipe open behind it. Without a length up to the end. */
	if (str_int(length, &announced)) {
		if ((uint64_t)announced <= req->body.len)
			return 0;
		if (len > (size_t)announced - req->body.len)
			len = (size_t)announced - req->body.len;
	}
	if (left <= 0 || poll(&fd, 1, (int)left) <= 0)
		return 0;
	got = read(STDIN_FILENO, into, len);
	return got > 0 ? (size_t)got : 0;
}

static bool gather_cgi(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	struct http_req *req = http->reqs[0];

	finish_all(http);
	if (http->cgi_is_done) {
		if (http->held && poll(also, count, timeout_ms) < 0)
			for (size_t i = 0; i < count; i++)
				also[i].revents = 0;
		return http->held > 0;
	}
	http->cgi_is_done = true;
	http->end_at = clock_ms() + http->how.timeout_ms;
	req->env = environ;
	req->is_answered = false;
	read_path(req);
	read_body(req, cgi_some);
	http->count = 1;
	return true;
}

void http_flush(struct http *http)
{
	finish_all(http);
	if (http->is_cgi)
		close(STDOUT_FILENO);
}

/* ---- the loop */

/* Waits for a listener, a connection or one of the caller's. */
static void wait_for_any(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	size_t n = 0, first_conn = 2 + count;
	bool accepts = http->listen_fd >= 0 && http->conn_count < http->how.connections_max;
	int64_t now = clock_ms();

	http->polls = mem_grow(http->polls, first_conn + http->conn_count, sizeof(struct pollfd));
	http->polls[n++] = (struct pollfd){ .fd = accepts ? http->listen_fd : -1, .events = POLLIN };
	http->polls[n++] = (struct pollfd){ .fd = http->end_at ? -1 : wake_read, .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		http->polls[n++] = also[i];
	for (size_t i = 0; i < http->conn_count; i++) {
		const struct conn *conn = &http->conns[i];

		http->polls[n++] = (struct pollfd){ .fd = conn->fd, .events = conn->stage == SENDING ? POLLOUT : POLLIN };
		timeout_ms = clock_within(timeout_ms, conn->until - now);
	}
	if (http->end_at)
		timeout_ms = clock_within(timeout_ms, now < http->end_at ? http->end_at - now
		                                                         : http->end_at + http->how.timeout_ms - now);
	if (poll(http->polls, n, timeout_ms) < 0)
		for (size_t i = 0; i < n; i++)
			http->polls[i].revents = 0;
	for (size_t i = 0; i < count; i++)
		also[i].revents = http->polls[2 + i].revents;
}

/* No new connections; those that are here get a short time to be whole. */
static void begin_to_end(struct http *http)
{
	http->end_at = clock_ms() + END_MS;
	close(http->listen_fd);
	http->listen_fd = -1;
}

bool http_gather(struct http *http, struct pollfd *also, size_t count, int timeout_ms)
{
	if (http->is_cgi)
		return gather_cgi(http, also, count, timeout_ms);
	finish_all(http);
	if (http->end_at && http->held == 0 && (http->conn_count == 0 || clock_ms() >= http->end_at))
		return false;
	if (http->end_at && clock_ms() >= http->end_at + http->how.timeout_ms)
		return false;
	wait_for_any(http, also, count, timeout_ms);
	attend_all(http, http->polls + 2 + count, http->conn_count);
	drop_overdue(http);
	if (http->listen_fd >= 0 && http->polls[0].revents)
		accept_all(http);
	drop_oldest_tapes(http);
	if (!http->end_at && http->polls[1].revents)
		begin_to_end(http);
	return true;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	finish_all(http);
	while (http->conn_count)
		drop(http, http->conn_count - 1);
	for (size_t i = 0; i < http->how.batch_max; i++)
		free_req(http->reqs[i]);
	free(http->reqs);
	free(http->conns);
	free(http->polls);
	free(http->base_path);
	buf_done(&http->answer);
	free(http);
}

/* ---- what a request says */

size_t http_count(const struct http *http)
{
	return http->count;
}

struct http_req *http_at(struct http *http, size_t place)
{
	return http->reqs[place];
}

struct str http_header(const struct http_req *req, const char *cgi_name)
{
	size_t len = strlen(cgi_name);

	for (char **env = req->env; env && *env; env++)
		if (**env == *cgi_name && strncmp(*env, cgi_name, len) == 0 && (*env)[len] == '=')
			return str_of(*env + len + 1);
	return (struct str){ 0 };
}

struct str http_method(const struct http_req *req)
{
	return http_header(req, "REQUEST_METHOD");
}

struct str http_path(const struct http_req *req)
{
	return req->has_path ? buf_str(&req->path) : (struct str){ 0 };
}

struct str http_type(const struct http_req *req)
{
	struct str all = http_header(req, "CONTENT_TYPE");

	return str_trim(str_cut(&all, ';'));
}

struct str http_query(const struct http_req *req)
{
	struct str uri = http_header(req, "REQUEST_URI");

	(void)str_cut(&uri, '?');
	return uri;
}

bool http_basic(const struct http_req *req, struct buf *user, struct buf *password)
{
	/* Apache puts REDIRECT_ in front when a rule of rewriting handed it on */
	static const char *const names[] = { "HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION" };

	for (size_t i = 0; i < 2; i++) {
		struct str header = http_header(req, names[i]);

		if (header.len)
			return basic_read(header, user, password);
	}
	return false;
}

void http_client(const struct http_req *req, const struct networks *trusted, struct address *client)
{
	struct address peer;

	/* over a Unix socket the web server's own peer is on this machine */
	if (!address_read(http_header(req, "REMOTE_ADDR"), &peer) && !address_read(str_of("127.0.0.1"), &peer))
		abort();	/* it is one */
	*client = forwarded_client(&peer, http_header(req, "HTTP_X_FORWARDED_FOR"), trusted);
}

struct str http_body(const struct http_req *req)
{
	return buf_str(&req->body);
}

enum http_flaw http_flaw(const struct http_req *req)
{
	return req->flaw;
}

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Internal Server Error";
}

/* What is more than a socket takes at once goes to a tape first: libfcgi takes
   a connection that is full for one that failed. */
static void begin_answer(struct http_req *req, size_t size)
{
	int tape, second;

	if (req->tape < 0 && size > ANSWER_AT_ONCE && (tape = memfd_create("answer", MFD_CLOEXEC)) >= 0) {
		if ((second = fcntl(tape, F_DUPFD_CLOEXEC, 0)) < 0) {
			close(tape);
		} else {
			req->fd = req->fcgi.ipcFd;
			req->fcgi.ipcFd = tape;
			req->tape = second;
		}
	}
	if (req->tape >= 0)
		req->from = lseek(req->tape, 0, SEEK_CUR);
}

void http_answer(struct http_req *req, int status, const char *headers, struct str json)
{
	http_answer_as(req, status, "application/json", headers, json);
}

void http_answer_as(struct http_req *req, int status, const char *type, const char *headers, struct str body)
{
	struct buf *out = &req->http->answer;
	/* RFC 9110, 8.6: these have no body, and say no length of one */
	bool is_bare = status == 204 || status == 304;

	buf_clear(out);
	if (is_bare)
		buf_addf(out, "Status: %d %s\r\nCache-Control: no-store\r\n", status, phrase(status));
	else
		buf_addf(out, "Status: %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		               "Cache-Control: no-store\r\n",
		         status, phrase(status), type, body.len);
	if (headers)
		buf_addf(out, "%s\r\n", headers);
	buf_add_text(out, "\r\n");
	/* RFC 3875, 4.3.3: for HEAD the program leaves the body out */
	if (!is_bare && !str_is(http_method(req), "HEAD"))
		buf_add_str(out, body);
	req->is_answered = true;
	if (!req->http->is_cgi) {
		begin_answer(req, out->len);
		FCGX_PutStr(out->at, (int)out->len, req->fcgi.out);
	} else {
		size_t done = 0;
		ssize_t put;

		while (done < out->len &&
		       (put = write(STDOUT_FILENO, out->at + done, out->len - done)) > 0)
			done += (size_t)put;
	}
}
