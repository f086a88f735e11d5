/* SPDX-License-Identifier: ISC */
/* The same bytes give the same result in any pieces; test_http_server tests connections. */
#include "unit.h"

#include <stdlib.h>

#include "http/fcgi_record.h"
#include "wire.h"

/* The number of bytes after which the request is complete, or broken, when they come one by
   one; 0: neither. Any two pieces must give the same. */
static size_t end_of(const struct buf *bytes, bool *is_broken)
{
	struct fcgi_record all = { 0 };
	size_t end = 0;

	for (size_t i = 0; i < bytes->len && !all.is_whole && !all.is_broken; i++) {
		fcgi_record_follow(&all, bytes->at + i, 1);
		end = i + 1;
	}
	for (size_t cut = 0; cut <= bytes->len; cut++) {
		struct fcgi_record two = { 0 };

		fcgi_record_follow(&two, bytes->at, cut);
		assert_int_equal(cut >= end && all.is_whole, two.is_whole);
		fcgi_record_follow(&two, bytes->at + cut, bytes->len - cut);
		assert_int_equal(all.is_whole, two.is_whole);
		assert_int_equal(all.is_broken, two.is_broken);
	}
	*is_broken = all.is_broken;
	return all.is_whole || all.is_broken ? end : 0;
}

static void a_request_ends_with_its_last_record(void **state)
{
	struct buf bytes = { 0 };
	bool is_broken = true;

	(void)state;
	wire_post(&bytes, "/hook/abc", LIT("{\"event_id\":1}"), -2);
	assert_int_equal(bytes.len, end_of(&bytes, &is_broken));
	assert_false(is_broken);
	bytes.len--;
	assert_int_equal(0, end_of(&bytes, &is_broken));
	buf_done(&bytes);
}

/* libfcgi would read it as the next record. */
static void no_padding_where_it_is_forgotten(void **state)
{
	static const char begin[] = "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0",
			  over[] = "\1\4\0\1\0\0\0\0", body[] = "\1\5\0\1\0\0\0\0";
	char padding[255] = { 0 };

	(void)state;
	for (int at = 0; at < 4; at++) {
		struct buf bytes = { 0 };
		bool is_broken = false;

		buf_add_str(&bytes, LIT(begin));
		buf_add_str(&bytes, LIT(over));
		bytes.at[6] = (char)(at == 1 ? 204 : 0);
		bytes.at[16 + 6] = (char)(at == 2 ? 8 : 0);
		if (at == 1 || at == 2)
			buf_add_str(&bytes, (struct str){ padding, sizeof(padding) });
		buf_add_str(&bytes, LIT(body));
		/* the last record may have padding */
		bytes.at[bytes.len - 2] = (char)(at == 3 ? 8 : 0);
		end_of(&bytes, &is_broken);
		assert_int_equal(at == 1 || at == 2, is_broken);
		buf_done(&bytes);
	}
}

/* Names and values of every length, with one byte in each record. */
static void parameters_may_be_cut_anywhere(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 300 };
	struct buf params = { 0 }, bytes = { 0 };
	struct fcgi_record r = { 0 };
	char value[300];

	(void)state;
	memset(value, 0xff, sizeof(value));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		wire_param(&params, "X", (struct str){ value, lengths[i] });
	wire_param(&params, "", (struct str){ 0 });
	wire_begin(&bytes, 1, 0);
	for (size_t i = 0; i < params.len; i++)
		wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ params.at + i, 1 }, (int)(i % 3));
	wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
	wire_record(&bytes, WIRE_STDIN, 1, (struct str){ 0 }, 0);
	fcgi_record_follow(&r, bytes.at, bytes.len);
	assert_true(r.is_whole);
	buf_done(&params);
	buf_done(&bytes);
}

static void lengths_must_fit(void **state)
{
	static const struct {
		const char *params;
		size_t len;
	} cases[] = {
		{ "\x01", 1 }, /* one length only */
		{ "\x01\x01"
		  "a",
		  3 },		       /* value missing */
		{ "\x80\x00\x00", 3 }, /* half a length */
		{ "\x01\x80\x00\x00\x01"
		  "a",
		  6 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
		{ "\x80\x10\x00\x01\x00", 5 }, /* a MiB and a byte */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf bytes = { 0 };
		bool is_broken = false;

		wire_begin(&bytes, 1, 0);
		wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ cases[i].params, cases[i].len },
			    0);
		wire_record(&bytes, WIRE_PARAMS, 1, (struct str){ 0 }, 0);
		wire_record(&bytes, WIRE_STDIN, 1, (struct str){ 0 }, 0);
		assert_true(end_of(&bytes, &is_broken) < bytes.len);
		if (!is_broken)
			fail_msg("case %zu was taken", i);
		buf_done(&bytes);
	}
}

static void the_order_counts(void **state)
{
	enum { NEXT_ID = 100 };
	static const int orders[][6] = {
		{ WIRE_STDIN },
		{ WIRE_PARAMS },
		{ WIRE_ABORT },
		{ 9 },
		{ WIRE_BEGIN, WIRE_BEGIN },
		{ WIRE_BEGIN, WIRE_STDIN },
		{ WIRE_BEGIN, WIRE_ABORT },
		{ WIRE_BEGIN, 9 },
		{ WIRE_BEGIN, WIRE_PARAMS, WIRE_PARAMS },
		{ WIRE_BEGIN, 8 },
		{ WIRE_BEGIN, WIRE_PARAMS + NEXT_ID },
		{ WIRE_BEGIN, WIRE_PARAMS, WIRE_STDIN + NEXT_ID },
		{ WIRE_BEGIN, WIRE_PARAMS, WIRE_END },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct buf bytes = { 0 };
		bool is_broken = false;

		for (size_t k = 0; orders[i][k]; k++) {
			if (orders[i][k] == WIRE_BEGIN)
				wire_begin(&bytes, 1, 0);
			else
				wire_record(&bytes, orders[i][k] % NEXT_ID,
					    orders[i][k] > NEXT_ID ? 2 : 1, (struct str){ 0 }, 0);
		}
		assert_in_range(end_of(&bytes, &is_broken), bytes.len - 8, bytes.len);
		if (!is_broken)
			fail_msg("order %zu was taken", i);
		buf_done(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_ends_with_its_last_record),
		cmocka_unit_test(no_padding_where_it_is_forgotten),
		cmocka_unit_test(parameters_may_be_cut_anywhere),
		cmocka_unit_test(lengths_must_fit),
		cmocka_unit_test(the_order_counts),
	};

	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
