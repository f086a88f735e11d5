/* SPDX-License-Identifier: ISC */
/* Any bytes as X-Forwarded-For: without trust nothing of them counts; behind an
   untrusted address that a trusted proxy wrote, neither. */
#include "fuzz.h"

#include "http/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ip_networks nobody, proxies;
	struct str raw = { (const char *)data, size };
	struct buf problem = { 0 }, list = { 0 };
	struct ip_address peer, untrusted, client;

	if (!proxies.count)
		MUST(ip_networks_read(&proxies, str_of("10.0.0.0/8"), &problem) == ERR_NONE);
	MUST(ip_read(str_of("10.0.0.1"), &peer) && ip_read(str_of("203.0.113.7"), &untrusted));
	client = forwarded_client(&peer, raw, &nobody);
	MUST(memcmp(&client, &peer, sizeof(peer)) == 0);
	(void)forwarded_client(&peer, raw, &proxies);
	buf_add_str(&list, raw);
	buf_add_text(&list, ",203.0.113.7, 10.0.0.2");
	client = forwarded_client(&peer, buf_str(&list), &proxies);
	MUST(memcmp(&client, &untrusted, sizeof(untrusted)) == 0);
	buf_done(&problem);
	buf_done(&list);
	return 0;
}
