/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdint.h>

#include "base/conf.h"

static void addresses_are_made_in_one_way(void **state)
{
	static const struct {
		const char *public_url, *base_path, *wanted;
	} cases[] = {
		{ "https://a.example", NULL, "https://a.example/hook/x" },
		{ "https://a.example/", NULL, "https://a.example/hook/x" },
		{ "https://a.example///", NULL, "https://a.example/hook/x" },
		{ "HTTPS://A.Example:8443/", NULL, "https://a.example:8443/hook/x" },
		{ "https://a.example/Pre/Fix/", NULL, "https://a.example/Pre/Fix/hook/x" },
		{ "https://a.example", "/~user/hl", "https://a.example/~user/hl/hook/x" },
		{ "https://a.example/", "/~user/hl", "https://a.example/~user/hl/hook/x" },
		{ "https://a.example/~user/hl", "/~user/hl", "https://a.example/~user/hl/hook/x" },
		{ "https://a.example/~user/hl//", "/~user/hl",
		  "https://a.example/~user/hl/hook/x" },
		{ "https://a.example/before", "/hl", "https://a.example/before/hl/hook/x" },
		/* the host does not belong to the path */
		{ "https://hl", "/hl", "https://hl/hl/hook/x" },
		{ "http://[::1]:80/", NULL, "http://[::1]:80/hook/x" },
		{ NULL, "/hl", "https://YOUR-HOST/hl/hook/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf conf = { .public_url = (char *)(uintptr_t)cases[i].public_url,
				     .base_path = (char *)(uintptr_t)cases[i].base_path };
		struct buf out = { 0 };

		conf_public_url(&conf, "/hook/", LIT("x"), &out);
		assert_string_equal(cases[i].wanted, buf_text(&out));
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(addresses_are_made_in_one_way) };

	return cmocka_run_group_tests_name("conf_url", tests, NULL, NULL);
}
