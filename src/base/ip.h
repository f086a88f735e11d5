/* SPDX-License-Identifier: ISC */
/* IP addresses: which are for everybody on the internet, which have a special
   purpose, and lists of networks. Knows no names, no ports and no sockets. */
#ifndef HL_BASE_IP_H
#define HL_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

struct sockaddr;

/* IPv4 as ::ffff:a.b.c.d, so that its two forms are one address. */
struct ip_address {
	unsigned char at[16];
};

/* "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1": dotted decimal without
   leading zeros, no zone, no brackets, no port. false, *out untouched, for
   anything else. */
bool ip_read(struct str text, struct ip_address *out);

/* false, *out untouched: neither IPv4 nor IPv6. */
bool ip_of(const struct sockaddr *where, struct ip_address *out);

void ip_write(const struct ip_address *address, struct buf *out); /* appends */

/* What an address is instead of globally reachable, in words that fit behind
   "it is"; NULL when it is globally reachable. By IANA's registries of
   special-purpose addresses, and of IPv6 by the space that is given out at all
   (2000::/3). What carries an IPv4 address (mapped, NAT64, 6to4) is judged by
   that. */
const char *ip_special_purpose(const struct ip_address *address);

/* ---- lists of networks */

struct ip_network {
	struct ip_address base;
	unsigned bits; /* of 128: those of an IPv4 network and 96 */
	bool is_ipv4;
};

/* {0} is the empty list. */
struct ip_networks {
	struct ip_network *at;
	size_t count;
};

/* Reads "10.0.0.0/8, ::1, 2001:db8::/32": CIDR, or an address for itself
   alone; commas or white space between. Appends to the list. ERR_INPUT:
   *problem says what is wrong, in printable words, and the list is untouched. */
MUST_USE enum err ip_networks_read(struct ip_networks *list, struct str text, struct buf *problem);
void ip_networks_done(struct ip_networks *list);

/* The same of a text that was read once and found good, as that of a setting. */
void ip_networks_reread(struct ip_networks *list, const char *text);

/* A network of IPv6 addresses never contains an IPv4 one: ::/0 is no 0.0.0.0/0. */
bool ip_networks_has(const struct ip_networks *list, const struct ip_address *address);

#endif
