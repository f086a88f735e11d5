/* SPDX-License-Identifier: ISC */
/* libcurl tells which sockets it waits for and when it wants to be called; both
   stand in one epoll set and one timer, so that a caller can wait for all of it
   through a single descriptor, and a request that is silent costs nothing. */
#include "http/http_client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/ip.h"
#include "http/http_response.h"
#include "http/ca_bundle.h"
#include "base/clock.h"
#include "base/fd.h"
#include "http/hostname.h"

enum {
	CONNECTION_LIFE_S = 600, /* then its name is looked up again */
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
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct http_response answer;
	struct buf refused; /* the guard's words */
	bool is_mail;
	struct str text; /* of the mail, what is still to be sent */
	struct curl_slist *to;
	struct buf said;    /* with what words the mail server refused it */
	bool has_connected; /* the guard allowed an address */
	bool may_repeat;    /* libcurl may send the request again by itself */
	int sendings;
	void *user;
	char words[CURL_ERROR_SIZE];
	struct slot *next; /* in the list of free ones */
};

struct http_client {
	struct http_client_options options;
	struct http_response_options keep;
	struct buf ca_file; /* empty: as libcurl has it */
	CURLM *multi;
	int epoll;
	int64_t timer_at;   /* clock_ms() when libcurl wants to be called; -1: never */
	struct slot *slots; /* how.requests_max of them */
	struct slot *free;
	struct slot *given;	/* its outcome is with the caller until the next call */
	size_t count, finished; /* those that libcurl has told of as finished */
};

/* ---- what libcurl calls */

/* Anything but `len` from these two ends the transfer with CURLE_WRITE_ERROR. */
static size_t take_body(char *bytes, size_t one, size_t len, void *user)
{
	struct slot *slot = user;

	(void)one;
	return http_response_add_body(&slot->answer, (struct str){ bytes, len }) ? len : 0;
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
	return http_response_add_line(&slot->answer, (struct str){ bytes, len }) ? len : 0;
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
	const struct http_client_options *options = &slot->client->options;
	struct ip_address address;
	const char *what;

	if (!options->is_guarded || slot->is_mail)
		return true;
	if (!ip_of(where, &address))
		return false;
	what = ip_special_purpose(&address);
	if (!what || (options->allowed && ip_networks_has(options->allowed, &address)))
		return true;
	buf_clear(&slot->refused);
	ip_write(&address, &slot->refused);
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
	struct http_client *client = user;
	struct epoll_event event = { .data.fd = fd };

	(void)easy;
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE) {
		/* may be closed already, and is out of the set then */
		epoll_ctl(client->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	/* where the system has no room for one more, the request ends by its time
	   limit; to tell libcurl would end all others as well */
	if (epoll_ctl(client->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0 &&
	    !known)
		curl_multi_assign(client->multi, fd, client);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *user)
{
	struct http_client *client = user;

	(void)multi;
	client->timer_at = ms < 0 ? -1 : clock_ms() + ms;
	return 0;
}

/* ---- opening and closing */

/* What stays the same from request to request. */
static void prepare(struct http_client *client, struct slot *slot)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		abort(); /* out of memory */
	slot->client = client;
	slot->easy = easy;
	http_response_init(&slot->answer, &client->keep);
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
	if (client->options.connect_ms)
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->options.connect_ms);
	if (client->ca_file.len)
		curl_easy_setopt(easy, CURLOPT_CAINFO, buf_text(&client->ca_file));
	if (client->options.agent)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, client->options.agent);
}

struct http_client *http_client_new(const struct http_client_options *options)
{
	struct http_client *client = mem_zero(1, sizeof(*client));

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	client->options = *options;
	if (options->ca_file)
		buf_add_text(&client->ca_file, options->ca_file);
	else
		ca_bundle_find("", curl_version_info(CURLVERSION_NOW)->cainfo, &client->ca_file);
	if (client->options.requests_max == 0)
		client->options.requests_max = 1;
	client->keep = (struct http_response_options){ options->answer_max, options->cuts_answers,
						       options->wanted };
	client->timer_at = -1;
	client->multi = curl_multi_init();
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!client->multi || client->epoll < 0)
		abort(); /* out of memory */
	fd_raise_limit(client->options.requests_max * DESCRIPTORS_EACH);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.requests_max);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	client->slots = mem_zero(client->options.requests_max, sizeof(*client->slots));
	for (size_t i = client->options.requests_max; i-- > 0;) {
		client->slots[i].next = client->free;
		client->free = &client->slots[i];
	}
	return client;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->options.requests_max; i++) {
		struct slot *slot = &client->slots[i];

		if (slot->easy) {
			curl_multi_remove_handle(client->multi, slot->easy);
			curl_easy_cleanup(slot->easy);
		}
		curl_slist_free_all(slot->headers);
		curl_slist_free_all(slot->to);
		http_response_done(&slot->answer);
		buf_done(&slot->refused);
		buf_done(&slot->said);
	}
	curl_multi_cleanup(client->multi);
	close(client->epoll);
	buf_done(&client->ca_file);
	free(client->slots);
	free(client);
	curl_global_cleanup();
}

size_t http_client_count(const struct http_client *client)
{
	return client->count;
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
		abort(); /* out of memory */
	if (!url ||
	    curl_url_set(parts, CURLUPART_URL, url,
			 CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(parts, CURLUPART_SCHEME, &place->scheme, 0) ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
	    hostname_write_ascii(str_of(host), &place->host))
		goto done;
	/* as it was given, unless there is something to convert */
	if (strcmp(host, buf_text(&place->host)) != 0 &&
	    curl_url_set(parts, CURLUPART_HOST, buf_text(&place->host), 0))
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

	if (!err && !str_is(str_of(place->scheme), "http") &&
	    !str_is(str_of(place->scheme), "https"))
		err = ERR_INPUT;
	return err;
}

bool http_client_can_reach(const char *url)
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
		abort(); /* out of memory */
	slot->headers = longer;
}

/* The slot whose outcome the caller has seen is free again. */
static void take_back(struct http_client *client)
{
	struct slot *slot = client->given;

	if (!slot)
		return;
	client->given = NULL;
	slot->next = client->free;
	client->free = slot;
}

static struct slot *empty_slot(struct http_client *client, bool is_mail)
{
	struct slot *slot = client->free;

	client->free = slot->next;
	/* nothing of the one kind stays set for the other */
	if (slot->easy && slot->is_mail != is_mail) {
		curl_easy_cleanup(slot->easy);
		http_response_done(&slot->answer);
		slot->easy = NULL;
	}
	if (!slot->easy)
		prepare(client, slot);
	slot->is_mail = is_mail;
	curl_slist_free_all(slot->headers);
	curl_slist_free_all(slot->to);
	slot->headers = slot->to = NULL;
	http_response_clear(&slot->answer);
	buf_clear(&slot->refused);
	buf_clear(&slot->said);
	slot->has_connected = false;
	slot->may_repeat = true;
	slot->sendings = 0;
	slot->words[0] = '\0';
	return slot;
}

static void begin(struct http_client *client, struct slot *slot)
{
	if (curl_multi_add_handle(client->multi, slot->easy) != CURLM_OK)
		abort(); /* a handle that is in already, or out of memory */
	client->count++;
}

enum err http_client_add(struct http_client *client, const struct http_client_request *request)
{
	const char *method = request->method ? request->method : request->body.at ? "POST" : "GET";
	struct place place = { 0 };
	struct slot *slot;
	bool has_body;
	enum err err;

	take_back(client);
	if (!client->free)
		return ERR_PACE;
	err = read_web_place(request->url, &place);
	if (!err && !are_lines(request->headers))
		err = ERR_INPUT;
	if (err)
		goto done;
	slot = empty_slot(client, false);
	slot->user = request->user;
	for (const char *const *line = request->headers; line && *line; line++)
		add_header(slot, *line);
	curl_easy_setopt(slot->easy, CURLOPT_URL, place.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	/* RFC 9110, 8.6: methods that may have a body say that it is empty */
	has_body = request->body.at ||
		   (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0);
	if (has_body) {
		/* no "Expect: 100-continue", which costs a large body a second
		   with servers that do not know it */
		add_header(slot, "Expect:");
		curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS,
				 request->body.at ? request->body.at : "");
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.len);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	}
	/* libcurl repeats by itself only what it sent on a connection that was used before */
	slot->may_repeat = !has_body || request->may_repeat;
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT,
			 request->is_sent_once || (!CAN_STOP_REPEATING && !slot->may_repeat) ? 1L
											     : 0L);
	curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
	begin(client, slot);
done:
	place_done(&place);
	return err;
}

/* Of a mail server. */
static enum err read_mail_place(const char *url, struct place *place)
{
	enum err err = read_place(url, place);

	if (!err && !str_is(str_of(place->scheme), "smtp") &&
	    !str_is(str_of(place->scheme), "smtps"))
		err = ERR_INPUT;
	return err;
}

/* This machine, by a name that nobody else can have: not "127.example". */
static bool is_here(struct str host)
{
	struct ip_address address;

	return str_equal_nocase(host, "localhost") || str_is(host, "[::1]") ||
	       (str_starts(host, "127.") && ip_read(host, &address));
}

enum err http_client_add_mail(struct http_client *client, const struct http_client_mail *mail)
{
	struct place place = { 0 };
	struct slot *slot;
	enum err err;
	bool needs_tls;

	take_back(client);
	if (!client->free)
		return ERR_PACE;
	err = read_mail_place(mail->url, &place);
	if (!err && (strpbrk(mail->from, "\r\n<>") || strpbrk(mail->to, "\r\n<>")))
		err = ERR_INPUT;
	if (err)
		goto done;
	needs_tls = mail->password && !is_here(buf_str(&place.host));
	slot = empty_slot(client, true);
	slot->user = mail->owner;
	slot->text = mail->text;
	slot->to = curl_slist_append(NULL, mail->to);
	if (!slot->to)
		abort(); /* out of memory */
	curl_easy_setopt(slot->easy, CURLOPT_URL, place.url);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)mail->timeout_ms);
	curl_easy_setopt(slot->easy, CURLOPT_USE_SSL,
			 (long)(needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	curl_easy_setopt(slot->easy, CURLOPT_USERNAME, mail->user);
	curl_easy_setopt(slot->easy, CURLOPT_PASSWORD, mail->password);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_FROM, mail->from);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_RCPT, slot->to);
	curl_easy_setopt(slot->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_READFUNCTION, give_text);
	curl_easy_setopt(slot->easy, CURLOPT_READDATA, slot);
	/* what was sent on a connection that had been closed would be sent twice */
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, 1L);
	begin(client, slot);
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

static enum http_client_failure trouble_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_CLIENT_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_CLIENT_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_CLIENT_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return HTTP_CLIENT_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_CLIENT_SLOW;
	default:
		return HTTP_CLIENT_BROKEN;
	}
}

static void give(struct http_client *client, struct slot *slot, CURLcode code,
		 struct http_client_result *outcome)
{
	bool is_whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && slot->answer.is_over);
	curl_off_t duration = 0;
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_TOTAL_TIME_T, &duration);
	if (is_whole && slot->is_mail)
		status = 250;
	else if (is_whole)
		curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	*outcome = (struct http_client_result){
		.user = slot->user,
		.status = (int)status,
		.duration_us = (int64_t)duration,
		.problem = is_whole ? NULL : words_for(slot, code),
		.trouble = is_whole ? HTTP_CLIENT_NONE : trouble_of(code),
		.is_refused = !is_whole && !slot->is_mail && slot->refused.len &&
			      !slot->has_connected,
		.is_stale = !is_whole && is_stale(slot, code),
		.is_cut = slot->answer.is_cut,
		.body = buf_str(&slot->answer.body),
	};
	curl_multi_remove_handle(client->multi, slot->easy);
	client->given = slot;
	client->count--;
}

static bool take_finished(struct http_client *client, struct http_client_result *outcome)
{
	struct slot *slot = NULL;
	CURLMsg *message;
	int left = 0;

	/* the only kind of message there is */
	message = curl_multi_info_read(client->multi, &left);
	client->finished = (size_t)left;
	if (!message || message->msg != CURLMSG_DONE)
		return false;
	/* the message is gone once its handle is removed */
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	give(client, slot, message->data.result, outcome);
	return true;
}

/* ---- waiting */

/* Lets libcurl work on what is ready, and waits for that at most `wait_ms`. */
static void tend(struct http_client *client, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count, running;

	if (client->timer_at >= 0)
		wait_ms = clock_within(wait_ms, client->timer_at - clock_ms());
	count = epoll_wait(client->epoll, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < count; i++) {
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(client->multi, events[i].data.fd, what, &running);
	}
	if (client->timer_at >= 0 && clock_ms() >= client->timer_at) {
		client->timer_at = -1; /* libcurl sets it anew */
		curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

enum err http_client_take(struct http_client *client, struct http_client_result *outcome)
{
	take_back(client);
	if (!client->count)
		return ERR_ABSENT;
	if (take_finished(client, outcome))
		return ERR_NONE;
	tend(client, 0);
	return take_finished(client, outcome) ? ERR_NONE : ERR_PACE;
}

int http_client_poll(const struct http_client *client, struct pollfd *fd)
{
	*fd = (struct pollfd){ .fd = client->count ? client->epoll : -1, .events = POLLIN };
	if (!client->count)
		return -1;
	if (client->finished)
		return 0;
	return client->timer_at < 0 ? -1 : clock_within(-1, client->timer_at - clock_ms());
}

enum err http_client_wait(struct http_client *client, int64_t wait_ms,
			  struct http_client_result *outcome)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : clock_ms() + wait_ms;
	enum err err;

	while ((err = http_client_take(client, outcome)) == ERR_PACE && clock_ms() < until)
		tend(client, clock_within(-1, until - clock_ms()));
	return err;
}

struct str http_client_header(const struct http_client *client, const char *name)
{
	return client->given ? http_response_find(&client->given->answer, name) : (struct str){ 0 };
}

const char *http_client_explain(const struct http_client_result *outcome)
{
	if (outcome->is_refused || outcome->trouble == HTTP_CLIENT_NAME)
		return "its host has no public address";
	return outcome->problem;
}
