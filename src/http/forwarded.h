/* SPDX-License-Identifier: ISC */
/* The client of a request that came through proxies: X-Forwarded-For. */
#ifndef HL_HTTP_FORWARDED_H
#define HL_HTTP_FORWARDED_H

#include "base/ip.h"
#include "base/mem.h"

/* The address of the client. `peer` is the address that connected to the web server; `list` is
   the header, to which each proxy appends the address that it got the request from. The list is
   read from its right end, as long as one of `trusted` has written the item: what the client
   itself wrote is never believed. Ports are ignored; an item that is no address ends the list. */
struct ip_address forwarded_client(const struct ip_address *peer, struct str list,
				   const struct ip_networks *trusted);

#endif
