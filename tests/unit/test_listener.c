/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "http/listener.h"
#include "scratch.h"

static void listening_says_what_is_wrong(void **state)
{
	static const struct {
		const char *address;
		enum err err;
		const char *says;
	} cases[] = {
		{ "", ERR_INPUT, "neither unix:/path nor address:port" },
		{ "9000", ERR_INPUT, "neither" },
		{ ":9000", ERR_INPUT, "neither" },
		{ "127.0.0.1", ERR_INPUT, "neither" },
		{ "127.0.0.1:", ERR_INPUT, "neither" },
		{ "127.0.0.1:http", ERR_INPUT, "neither" },
		{ "127.0.0.1:70000", ERR_INPUT, "no numeric address and port" },
		{ "127.0.0.1:-1", ERR_INPUT, "no numeric address and port" },
		{ "localhost:9000", ERR_INPUT, "no numeric address and port" },
		{ "192.0.2.1:9000", ERR_FAULT, "cannot listen on 192.0.2.1:9000" },
		{ "unix:/nowhere/at/all/socket", ERR_FAULT, "cannot listen on /nowhere" },
		{ "unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789",
		  ERR_INPUT, "longer than 107 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf problem = { 0 };
		int fd = 77;

		assert_err(cases[i].err, listener_open(cases[i].address, &fd, &problem));
		assert_has(&problem, cases[i].says);
		assert_int_equal(77, fd);
		buf_done(&problem);
	}
}

static void a_socket_is_replaced_when_it_is_dead(void **state)
{
	struct buf address = { 0 }, problem = { 0 }, file = { 0 };
	int first = -1, second = -1;
	struct stat facts;

	(void)state;
	scratch_make();
	buf_addf(&address, "unix:%s", scratch_path("socket"));
	assert_err(ERR_NONE, listener_open(buf_text(&address), &first, &problem));
	assert_int_equal(0, stat(scratch_path("socket"), &facts));
	assert_int_equal(0660, facts.st_mode & 07777);
	assert_err(ERR_CONFLICT, listener_open(buf_text(&address), &second, &problem));
	assert_has(&problem, "another process listens on");
	close(first);
	assert_err(ERR_NONE, listener_open(buf_text(&address), &second, &problem));
	close(second);
	/* but never removes a file that is no socket */
	buf_clear(&address);
	buf_addf(&address, "unix:%s", scratch_write("precious.conf", "precious", 8));
	assert_err(ERR_FAULT, listener_open(buf_text(&address), &first, &problem));
	scratch_read(scratch_path("precious.conf"), &file);
	assert_string_equal("precious", buf_text(&file));
	scratch_remove();

	assert_err(ERR_NONE, listener_open("127.0.0.1:0", &first, &problem));
	close(first);
	buf_done(&address);
	buf_done(&problem);
	buf_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listening_says_what_is_wrong),
		cmocka_unit_test(a_socket_is_replaced_when_it_is_dead),
	};

	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
