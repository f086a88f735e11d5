/* SPDX-License-Identifier: ISC */
/* Whose request it is, when it came through proxies: X-Forwarded-For. */
#ifndef HL_HTTP_FORWARDED_H
#define HL_HTTP_FORWARDED_H

#include "base/ip.h"
#include "base/mem.h"

/* The address that asked first, as far as it is known for sure. `peer` is who
   connected to the web server, `list` the header, to which each proxy appends
   whom it got the request from. It is believed from its right end on, as long
   as it was written by one of `trusted`: what a stranger wrote into it is never
   looked at. Ports are passed over; a word that is no address ends it. */
struct ip_address forwarded_client(const struct ip_address *peer, struct str list,
				   const struct ip_networks *trusted);

#endif
