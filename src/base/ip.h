/* SPDX-License-Identifier: ISC */
/* IP addresses: which are globally reachable, which have a special purpose, and lists of
   networks. Names, ports and sockets do not belong here. */
#ifndef HL_BASE_IP_H
#define HL_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

struct sockaddr;

/* IPv4 as ::ffff:a.b.c.d, so that both forms are one address. */
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

/* Why an address is not globally reachable, as text that fits behind "it is"; NULL when it is.
   By IANA's registries of special-purpose addresses, and for IPv6 by the allocated space
   (2000::/3). An address that contains an IPv4 address (mapped, NAT64, 6to4) is checked by that
   one. */
const char *ip_special_purpose(const struct ip_address *address);

/* ---- lists of networks */

struct ip_network {
	struct ip_address base;
	unsigned bits; /* of 128: for IPv4 its bits and 96 */
	bool is_ipv4;
};

/* {0} is the empty list. */
struct ip_networks {
	struct ip_network *at;
	size_t count;
};

/* Reads "10.0.0.0/8, ::1, 2001:db8::/32": CIDR, or single addresses; commas or white space
   between them. Appends to the list. ERR_INPUT: *problem says what is wrong in printable text,
   and the list is untouched. */
MUST_USE enum err ip_networks_read(struct ip_networks *list, struct str text, struct buf *problem);
void ip_networks_done(struct ip_networks *list);

/* The same for a text that is known to be valid, such as a loaded setting. */
void ip_networks_reread(struct ip_networks *list, const char *text);

/* A network of IPv6 addresses never contains an IPv4 address: ::/0 does not include 0.0.0.0/0. */
bool ip_networks_has(const struct ip_networks *list, const struct ip_address *address);

#endif
