/* SPDX-License-Identifier: ISC */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	IPV4_AT = 12, /* offset of the four bytes in a mapped address */
	IPV4_BITS = 96,
	ALL_BITS = 128,
	NETWORKS_MAX = 1000, /* a setting with more is a mistake */
};

struct block {
	struct ip_network in;
	const char *purpose; /* NULL: globally reachable */
};

#define IPV4(a, b, c, d, bits) \
	{ \
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } }, IPV4_BITS + (bits), \
			true \
	}
/* The first four groups and the last one; zeros between. */
#define IPV6(a, b, c, d, last, bits) \
	{ \
		{ { (a) >> 8, (a)&255, (b) >> 8, (b)&255, (c) >> 8, (c)&255, (d) >> 8, (d)&255, 0, \
		    0, 0, 0, 0, 0, (last) >> 8, (last)&255 } }, \
			(bits), false \
	}

/* IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), and the reserved ranges of
   RFC 1112 and RFC 4291. The first match counts, so exceptions come before their range. Globally
   reachable ranges are listed only as exceptions. */
static const struct block blocks[] = {
	{ IPV4(0, 0, 0, 0, 8), "an address that means this network" },
	{ IPV4(10, 0, 0, 0, 8), "an address of a private network" },
	{ IPV4(100, 64, 0, 0, 10), "an address shared by customers of a provider" },
	{ IPV4(127, 0, 0, 0, 8), "a loopback address" },
	{ IPV4(169, 254, 0, 0, 16), "a link-local address" },
	{ IPV4(172, 16, 0, 0, 12), "an address of a private network" },
	{ IPV4(192, 0, 0, 9, 32), NULL },  /* PCP anycast */
	{ IPV4(192, 0, 0, 10, 32), NULL }, /* TURN anycast */
	{ IPV4(192, 0, 0, 0, 24), "an address for protocols" },
	{ IPV4(192, 0, 2, 0, 24), "an address for documentation" },
	{ IPV4(192, 88, 99, 0, 24), "the address of a 6to4 relay" },
	{ IPV4(192, 168, 0, 0, 16), "an address of a private network" },
	{ IPV4(198, 18, 0, 0, 15), "an address for benchmarks" },
	{ IPV4(198, 51, 100, 0, 24), "an address for documentation" },
	{ IPV4(203, 0, 113, 0, 24), "an address for documentation" },
	{ IPV4(224, 0, 0, 0, 4), "a multicast address" },
	{ IPV4(255, 255, 255, 255, 32), "the broadcast address" },
	{ IPV4(240, 0, 0, 0, 4), "a reserved address" },

	{ IPV6(0, 0, 0, 0, 0, 128), "the unspecified address" },
	{ IPV6(0, 0, 0, 0, 1, 128), "a loopback address" },
	{ IPV6(0x64, 0xff9b, 1, 0, 0, 48), "an address of a private network" },
	{ IPV6(0x100, 0, 0, 0, 0, 64), "an address whose packets are discarded" },
	{ IPV6(0x2001, 0, 0, 0, 0, 32), "an address of a Teredo tunnel" },
	{ IPV6(0x2001, 1, 0, 0, 1, 128), NULL }, /* PCP anycast */
	{ IPV6(0x2001, 1, 0, 0, 2, 128), NULL }, /* TURN anycast */
	{ IPV6(0x2001, 1, 0, 0, 3, 128), NULL }, /* DNS-SD anycast */
	{ IPV6(0x2001, 2, 0, 0, 0, 48), "an address for benchmarks" },
	{ IPV6(0x2001, 3, 0, 0, 0, 32), NULL },	    /* AMT */
	{ IPV6(0x2001, 4, 0x112, 0, 0, 48), NULL }, /* AS112 */
	{ IPV6(0x2001, 0x20, 0, 0, 0, 28), NULL },  /* ORCHIDv2 */
	{ IPV6(0x2001, 0x30, 0, 0, 0, 28), NULL },  /* drones */
	{ IPV6(0x2001, 0, 0, 0, 0, 23), "an address for protocols" },
	{ IPV6(0x2001, 0xdb8, 0, 0, 0, 32), "an address for documentation" },
	{ IPV6(0x3fff, 0, 0, 0, 0, 20), "an address for documentation" },
	{ IPV6(0x5f00, 0, 0, 0, 0, 16), "an address of segment routing" },
	{ IPV6(0xfc00, 0, 0, 0, 0, 7), "an address of a private network" },
	{ IPV6(0xfe80, 0, 0, 0, 0, 10), "a link-local address" },
	{ IPV6(0xff00, 0, 0, 0, 0, 8), "a multicast address" },
};

static const struct ip_network mapped = { { { [10] = 0xff, [11] = 0xff } }, IPV4_BITS, true };
static const struct ip_network unicast = IPV6(0x2000, 0, 0, 0, 0, 3);

/* Ranges of IPv6 addresses that contain an IPv4 address, and where in it. */
static const struct {
	struct ip_network in;
	size_t at;
} carriers[] = {
	{ IPV6(0x64, 0xff9b, 0, 0, 0, 96), 12 }, /* NAT64, RFC 6052 */
	{ IPV6(0x2002, 0, 0, 0, 0, 16), 2 },	 /* 6to4, RFC 3056 */
};

/* ---- one address */

bool ip_read(struct str text, struct ip_address *out)
{
	char copy[INET6_ADDRSTRLEN];
	struct ip_address found = mapped.base;

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.at, '\0', text.len))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, found.at + IPV4_AT) != 1 &&
	    inet_pton(AF_INET6, copy, found.at) != 1)
		return false;
	*out = found;
	return true;
}

bool ip_of(const struct sockaddr *where, struct ip_address *out)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (where->sa_family == AF_INET) {
		memcpy(&ipv4, where, sizeof(ipv4));
		*out = mapped.base;
		memcpy(out->at + IPV4_AT, &ipv4.sin_addr, 4);
		return true;
	}
	if (where->sa_family == AF_INET6) {
		memcpy(&ipv6, where, sizeof(ipv6));
		memcpy(out->at, &ipv6.sin6_addr, sizeof(out->at));
		return true;
	}
	return false;
}

static bool begins_with(const struct ip_address *address, const struct ip_address *base,
			unsigned bits)
{
	unsigned rest = bits % 8, mask = 0xff00u >> rest & 0xff;

	if (memcmp(address->at, base->at, bits / 8) != 0)
		return false;
	return rest == 0 || ((address->at[bits / 8] ^ base->at[bits / 8]) & mask) == 0;
}

static bool is_ipv4(const struct ip_address *address)
{
	return begins_with(address, &mapped.base, mapped.bits);
}

void ip_write(const struct ip_address *address, struct buf *out)
{
	bool short_form = is_ipv4(address);
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(short_form ? AF_INET : AF_INET6, address->at + (short_form ? IPV4_AT : 0),
		       text, sizeof(text)))
		abort(); /* the buffer has room for the longest */
	buf_add_text(out, text);
}

const char *ip_special_purpose(const struct ip_address *address)
{
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		struct ip_address carried = mapped.base;

		if (!begins_with(address, &carriers[i].in.base, carriers[i].in.bits))
			continue;
		memcpy(carried.at + IPV4_AT, address->at + carriers[i].at, 4);
		return ip_special_purpose(&carried);
	}
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (begins_with(address, &blocks[i].in.base, blocks[i].in.bits))
			return blocks[i].purpose;
	if (!is_ipv4(address) && !begins_with(address, &unicast.base, unicast.bits))
		return "an address that was never given out";
	return NULL;
}

/* ---- networks */

static bool is_between(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next item of the list; at == NULL at its end. */
static struct str next_item(struct str *rest)
{
	struct str item = { 0 };

	while (rest->len && is_between(rest->at[0])) {
		rest->at++;
		rest->len--;
	}
	item.at = rest->len ? rest->at : NULL;
	while (rest->len && !is_between(rest->at[0])) {
		rest->at++;
		rest->len--;
		item.len++;
	}
	return item;
}

/* Appends an item without bytes that control a terminal. */
static void write_printable(struct str item, struct buf *problem)
{
	size_t len = item.len < 60 ? item.len : 60;

	buf_add_char(problem, '"');
	for (size_t i = 0; i < len; i++)
		buf_add_char(problem, item.at[i] > ' ' && item.at[i] <= '~' ? item.at[i] : '?');
	buf_add_text(problem, "\" ");
}

/* The number behind the slash, without leading zeros. */
static bool read_bits(struct str text, unsigned max, unsigned *bits)
{
	int64_t number;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.at[0] == '0') ||
	    !str_int(text, &number) || number < 0 || number > (int64_t)max)
		return false;
	*bits = (unsigned)number;
	return true;
}

static struct ip_address without_host(const struct ip_network *network)
{
	struct ip_address base = network->base;

	for (unsigned bit = network->bits; bit < ALL_BITS; bit++)
		base.at[bit / 8] = (unsigned char)(base.at[bit / 8] & ~(0x80u >> bit % 8));
	return base;
}

static bool read_network(struct str item, struct ip_network *out, struct buf *problem)
{
	bool has_bits = memchr(item.at, '/', item.len) != NULL;
	struct str bits = item, host = str_cut(&bits, '/');
	struct ip_network found;
	struct ip_address base;
	/* ::ffff:10.0.0.0/104 counts its bits as IPv6 does */
	bool is_dotted = !memchr(host.at, ':', host.len);

	if (!ip_read(host, &found.base)) {
		write_printable(item, problem);
		buf_add_text(problem, "is neither an IP address nor a network such as 10.0.0.0/8");
		return false;
	}
	found.bits = is_dotted ? ALL_BITS - IPV4_BITS : ALL_BITS;
	if (has_bits && !read_bits(bits, found.bits, &found.bits)) {
		write_printable(item, problem);
		buf_addf(problem, "must have a number from 0 to %u behind the slash", found.bits);
		return false;
	}
	if (is_dotted)
		found.bits += IPV4_BITS;
	base = without_host(&found);
	if (memcmp(&base, &found.base, sizeof(base)) != 0) {
		write_printable(item, problem);
		buf_add_text(problem, "is no network but an address in one; the network is ");
		ip_write(&base, problem);
		buf_addf(problem, "/%u", is_ipv4(&base) ? found.bits - IPV4_BITS : found.bits);
		return false;
	}
	found.is_ipv4 = found.bits >= IPV4_BITS && is_ipv4(&found.base);
	*out = found;
	return true;
}

enum err ip_networks_read(struct ip_networks *list, struct str text, struct buf *problem)
{
	struct ip_networks fresh = { 0 };
	enum err err = ERR_INPUT;
	struct str item;

	while ((item = next_item(&text)).at) {
		if (list->count + fresh.count == NETWORKS_MAX) {
			buf_addf(problem, "there are more than %d networks", NETWORKS_MAX);
			goto done;
		}
		fresh.at = mem_grow(fresh.at, fresh.count + 1, sizeof(*fresh.at));
		if (!read_network(item, &fresh.at[fresh.count], problem))
			goto done;
		fresh.count++;
	}
	err = ERR_NONE;
	if (!fresh.count)
		goto done;
	list->at = mem_grow(list->at, list->count + fresh.count, sizeof(*list->at));
	memcpy(list->at + list->count, fresh.at, fresh.count * sizeof(*fresh.at));
	list->count += fresh.count;
done:
	ip_networks_done(&fresh);
	return err;
}

void ip_networks_reread(struct ip_networks *list, const char *text)
{
	struct buf problem = { 0 };

	if (ip_networks_read(list, str_of(text), &problem))
		abort();
	buf_done(&problem);
}

void ip_networks_done(struct ip_networks *list)
{
	free(list->at);
	*list = (struct ip_networks){ 0 };
}

bool ip_networks_has(const struct ip_networks *list, const struct ip_address *address)
{
	bool wanted = is_ipv4(address);

	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].is_ipv4 == wanted &&
		    begins_with(address, &list->at[i].base, list->at[i].bits))
			return true;
	return false;
}
