/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/notice.h"
#include "ledger/outage.h"
#include "ledger/spool.h"

enum { AFTER = 1000, FOR_ADA = -1, FOR_CHAT = -2 };

static struct outage *of_two(void)
{
	struct outage *outage = outage_new(AFTER, str_of("db.example"), str_of("https://example.org/admin/"));

	outage_add(outage, 7, str_of("mail"), str_of("ada@example.org"), str_of(""));
	outage_add(outage, 9, str_of("webhook"), str_of("https://chat.example.org/"), str_of("sealed"));
	return outage;
}

static void assert_next(struct outage *outage, int64_t now, int64_t wanted)
{
	struct notice_message message;

	assert_true(outage_next(outage, now, NULL, &message));
	assert_int_equal(wanted, message.message_id);
}

static void assert_none(struct outage *outage, int64_t now)
{
	struct notice_message message;

	assert_false(outage_next(outage, now, NULL, &message));
}

static void a_short_one_is_told_nobody(void **state)
{
	struct outage *outage = of_two();

	(void)state;
	assert_int_equal(INT64_MAX, outage_next_at(outage));
	for (int64_t now = 0; now < 10 * AFTER; now += AFTER) {
		outage_see(outage, false, now, "refused");
		outage_see(outage, false, now + AFTER - 2, "refused");
		assert_none(outage, now + AFTER - 1);
		outage_see(outage, true, now + AFTER - 1, NULL);
		assert_none(outage, now + AFTER - 1);
	}
	assert_false(outage_is_over(outage));
	outage_free(outage);
}

static void each_is_told_once(void **state)
{
	struct outage *outage = of_two();

	(void)state;
	outage_see(outage, false, 500, "refused");
	assert_int_equal(500 + AFTER, outage_next_at(outage));
	assert_next(outage, 500 + AFTER, FOR_ADA);
	outage_told(outage, FOR_ADA, true, 500 + AFTER);
	assert_true(outage_is_told(outage));
	assert_next(outage, 500 + AFTER, FOR_CHAT);
	/* on its way */
	assert_none(outage, 500 + 100 * AFTER);
	outage_told(outage, FOR_CHAT, true, 600 + AFTER);
	assert_int_equal(INT64_MAX, outage_next_at(outage));
	assert_false(outage_is_over(outage));
	outage_see(outage, true, 10 * AFTER, NULL);
	assert_true(outage_is_over(outage));
	outage_end(outage);
	assert_false(outage_is_over(outage));
	outage_see(outage, false, 20 * AFTER, "again");
	assert_next(outage, 21 * AFTER, FOR_ADA);
	outage_free(outage);
}

static void who_could_not_be_told_is_told_later(void **state)
{
	struct outage *outage = of_two();

	(void)state;
	outage_see(outage, false, 0, "refused");
	assert_next(outage, AFTER, FOR_ADA);
	outage_told(outage, FOR_ADA, false, AFTER + 50);
	assert_next(outage, AFTER + 50, FOR_CHAT);
	outage_told(outage, FOR_CHAT, true, AFTER + 60);
	assert_none(outage, 2 * AFTER + 49);
	assert_next(outage, 2 * AFTER + 50, FOR_ADA);
	outage_free(outage);
}

/* Back for a moment, and away before that was told: nobody is told twice. */
static void one_that_comes_back_is_the_same(void **state)
{
	struct outage *outage = of_two();
	int64_t since;

	(void)state;
	outage_see(outage, false, 0, "refused");
	since = outage_since_us(outage);
	assert_next(outage, AFTER, FOR_ADA);
	outage_told(outage, FOR_ADA, true, AFTER);
	outage_see(outage, true, 5 * AFTER, NULL);
	outage_see(outage, false, 6 * AFTER, "another");
	assert_int_equal(since, outage_since_us(outage));
	assert_next(outage, 6 * AFTER, FOR_CHAT);
	outage_told(outage, FOR_CHAT, true, 6 * AFTER);
	assert_none(outage, 60 * AFTER);
	outage_free(outage);
}

static void assert_says(struct str text, const char *words)
{
	if (!memmem(text.at, text.len, words, strlen(words)))
		fail_msg("\"%s\" is not in \"%.*s\"", words, (int)text.len, text.at);
}

static void it_says_what_is_so_and_what_to_do(void **state)
{
	struct outage *outage = of_two();
	struct spool_status spool = { .records = 12, .bytes = 4097 };
	struct notice_message message;

	(void)state;
	/* as a server says it that speaks another language, before an encoding is agreed */
	outage_see(outage, false, 0, "connection to server \"x\"\r\nfailed: f\xfcr.\n");
	assert_true(outage_next(outage, AFTER, &spool, &message));
	assert_int_equal(7, message.notice_id);
	assert_says(message.subject, "trouble: the courier on db.example cannot use the database");
	assert_says(message.words, "UTC: connection to server \"x\"  failed: f\xef\xbf\xbdr. Callbacks");
	assert_says(message.words, "(12 now, 5 kB)");
	assert_says(message.words, "hookledger doctor");
	assert_says(message.words, "https://example.org/admin/");
	outage_told(outage, FOR_ADA, true, AFTER);
	assert_true(outage_next(outage, AFTER, NULL, &message));
	assert_true(str_is(message.kind, "webhook"));
	assert_true(str_is(message.secret_sealed, "sealed"));
	assert_says(message.body, "{\"type\":\"hookledger.findings\",");
	assert_says(message.body, "\"changes\":[{\"change\":\"new\",\"kind\":\"database\",\"level\":\"trouble\",");
	assert_says(message.body, "server \\\"x\\\"");
	assert_says(message.body, "\"findings\":[{\"kind\":\"database\"");
	outage_free(outage);
}

static void nobody_is_no_trouble(void **state)
{
	struct outage *outage = outage_new(AFTER, str_of("x"), str_of(""));

	(void)state;
	outage_see(outage, false, 0, NULL);
	assert_none(outage, 100 * AFTER);
	outage_told(outage, -51, true, 0);
	assert_false(outage_is_told(outage));
	for (int64_t i = 0; i < 60; i++)
		outage_add(outage, i, str_of("mail"), str_of("a@example.org"), str_of(""));
	outage_free(outage);
	outage_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_one_is_told_nobody),
		cmocka_unit_test(each_is_told_once),
		cmocka_unit_test(who_could_not_be_told_is_told_later),
		cmocka_unit_test(one_that_comes_back_is_the_same),
		cmocka_unit_test(it_says_what_is_so_and_what_to_do),
		cmocka_unit_test(nobody_is_no_trouble),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
