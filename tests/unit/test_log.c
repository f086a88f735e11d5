/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "scratch.h"

static void write_one(struct buf *out, const char *key, struct str value)
{
	scratch_hush();
	log_write(LOG_INFO, "tested", (struct log_field[]){ log_str(key, value), log_end() });
	scratch_heard(out);
}

static size_t lines_of(const struct buf *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->len; i++)
		lines += text->at[i] == '\n';
	return lines;
}

static void a_line_has_time_level_program_event(void **state)
{
	struct buf out = { 0 };

	(void)state;
	log_open("unit", LOG_INFO);
	scratch_hush();
	log_write(LOG_WARN, "tested",
		  (struct log_field[]){ log_text("word", "plain"), log_num("number", INT64_MIN),
					log_end() });
	scratch_heard(&out);
	/* ts=2026-07-17T11:43:32.827Z */
	assert_memory_equal("ts=20", out.at, 5);
	assert_int_equal('T', out.at[13]);
	assert_int_equal('.', out.at[22]);
	assert_string_equal(
		"Z level=warn program=unit event=tested word=plain number=-9223372036854775808\n",
		out.at + 26);
	buf_done(&out);
}

static void levels_above_are_dropped(void **state)
{
	struct buf out = { 0 };
	enum log_level level = LOG_ERROR;

	(void)state;
	log_open("unit", LOG_WARN);
	scratch_hush();
	log_write(LOG_INFO, "not_this", NULL);
	log_write(LOG_WARN, "but_this", NULL);
	log_write(LOG_ERROR, "and_this", NULL);
	scratch_heard(&out);
	assert_lacks(&out, "not_this");
	assert_has(&out, "event=but_this\n");
	assert_has(&out, "event=and_this\n");
	assert_true(log_level_read(LIT("debug"), &level));
	assert_int_equal(LOG_DEBUG, level);
	assert_false(log_level_read(LIT("DEBUG"), &level));
	assert_false(log_level_read(LIT(""), &level));
	assert_int_equal(LOG_DEBUG, level);
	log_open("unit", LOG_INFO);
	buf_done(&out);
}

/* The log never contains a byte that starts a line, ends a value or moves a terminal's
   cursor. */
static void every_byte_is_harmless(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		struct buf out = { 0 };
		char value[3] = { 'a', (char)c, 'b' };
		const char *at;

		write_one(&out, "value", (struct str){ value, 3 });
		assert_int_equal(1, lines_of(&out));
		at = strstr(buf_text(&out), " value=");
		assert_non_null(at);
		for (at += 7; *at != '\n'; at++)
			assert_in_range((unsigned char)*at, ' ', '~');
		buf_done(&out);
	}
}

static void odd_values_are_quoted(void **state)
{
	const struct {
		struct str value;
		const char *line;
	} cases[] = {
		{ LIT(""), " value=\"\"\n" },
		{ LIT("two words"), " value=\"two words\"\n" },
		{ LIT("a=b"), " value=\"a=b\"\n" },
		{ LIT("say \"hi\""), " value=\"say \\\"hi\\\"\"\n" },
		{ LIT("back\\slash"), " value=\"back\\\\slash\"\n" },
		{ LIT("x\nlevel=error"), " value=\"x\\x0alevel=error\"\n" },
		{ LIT("\x1b[2J"), " value=\"\\x1b[2J\"\n" },
		{ LIT("\x9b"
		      "2J"),
		  " value=\"\\x9b2J\"\n" },
		{ LIT("nul\0nul"), " value=\"nul\\x00nul\"\n" },
		{ LIT("libpq ends so\n"), " value=\"libpq ends so\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		write_one(&out, "value", cases[i].value);
		assert_has(&out, cases[i].line);
		buf_done(&out);
	}
}

static void long_values_are_cut(void **state)
{
	struct buf out = { 0 }, value = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_add_char(&value, '\x01');
	write_one(&out, "value", buf_str(&value));
	assert_true(out.len < 4 * 512 + 200);
	assert_has(&out, "…\"\n");
	buf_clear(&out);
	write_one(&out, "value", (struct str){ value.at, 512 });
	assert_lacks(&out, "…");
	buf_done(&out);
	buf_done(&value);
}

static void a_gate_lets_a_few_a_second_through(void **state)
{
	struct log_gate gate = { 0 };
	int64_t passed = 0;
	time_t second;

	(void)state;
	/* start at the beginning of a second, so that all lines fall into it */
	for (second = time(NULL); time(NULL) == second;)
		;
	for (int i = 0; i < 1000; i++)
		passed += log_gate_passes(&gate, 10);
	assert_int_equal(10, passed);
	assert_int_equal(990, gate.held);
	gate.second--; /* a second later */
	assert_true(log_gate_passes(&gate, 10));
	assert_int_equal(990, gate.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_program_event),
		cmocka_unit_test(levels_above_are_dropped),
		cmocka_unit_test(every_byte_is_harmless),
		cmocka_unit_test(odd_values_are_quoted),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(a_gate_lets_a_few_a_second_through),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
