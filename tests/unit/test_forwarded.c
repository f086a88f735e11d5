/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "http/forwarded.h"

static void assert_client(const char *trusted, const char *peer, const char *list,
			  const char *wanted)
{
	struct ip_networks networks = { 0 };
	struct buf problem = { 0 }, text = { 0 };
	struct ip_address from, client;

	assert_true(ip_read(str_of(peer), &from));
	assert_err(ERR_NONE, ip_networks_read(&networks, str_of(trusted), &problem));
	client = forwarded_client(&from, str_of(list), &networks);
	ip_write(&client, &text);
	if (strcmp(buf_text(&text), wanted) != 0)
		fail_msg("%s, \"%s\": %s", peer, list ? list : "", buf_text(&text));
	ip_networks_done(&networks);
	buf_done(&problem);
	buf_done(&text);
}

static void who_is_trusted_is_believed(void **state)
{
	(void)state;
	assert_client("10.0.0.0/8", "10.0.0.1", "203.0.113.7", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", "203.0.113.7,10.0.0.3,\t10.0.0.2 ", "203.0.113.7");
	assert_client("10.0.0.0/8 ::1", "::1", "2001:db8::7, 10.0.0.2", "2001:db8::7");
	/* all are proxies: the first one sent the request itself */
	assert_client("10.0.0.0/8", "10.0.0.1", "10.0.0.4, 10.0.0.3", "10.0.0.4");
	assert_client("10.0.0.0/8", "10.0.0.1", ", ,203.0.113.7,, 10.0.0.2 ,", "203.0.113.7");
}

static void nobody_else_is(void **state)
{
	(void)state;
	assert_client("", "203.0.113.7", "198.51.100.1", "203.0.113.7");
	assert_client("", "127.0.0.1", "198.51.100.1", "127.0.0.1");
	assert_client("10.0.0.0/8", "203.0.113.7", "198.51.100.1, 10.0.0.2", "203.0.113.7");
	/* the part left of an untrusted address was written by that client */
	assert_client("10.0.0.0/8", "10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", "10.0.0.9, 203.0.113.7, 10.0.0.2", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.1");
	assert_client("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1");
	assert_client("10.0.0.0/8", "10.0.0.1", ",,", "10.0.0.1");
}

static void words_are_read_strictly(void **state)
{
	static const char *const ends[] = { "unknown",
					    "_hidden",
					    "203.0.113.7:",
					    "203.0.113.7:x",
					    "203.0.113.7:70000",
					    "203.0.113.7:-1",
					    "[203.0.113.7]",
					    "[2001:db8::7",
					    "2001:db8::7]",
					    "[2001:db8::7]x",
					    "[2001:db8::7]:",
					    "[2001:db8::7]:x",
					    "[]",
					    "203.0.113.07",
					    "\"203.0.113.7\"",
					    "for=203.0.113.7",
					    "203.0.113.7 198.51.100.1" };

	(void)state;
	assert_client("10.0.0.0/8", "10.0.0.1", "203.0.113.7:4711", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", "203.0.113.7:0, 10.0.0.2:65535", "203.0.113.7");
	assert_client("10.0.0.0/8", "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7");
	assert_client("10.0.0.0/8", "10.0.0.1", "[2001:db8::7]", "2001:db8::7");
	assert_client("10.0.0.0/8", "10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7");
	/* the last trustworthy address */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char list[100];

		snprintf(list, sizeof(list), "198.51.100.1, %s, 10.0.0.2", ends[i]);
		assert_client("10.0.0.0/8", "10.0.0.1", list, "10.0.0.2");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_trusted_is_believed),
		cmocka_unit_test(nobody_else_is),
		cmocka_unit_test(words_are_read_strictly),
	};

	return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
