/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>

#include "cases.h"
#include "ledger/callback.h"

#define EVENT(rest) \
	"{\"event_id\":8023169274704072,\"created_at\":\"2026-07-17T11:43:32.827Z\"," rest "}"
#define META \
	"\"metadata\":{\"action\":\"created\",\"model\":\"time_entry\",\"workspace_id\":" \
	"\"7435584\"}"

static void signatures_have_one_form(void **state)
{
	static const char hex[] =
		"55343383e52a9cd2f56bd4e9fb5b6ce6982fb45955f26ea816cf7495d98c5fd2";
	static const char *const good[] = {
		"sha256=%s",
		" sha256=%s",
		"sha256=%s\t ",
	};
	static const char *const bad[] = {
		"%s",	       "sha256:%s",  "SHA256=%s",	    "sha1=%s",	     "sha256= %s",
		"sha256=0x%s", "sha256=%s0", "sha256=%.63s",	    "sha256=%.62s",  "sha256=",
		"sha256",      "",	     "sha256=%s,sha256=%s", "sha256=%.63sg", "=%s",
		"sha256==%s",  "v1,%s",	     "sha256=%.32s",
	};
	unsigned char wanted[MAC_BYTES], out[MAC_BYTES];

	(void)state;
	assert_true(hex_read(str_of(hex), wanted, MAC_BYTES));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buf text = { 0 };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&text, good[i], hex);
		memset(out, 0, sizeof(out));
		assert_true(callback_read_signature(buf_str(&text), out));
		assert_memory_equal(wanted, out, MAC_BYTES);
		buf_done(&text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf text = { 0 };

		buf_addf(&text, bad[i], hex, hex);
#pragma GCC diagnostic pop
		if (callback_read_signature(buf_str(&text), out))
			fail_msg("taken for a signature: %s", buf_text(&text));
		buf_done(&text);
	}
	assert_false(callback_read_signature((struct str){ 0 }, out));
	/* a header of any length costs nothing */
	for (size_t len = 0; len < 300; len++) {
		char all[300];

		memset(all, 'a', sizeof(all));
		memcpy(all, "sha256=", 7);
		assert_int_equal(len == 71, callback_read_signature((struct str){ all, len }, out));
	}
}

static enum err parse(struct callback *cb, const char *body, enum reason *reason, const char **why)
{
	*cb = (struct callback){ .body = str_of(body) };
	*reason = REASON_NONE;
	*why = NULL;
	return callback_parse(cb, reason, why);
}

static void an_event_tells_its_fields(void **state)
{
	struct callback cb;
	enum reason reason;
	const char *why;

	(void)state;
	assert_err(ERR_NONE,
		   parse(&cb,
			 EVENT("\"creator_id\":9000001," META ",\"payload\":{\"id\":3050537739}"),
			 &reason, &why));
	assert_int_equal(CALLBACK_EVENT, cb.kind);
	assert_true(cb.event_id == INT64_C(8023169274704072));
	assert_true(cb.created_us == INT64_C(1784288612827000));
	assert_int_equal(9000001, cb.creator_id);
	assert_int_equal(7435584, cb.workspace_id);
	assert_true(cb.entity_id == INT64_C(3050537739));
	assert_str(cb.model, "time_entry");
	assert_str(cb.action, "created");
	assert_null(cb.validation_code.at);
	assert_true(cb.model.at > cb.body.at && cb.model.at < cb.body.at + cb.body.len);
}

/* A plain payload has no nested secret and no value that jsonb refuses. */
static void a_plain_payload_is_given_on(void **state)
{
	static const char *const plain[] = {
		"{}",
		"{\"id\":5,\"tags\":[\"a\",\"b\"],\"rate\":85.25,\"n\":null}",
		"{\"description\":\"\xc3\x89"
		"crire \\\"v2\\\" \\n e5 E+1\"}",
		"{\"api_token\":\"top\"}",
		"{ \"id\" : 5 }",
	};
	static const char *const other[] = {
		"{\"a\":{}}",	   "{\"a\":[{\"b\":1}]}",
		"{\"a\":\"{\"}",   "{\"a\":\"\\u0041\"}",
		"{\"\\u0061\":1}", "{\"a\":1e5}",
		"{\"a\":1E5}",	   "{\"a\":0.5e-900}",
		"{\"a\":\"7e\"}",  "null",
	};
	struct callback cb = { 0 };
	enum reason reason;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]) + sizeof(other) / sizeof(other[0]);
	     i++) {
		bool is_plain = i < sizeof(plain) / sizeof(plain[0]);
		const char *payload = is_plain ? plain[i]
					       : other[i - sizeof(plain) / sizeof(plain[0])];
		struct buf body = { 0 };

		buf_addf(&body,
			 "{\"event_id\":1,\"created_at\":\"2026-07-17T11:43:32Z\"," META
			 ",\"payload\":%s}",
			 payload);
		/* no value of the last callback may stay */
		cb.body = buf_str(&body);
		assert_err(ERR_NONE, callback_parse(&cb, &reason, &why));
		if (is_plain)
			assert_true(str_is(cb.payload, payload));
		else
			assert_null(cb.payload.at);
		buf_done(&body);
	}
	assert_err(ERR_NONE,
		   parse(&cb, EVENT(META ",\"payload\":{\"a\":{}},\"payload\":{\"id\":2}"), &reason,
			 &why));
	assert_true(str_is(cb.payload, "{\"id\":2}"));
}

static void the_workspace_is_found(void **state)
{
	static const struct {
		const char *body;
		int64_t workspace_id;
	} cases[] = {
		{ EVENT(META ",\"payload\":{\"workspace_id\":5,\"wid\":6}"), 7435584 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\",\"workspace_id\":77},"
			"\"payload\":{}"),
		  77 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\"},\"payload\":{\"workspace_"
			"id\":5,\"wid\":6}"),
		  5 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\"},\"payload\":{\"wid\":6}"),
		  6 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\"},\"payload\":{}"), 0 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\"},\"payload\":null,"
			"\"workspace_id\":8"),
		  0 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\",\"workspace_id\":\"x\"},"
			"\"payload\":{\"wid\":\"6\"}"),
		  6 },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"m\",\"workspace_id\":-1},"
			"\"payload\":{\"x\":{\"wid\":6}}"),
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct callback cb;
		enum reason reason;
		const char *why;

		assert_err(ERR_NONE, parse(&cb, cases[i].body, &reason, &why));
		assert_int_equal(cases[i].workspace_id, cb.workspace_id);
	}
}

static void odd_ids_are_none(void **state)
{
	struct callback cb;
	enum reason reason;
	const char *why;

	(void)state;
	assert_err(ERR_NONE,
		   parse(&cb, EVENT("\"creator_id\":null," META ",\"payload\":{\"id\":1.5}"),
			 &reason, &why));
	assert_int_equal(0, cb.creator_id);
	assert_int_equal(0, cb.entity_id);
	assert_err(ERR_NONE, parse(&cb,
				   EVENT("\"creator_id\":18446744073709551617," META
					 ",\"payload\":{\"id\":-7}"),
				   &reason, &why));
	assert_int_equal(0, cb.creator_id);
	assert_int_equal(0, cb.entity_id);
}

static void what_is_missing_is_said(void **state)
{
	static const struct {
		const char *body;
		enum reason reason;
		const char *why;
	} cases[] = {
		{ "", REASON_JSON, "the body is no JSON object" },
		{ "[]", REASON_JSON, "the body is no JSON object" },
		{ "{\"event_id\":1,}", REASON_JSON, "the body is no JSON object" },
		{ "{\"event_id\":1}\xff", REASON_JSON, "the body is no JSON object" },
		{ "{}", REASON_EVENT, "event_id is missing or no whole number" },
		{ "{\"event_id\":-1}", REASON_EVENT, "event_id is missing or no whole number" },
		{ "{\"event_id\":1.0}", REASON_EVENT, "event_id is missing or no whole number" },
		{ "{\"event_id\":9223372036854775808}", REASON_EVENT,
		  "event_id is missing or no whole number" },
		{ "{\"event_id\":[0]}", REASON_EVENT, "event_id is missing or no whole number" },
		{ "{\"event_id\":1}", REASON_EVENT, "created_at is missing or no RFC 3339 time" },
		{ "{\"event_id\":1,\"created_at\":1}", REASON_EVENT,
		  "created_at is missing or no RFC 3339 time" },
		{ "{\"event_id\":1,\"created_at\":\"2026-02-30T00:00:00Z\"}", REASON_EVENT,
		  "created_at is missing or no RFC 3339 time" },
		{ "{\"event_id\":1,\"created_at\":\"294277-01-01T00:00:00Z\"}", REASON_EVENT,
		  "created_at is missing or no RFC 3339 time" },
		{ EVENT("\"payload\":{}"), REASON_EVENT, "metadata is missing or no object" },
		{ EVENT("\"metadata\":[],\"payload\":{}"), REASON_EVENT,
		  "metadata is missing or no object" },
		{ EVENT("\"metadata\":{\"action\":\"a\"},\"payload\":{}"), REASON_EVENT,
		  "metadata.model is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"\"},\"payload\":{}"),
		  REASON_EVENT, "metadata.model is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"a b\"},\"payload\":{}"),
		  REASON_EVENT, "metadata.model is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":\"a\",\"model\":\"a\\u0062\"},\"payload\":{}"),
		  REASON_EVENT, "metadata.model is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":1,\"model\":\"m\"},\"payload\":{}"), REASON_EVENT,
		  "metadata.action is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":\"\xc3\xa9\",\"model\":\"m\"},\"payload\":{}"),
		  REASON_EVENT, "metadata.action is missing or no word" },
		{ EVENT("\"metadata\":{\"action\":"
			"\"0123456789012345678901234567890123456789012345678901234567890123x\","
			"\"model\":\"m\"},\"payload\":{}"),
		  REASON_EVENT, "metadata.action is missing or no word" },
		{ EVENT(META), REASON_EVENT, "payload is missing or no object" },
		{ EVENT(META ",\"payload\":\"ping\""), REASON_EVENT,
		  "payload is missing or no object" },
		{ EVENT(META ",\"payload\":[]"), REASON_EVENT, "payload is missing or no object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct callback cb;
		enum reason reason;
		const char *why;

		if (parse(&cb, cases[i].body, &reason, &why) != ERR_INPUT)
			fail_msg("taken for a callback: %s", cases[i].body);
		assert_string_equal(cases[i].why, why);
		assert_int_equal(cases[i].reason, reason);
	}
}

static void a_ping_gives_its_code_back(void **state)
{
	static const struct {
		const char *body, *code; /* NULL: none */
	} cases[] = {
		{ "{\"event_id\":0,\"payload\":\"ping\",\"validation_code\":\"5f0c\"}",
		  "\"5f0c\"" },
		{ "{\"event_id\":\"0\",\"validation_code\":\"a\\\"b\\u0041\"}",
		  "\"a\\\"b\\u0041\"" },
		{ "{\"event_id\":0}", NULL },
		{ "{\"event_id\":0,\"validation_code\":\"\"}", NULL },
		{ "{\"event_id\":0,\"validation_code\":5}", NULL },
		{ "{\"event_id\":0,\"validation_code\":{\"a\":1}}", NULL },
		{ "{\"event_id\":0,\"payload\":{\"validation_code\":\"x\"}}", NULL },
	};
	struct buf body = { 0 };
	struct callback cb;
	enum reason reason;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_err(ERR_NONE, parse(&cb, cases[i].body, &reason, &why));
		assert_int_equal(CALLBACK_PING, cb.kind);
		assert_int_equal(0, cb.event_id);
		if (cases[i].code)
			assert_str(cb.validation_code, cases[i].code);
		else
			assert_null(cb.validation_code.at);
	}
	/* an answer does not repeat a long text */
	buf_add_text(&body, "{\"event_id\":0,\"validation_code\":\"");
	for (int i = 0; i < 257; i++)
		buf_add_char(&body, 'x');
	buf_add_text(&body, "\"}");
	assert_err(ERR_NONE, parse(&cb, buf_text(&body), &reason, &why));
	assert_null(cb.validation_code.at);
	buf_done(&body);
}

static void every_reason_has_its_word(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_non_null(reason_word((enum reason)i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(reason_word((enum reason)i),
						reason_word((enum reason)k));
	}
	assert_string_equal("none", reason_word(REASON_COUNT));
	assert_string_equal("signature", reason_word(REASON_SIGNATURE));
}

static void addresses_have_one_form(void **state)
{
	char long_one[130];

	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	assert_true(callback_is_address(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_0189az")));
	assert_true(callback_is_address((struct str){ long_one, 22 }));
	assert_true(callback_is_address((struct str){ long_one, 128 }));
	assert_false(callback_is_address((struct str){ long_one, 21 }));
	assert_false(callback_is_address((struct str){ long_one, 129 }));
	assert_false(callback_is_address((struct str){ 0 }));
	assert_false(callback_is_address(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ/0189")));
	assert_false(callback_is_address(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ 0189")));
	assert_false(callback_is_address(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ\0"
					     "0189")));
	assert_false(callback_is_address(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ\xc3\xa9"
					     "0189")));
}

static size_t looked_at;

static void look(const struct test_case *c)
{
	struct callback cb = { .body = buf_str(&c->body) };
	enum reason reason = REASON_NONE;
	const char *why = NULL;
	enum err err = callback_parse(&cb, &reason, &why);

	if (c->status == 200) {
		if (err ||
		    cb.kind != (strcmp(c->kind, "ping") == 0 ? CALLBACK_PING : CALLBACK_EVENT))
			fail_msg("%s: %s", c->name, why ? why : "is of another kind");
	} else if (strcmp(c->reason, "json") == 0 || strcmp(c->reason, "event") == 0) {
		if (err != ERR_INPUT || strcmp(reason_word(reason), c->reason) != 0)
			fail_msg("%s: is %s", c->name, err ? reason_word(reason) : "accepted");
	} else {
		return;
	}
	looked_at++;
}

/* The same numbers are in tests/sql/costly.sql. */
static void what_a_body_costs(void **state)
{
	static const struct {
		const char *body;
		int64_t cost;
	} table[] = {
		{ "{}", 130 },
		{ "{\"a\":1,\"b\":[2,3]}", 529 },
		{ "{\"a\":\"\\u0000\\\\n\"}", 337 },
		{ "{\"\xc3\xa9\":\"\xe6\xbc\xa2\"}", 140 },
	};
	static const struct {
		const char *unit;
		int count;
		bool is_costly;
	} shapes[] = {
		{ "1,", 3000, false },
		{ "1,", 5000, true },
		{ "1e999,", 3000, false },
		{ "1e999,", 170000, true },
		{ "\"\\u0000\",", 2000, false },
		{ "\"\\ud800\",", 100000, true },
		{ "{\"a\":1},", 1900, false },
		{ "{\"a\":1},", 50000, true },
		{ "[[[[[[[[]]]]]]]],", 400, false },
		{ "[[[[[[[[]]]]]]]],", 500, true },
		{ "\"a few words of text without a mark\",", 3000, false },
		{ "\"a few words of text without a mark\",", 20000, true },
	};
	struct callback cb;
	enum reason reason;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(callback_cost(str_of(table[i].body)), table[i].cost);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct buf body = { 0 };

		buf_add_text(&body, EVENT(META ",\"payload\":{\"id\":1}"));
		body.len--;
		buf_add_text(&body, ",\"x\":[");
		for (int n = 0; n < shapes[i].count; n++)
			buf_add_text(&body, shapes[i].unit);
		buf_add_text(&body, "1]}");
		cb = (struct callback){ .body = buf_str(&body) };
		assert_err(ERR_NONE, callback_parse(&cb, &reason, &why));
		if (cb.is_costly != shapes[i].is_costly)
			fail_msg("%d times %s", shapes[i].count, shapes[i].unit);
		buf_done(&body);
	}
}

static void every_case_of_the_field(void **state)
{
	(void)state;
	assert_true(cases_each(look) >= 50);
	assert_true(looked_at >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_have_one_form),
		cmocka_unit_test(an_event_tells_its_fields),
		cmocka_unit_test(a_plain_payload_is_given_on),
		cmocka_unit_test(the_workspace_is_found),
		cmocka_unit_test(odd_ids_are_none),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(a_ping_gives_its_code_back),
		cmocka_unit_test(every_reason_has_its_word),
		cmocka_unit_test(addresses_have_one_form),
		cmocka_unit_test(what_a_body_costs),
		cmocka_unit_test(every_case_of_the_field),
	};

	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
