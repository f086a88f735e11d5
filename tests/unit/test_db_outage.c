/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "ledger/alert.h"
#include "ledger/alert_text.h"
#include "ledger/db_outage.h"
#include "ledger/spool.h"

enum { AFTER = 1000, FOR_ADA = -1, FOR_CHAT = -2 };

static struct db_outage *of_two(void)
{
	struct db_outage *outage = db_outage_new(AFTER, str_of("db.example"),
						 str_of("https://example.org/admin/"));

	db_outage_add(outage, 7, str_of("mail"), str_of("ada@example.org"), str_of(""));
	db_outage_add(outage, 9, str_of("webhook"), str_of("https://chat.example.org/"),
		      str_of("sealed"));
	return outage;
}

static void assert_next(struct db_outage *outage, int64_t now, int64_t wanted)
{
	struct alert_message message;

	assert_true(db_outage_next(outage, now, NULL, &message));
	assert_int_equal(wanted, message.message_id);
}

static void assert_none(struct db_outage *outage, int64_t now)
{
	struct alert_message message;

	assert_false(db_outage_next(outage, now, NULL, &message));
}

static void a_short_outage_is_not_reported(void **state)
{
	struct db_outage *outage = of_two();

	(void)state;
	assert_int_equal(INT64_MAX, db_outage_next_at(outage));
	for (int64_t now = 0; now < 10 * AFTER; now += AFTER) {
		db_outage_observe(outage, false, now, "refused");
		db_outage_observe(outage, false, now + AFTER - 2, "refused");
		assert_none(outage, now + AFTER - 1);
		db_outage_observe(outage, true, now + AFTER - 1, NULL);
		assert_none(outage, now + AFTER - 1);
	}
	assert_false(db_outage_is_over(outage));
	db_outage_free(outage);
}

static void each_outage_is_reported_once(void **state)
{
	struct db_outage *outage = of_two();

	(void)state;
	db_outage_observe(outage, false, 500, "refused");
	assert_int_equal(500 + AFTER, db_outage_next_at(outage));
	assert_next(outage, 500 + AFTER, FOR_ADA);
	db_outage_settle(outage, FOR_ADA, true, 500 + AFTER);
	assert_true(db_outage_is_notified(outage));
	assert_next(outage, 500 + AFTER, FOR_CHAT);
	/* in flight */
	assert_none(outage, 500 + 100 * AFTER);
	db_outage_settle(outage, FOR_CHAT, true, 600 + AFTER);
	assert_int_equal(INT64_MAX, db_outage_next_at(outage));
	assert_false(db_outage_is_over(outage));
	db_outage_observe(outage, true, 10 * AFTER, NULL);
	assert_true(db_outage_is_over(outage));
	db_outage_end(outage);
	assert_false(db_outage_is_over(outage));
	db_outage_observe(outage, false, 20 * AFTER, "again");
	assert_next(outage, 21 * AFTER, FOR_ADA);
	db_outage_free(outage);
}

static void a_failed_alert_is_sent_later(void **state)
{
	struct db_outage *outage = of_two();

	(void)state;
	db_outage_observe(outage, false, 0, "refused");
	assert_next(outage, AFTER, FOR_ADA);
	db_outage_settle(outage, FOR_ADA, false, AFTER + 50);
	assert_next(outage, AFTER + 50, FOR_CHAT);
	db_outage_settle(outage, FOR_CHAT, true, AFTER + 60);
	assert_none(outage, 2 * AFTER + 49);
	assert_next(outage, 2 * AFTER + 50, FOR_ADA);
	db_outage_free(outage);
}

/* They were read after the call that failed. */
static void targets_that_are_new_are_not_due(void **state)
{
	struct db_outage *outage = of_two();

	(void)state;
	db_outage_observe(outage, false, 0, "refused");
	db_outage_forget(outage);
	db_outage_add(outage, 7, str_of("mail"), str_of("ada@example.org"), str_of(""));
	assert_none(outage, 1);
	db_outage_observe(outage, true, 2, NULL);
	db_outage_observe(outage, false, 3, "refused");
	assert_next(outage, 3 + AFTER, FOR_ADA);
	db_outage_free(outage);
}

/* Back for a moment, and away again before that was reported: only one message. */
static void one_that_comes_back_is_the_same(void **state)
{
	struct db_outage *outage = of_two();
	int64_t since;

	(void)state;
	db_outage_observe(outage, false, 0, "refused");
	since = db_outage_since_us(outage);
	assert_next(outage, AFTER, FOR_ADA);
	db_outage_settle(outage, FOR_ADA, true, AFTER);
	db_outage_observe(outage, true, 5 * AFTER, NULL);
	db_outage_observe(outage, false, 6 * AFTER, "another");
	assert_int_equal(since, db_outage_since_us(outage));
	assert_next(outage, 6 * AFTER, FOR_CHAT);
	db_outage_settle(outage, FOR_CHAT, true, 6 * AFTER);
	assert_none(outage, 60 * AFTER);
	db_outage_free(outage);
}

static void assert_says(struct str text, const char *words)
{
	if (!memmem(text.at, text.len, words, strlen(words)))
		fail_msg("\"%s\" is not in \"%.*s\"", words, (int)text.len, text.at);
}

static void it_says_what_is_so_and_what_to_do(void **state)
{
	struct db_outage *outage = of_two();
	struct spool_status spool = { .records = 12, .bytes = 4097 };
	struct alert_message message;
	struct alert_text text = { 0 };

	(void)state;
	/* a message in another language, before an encoding is agreed on */
	db_outage_observe(outage, false, 0, "connection to server \"x\"\r\nfailed: f\xfcr.\n");
	assert_true(db_outage_next(outage, AFTER, &spool, &message));
	assert_int_equal(7, message.alert_id);
	alert_text_write(&text, message.content);
	assert_says(buf_str(&text.subject),
		    "hookledger: trouble: the courier on db.example cannot use the database");
	assert_says(buf_str(&text.text),
		    "UTC: connection to server \"x\"  failed: f\xef\xbf\xbdr. Receivers");
	assert_says(buf_str(&text.text), "(12 now, 4.0 KiB)");
	assert_says(buf_str(&text.text), "hookledger doctor");
	assert_says(buf_str(&text.text), "hookledger will say when it is over.");
	assert_says(buf_str(&text.text), "https://example.org/admin/");
	db_outage_settle(outage, FOR_ADA, true, AFTER);
	assert_true(db_outage_next(outage, AFTER, NULL, &message));
	assert_true(str_is(message.kind, "webhook"));
	assert_true(str_is(message.secret_sealed, "sealed"));
	alert_text_write(&text, message.content);
	assert_says(buf_str(&text.body), "{\"type\":\"hookledger.findings\",");
	assert_says(
		buf_str(&text.body),
		"\"changes\":[{\"change\":\"new\",\"kind\":\"database\",\"level\":\"trouble\",");
	assert_says(buf_str(&text.body), "server \\\"x\\\"");
	assert_says(buf_str(&text.body), "\"findings\":[{\"kind\":\"database\"");
	alert_text_done(&text);
	db_outage_free(outage);
}

static void nobody_is_no_trouble(void **state)
{
	struct db_outage *outage = db_outage_new(AFTER, str_of("x"), str_of(""));

	(void)state;
	db_outage_observe(outage, false, 0, NULL);
	assert_none(outage, 100 * AFTER);
	db_outage_settle(outage, -51, true, 0);
	assert_false(db_outage_is_notified(outage));
	for (int64_t i = 0; i < 60; i++)
		db_outage_add(outage, i, str_of("mail"), str_of("a@example.org"), str_of(""));
	db_outage_free(outage);
	db_outage_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_outage_is_not_reported),
		cmocka_unit_test(each_outage_is_reported_once),
		cmocka_unit_test(a_failed_alert_is_sent_later),
		cmocka_unit_test(targets_that_are_new_are_not_due),
		cmocka_unit_test(one_that_comes_back_is_the_same),
		cmocka_unit_test(it_says_what_is_so_and_what_to_do),
		cmocka_unit_test(nobody_is_no_trouble),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
