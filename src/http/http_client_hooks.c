/* SPDX-License-Identifier: ISC */
/* What libcurl calls while it works. It names the sockets that it waits for, and when it wants to
   be called; both go into one epoll set and one timer. So a caller waits for everything through
   one descriptor, and a silent request costs nothing. */
#include "http/http_client_internal.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/ip.h"

_Static_assert(HTTP_CLIENT_ERROR_SIZE >= CURL_ERROR_SIZE, "libcurl writes so many bytes");

enum { CONNECTION_LIFE_S = 600 }; /* then the name of the host is looked up again */

/* libcurl ends the transfer with CURLE_WRITE_ERROR when one of these two returns anything but
   `len`. */
static size_t take_body(char *bytes, size_t one, size_t len, void *user)
{
	struct http_client_slot *slot = user;

	(void)one;
	return http_response_add_body(&slot->response, (struct str){ bytes, len }) ? len : 0;
}

static size_t take_header(char *bytes, size_t one, size_t len, void *user)
{
	struct http_client_slot *slot = user;

	(void)one;
	if (slot->is_mail) {
		http_client_note_reply(slot, (struct str){ bytes, len });
		return len;
	}
	return http_response_add_line(&slot->response, (struct str){ bytes, len }) ? len : 0;
}

/* false: the connection is refused; slot->refused has the reason. */
static bool check_address(struct http_client_slot *slot, const struct sockaddr *where)
{
	const struct http_client_options *options = &slot->client->options;
	struct ip_address address;
	const char *purpose;

	if (!options->is_guarded || slot->is_mail)
		return true;
	if (!ip_of(where, &address))
		return false;
	purpose = ip_special_purpose(&address);
	if (!purpose || (options->allowed && ip_networks_has(options->allowed, &address)))
		return true;
	buf_clear(&slot->refused);
	ip_write(&address, &slot->refused);
	buf_addf(&slot->refused, " is %s, and not allowed", purpose);
	return false;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *where)
{
	struct http_client_slot *slot = user;
	int fd;

	(void)purpose;
	if (!check_address(slot, &where->addr))
		return CURL_SOCKET_BAD;
	fd = socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
	slot->has_connected = slot->has_connected || fd >= 0;
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* libcurl calls this before it sends a request, and again before it repeats one because a kept
   connection ended without a response. */
static int before_sending(void *user, char *to, char *from, int to_port, int from_port)
{
	struct http_client_slot *slot = user;

	(void)to, (void)from, (void)to_port, (void)from_port;
	return slot->sendings++ && !slot->may_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static int watch_socket(CURL *easy, curl_socket_t fd, int events, void *user, void *known)
{
	struct http_client *client = user;
	struct epoll_event event = { .data.fd = fd };

	(void)easy;
	if (events & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (events & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (events == CURL_POLL_REMOVE) {
		/* fails when the socket is closed already, which removes it too */
		epoll_ctl(client->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	/* When the system has no room for one more, this request ends by its time limit. An error
	   returned to libcurl would end all requests. */
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

void http_client_prepare(struct http_client *client, struct http_client_slot *slot)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		abort(); /* out of memory */
	slot->client = client;
	slot->easy = easy;
	http_response_init(&slot->response, &client->keep);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
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
	/* Without this, ending a request waits for the thread that looks its name up, and with a
	   silent name server all other requests wait too. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* An empty name: no proxy, not even that of the environment. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	/* HTTP/2 puts all requests on one connection, where one lost packet or one slow response
	   delays the others. */
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

void http_client_prepare_multi(struct http_client *client)
{
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
}
