/* SPDX-License-Identifier: ISC */
/* Load generator of the benchmark: signed callbacks of time entries, each with
   an event_id of its own, sent over many connections by one thread. Everything
   is built and signed, and every connection is open, before the clock starts.
   Prints one line of JSON. It only ever talks to this machine's loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	ANSWER_MAX = 16384, /* an answer is some 200 bytes; a server's error page fits too */
	REQUEST_MAX = 4096, /* address space a request; the pages really used are fewer */
	RATE_MAX = 45000,   /* requests prepared a second: more than a lighttpd serves */
	CONNECTIONS_MAX = 16384,
	ENTRIES_OPEN = 500, /* that somebody is at work with at a time */
	STATUS_MAX = 600,
	CHECK_MS = 100, /* how often time limits are looked at */
};

enum failure {
	FAILURE_CONNECT,   /* refused, or no answer to the connection */
	FAILURE_CLOSED,	   /* connection ended before the whole answer */
	FAILURE_MALFORMED, /* not HTTP, or too long */
	FAILURE_TIMEOUT,
	FAILURE_COUNT,
};

static const char *const failure_names[FAILURE_COUNT] = {
	"connect",
	"closed",
	"malformed",
	"timeout",
};

struct options {
	struct sockaddr_in target;
	const char *host; /* as given, for the Host header */
	const char *path;
	char secret[512];
	size_t connections;
	size_t requests; /* 0: as many as fit into the seconds */
	double seconds;	 /* 0: until all requests are sent */
	double rate;	 /* requests a second that are offered; 0: the next after each answer */
	double timeout_seconds;
	int64_t first_id;
	int64_t workspace_id;
	size_t updates; /* of each entry at most; 0: every event is of a new one */
	bool close;	/* a connection a request */
};

struct connection {
	char *answer;	/* ANSWER_MAX bytes and a NUL */
	size_t have;	/* of the answer */
	size_t request; /* which one is under way */
	size_t sent;	/* bytes of it */
	int64_t begun_ns;
	int fd; /* -1: none */
	bool connecting;
	bool busy;
	bool wants_write; /* EPOLLOUT is armed */
};

struct load {
	struct options options;
	char *bytes;	/* all requests, end to end */
	size_t *starts; /* requests + 1 offsets into it */
	size_t next;
	struct connection *connections;
	size_t busy;
	int epoll;
	int64_t start_ns;
	bool is_over;	 /* nothing new is sent */
	int64_t last_ns; /* when the last answer was complete */
	uint32_t *latencies_us;
	size_t answers;
	size_t statuses[STATUS_MAX];
	size_t failures[FAILURE_COUNT];
	size_t reconnects;
	bool has_logged_failure;
};

static void die(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An entry that is being worked on: created with a running timer, then updated a
   few times. */
struct entry {
	int64_t id;
	time_t start;
	size_t left; /* updates that will come */
};

/* What one callback tells. */
struct event {
	int64_t id;
	int64_t time_us;
	const struct entry *entry;
	bool is_new;
};

/* The entity as it is after the event, with the request that made it so. */
static int write_entity(char *at, size_t room, const struct event *e, long long workspace,
			const char *when)
{
	long long entry = (long long)e->entry->id,
		  duration = (long long)(e->time_us / 1000000 - e->entry->start);
	char start[32], stop[40], tail[64];
	struct tm tm;

	gmtime_r(&e->entry->start, &tm);
	strftime(start, sizeof(start), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stop, sizeof(stop), "\"%sZ\"", when);
	snprintf(tail, sizeof(tail), "/%lld", entry);
	return snprintf(
		at, room,
		"\"path\":\"/api/v9/workspaces/%lld/time_entries%s\","
		"\"request_body\":\"{\\\"billable\\\":true,\\\"duration\\\":%lld,"
		"\\\"description\\\":\\\"\xc3\x89"
		"crire la spec\\\"}\",\"request_type\":\"%s\","
		"\"project_id\":\"190000042\",\"project_is_private\":\"false\",\"time_entry_id\":"
		"\"%lld\","
		"\"workspace_id\":\"%lld\"},"
		"\"payload\":{\"at\":\"%s+00:00\",\"billable\":true,\"description\":\"\xc3\x89"
		"crire la spec\","
		"\"duration\":%lld,\"duronly\":true,\"id\":%lld,\"project_id\":190000042,"
		"\"server_deleted_at\":null,\"start\":\"%sZ\",\"stop\":%s,"
		"\"tag_ids\":[15000001,15000002],\"tags\":[\"billable\",\"deep "
		"work\"],\"task_id\":null,"
		"\"uid\":9000001,\"user_id\":9000001,\"wid\":%lld,\"workspace_id\":%lld,\"pid\":"
		"190000042},",
		workspace, e->is_new ? "" : tail, duration, e->is_new ? "POST" : "PUT", entry,
		workspace, when, e->is_new ? -(long long)e->entry->start : duration, entry, start,
		e->is_new ? "null" : stop, workspace, workspace);
}

/* A callback as Toggl Track sends it. The events are a microsecond apart, so that
   neither event_id nor created_at ever comes twice. */
static size_t write_body(char *at, size_t room, const struct options *o, const struct event *e)
{
	time_t second = (time_t)(e->time_us / 1000000);
	long long micros = (long long)(e->time_us % 1000000);
	struct tm tm;
	char when[32];
	int head, entity, tail;

	gmtime_r(&second, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	head = snprintf(at, room,
			"{\"event_id\":%lld,\"created_at\":\"%s.%06lldZ\",\"creator_id\":9000001,"
			"\"metadata\":{\"action\":\"%s\",\"event_user_id\":\"9000001\",\"model\":"
			"\"time_entry\","
			"\"model_owner_id\":\"9000001\",",
			(long long)e->id, when, micros, e->is_new ? "created" : "updated");
	if (head < 0 || (size_t)head >= room)
		die("a body does not fit");
	entity = write_entity(at + head, room - (size_t)head, e, (long long)o->workspace_id, when);
	if (entity < 0 || (size_t)(head + entity) >= room)
		die("a body does not fit");
	tail = snprintf(at + head + entity, room - (size_t)(head + entity),
			"\"subscription_id\":10713,\"timestamp\":\"%s.%06lld406Z\"}", when, micros);
	if (tail < 0 || (size_t)(head + entity + tail) >= room)
		die("a body does not fit");
	return (size_t)(head + entity + tail);
}

static size_t write_request(char *at, const struct options *o, const struct event *e)
{
	char body[REQUEST_MAX / 2];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	size_t body_len = write_body(body, sizeof(body), o, e);
	int length;

	if (!HMAC(EVP_sha256(), o->secret, (int)strlen(o->secret), (unsigned char *)body, body_len,
		  mac, &mac_len))
		die("HMAC failed");
	for (unsigned int i = 0; i < mac_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	length = snprintf(at, REQUEST_MAX,
			  "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: hookledger-bench\r\n%s"
			  "Content-Type: application/json\r\nContent-Length: %zu\r\n"
			  "X-Webhook-Signature-256: sha256=%s\r\n\r\n%s",
			  o->path, o->host, o->close ? "Connection: close\r\n" : "", body_len, hex,
			  body);
	if (length < 0 || length >= REQUEST_MAX)
		die("a request does not fit");
	return (size_t)length;
}

/* What happens next: of some hundred entries that people are at work with one is
   updated; one that has had all its updates makes room for a new one. */
static void make_event(const struct options *o, struct event *event, size_t number, int64_t time_us)
{
	static struct entry open[ENTRIES_OPEN];
	struct entry *entry = &open[random() % ENTRIES_OPEN];

	*event = (struct event){ .id = o->first_id + (int64_t)number,
				 .time_us = time_us,
				 .entry = entry };
	if (entry->left > 0) {
		entry->left--;
		return;
	}
	event->is_new = true;
	*entry = (struct entry){
		.id = 3050000000LL + event->id % 50000000,
		.start = (time_t)(time_us / 1000000) - 1 - random() % 3600,
		.left = o->updates ? 1 + (size_t)random() % o->updates : 0,
	};
}

static void prepare(struct load *load)
{
	struct options *o = &load->options;
	struct timespec wall;
	int64_t time_us;

	if (o->requests == 0)
		o->requests = (size_t)(o->seconds * RATE_MAX) + o->connections;
	clock_gettime(CLOCK_REALTIME, &wall);
	time_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;

	load->bytes = mmap(NULL, o->requests * REQUEST_MAX, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (load->bytes == MAP_FAILED)
		die("mmap");
	load->starts = calloc(o->requests + 1, sizeof(*load->starts));
	load->latencies_us = calloc(o->requests, sizeof(*load->latencies_us));
	load->connections = calloc(o->connections, sizeof(*load->connections));
	if (!load->starts || !load->latencies_us || !load->connections)
		die("out of memory");
	for (size_t i = 0; i < o->requests; i++) {
		struct event event;

		make_event(o, &event, i, time_us + (int64_t)i);
		load->starts[i + 1] = load->starts[i] +
				      write_request(load->bytes + load->starts[i], o, &event);
	}
	/* Written once now, so that no page fault falls into the measurement. */
	memset(load->latencies_us, 1, o->requests * sizeof(*load->latencies_us));
}

/* Waits for the connection only when asked to: before the clock starts. */
static bool open_connection(struct load *load, struct connection *c, bool wait)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->connecting = c->wants_write = false;
	if (connect(c->fd, (struct sockaddr *)&load->options.target,
		    sizeof(load->options.target)) != 0) {
		if (errno != EINPROGRESS) {
			close(c->fd);
			c->fd = -1;
			return false;
		}
		c->connecting = c->wants_write = true;
		event.events |= EPOLLOUT;
	}
	if (wait && fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl");
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		die("epoll_ctl");
	return true;
}

static void watch_writable(struct load *load, struct connection *c, bool wanted)
{
	struct epoll_event event = { .events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
				     .data.ptr = c };

	if (c->wants_write == wanted)
		return;
	c->wants_write = wanted;
	if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0)
		die("epoll_ctl");
}

static void close_connection(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void end_request(struct load *load, struct connection *c)
{
	c->busy = false;
	load->busy--;
}

static void fail_request(struct load *load, struct connection *c, enum failure failure)
{
	load->failures[failure]++;
	close_connection(c);
	end_request(load, c);
}

static void send_request(struct load *load, struct connection *c)
{
	const char *at = load->bytes + load->starts[c->request];
	size_t length = load->starts[c->request + 1] - load->starts[c->request];
	ssize_t n = send(c->fd, at + c->sent, length - c->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		fail_request(load, c, FAILURE_CLOSED);
		return;
	}
	if (n > 0)
		c->sent += (size_t)n;
	watch_writable(load, c, c->sent < length);
}

/* At a given rate: when the next request is to be sent, whatever the others do. */
static int64_t due_ns(const struct load *load)
{
	return load->start_ns + (int64_t)((double)load->next / load->options.rate * 1e9);
}

static void begin_request(struct load *load, struct connection *c)
{
	int64_t now = now_ns();

	if (load->is_over || load->next == load->options.requests) {
		load->is_over = true;
		close_connection(c);
		return;
	}
	if (load->options.rate > 0 && due_ns(load) > now)
		return;
	/* From when it was due: a server that is slow is not asked less. */
	c->begun_ns = load->options.rate > 0 ? due_ns(load) : now;
	c->request = load->next++;
	c->sent = c->have = 0;
	c->busy = true;
	load->busy++;
	if (c->fd < 0) {
		load->reconnects++;
		if (!open_connection(load, c, false)) {
			fail_request(load, c, FAILURE_CONNECT);
			return;
		}
	}
	if (!c->connecting)
		send_request(load, c);
}

/* Length of the whole answer once it is there, 0 while it is not, -1 when it
   never will be. Without a length the answer lasts to the connection's end. */
static ssize_t answer_length(const struct connection *c, bool ended, bool *keep)
{
	const char *head_end, *field;
	char *end;
	size_t at;

	c->answer[c->have] = '\0';
	head_end = memmem(c->answer, c->have, "\r\n\r\n", 4);
	if (!head_end)
		return ended || c->have == ANSWER_MAX ? -1 : 0;
	if (c->have < 12 || strncmp(c->answer, "HTTP/1.", 7) != 0)
		return -1;
	at = (size_t)(head_end - c->answer) + 4;
	field = strcasestr(c->answer, "\r\nConnection:");
	*keep = !ended && c->answer[7] == '1' &&
		!(field && field < head_end && strncasecmp(field + 13, " close", 6) == 0);

	field = strcasestr(c->answer, "\r\nContent-Length:");
	if (field && field < head_end) {
		at += strtoul(field + 17, NULL, 10);
		return c->have >= at ? (ssize_t)at : ended || at > ANSWER_MAX ? -1 : 0;
	}
	field = strcasestr(c->answer, "\r\nTransfer-Encoding: chunked");
	if (!field || field > head_end) {
		*keep = false;
		return ended ? (ssize_t)c->have : 0;
	}
	for (;;) {
		size_t chunk = strtoul(c->answer + at, &end, 16);

		end = strstr(end, "\r\n");
		if (!end)
			return ended || c->have == ANSWER_MAX ? -1 : 0;
		at = (size_t)(end - c->answer) + 2 + chunk + 2;
		if (at > c->have)
			return ended || at > ANSWER_MAX ? -1 : 0;
		if (chunk == 0)
			return (ssize_t)at;
	}
}

static void log_first_failure(struct load *load, const struct connection *c)
{
	if (load->has_logged_failure)
		return;
	load->has_logged_failure = true;
	fprintf(stderr, "load: first answer that is not 200:\n%.*s\n",
		(int)(c->have < 600 ? c->have : 600), c->answer);
}

static void receive_answer(struct load *load, struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->have, ANSWER_MAX - c->have, 0);
	bool keep = false;
	ssize_t whole;
	int status;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		fail_request(load, c, FAILURE_CLOSED);
		return;
	}
	c->have += (size_t)n;
	whole = answer_length(c, n == 0, &keep);
	if (whole == 0)
		return;
	if (whole < 0) {
		fail_request(load, c, n == 0 ? FAILURE_CLOSED : FAILURE_MALFORMED);
		return;
	}
	load->last_ns = now_ns();
	status = atoi(c->answer + 9);
	load->statuses[status > 0 && status < STATUS_MAX ? status : 0]++;
	if (status == 200)
		load->latencies_us[load->answers++] = (uint32_t)((load->last_ns - c->begun_ns) /
								 1000);
	else
		log_first_failure(load, c);
	if (!keep || load->options.close)
		close_connection(c);
	end_request(load, c);
}

static void handle(struct load *load, struct connection *c, uint32_t events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (c->connecting) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
			fail_request(load, c, FAILURE_CONNECT);
		} else if (events & EPOLLOUT) {
			c->connecting = false;
			send_request(load, c);
		}
	} else if (!c->busy) {
		close_connection(c); /* the server ended an idle connection */
	} else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		receive_answer(load, c);
	} else if (events & EPOLLOUT) {
		send_request(load, c);
	}
	if (!c->busy)
		begin_request(load, c);
}

static void check_time(struct load *load, int64_t now, int64_t end_ns)
{
	int64_t limit_ns = (int64_t)(load->options.timeout_seconds * 1e9);

	if (now >= end_ns)
		load->is_over = true;
	for (size_t i = 0; i < load->options.connections; i++) {
		struct connection *c = &load->connections[i];

		if (c->busy && now - c->begun_ns > limit_ns)
			fail_request(load, c, FAILURE_TIMEOUT);
		if (!c->busy)
			begin_request(load, c);
	}
}

static int wait_for_events(const struct load *load, struct epoll_event *events, int most)
{
	struct timespec wait = { .tv_nsec = CHECK_MS * 1000000L };
	int64_t left;

	if (load->options.rate > 0 && load->busy < load->options.connections) {
		left = due_ns(load) - now_ns();
		if (left < wait.tv_nsec)
			wait.tv_nsec = left > 0 ? (long)left : 0;
	}
	return epoll_pwait2(load->epoll, events, most, &wait, NULL);
}

static double run(struct load *load)
{
	struct options *o = &load->options;
	struct epoll_event events[256];
	int64_t end_ns, check_ns;

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll < 0)
		die("epoll_create1");
	for (size_t i = 0; i < o->connections; i++) {
		load->connections[i].answer = malloc(ANSWER_MAX + 1);
		if (!load->connections[i].answer)
			die("out of memory");
		if (!open_connection(load, &load->connections[i], true))
			die("connect");
	}

	load->start_ns = load->last_ns = now_ns();
	end_ns = o->seconds > 0 ? load->start_ns + (int64_t)(o->seconds * 1e9) : INT64_MAX;
	check_ns = load->start_ns + (int64_t)CHECK_MS * 1000000;
	for (size_t i = 0; i < o->connections; i++)
		begin_request(load, &load->connections[i]);

	while (load->busy > 0 || (o->rate > 0 && !load->is_over)) {
		int n = wait_for_events(load, events, 256);
		int64_t now = now_ns();

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		if (now >= end_ns)
			load->is_over = true;
		for (int i = 0; i < n; i++)
			handle(load, events[i].data.ptr, events[i].events);
		for (size_t i = 0; o->rate > 0 && i < o->connections && due_ns(load) <= now; i++)
			if (!load->connections[i].busy)
				begin_request(load, &load->connections[i]);
		if (now >= check_ns) {
			check_time(load, now, end_ns);
			check_ns = now + (int64_t)CHECK_MS * 1000000;
		}
	}
	return (double)(load->last_ns - load->start_ns) / 1e9;
}

static int by_size(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static double percentile_ms(const struct load *load, double share)
{
	if (load->answers == 0)
		return 0;
	return load->latencies_us[(size_t)((double)(load->answers - 1) * share)] / 1000.0;
}

static void report(struct load *load, double seconds)
{
	const char *comma = "";

	qsort(load->latencies_us, load->answers, sizeof(*load->latencies_us), by_size);
	printf("{\"connections\":%zu,\"seconds\":%.3f,\"requests\":%zu,\"ok\":%zu,\"rate\":%.1f,",
	       load->options.connections, seconds, load->next, load->answers,
	       seconds > 0 ? (double)load->answers / seconds : 0);
	printf("\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"reconnects\":%zu,"
	       "\"statuses\":{",
	       percentile_ms(load, 0.5), percentile_ms(load, 0.95), percentile_ms(load, 0.99),
	       percentile_ms(load, 1), load->reconnects);
	for (size_t i = 0; i < STATUS_MAX; i++) {
		if (load->statuses[i] == 0)
			continue;
		printf("%s\"%zu\":%zu", comma, i, load->statuses[i]);
		comma = ",";
	}
	printf("},\"failures\":{");
	for (size_t i = 0; i < FAILURE_COUNT; i++)
		printf("%s\"%s\":%zu", i ? "," : "", failure_names[i], load->failures[i]);
	printf("},\"errors\":%zu}\n", load->next - load->answers);
}

static void usage(FILE *to)
{
	fprintf(to,
		"usage: load --port PORT --path PATH --secret-file FILE [--host 127.0.0.1]\n"
		"            [--connections 64] [--seconds 5 | --requests COUNT] [--close]\n"
		"            [--first-id ID] [--workspace ID] [--updates N] [--timeout SECONDS] "
		"[--rate N]\n"
		"Each event makes a new time entry; with --updates N it is updated 1 to N times.\n"
		"--rate offers so many a second, whatever becomes of them, and counts from then.\n"
		"Only addresses of 127.0.0.0/8 are accepted. The secret is "
		"HOOKLEDGER_BENCH_SECRET\n"
		"of the environment when no file is named.\n");
}

static void read_secret(struct options *o, const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file || !fgets(o->secret, sizeof(o->secret), file))
		die(path);
	o->secret[strcspn(o->secret, "\r\n")] = '\0';
	fclose(file);
}

static void wrong(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	usage(stderr);
	exit(2);
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "secret-file", required_argument, NULL, 's' },
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 'd' },
		{ "requests", required_argument, NULL, 'n' },
		{ "close", no_argument, NULL, 'x' },
		{ "first-id", required_argument, NULL, 'i' },
		{ "workspace", required_argument, NULL, 'w' },
		{ "rate", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "updates", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, '?' },
		{ 0 },
	};
	const char *secret = getenv("HOOKLEDGER_BENCH_SECRET");
	long port = 0;
	int option;

	*o = (struct options){ .host = "127.0.0.1",
			       .connections = 64,
			       .timeout_seconds = 20,
			       .first_id = 8023169000000000,
			       .workspace_id = 7435584 };
	if (secret)
		snprintf(o->secret, sizeof(o->secret), "%s", secret);
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'h':
			o->host = optarg;
			break;
		case 'p':
			port = strtol(optarg, NULL, 10);
			break;
		case 'u':
			o->path = optarg;
			break;
		case 's':
			read_secret(o, optarg);
			break;
		case 'c':
			o->connections = strtoul(optarg, NULL, 10);
			break;
		case 'd':
			o->seconds = strtod(optarg, NULL);
			break;
		case 'n':
			o->requests = strtoul(optarg, NULL, 10);
			break;
		case 'x':
			o->close = true;
			break;
		case 'i':
			o->first_id = strtoll(optarg, NULL, 10);
			break;
		case 'w':
			o->workspace_id = strtoll(optarg, NULL, 10);
			break;
		case 'e':
			o->updates = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = strtod(optarg, NULL);
			break;
		case 't':
			o->timeout_seconds = strtod(optarg, NULL);
			break;
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (o->seconds <= 0 && o->requests == 0)
		o->seconds = 5;
	o->target = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, o->host, &o->target.sin_addr) != 1 ||
	    ntohl(o->target.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		wrong("--host must be an address of 127.0.0.0/8");
	if (port < 1 || port > 65535)
		wrong("--port must be 1 to 65535");
	if (!o->path || o->path[0] != '/' || strlen(o->path) > 1000)
		wrong("--path must start with a slash");
	if (o->secret[0] == '\0')
		wrong("no secret");
	if (o->connections < 1 || o->connections > CONNECTIONS_MAX)
		wrong("--connections must be 1 to 16384");
	if (o->rate < 0 || o->rate > RATE_MAX)
		wrong("--rate must be 0 to 45000");
	if (o->updates > 1000)
		wrong("at most 1000 updates");
	if (o->seconds > 600 || o->requests > 20000000)
		wrong("at most 600 seconds or 20 million requests");
}

int main(int argc, char **argv)
{
	static struct load load;
	struct rlimit files;

	read_options(&load.options, argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	prepare(&load);
	errno = 0;
	report(&load, run(&load));
	return 0;
}
