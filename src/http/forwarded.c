/* SPDX-License-Identifier: ISC */
#include "http/forwarded.h"

#include <string.h>

/* The last item of the list; the rest stays before it. */
static struct str cut_last(struct str *list)
{
	const char *comma = list->len ? memrchr(list->at, ',', list->len) : NULL;
	size_t from = comma ? (size_t)(comma - list->at) + 1 : 0;
	struct str item = { list->at + from, list->len - from };

	list->len = comma ? from - 1 : 0;
	return str_trim(item);
}

static bool is_port(struct str text)
{
	int64_t port;

	return text.len <= 5 && str_int(text, &port) && port >= 0 && port <= 65535;
}

/* "192.0.2.1", "2001:db8::1", "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711" */
static bool read_item(struct str item, struct ip_address *address)
{
	struct str host = item, port;

	if (ip_read(item, address))
		return true;
	if (item.len && item.at[0] == '[') {
		port = (struct str){ item.at + 1, item.len - 1 };
		host = str_cut(&port, ']');
		/* brackets are for IPv6 only */
		if (!port.at || !memchr(host.at, ':', host.len))
			return false;
		if (port.len &&
		    (port.at[0] != ':' || !is_port((struct str){ port.at + 1, port.len - 1 })))
			return false;
		return ip_read(host, address);
	}
	port = item;
	host = str_cut(&port, ':');
	return is_port(port) && ip_read(host, address);
}

struct ip_address forwarded_client(const struct ip_address *peer, struct str list,
				   const struct ip_networks *trusted)
{
	struct ip_address client = *peer, next;

	while (list.len && ip_networks_has(trusted, &client)) {
		struct str item = cut_last(&list);

		if (item.len == 0)
			continue;
		if (!read_item(item, &next))
			break;
		client = next;
	}
	return client;
}
