/* SPDX-License-Identifier: ISC */
/* libcurl tells which sockets it waits for and when it wants to be called; both
   stand in one epoll set and one timer, so that a caller can wait for all of it
   through a single descriptor, and a request that is silent costs nothing. */
#include "base/fetch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/address.h"
#include "base/answer.h"
#include "base/ca_bundle.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/host.h"

enum {
	CONNECTION_LIFE_S = 600,	/* then its name is looked up again */
	/* A connection; while its name is looked up a pair of sockets to the
	   thread that does it, and that one's own to the name server. */
	DESCRIPTORS_EACH = 3,
	EVENTS_MAX = 64,
	/* before 7.80 libcurl does not ask before it sends: such a request gets a new
	   connection then, which is never repeated */
	CAN_STOP_REPEATING = LIBCURL_VERSION_NUM >= 0x075000,
};

/* A place for one request; its handle and its buffers serve many in a row. */
struct slot {
	struct fetch *fetch;
	CURL *easy;
	struct curl_slist *headers;
	struct answer answer;
	struct buf refused;	/* the guard's words */
	bool is_mail;
	struct str text;	/* of the mail, what is still to be sent */
	struct curl_slist *to;
	struct buf said;	/* with what words the mail server refused it */
	bool has_connected;	/* the guard allowed an address */
	bool may_repeat;	/* libcurl may send the request again by itself */
	int sendings;
	void *user;
	char words[CURL_ERROR_SIZE];
	struct slot *next;	/* in the list of free ones */
};

struct fetch {
	struct fetch_how how;
	struct answer_how keep;
	struct buf ca_file;	/* empty: as libcurl has it */
	CURLM *multi;
	int epoll;
	int64_t timer_at;	/* clock_ms() when libcurl wants to be called; -1: never */
	struct slot *slots;	/* how.requests_max of them */
	struct slot *free;
	struct slot *given;	/* its outcome is with the caller until the next call */
	size_t count, finished;	/* those that libcurl has told of as finished */
};

/* ---- what libcurl calls */

/* Anything but `len` from these two ends the transfer with CURLE_WRITE_ERROR. */
static size_t take_body(char *bytes, size_t one, size_t len, void *user)
{
	struct slot *slot = user;

	(void)one;
	return answer_add_body(&slot->answer, (struct str){ bytes, len }) ? len : 0;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *user)
{
	struct slot *slot = user;

	(void)one;
	if (slot->is_mail) {
		struct str rest = { bytes, len };

		/* farewells follow a refusal */
		if (len && (bytes[0] == '4' || bytes[0] == '5')) {
			buf_clear(&slot->said);
			buf_add_str(&slot->said, str_cut(&rest, '\r'));
		}
		return len;
	}
	return answer_add_line(&slot->answer, (struct str){ bytes, len }) ? len : 0;
}

static size_t give_text(char *into, size_t one, size_t room, void *user)
{
	struct slot *slot = user;
	size_t len = slot->text.len < one * room ? slot->text.len : one * room;

	memcpy(into, slot->text.at, len);
	slot->text.at += len;
	slot->text.len -= len;
	return len;
}

static bool is_allowed(struct slot *slot, const struct sockaddr *where)
{
	const struct fetch_how *how = &slot->fetch->how;
	struct address address;
	const char *what;

	if (!how->is_guarded || slot->is_mail)
		return true;
	if (!address_of(where, &address))
		return false;
	what = address_special(&address);
	if (!what || (how->allowed && networks_has(how->allowed, &address)))
		return true;
	buf_clear(&slot->refused);
	address_write(&address, &slot->refused);
	buf_addf(&slot->refused, " is %s, and not allowed", what);
	return false;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *where)
{
	struct slot *slot = user;
	int fd;

	(void)purpose;
	if (!is_allowed(slot, &where->addr))
		return CURL_SOCKET_BAD;
	fd = socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
	slot->has_connected = slot->has_connected || fd >= 0;
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* Called before a request is sent, and again before libcurl repeats it because the
   connection, which had been kept, ended without an answer. */
static int before_sending(void *user, char *to, char *from, int to_port, int from_port)
{
	struct slot *slot = user;

	(void)to, (void)from, (void)to_port, (void)from_port;
	return slot->sendings++ && !slot->may_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	struct fetch *fetch = user;
	struct epoll_event event = { .data.fd = fd };

	(void)easy;
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE) {
		/* may be closed already, and is out of the set then */
		epoll_ctl(fetch->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	/* where the system has no room for one more, the request ends by its time
	   limit; to tell libcurl would end all others as well */
	if (epoll_ctl(fetch->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0 && !known)
		curl_multi_assign(fetch->multi, fd, fetch);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *user)
{
	struct fetch *fetch = user;

	(void)multi;
	fetch->timer_at = ms < 0 ? -1 : clock_ms() + ms;
	return 0;
}

/* ---- opening and closing */

/* What stays the same from request to request. */
static void prepare(struct fetch *fetch, struct slot *slot)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		abort();	/* out of memory */
	slot->fetch = fetch;
	slot->easy = easy;
	answer_init(&slot->answer, &fetch->keep);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->words);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
#if LIBCURL_VERSION_NUM >= 0x075000
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
#endif
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87 */
	/* else the end of a request would wait for the thread that looks its name
	   up, and all others with it, for as long as a name server is silent */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* an empty name: none, and the environment is not asked either */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	/* HTTP/2 would put all requests on one connection, and one lost packet
	   or one slow answer would hold up the others */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075000 /* 7.80 */
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
#endif
	if (fetch->how.connect_ms)
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->how.connect_ms);
	if (fetch->ca_file.len)
		curl_easy_setopt(easy, CURLOPT_CAINFO, buf_text(&fetch->ca_file));
	if (fetch->how.agent)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->how.agent);
}

struct fetch *fetch_new(const struct fetch_how *how)
{
	struct fetch *fetch = mem_zero(1, sizeof(*fetch));

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fetch->how = *how;
	if (how->ca_file)
		buf_add_text(&fetch->ca_file, how->ca_file);
	else
		ca_bundle_find("", curl_version_info(CURLVERSION_NOW)->cainfo, &fetch->ca_file);
	if (fetch->how.requests_max == 0)
		fetch->how.requests_max = 1;
	fetch->keep = (struct answer_how){ how->answer_max, how->cuts_answers, how->wanted };
	fetch->timer_at = -1;
	fetch->multi = curl_multi_init();
	fetch->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!fetch->multi || fetch->epoll < 0)
		abort();	/* out of memory */
	descriptors_need(fetch->how.requests_max * DESCRIPTORS_EACH);
	curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)fetch->how.requests_max);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
	fetch->slots = mem_zero(fetch->how.requests_max, sizeof(*fetch->slots));
	for (size_t i = fetch->how.requests_max; i-- > 0;) {
		fetch->slots[i].next = fetch->free;
		fetch->free = &fetch->slots[i];
	}
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	for (size_t i = 0; i < fetch->how.requests_max; i++) {
		struct slot *slot = &fetch->slots[i];

		if (slot->easy) {
			curl_multi_remove_handle(fetch->multi, slot->easy);
			curl_easy_cleanup(slot->easy);
		}
		curl_slist_free_all(slot->headers);
		curl_slist_free_all(slot->to);
		answer_done(&slot->answer);
		buf_done(&slot->refused);
		buf_done(&slot->said);
	}
	curl_multi_cleanup(fetch->multi);
	close(fetch->epoll);
	buf_done(&fetch->ca_file);
	free(fetch->slots);
	free(fetch);
	curl_global_cleanup();
}

size_t fetch_count(const struct fetch *fetch)
{
	return fetch->count;
}

/* ---- starting */

/* Parts of a URL that names no user; its host in ASCII. */
struct place {
	char *scheme, *url;
	struct buf host;
};

static void place_done(struct place *place)
{
	curl_free(place->scheme);
	curl_free(place->url);
	buf_done(&place->host);
}

/* ERR_INPUT: it is no URL, names a user, or its host has no name in ASCII. Free
   *place in either case. libcurl decodes a host that is percent-encoded first. */
static enum err read_place(const char *url, struct place *place)
{
	CURLU *parts = curl_url();
	char *host = NULL;
	enum err err = ERR_INPUT;

	if (!parts)
		abort();	/* out of memory */
	if (!url || curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(parts, CURLUPART_SCHEME, &place->scheme, 0) || curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
	    host_write_ascii(str_of(host), &place->host))
		goto done;
	/* as it was given, unless there is something to convert */
	if (strcmp(host, buf_text(&place->host)) != 0 && curl_url_set(parts, CURLUPART_HOST, buf_text(&place->host), 0))
		goto done;
	if (!curl_url_get(parts, CURLUPART_URL, &place->url, 0))
		err = ERR_NONE;
done:
	curl_free(host);
	curl_url_cleanup(parts);
	return err;
}

static enum err read_web_place(const char *url, struct place *place)
{
	enum err err = read_place(url, place);

	if (!err && !str_is(str_of(place->scheme), "http") && !str_is(str_of(place->scheme), "https"))
		err = ERR_INPUT;
	return err;
}

bool fetch_can_reach(const char *url)
{
	struct place place = { 0 };
	bool fine = !read_web_place(url, &place);

	place_done(&place);
	return fine;
}

static bool are_lines(const char *const *headers)
{
	for (; headers && *headers; headers++)
		if (strpbrk(*headers, "\r\n"))
			return false;
	return true;
}

static void add_header(struct slot *slot, const char *line)
{
	struct curl_slist *longer = curl_slist_append(slot->headers, line);

	if (!longer)
		abort();	/* out of memory */
	slot->headers = longer;
}

/* The slot whose outcome the caller has seen is free again. */
static void take_back(struct fetch *fetch)
{
	struct slot *slot = fetch->given;

	if (!slot)
		return;
	fetch->given = NULL;
	slot->next = fetch->free;
	fetch->free = slot;
}

static struct slot *empty_slot(struct fetch *fetch, bool is_mail)
{
	struct slot *slot = fetch->free;

	fetch->free = slot->next;
	/* nothing of the one kind stays set for the other */
	if (slot->easy && slot->is_mail != is_mail) {
		curl_easy_cleanup(slot->easy);
		answer_done(&slot->answer);
		slot->easy = NULL;
	}
	if (!slot->easy)
		prepare(fetch, slot);
	slot->is_mail = is_mail;
	curl_slist_free_all(slot->headers);
	curl_slist_free_all(slot->to);
	slot->headers = slot->to = NULL;
	answer_clear(&slot->answer);
	buf_clear(&slot->refused);
	buf_clear(&slot->said);
	slot->has_connected = false;
	slot->may_repeat = true;
	slot->sendings = 0;
	slot->words[0] = '\0';
	return slot;
}

static void begin(struct fetch *fetch, struct slot *slot)
{
	if (curl_multi_add_handle(fetch->multi, slot->easy) != CURLM_OK)
		abort();	/* a handle that is in already, or out of memory */
	fetch->count++;
}

enum err fetch_add(struct fetch *fetch, const struct fetch_request *request)
{
	const char *method = request->method ? request->method : request->body.at ? "POST" : "GET";
	struct place place = { 0 };
	struct slot *slot;
	bool has_body;
	enum err err;

	take_back(fetch);
	if (!fetch->free)
		return ERR_PACE;
	err = read_web_place(request->url, &place);
	if (!err && !are_lines(request->headers))
		err = ERR_INPUT;
	if (err)
		goto done;
	slot = empty_slot(fetch, false);
	slot->user = request->user;
	for (const char *const *line = request->headers; line && *line; line++)
		add_header(slot, *line);
	curl_easy_setopt(slot->easy, CURLOPT_URL, place.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	/* RFC 9110, 8.6: methods that may have a body say that it is empty */
	has_body = request->body.at || (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0);
	if (has_body) {
		/* no "Expect: 100-continue", which costs a large body a second
		   with servers that do not know it */
		add_header(slot, "Expect:");
		curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "");
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	}
	/* libcurl repeats by itself only what it sent on a connection that was used before */
	slot->may_repeat = !has_body || request->may_repeat;
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT,
	                 request->is_sent_once || (!CAN_STOP_REPEATING && !slot->may_repeat) ? 1L : 0L);
	curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
	begin(fetch, slot);
done:
	place_done(&place);
	return err;
}

/* Of a mail server. */
static enum err read_mail_place(const char *url, struct place *place)
{
	enum err err = read_place(url, place);

	if (!err && !str_is(str_of(place->scheme), "smtp") && !str_is(str_of(place->scheme), "smtps"))
		err = ERR_INPUT;
	return err;
}

/* This machine, by a name that nobody else can have: not "127.example". */
static bool is_here(struct str host)
{
	struct address address;

	return str_equal_nocase(host, "localhost") || str_is(host, "[::1]") ||
	       (str_starts(host, "127.") && address_read(host, &address));
}

enum err fetch_add_mail(struct fetch *fetch, const struct fetch_mail *mail)
{
	struct place place = { 0 };
	struct slot *slot;
	enum err err;
	bool needs_tls;

	take_back(fetch);
	if (!fetch->free)
		return ERR_PACE;
	err = read_mail_place(mail->url, &place);
	if (!err && (strpbrk(mail->from, "\r\n<>") || strpbrk(mail->to, "\r\n<>")))
		err = ERR_INPUT;
	if (err)
		goto done;
	needs_tls = mail->password && !is_here(buf_str(&place.host));
	slot = empty_slot(fetch, true);
	slot->user = mail->owner;
	slot->text = mail->text;
	slot->to = curl_slist_append(NULL, mail->to);
	if (!slot->to)
		abort();	/* out of memory */
	curl_easy_setopt(slot->easy, CURLOPT_URL, place.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms);
	curl_easy_setopt(slot->easy, CURLOPT_USE_SSL, (long)(needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	curl_easy_setopt(slot->easy, CURLOPT_USERNAME, mail->user);
	curl_easy_setopt(slot->easy, CURLOPT_PASSWORD, mail->password);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_FROM, mail->from);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_RCPT, slot->to);
	curl_easy_setopt(slot->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_READFUNCTION, give_text);
	curl_easy_setopt(slot->easy, CURLOPT_READDATA, slot);
	/* what was sent on a connection that had been closed would be sent twice */
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, 1L);
	begin(fetch, slot);
done:
	place_done(&place);
	return err;
}

/* ---- finishing */

/* libcurl was about to send a request again that it may not repeat. */
static bool is_stale(const struct slot *slot, CURLcode code)
{
	return code == CURLE_ABORTED_BY_CALLBACK && slot->sendings > 1 && !slot->may_repeat;
}

static const char *words_for(struct slot *slot, CURLcode code)
{
	if (slot->answer.problem)
		return slot->answer.problem;
	/* a refusal: what the server said of it */
	if (slot->is_mail && slot->words[0] && slot->said.len) {
		buf_clear(&slot->refused);
		buf_addf(&slot->refused, "%s (%s)", slot->words, buf_text(&slot->said));
		return buf_text(&slot->refused);
	}
	if (is_stale(slot, code))
		return "the connection, which was kept from before, ended without an answer";
	if (code == CURLE_COULDNT_CONNECT && slot->refused.len && !slot->has_connected)
		return buf_text(&slot->refused);
	return slot->words[0] ? slot->words : curl_easy_strerror(code);
}

static enum fetch_trouble trouble_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return FETCH_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return FETCH_NAME;
	case CURLE_COULDNT_CONNECT:
		return FETCH_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return FETCH_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return FETCH_SLOW;
	default:
		return FETCH_BROKEN;
	}
}

static void give(struct fetch *fetch, struct slot *slot, CURLcode code, struct fetch_outcome *outcome)
{
	bool is_whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && slot->answer.is_over);
	curl_off_t duration = 0;
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &duration);
	if (is_whole && slot->is_mail)
		status = 250;
	else if (is_whole)
		curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	*outcome = (struct fetch_outcome){
		.user = slot->user,
		.status = (int)status,
		.duration_us = (int64_t)duration,
		.problem = is_whole ? NULL : words_for(slot, code),
		.trouble = is_whole ? FETCH_NONE : trouble_of(code),
		.is_refused = !is_whole && !slot->is_mail && slot->refused.len && !slot->has_connected,
		.is_stale = !is_whole && is_stale(slot, code),
		.is_cut = slot->answer.is_cut,
		.body = buf_str(&slot->answer.body),
	};
	curl_multi_remove_handle(fetch->multi, slot->easy);
	fetch->given = slot;
	fetch->count--;
}

static bool take_finished(struct fetch *fetch, struct fetch_outcome *outcome)
{
	struct slot *slot = NULL;
	CURLMsg *message;
	int left = 0;

	/* the only kind of message there is */
	message = curl_multi_info_read(fetch->multi, &left);
	fetch->finished = (size_t)left;
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	/* the message is gone once its handle is removed */
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	give(fetch, slot, message->data.result, outcome);
	return true;
}

/* ---- waiting */

/* Lets libcurl work on what is ready, and waits for that at most `wait_ms`. */
static void tend(struct fetch *fetch, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count, running;

	if (fetch->timer_at >= 0)
		wait_ms = clock_within(wait_ms, fetch->timer_at - clock_ms());
	count = epoll_wait(fetch->epoll, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < count; i++) {
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(fetch->multi, events[i].data.fd, what, &running);
	}
	if (fetch->timer_at >= 0 && clock_ms() >= fetch->timer_at) {
		fetch->timer_at = -1;	/* libcurl sets it anew */
		curl_multi_socket_action(fetch->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

enum err fetch_take(struct fetch *fetch, struct fetch_outcome *outcome)
{
	take_back(fetch);
	if (!fetch->count)
		return ERR_ABSENT;
	if (take_finished(fetch, outcome))
		return ERR_NONE;
	tend(fetch, 0);
	return take_finished(fetch, outcome) ? ERR_NONE : ERR_PACE;
}

int fetch_poll(const struct fetch *fetch, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = fetch->count ? fetch->epoll : -1, .events = POLLIN };
	if (!fetch->count)
		return -1;
	if (fetch->finished)
		return 0;
	return fetch->timer_at < 0 ? -1 : clock_within(-1, fetch->timer_at - clock_ms());
}

enum err fetch_wait(struct fetch *fetch, int64_t wait_ms, struct fetch_outcome *outcome)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : clock_ms() + wait_ms;
	enum err err;

	while ((err = fetch_take(fetch, outcome)) == ERR_PACE && clock_ms() < until)
		tend(fetch, clock_within(-1, until - clock_ms()));
	return err;
}

struct str fetch_header(const struct fetch *fetch, const char *name)
{
	return fetch->given ? answer_find(&fetch->given->answer, name) : (struct str){ 0 };
}

const char *fetch_told(const struct fetch_outcome *outcome)
{
	if (outcome->is_refused || outcome->trouble == FETCH_NAME)
		return "its host has no public address";
	return outcome->problem;
}
