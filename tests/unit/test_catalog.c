/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/catalog.h"

static void assert_sentence(const char *code, const char *params, const char *wanted)
{
	struct buf out = { 0 };

	catalog_write(str_of(code), str_of(params), &out);
	assert_string_equal(wanted, buf_text(&out));
	buf_done(&out);
}

static void assert_json(const char *json, const char *wanted)
{
	struct buf out = { 0 };

	catalog_write_json(str_of(json), &out);
	assert_string_equal(wanted, buf_text(&out));
	buf_done(&out);
}

static void assert_template(const char *template, const char *params, const char *wanted)
{
	struct buf out = { 0 };

	catalog_write_template(template, str_of(params), &out);
	assert_string_equal(wanted, buf_text(&out));
	buf_done(&out);
}

static void a_sentence(void **state)
{
	(void)state;
	assert_sentence("endpoint.unknown", "{\"code\":\"endpoint.unknown\",\"endpoint_id\":7}",
			"there is no endpoint 7");
	assert_json("{\"endpoint_id\":\"7\",\"code\":\"endpoint.unknown\"}",
		    "there is no endpoint 7");
	assert_json("[{\"endpoint_id\":7,\"code\":\"endpoint.unknown\"}, "
		    "{\"code\":\"cursor.malformed\"}]",
		    "there is no endpoint 7\na cursor looks like 1-734-12");
	assert_json("[]", "");
	assert_json("\"no \\u001broute\"", "no  route");
	assert_json("\"", "\"");
}

static void unknown_codes_are_shown(void **state)
{
	(void)state;
	assert_sentence("nobody.knows", "{\"code\":\"nobody.knows\",\"n\":7}",
			"nobody.knows {\"code\":\"nobody.knows\",\"n\":7}");
	assert_sentence("nobody.knows", "", "nobody.knows");
	assert_sentence("", "", "");
	assert_json("all is well", "all is well");
	assert_json("{\"n\":7}", "{\"n\":7}");
	assert_sentence("endpoint.unknown", "", "there is no endpoint ?");
	assert_sentence("endpoint.unknown", "{\"endpoint_id\":null}", "there is no endpoint ?");
	assert_sentence("endpoint.unknown", "no JSON", "there is no endpoint ?");
}

static void templates(void **state)
{
	static const char counted[] = "{n, plural, =0 {nothing waits} one {# callback waits} other "
				      "{# callbacks wait}} here";
	static const char chosen[] =
		"The plan{total, select, none {} other { of {total} requests}} of {who, select, "
		"user {a user} other {'{'{who}'}'}}";

	(void)state;
	assert_template(counted, "{\"n\":0}", "nothing waits here");
	assert_template(counted, "{\"n\":1}", "1 callback waits here");
	assert_template(counted, "{\"n\":1000}", "1000 callbacks wait here");
	assert_template(counted, "{\"n\":\"2\"}", "2 callbacks wait here");
	assert_template(counted, "{}", "? callbacks wait here");
	assert_template(chosen, "{\"who\":\"user\"}", "The plan of a user");
	assert_template(chosen, "{\"who\":\"x\",\"total\":30}", "The plan of 30 requests of {x}");
	assert_template("{is_late, select, true {late} other {in time}}", "{\"is_late\":true}",
			"late");
	assert_template("Toggl's #1, it''s {a}", "{\"a\":\"so\"}", "Toggl's #1, it''s so");
	assert_template("{n, plural, one {#} other {{n} of {most}}}", "{\"n\":3,\"most\":4}",
			"3 of 4");
}

static void values_by_their_names(void **state)
{
	struct buf json = { 0 };
	int64_t noon = clock_now_us() / 86400000000 * 86400000000 + INT64_C(43200000000);

	(void)state;
	buf_add_text(&json, "{\"until\":\"");
	clock_write(&json, noon);
	buf_add_text(&json, "\"}");
	assert_template("{until}", buf_text(&json), "12:00:00 UTC");
	buf_done(&json);
	assert_template("{made_at}", "{\"made_at\":\"2026-07-17T14:30:01.5+02:00\"}",
			"2026-07-17 12:30:01 UTC");
	assert_template("{made_at}", "{\"made_at\":\"yesterday\"}", "yesterday");
	assert_template("{for_seconds}", "{\"for_seconds\":1}", "1 second");
	assert_template("{for_seconds}", "{\"for_seconds\":89}", "89 seconds");
	assert_template("{for_seconds}", "{\"for_seconds\":90}", "2 minutes");
	assert_template("{for_seconds}", "{\"for_seconds\":260}", "4 minutes");
	assert_template("{for_seconds}", "{\"for_seconds\":18000}", "5 hours");
	assert_template("{for_seconds}", "{\"for_seconds\":266400}", "3 days");
	assert_template("{for_seconds}", "{\"for_seconds\":5400}", "2 hours");
	assert_template("{for_seconds}", "{\"for_seconds\":259200}", "3 days");
	assert_template("{for_seconds}", "{\"for_seconds\":-5}", "0 seconds");
	assert_template("{for_seconds}", "{\"for_seconds\":9223372036854775807}",
			"106751991167 days");
	assert_template("{wait_ms}", "{\"wait_ms\":1500}", "2 seconds");
	assert_template("{spool_bytes}", "{\"spool_bytes\":1}", "1 byte");
	assert_template("{spool_bytes}", "{\"spool_bytes\":1572864}", "1.5 MiB");
	assert_template("{rate}", "{\"rate\":0.5}", "0.5");
	assert_template("{items}", "{\"items\":[\"a\",2,true]}", "a, 2, true");
	assert_template("{items}", "{\"items\":[]}", "");
	assert_template("{what}: {message}",
			"{\"what\":{\"code\":\"endpoint.unknown\",\"endpoint_id\":1},\"message\":[{"
			"\"code\":\"cursor.malformed\"},"
			"{\"code\":\"cursor.malformed\"}]}",
			"there is no endpoint 1: a cursor looks like 1-734-12; a cursor looks like "
			"1-734-12");
}

static void hostile_parameters(void **state)
{
	struct buf json = { 0 }, out = { 0 }, text = { 0 };

	(void)state;
	assert_template("{a}.", "{\"a\":\"x\\ny\\u001b[2J\\u0085\\u009b\\u202e\\u2066z\\u007f\"}",
			"x y [2J    z .");
	assert_template("{a}.", "{\"a\":\"{a} # '{' {n, plural, other {#}}\"}",
			"{a} # '{' {n, plural, other {#}}.");
	assert_template("{a}.", "{\"a\":\"\\u0000\"}", "?.");
	assert_template("{a}.", "{\"a\":{\"b\":\"\\n\"}}", "{\"b\":\"\\n\"}.");
	/* too long to be shown, cut between characters */
	for (int i = 0; i < 1000; i++)
		buf_add_text(&text, "ä");
	buf_add_text(&json, "{\"endpoint_id\":");
	json_quote(&json, buf_str(&text));
	buf_add_char(&json, '}');
	catalog_write(LIT("endpoint.unknown"), buf_str(&json), &out);
	assert_int_equal(strlen("there is no endpoint ") + 1000 + strlen("…"), out.len);
	assert_true(utf8_is_valid(buf_str(&out)));
	/* endlessly nested sentences */
	buf_clear(&json);
	buf_clear(&out);
	for (int i = 0; i < 60; i++)
		buf_add_text(&json, "{\"code\":\"endpoint.unknown\",\"endpoint_id\":");
	buf_add_text(&json, "1");
	for (int i = 0; i < 60; i++)
		buf_add_char(&json, '}');
	catalog_write_json(buf_str(&json), &out);
	assert_true(out.len > 0 && out.len < 2000);
	/* an endless list */
	buf_clear(&json);
	buf_clear(&out);
	buf_add_text(&json, "{\"endpoint_id\":[0");
	for (int i = 0; i < 10000; i++)
		buf_add_text(&json, ",7");
	buf_add_text(&json, "]}");
	catalog_write(LIT("endpoint.unknown"), buf_str(&json), &out);
	assert_true(out.len < 300);
	assert_has(&out, "7, …");
	buf_done(&json);
	buf_done(&out);
	buf_done(&text);
}

/* Balanced braces, and no unintended tabs or line ends. */
static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < catalog_count; i++) {
		const struct catalog_row *row = &catalog_rows[i];
		struct buf out = { 0 };
		int open = 0;

		if (i > 0 && strcmp(catalog_rows[i - 1].code, row->code) >= 0)
			fail_msg("%s stands behind %s", row->code, catalog_rows[i - 1].code);
		if (!strchr(row->code, '.') ||
		    strspn(row->code, "abcdefghijklmnopqrstuvwxyz0123456789_.") !=
			    strlen(row->code))
			fail_msg("%s is no code", row->code);
		assert_ptr_equal(row->template, catalog_find(str_of(row->code)));
		for (const char *at = row->template; *at; at++) {
			if (*at == '\'' && strchr("{}", at[1]) && at[1]) {
				at = strchr(at + 1, '\'');
				if (!at)
					fail_msg("%s: a quote without an end", row->code);
				continue;
			}
			open += *at == '{';
			open -= *at == '}';
			if (open < 0)
				break;
		}
		if (open != 0)
			fail_msg("%s: braces that do not match", row->code);
		catalog_write(str_of(row->code), LIT("{}"), &out);
		if (out.len == 0 ||
		    (strpbrk(buf_text(&out), "{}\t") && !strstr(row->template, "'{")))
			fail_msg("%s is written as \"%s\"", row->code, buf_text(&out));
		buf_done(&out);
		/* every finding has advice */
		if (str_starts(str_of(row->code), "finding.") && !strstr(row->code, ".todo")) {
			buf_addf(&out, "%s.todo", row->code);
			if (!catalog_find(buf_str(&out)))
				fail_msg("there is no %s", buf_text(&out));
			buf_done(&out);
		}
	}
}

static void random_templates(void **state)
{
	static const char pieces[] = "{}{},'# anpluraselothermi=01";

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		char text[60];
		struct buf out = { 0 };
		size_t len = (size_t)(rand() % (int)(sizeof(text) - 1));

		for (size_t k = 0; k < len; k++)
			text[k] = pieces[(size_t)rand() % (sizeof(pieces) - 1)];
		text[len] = '\0';
		catalog_write_template(text, LIT("{\"n\":1,\"a\":\"x\",\"code\":\"y\"}"), &out);
		catalog_write_json((struct str){ .at = text, .len = len }, &out);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence),	      cmocka_unit_test(unknown_codes_are_shown),
		cmocka_unit_test(templates),	      cmocka_unit_test(values_by_their_names),
		cmocka_unit_test(hostile_parameters), cmocka_unit_test(the_table),
		cmocka_unit_test(random_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
