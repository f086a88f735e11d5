/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/ip.h"

static struct ip_address of(const char *text)
{
	struct ip_address address;

	if (!ip_read(str_of(text), &address))
		fail_msg("%s is no address", text);
	return address;
}

/* ---- reading and writing */

static void addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written; /* NULL: the same */
	} cases[] = {
		{ "0.0.0.0", NULL },
		{ "192.0.2.1", NULL },
		{ "255.255.255.255", NULL },
		{ "::", NULL },
		{ "::1", NULL },
		{ "2001:db8::1", NULL },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:0201", "192.0.2.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = of(cases[i].text);

		buf_clear(&out);
		ip_write(&address, &out);
		assert_string_equal(cases[i].written ? cases[i].written : cases[i].text,
				    buf_text(&out));
	}
	buf_done(&out);
}

/* Texts that other programs accept as an address, and resolve to another one. */
static void nothing_else_is_an_address(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"1",
		"127.1",
		"127.0.1",
		"0x7f.0.0.1",
		"0177.0.0.1",
		"127.0.0.01",
		"2130706433",
		"256.0.0.1",
		"1.2.3.4.5",
		"1.2.3.",
		".1.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4:80",
		"[::1]",
		"::1%lo",
		"fe80::1%1",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"::12345",
		"::g",
		"localhost",
		"::ffff:1.2.3",
		"127.0.0.1\n",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
	};
	struct ip_address address = of("192.0.2.1"), before = address;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (ip_read(str_of(wrong[i]), &address))
			fail_msg("\"%s\" was read", wrong[i]);
	assert_false(ip_read(LIT("1.2.3.4\0"), &address));
	assert_false(ip_read(LIT("1.2.3\0.4"), &address));
	assert_memory_equal(&before, &address, sizeof(address));
}

static void socket_addresses(void **state)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6,
				     .sin6_addr = { { { 0x20, 1, 0xd, 0xb8, [15] = 1 } } } };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct ip_address address, wanted = of("192.0.2.1");

	(void)state;
	assert_true(ip_of((struct sockaddr *)&ipv4, &address));
	assert_memory_equal(&wanted, &address, sizeof(address));
	wanted = of("2001:db8::1");
	assert_true(ip_of((struct sockaddr *)&ipv6, &address));
	assert_memory_equal(&wanted, &address, sizeof(address));
	assert_false(ip_of((struct sockaddr *)&local, &address));
	assert_memory_equal(&wanted, &address, sizeof(address));
}

/* ---- special purposes */

/* The first and last address of every block, and the next ones outside. */
static void special_addresses(void **state)
{
	static const char *const special[] = {
		"0.0.0.0",
		"0.255.255.255",
		"10.0.0.0",
		"10.255.255.255",
		"100.64.0.0",
		"100.127.255.255",
		"127.0.0.0",
		"127.0.0.1",
		"127.255.255.255",
		"169.254.0.0",
		"169.254.169.254",
		"169.254.255.255",
		"172.16.0.0",
		"172.31.255.255",
		"192.0.0.0",
		"192.0.0.8",
		"192.0.0.11",
		"192.0.0.170",
		"192.0.0.255",
		"192.0.2.0",
		"192.0.2.255",
		"192.88.99.0",
		"192.88.99.255",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.0",
		"198.19.255.255",
		"198.51.100.0",
		"198.51.100.255",
		"203.0.113.0",
		"203.0.113.255",
		"224.0.0.0",
		"239.255.255.255",
		"240.0.0.0",
		"255.255.255.254",
		"255.255.255.255",
		/* IPv6 */
		"::",
		"::1",
		"::2",
		"::127.0.0.1",
		"::8.8.8.8",
		"::ffff:0:127.0.0.1",
		"64:ff9b:1::",
		"64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
		"64:ff9b:2::",
		"100::",
		"100::ffff:ffff:ffff:ffff",
		"100:0:0:1::1",
		"2001::",
		"2001::1",
		"2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:1::",
		"2001:1::4",
		"2001:1:ffff::1",
		"2001:2::",
		"2001:2:0:ffff:ffff:ffff:ffff:ffff",
		"2001:2:1::",
		"2001:4:111::",
		"2001:4:113::",
		"2001:10::",
		"2001:1f::",
		"2001:40::",
		"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		"3fff::",
		"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
		"4000::",
		"5f00::",
		"5f00:ffff::1",
		"1fff:ffff::1",
		"fbff::1",
		"fc00::",
		"fd00::1",
		"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"fe00::",
		"fe80::",
		"febf:ffff::1",
		"fec0::1",
		"ff00::",
		"ff02::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		/* with an embedded IPv4 address */
		"::ffff:127.0.0.1",
		"::ffff:10.1.2.3",
		"::ffff:169.254.169.254",
		"64:ff9b::127.0.0.1",
		"64:ff9b::10.0.0.1",
		"64:ff9b::169.254.169.254",
		"64:ff9b::0.0.0.0",
		"64:ff9b::255.255.255.255",
		"2002:7f00:1::",
		"2002:a00:1::1",
		"2002:a9fe:a9fe::1",
		"2002:c0a8:101::1",
		"2002:ffff:ffff::1",
	};
	static const char *const global[] = {
		"1.0.0.0",
		"1.1.1.1",
		"8.8.8.8",
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"126.255.255.255",
		"128.0.0.0",
		"169.253.255.255",
		"169.255.0.0",
		"172.15.255.255",
		"172.32.0.0",
		"191.255.255.255",
		"192.0.0.9",
		"192.0.0.10",
		"192.0.1.0",
		"192.0.1.255",
		"192.0.3.0",
		"192.31.196.1",
		"192.52.193.1",
		"192.88.98.255",
		"192.88.100.0",
		"192.167.255.255",
		"192.169.0.0",
		"192.175.48.1",
		"198.17.255.255",
		"198.20.0.0",
		"198.51.99.255",
		"198.51.101.0",
		"203.0.112.255",
		"203.0.114.0",
		"223.255.255.255",
		/* IPv6 */
		"2000::",
		"2001:1::1",
		"2001:1::2",
		"2001:1::3",
		"2001:3::1",
		"2001:4:112::1",
		"2001:20::1",
		"2001:2f:ffff::1",
		"2001:30::1",
		"2001:3f:ffff::1",
		"2001:200::",
		"2001:4860:4860::8888",
		"2001:db7:ffff::1",
		"2001:db9::",
		"2003::1",
		"2606:4700:4700::1111",
		"2620:4f:8000::1",
		"2a00::1",
		"3ffe:ffff::1",
		"3fff:1000::",
		"::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8",
		"2002:808:808::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		struct ip_address address = of(special[i]);

		if (!ip_special_purpose(&address))
			fail_msg("%s is taken for globally reachable", special[i]);
	}
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++) {
		struct ip_address address = of(global[i]);

		if (ip_special_purpose(&address))
			fail_msg("%s is taken for %s", global[i], ip_special_purpose(&address));
	}
}

static void words_say_what_it_is(void **state)
{
	static const char *const cases[][2] = {
		{ "127.0.0.1", "a loopback address" },
		{ "::ffff:127.0.0.1", "a loopback address" },
		{ "2002:7f00:1::1", "a loopback address" },
		{ "::1", "a loopback address" },
		{ "10.0.0.1", "an address of a private network" },
		{ "fd12::1", "an address of a private network" },
		{ "169.254.169.254", "a link-local address" },
		{ "255.255.255.255", "the broadcast address" },
		{ "2001:0:1::1", "an address of a Teredo tunnel" },
		{ "4000::1", "an address that was never given out" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = of(cases[i][0]);

		assert_string_equal(cases[i][1], ip_special_purpose(&address));
	}
}

/* ---- networks */

static bool list_has(const char *list, const char *address)
{
	struct ip_address wanted = of(address);
	struct ip_networks networks = { 0 };
	struct buf problem = { 0 };
	bool has;

	if (ip_networks_read(&networks, str_of(list), &problem))
		fail_msg("%s: %s", list, buf_text(&problem));
	assert_int_equal(0, problem.len);
	has = ip_networks_has(&networks, &wanted);
	ip_networks_done(&networks);
	return has;
}

static void lists_of_networks(void **state)
{
	(void)state;
	assert_false(list_has("", "10.0.0.1"));
	assert_false(list_has(" , ,\t\r\n,", "10.0.0.1"));
	assert_true(list_has("10.0.0.0/8", "10.255.255.255"));
	assert_false(list_has("10.0.0.0/8", "11.0.0.0"));
	assert_true(list_has("10.0.0.0/8", "::ffff:10.0.0.1"));
	assert_true(list_has("::ffff:10.0.0.0/104", "10.0.0.1"));
	assert_true(list_has("0.0.0.0/0", "8.8.8.8"));
	assert_false(list_has("0.0.0.0/0", "2001:db8::1"));
	assert_true(list_has("::/0", "2001:db8::1"));
	assert_false(list_has("::/0", "8.8.8.8"));
	assert_false(list_has("::/80", "8.8.8.8"));
	assert_true(list_has("10.0.0.1", "10.0.0.1"));
	assert_false(list_has("10.0.0.1", "10.0.0.2"));
	assert_true(list_has("10.0.0.2/31", "10.0.0.3"));
	assert_false(list_has("10.0.0.2/31", "10.0.0.4"));
	assert_true(list_has("172.16.0.0/12", "172.31.0.1"));
	assert_false(list_has("172.16.0.0/12", "172.32.0.1"));
	assert_true(list_has("::1", "::1"));
	assert_true(list_has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(list_has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(list_has("127.0.0.0/8,::1/128", "::1"));
	assert_true(list_has(" 127.0.0.0/8 , ::1 \n192.168.0.0/16,", "192.168.7.7"));
	/* 10.0.0.0/8 in the list does not allow tunnels to it */
	assert_false(list_has("10.0.0.0/8", "64:ff9b::10.0.0.1"));
	assert_false(list_has("10.0.0.0/8", "2002:a00:1::1"));
}

static void wrong_lists_are_reported(void **state)
{
	static const char *const cases[][2] = {
		{ "10.0.0.0/8, here",
		  "\"here\" is neither an IP address nor a network such as 10.0.0.0/8" },
		{ "10/8", "\"10/8\" is neither an IP address" },
		{ "/8", "\"/8\" is neither" },
		{ "10.0.0.0/", "\"10.0.0.0/\" must have a number from 0 to 32 behind the slash" },
		{ "10.0.0.0/33", "number from 0 to 32" },
		{ "10.0.0.0/08", "number from 0 to 32" },
		{ "10.0.0.0/-1", "number from 0 to 32" },
		{ "10.0.0.0/+8", "number from 0 to 32" },
		{ "10.0.0.0/8/8", "number from 0 to 32" },
		{ "10.0.0.0/255.0.0.0", "number from 0 to 32" },
		{ "::/129", "number from 0 to 128" },
		{ "10.0.0.1/8",
		  "\"10.0.0.1/8\" is no network but an address in one; the network is 10.0.0.0/8" },
		{ "2001:db8::1/32", "the network is 2001:db8::/32" },
		{ "::ffff:10.0.0.1/104", "the network is 10.0.0.0/8" },
		{ "10.0.0.1\x1b[2J", "\"10.0.0.1?[2J\" is neither" },
	};
	struct ip_networks list = { 0 };
	struct buf problem = { 0 }, long_list = { 0 };
	struct ip_address address = of("127.0.0.1");

	(void)state;
	assert_err(ERR_NONE, ip_networks_read(&list, LIT("127.0.0.0/8"), &problem));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&problem);
		if (ip_networks_read(&list, str_of(cases[i][0]), &problem) != ERR_INPUT)
			fail_msg("%s was read", cases[i][0]);
		assert_has(&problem, cases[i][1]);
		assert_int_equal(1, list.count);
	}
	for (int i = 0; i < 1000; i++)
		buf_addf(&long_list, "10.0.0.%d ", i % 256);
	buf_clear(&problem);
	assert_err(ERR_INPUT, ip_networks_read(&list, buf_str(&long_list), &problem));
	assert_has(&problem, "more than 1000");
	assert_err(ERR_INPUT, ip_networks_read(&list, LIT("10.0.0.0/8\0"), &problem));
	/* and the earlier entries remain */
	assert_true(ip_networks_has(&list, &address));
	ip_networks_done(&list);
	assert_false(ip_networks_has(&list, &address));
	buf_done(&problem);
	buf_done(&long_list);
}

static void lists_grow(void **state)
{
	struct ip_address first = of("10.1.1.1"), second = of("fd00::1");
	struct ip_networks list = { 0 };
	struct buf problem = { 0 };

	(void)state;
	assert_err(ERR_NONE, ip_networks_read(&list, LIT("10.0.0.0/8"), &problem));
	assert_false(ip_networks_has(&list, &second));
	assert_err(ERR_NONE, ip_networks_read(&list, LIT("fd00::/8, 192.168.0.0/16"), &problem));
	assert_int_equal(3, list.count);
	assert_true(ip_networks_has(&list, &first));
	assert_true(ip_networks_has(&list, &second));
	ip_networks_done(&list);
	buf_done(&problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(nothing_else_is_an_address),
		cmocka_unit_test(socket_addresses),
		cmocka_unit_test(special_addresses),
		cmocka_unit_test(words_say_what_it_is),
		cmocka_unit_test(lists_of_networks),
		cmocka_unit_test(wrong_lists_are_reported),
		cmocka_unit_test(lists_grow),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
