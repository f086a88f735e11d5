/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "http/hostname.h"

static void names_become_ascii(void **state)
{
	static const char *const cases[][2] = {
		{ "example.org", "example.org" },
		{ "EXAMPLE.org.", "EXAMPLE.org." },
		{ "my_service", "my_service" },
		{ "[::1]", "[::1]" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		/* decomposed, and in capitals */
		{ "Bu\314\210cher.example", "xn--bcher-kva.example" },
		{ "B\303\234CHER.example", "xn--bcher-kva.example" },
		/* IDNA 2008 distinguishes it from "strasse" */
		{ "stra\303\237e.example", "xn--strae-oqa.example" },
		{ "\346\227\245\346\234\254.example", "xn--wgv71a.example" },
		{ "\330\271\330\261\330\250\331\212.example", "xn--ngbrx4e.example" },
		{ "\357\274\221\357\274\222\357\274\227.0.0.1", "127.0.0.1" },
		{ "127\343\200\2020\343\200\2020\343\200\2021", "127.0.0.1" },
		{ "127\357\274\2160\357\275\2410.1", "127.0.0.1" },
		{ "lo\302\255calhost", "localhost" }, /* a soft hyphen vanishes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		if (hostname_write_ascii(str_of(cases[i][0]), &out) ||
		    strcmp(buf_text(&out), cases[i][1]) != 0)
			fail_msg("%s became %s", cases[i][0], buf_text(&out));
		buf_done(&out);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"a b",
		"a/b",
		"a%41",
		"a:b",
		"a\nb",
		"a\001",
		"[::1",
		"user@host",
		"\377\376",
		"b\303",
		"\xc0\xaf.example",
		/* full-width characters that become separators of a URL */
		"evil.example\357\274\217x",
		"evil.example\357\274\237x",
		"a\357\274\240b.example",
		"a\357\274\232b.example",
		"evil.example\357\274\203x",
		"a\342\204\200b.example",
		/* a right-to-left character in a left-to-right name; no letter */
		"a\342\200\256b.example",
		"\357\277\275.example",
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (hostname_write_ascii(str_of(bad[i]), &out) != ERR_INPUT || out.len)
			fail_msg("%s became %s", bad[i], buf_text(&out));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_ascii),
		cmocka_unit_test(what_is_no_name_is_refused),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
