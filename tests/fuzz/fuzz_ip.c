/* SPDX-License-Identifier: ISC */
/* Any bytes as a list of networks: what is read has its own bases in it, and
   each is written as text that reads the same; or a problem in printable
   words. */
#include "fuzz.h"

#include "base/ip.h"

static void check_address(const struct ip_address *address)
{
	struct buf text = { 0 };
	struct ip_address again;

	ip_write(address, &text);
	MUST(ip_read(buf_str(&text), &again));
	MUST(memcmp(&again, address, sizeof(again)) == 0);
	(void)ip_special_purpose(address);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct ip_networks list = { 0 };
	struct buf problem = { 0 };
	struct ip_address address;

	if (ip_networks_read(&list, text, &problem)) {
		MUST(list.count == 0 && problem.len > 0);
		for (size_t i = 0; i < problem.len; i++)
			MUST(problem.at[i] >= ' ' && problem.at[i] <= '~');
	} else {
		MUST(problem.len == 0);
	}
	for (size_t i = 0; i < list.count; i++) {
		MUST(list.at[i].bits <= 128 && (!list.at[i].is_ipv4 || list.at[i].bits >= 96));
		MUST(ip_networks_has(&list, &list.at[i].base));
		check_address(&list.at[i].base);
	}
	if (ip_read(text, &address))
		check_address(&address);
	if (size == sizeof(address)) {
		memcpy(&address, data, size);
		check_address(&address);
	}
	ip_networks_done(&list);
	buf_done(&problem);
	return 0;
}
