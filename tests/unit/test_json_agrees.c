/* SPDX-License-Identifier: ISC */
/* PostgreSQL's json must accept every text that our scanner accepts: otherwise the ledger would
   refuse a callback that the receiver accepted. The documents are random, unchanged and with a
   few changed bytes, and sent as the receiver sends them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/db.h"
#include "base/prng.h"
#include "base/json.h"
#include "cases.h"
#include "cluster.h"

enum { DOCUMENTS = 40000, BATCH = 400, ROOTS_MAX = 200 };

static struct prng prng;
static struct db *db;
static struct db_args *args;
static struct buf batch[BATCH];
static size_t waiting, sent;

static int below(int most)
{
	return (int)prng_below(&prng, most);
}

static void random_string(struct buf *out)
{
	static const char *const pieces[] = {
		"",
		"a",
		"event_id",
		"\\u0000",
		"\\ud800",
		"\\udc00",
		"\\ud83d\\ude00",
		"\\n",
		"\\\"",
		"\\\\",
		"\\/",
		"\xc3\xa9",
		"\xf0\x9f\x98\x80",
		"\x7f",
		"\xef\xbf\xbf",
		"\xe2\x80\xa8",
		"0123456789abcdef",
		"\\uFFFF",
		"\xc2\x80",
		"\xf4\x8f\xbf\xbf",
		"'",
		"/*",
		"\xef\xbb\xbf",
	};

	buf_add_char(out, '"');
	for (int i = below(4); i > 0; i--)
		buf_add_text(out, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
	buf_add_char(out, '"');
}

static void random_space(struct buf *out)
{
	static const char *const spaces[] = { "", "", "", " ", "\t", "\n", "\r\n" };

	buf_add_text(out, spaces[below(sizeof(spaces) / sizeof(spaces[0]))]);
}

static void random_value(struct buf *out, int depth)
{
	static const char *const words[] = {
		"0",
		"-0",
		"1",
		"-1",
		"0.0",
		"1e5",
		"1E+5",
		"-1.5e-300",
		"1e200000",
		"9223372036854775808",
		"123456789012345678901234567890.5",
		"true",
		"false",
		"null",
		"[]",
		"{}",
		"0e0",
		"1e-99999",
	};
	bool is_object = below(2);
	int count = below(4);

	if (depth == 0 || below(3) == 0) {
		if (below(2))
			random_string(out);
		else
			buf_add_text(out, words[below(sizeof(words) / sizeof(words[0]))]);
		return;
	}
	buf_add_char(out, is_object ? '{' : '[');
	for (int i = 0; i < count; i++) {
		if (i)
			buf_add_char(out, ',');
		random_space(out);
		if (is_object) {
			random_string(out);
			random_space(out);
			buf_add_char(out, ':');
		}
		random_value(out, depth - 1);
		random_space(out);
	}
	buf_add_char(out, is_object ? '}' : ']');
}

static void change_some_bytes(struct buf *out)
{
	static const char odd[] = "\"\\{}[],:0-.eEu/'\x01\x1f\x7f\x80\xc2\xe0\xed\xf0\xf4\xff\0 ";

	for (int i = 1 + below(3); i > 0 && out->len; i--) {
		int at = below((int)out->len);

		switch (below(3)) {
		case 0:
			out->at[at] = odd[below(sizeof(odd) - 1)];
			break;
		case 1:
			out->at[at] = (char)below(256);
			break;
		default:
			memmove(out->at + at, out->at + at + 1, out->len - (size_t)at - 1);
			out->len--;
		}
	}
}

/* One refused document fails the whole call: then each is sent alone. */
static void flush_batch(void)
{
	db_args_clear(args);
	db_array(args, DB_JSONS, waiting);
	for (size_t i = 0; i < waiting; i++)
		db_put_str(args, buf_str(&batch[i]));
	if (waiting && db_call(db, "cardinality", args, 30000, NULL)) {
		for (size_t i = 0; i < waiting; i++) {
			struct buf shown = { 0 };

			if (db_wait(db, 5000))
				fail_msg("the server is gone: %s", db_problem(db));
			db_args_clear(args);
			db_array(args, DB_JSONS, 1);
			db_put_str(args, buf_str(&batch[i]));
			if (db_call(db, "cardinality", args, 30000, NULL)) {
				buf_add_hex(&shown, batch[i].at, batch[i].len);
				fail_msg("PostgreSQL refuses what we accept: %s (%s)",
					 db_problem(db), buf_text(&shown));
			}
			buf_done(&shown);
		}
	}
	sent += waiting;
	waiting = 0;
}

static void offer(const struct buf *document)
{
	struct json_value none;

	if (document->len > 20000 || json_scan(buf_str(document), NULL, &none, 0, NULL))
		return;
	buf_clear(&batch[waiting]);
	buf_add_str(&batch[waiting++], buf_str(document));
	if (waiting == BATCH)
		flush_batch();
}

static struct buf roots[ROOTS_MAX];
static size_t root_count;

static void keep(const struct test_case *c)
{
	if (root_count < ROOTS_MAX && c->body.len && c->body.len < 5000)
		buf_add_str(&roots[root_count++], buf_str(&c->body));
}

static void what_we_accept_postgresql_accepts(void **state)
{
	const char *conninfo = cluster_start();
	struct db_options options = { .conninfo = conninfo,
				      .program = "unit",
				      .deadline_ms = 30000 };
	struct buf document = { 0 };

	(void)state;
	if (!conninfo)
		skip();
	prng.state = 1;
	db = db_open(&options);
	args = db_args_new();
	assert_err(ERR_NONE, db_wait(db, 10000));
	assert_true(cases_each(keep) > 50);
	for (size_t i = 0; i < root_count; i++)
		offer(&roots[i]);
	for (int i = 0; i < DOCUMENTS; i++) {
		buf_clear(&document);
		if (below(3) == 0) {
			buf_add_str(&document, buf_str(&roots[below((int)root_count)]));
		} else {
			buf_add_text(&document, "{\"k\":");
			random_value(&document, 5);
			buf_add_char(&document, '}');
		}
		if (below(4))
			change_some_bytes(&document);
		offer(&document);
	}
	flush_batch();
	assert_true(sent > DOCUMENTS / 5);

	db_args_free(args);
	db_close(db);
	buf_done(&document);
	for (size_t i = 0; i < BATCH; i++)
		buf_done(&batch[i]);
	for (size_t i = 0; i < root_count; i++)
		buf_done(&roots[i]);
	cluster_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_accept_postgresql_accepts),
	};

	return cmocka_run_group_tests_name("json_agrees", tests, NULL, NULL);
}
