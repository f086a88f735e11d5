/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ledger/callback.h"
#include "sim/generator.h"

enum { WORKSPACE = 7435584, EVENTS = 20000, MODELS = 9, PEOPLE = 12 };

/* 2026-07-16T00:00:00Z, a Thursday */
static const int64_t start_us = INT64_C(1784160000000000);

static struct generator *open_generator(uint64_t seed, int64_t workspace_id)
{
	return generator_new(&(struct generator_options){
		.seed = seed,
		.workspace_id = workspace_id,
		.subscription_id = 10713,
		.url_callback = "https://hooks.example.org/hook/0123456789abcdef",
		.start_us = start_us,
	});
}

static void digest_of(uint64_t seed, int64_t workspace_id, unsigned char digest[DIGEST_BYTES])
{
	struct generator *generator = open_generator(seed, workspace_id);
	struct buf all = { 0 };

	for (int i = 0; i < 2000; i++) {
		struct generator_event event;

		generator_next(generator, &event);
		buf_add_str(&all, event.body);
	}
	crypto_digest(buf_str(&all), digest);
	buf_done(&all);
	generator_free(generator);
}

static void test_same_seed_same_bytes(void **state)
{
	unsigned char first[DIGEST_BYTES], again[DIGEST_BYTES], other[DIGEST_BYTES];

	(void)state;
	digest_of(7, WORKSPACE, first);
	digest_of(7, WORKSPACE, again);
	assert_memory_equal(first, again, DIGEST_BYTES);
	digest_of(8, WORKSPACE, other);
	assert_memory_not_equal(first, other, DIGEST_BYTES);
	digest_of(7, WORKSPACE + 1, other);
	assert_memory_not_equal(first, other, DIGEST_BYTES);
}

/* The same on every machine: the digest of the first 2000 bodies, made on x86-64 with
   gcc. Change it here after an intended change of the events. */
static void test_same_bytes_everywhere(void **state)
{
	static const char wanted[] =
		"a82eb55dfa643a26fa0e74231ab680b272c07c519f55b9a61cd38659f90836ab";
	unsigned char digest[DIGEST_BYTES];
	struct buf hex = { 0 };

	(void)state;
	digest_of(7, WORKSPACE, digest);
	buf_add_hex(&hex, digest, sizeof(digest));
	assert_string_equal(buf_text(&hex), wanted);
	buf_done(&hex);
}

static void test_bodies_are_callbacks(void **state)
{
	struct generator *generator = open_generator(1, WORKSPACE);

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		struct generator_event event;
		struct callback cb = { 0 };
		enum reason reason;
		const char *why = "";

		generator_next(generator, &event);
		cb.body = event.body;
		assert_int_equal(callback_parse(&cb, &reason, &why), ERR_NONE);
		assert_int_equal(cb.kind, CALLBACK_EVENT);
		/* exact, though beyond what a double holds */
		assert_true(cb.event_id == event.event_id);
		assert_true(cb.created_us == event.created_us);
		assert_true(cb.workspace_id == WORKSPACE);
		assert_true(cb.creator_id > 0);
		assert_true(cb.entity_id > 0);
		assert_true(str_is(cb.model, event.model));
		assert_true(str_is(cb.action, event.action));
	}
	generator_free(generator);
}

enum {
	M_USER,
	M_WORKSPACE,
	M_REQUEST,
	M_TYPE,
	P_STOP,
	P_DURATION,
	P_TAG_IDS,
	P_TAGS,
	P_WID,
	P_WORKSPACE,
	P_UID,
	P_USER,
	P_PID,
	P_PROJECT,
	P_DELETED,
	TIMESTAMP,
	WANTED
};

static const struct json_want wanted_values[WANTED] = {
	[M_USER] = { "metadata", "event_user_id" },
	[M_WORKSPACE] = { "metadata", "workspace_id" },
	[M_REQUEST] = { "metadata", "request_body" },
	[M_TYPE] = { "metadata", "request_type" },
	[P_STOP] = { "payload", "stop" },
	[P_DURATION] = { "payload", "duration" },
	[P_TAG_IDS] = { "payload", "tag_ids" },
	[P_TAGS] = { "payload", "tags" },
	[P_WID] = { "payload", "wid" },
	[P_WORKSPACE] = { "payload", "workspace_id" },
	[P_UID] = { "payload", "uid" },
	[P_USER] = { "payload", "user_id" },
	[P_PID] = { "payload", "pid" },
	[P_PROJECT] = { "payload", "project_id" },
	[P_DELETED] = { "payload", "server_deleted_at" },
	[TIMESTAMP] = { "timestamp", NULL },
};

static void look_at_entry(const struct generator_event *event, const struct json_value *found)
{
	int64_t duration;

	assert_true(str_equal(found[P_WID].raw, found[P_WORKSPACE].raw));
	assert_true(str_equal(found[P_UID].raw, found[P_USER].raw));
	if (found[P_PROJECT].kind == JSON_NULL)
		assert_int_equal(found[P_PID].kind, JSON_ABSENT);
	else
		assert_true(str_equal(found[P_PID].raw, found[P_PROJECT].raw));
	assert_true(json_int(found[P_DURATION], &duration));
	assert_true((found[P_STOP].kind == JSON_NULL) == (duration < 0));
	if (str_is(found[P_TAGS].raw, "[]"))
		assert_int_equal(found[P_TAG_IDS].kind, JSON_NULL);
	else
		assert_int_equal(found[P_TAG_IDS].kind, JSON_ARRAY);
	assert_true((found[P_DELETED].kind == JSON_STRING) ==
		    (strcmp(event->action, "deleted") == 0));
}

static void test_shape_of_real_callbacks(void **state)
{
	struct generator *generator = open_generator(2, WORKSPACE);
	int running = 0, untagged = 0;

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		struct json_value found[WANTED], none;
		struct generator_event event;
		struct buf request = { 0 };
		int64_t us;

		generator_next(generator, &event);
		assert_int_equal(json_scan(event.body, wanted_values, found, WANTED, NULL),
				 ERR_NONE);
		/* every value in metadata is a string */
		assert_int_equal(found[M_USER].kind, JSON_STRING);
		assert_int_equal(found[M_WORKSPACE].kind, JSON_STRING);
		assert_int_equal(found[M_TYPE].kind, JSON_STRING);
		assert_int_equal(json_text(found[M_REQUEST], &request), ERR_NONE);
		assert_int_equal(json_scan(buf_str(&request), NULL, &none, 0, NULL), ERR_NONE);
		buf_done(&request);
		found[TIMESTAMP].raw.at++;
		found[TIMESTAMP].raw.len -= 2;
		assert_true(clock_read(found[TIMESTAMP].raw, &us));
		assert_true(us > event.created_us);
		if (strcmp(event.model, "time_entry") != 0)
			continue;
		look_at_entry(&event, found);
		running += found[P_STOP].kind == JSON_NULL;
		untagged += found[P_TAG_IDS].kind == JSON_NULL;
	}
	assert_true(running > EVENTS / 10);
	assert_true(untagged > EVENTS / 10);
	generator_free(generator);
}

static void test_order(void **state)
{
	struct generator *generator = open_generator(3, WORKSPACE);
	int64_t id = 0, us = start_us - 1, ties = 0, beyond = 0;

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		struct generator_event event;

		generator_next(generator, &event);
		assert_true(event.created_us >= us);
		assert_true(event.event_id > id);
		ties += event.created_us / 1000000 == us / 1000000;
		beyond += event.event_id > INT64_C(1) << 53;
		id = event.event_id;
		us = event.created_us;
	}
	/* edits within one second, whose order `at` does not show */
	assert_true(ties > 100);
	assert_true(beyond > EVENTS - 100 && beyond < EVENTS);
	generator_free(generator);
}

static int model_of(const char *word)
{
	static const char *const words[MODELS] = { "client",	   "project",	"project_group",
						   "project_user", "tag",	"task",
						   "time_entry",   "workspace", "workspace_user" };

	for (int i = 0; i < MODELS; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	fail_msg("unknown model %s", word);
	return 0;
}

/* Office hours of people in Europe and elsewhere, and few events at weekends. */
static void test_is_believable(void **state)
{
	struct generator *generator = open_generator(4, WORKSPACE);
	int seen[MODELS] = { 0 }, weekend = 0;

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		struct generator_event event;
		int64_t weekday;

		generator_next(generator, &event);
		weekday = (event.created_us / INT64_C(86400000000) + 4) % 7;
		weekend += weekday == 0 || weekday == 6;
		seen[model_of(event.model)]++;
	}
	for (int i = 0; i < MODELS; i++)
		assert_true(seen[i] > 0);
	assert_true(seen[model_of("time_entry")] > EVENTS / 10 * 8);
	assert_true(weekend < EVENTS / 10);
	generator_free(generator);
}

enum {
	E_USER,
	E_NAME,
	E_EMAIL,
	E_RATE,
	E_FEE,
	E_CURRENCY,
	E_DEFAULT_RATE,
	E_TOKEN,
	E_INVITE,
	E_WANTED
};

static const struct json_want wanted_money[E_WANTED] = {
	[E_USER] = { "payload", "user_id" },
	[E_NAME] = { "payload", "name" },
	[E_EMAIL] = { "payload", "email" },
	[E_RATE] = { "payload", "rate" },
	[E_FEE] = { "payload", "fixed_fee" },
	[E_CURRENCY] = { "payload", "currency" },
	[E_DEFAULT_RATE] = { "payload", "default_hourly_rate" },
	[E_TOKEN] = { "payload", "api_token" },
	[E_INVITE] = { "payload", "invite_url" },
};

struct seen {
	int64_t users[PEOPLE];
	int user_count;
	bool has_workspace;
	int user_rates, project_rates, member_rates, fees, secrets;
};

static bool is_known(const struct seen *payload, int64_t user)
{
	for (int i = 0; i < payload->user_count; i++)
		if (payload->users[i] == user)
			return true;
	return false;
}

static void look_at_names(struct seen *payload, const struct generator_event *event,
			  const struct json_value *found)
{
	bool has_rate = found[E_RATE].kind == JSON_NUMBER;
	int64_t user;

	switch (model_of(event->model)) {
	case 7: /* workspace */
		assert_int_equal(found[E_NAME].kind, JSON_STRING);
		assert_int_equal(found[E_DEFAULT_RATE].kind, JSON_NUMBER);
		assert_int_equal(found[E_TOKEN].kind, JSON_STRING);
		payload->has_workspace = true;
		break;
	case 8: /* workspace_user */
		assert_int_equal(found[E_NAME].kind, JSON_STRING);
		assert_int_equal(found[E_EMAIL].kind, JSON_STRING);
		assert_true(json_int(found[E_USER], &user));
		if (!is_known(payload, user))
			payload->users[payload->user_count++] = user;
		payload->user_rates += has_rate;
		payload->secrets += found[E_INVITE].kind == JSON_STRING;
		break;
	case 1: /* project */
		payload->project_rates += has_rate;
		payload->fees += found[E_FEE].kind == JSON_NUMBER;
		assert_true((found[E_CURRENCY].kind == JSON_STRING) ==
			    (has_rate || found[E_FEE].kind == JSON_NUMBER));
		break;
	case 3: /* project_user */
		assert_true(json_int(found[E_USER], &user));
		assert_true(is_known(payload, user));
		payload->member_rates += has_rate;
		break;
	case 6: /* time_entry */
		assert_true(payload->has_workspace);
		assert_true(json_int(found[E_USER], &user));
		assert_true(is_known(payload, user));
		break;
	default:
		break;
	}
}

/* A time entry never comes before the events of its workspace and its person, and each level
   has rates. */
static void test_names_and_money(void **state)
{
	struct generator *generator = open_generator(10, WORKSPACE);
	struct seen payload = { 0 };

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		struct json_value found[E_WANTED];
		struct generator_event event;

		generator_next(generator, &event);
		assert_int_equal(json_scan(event.body, wanted_money, found, E_WANTED, NULL),
				 ERR_NONE);
		look_at_names(&payload, &event, found);
	}
	assert_int_equal(payload.user_count, PEOPLE);
	assert_int_equal(payload.secrets, PEOPLE - 1); /* the owner was not invited */
	assert_true(payload.user_rates > PEOPLE / 2);
	assert_true(payload.project_rates > 0);
	assert_true(payload.member_rates > 0);
	assert_true(payload.fees > 0);
	generator_free(generator);
}

static void test_redelivery(void **state)
{
	struct generator *generator = open_generator(5, WORKSPACE);

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct generator_event event;
		struct callback cb = { 0 };
		struct buf again = { 0 };
		enum reason reason;
		const char *why = "";
		size_t differ = 0;

		generator_next(generator, &event);
		generator_write_again(&again, &event, 60000000);
		cb.body = buf_str(&again);
		assert_int_equal(callback_parse(&cb, &reason, &why), ERR_NONE);
		assert_true(cb.event_id == event.event_id);
		assert_true(cb.created_us == event.created_us);
		/* only digits of the timestamp */
		assert_int_equal(again.len, event.body.len);
		for (size_t k = 0; k < again.len; k++)
			differ += again.at[k] != event.body.at[k];
		assert_true(differ > 0 && differ < 24);
		buf_done(&again);
	}
	generator_free(generator);
}

static void test_ping(void **state)
{
	struct generator *generator = open_generator(6, WORKSPACE);
	struct callback cb = { 0 };
	struct buf body = { 0 };
	enum reason reason;
	const char *why = "";

	(void)state;
	generator_write_ping(&body, generator, "5f0c1d2e");
	cb.body = buf_str(&body);
	assert_int_equal(callback_parse(&cb, &reason, &why), ERR_NONE);
	assert_int_equal(cb.kind, CALLBACK_PING);
	assert_true(str_is(cb.validation_code, "\"5f0c1d2e\""));
	buf_done(&body);
	generator_free(generator);
}

static void test_every_day(void **state)
{
	struct generator *generator = generator_new(&(struct generator_options){
		.seed = 1, .workspace_id = WORKSPACE, .start_us = start_us, .every_day = true });
	struct generator_event event;
	int weekend = 0;

	(void)state;
	for (int i = 0; i < EVENTS; i++) {
		int64_t weekday;

		generator_next(generator, &event);
		weekday = (event.created_us / INT64_C(86400000000) + 4) % 7;
		weekend += weekday == 0 || weekday == 6;
	}
	assert_in_range(weekend, EVENTS * 2 / 7 - EVENTS / 20, EVENTS * 2 / 7 + EVENTS / 20);
	generator_free(generator);
}

static void test_few_and_many_people(void **state)
{
	static const int people[] = { 1, 2, 3, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		struct generator *generator = generator_new(&(struct generator_options){
			.seed = 9, .workspace_id = 1, .start_us = start_us, .people = people[i] });
		struct generator_event event;
		int64_t us = 0;

		for (int k = 0; k < 3000; k++) {
			generator_next(generator, &event);
			assert_true(event.created_us >= us);
			us = event.created_us;
		}
		generator_free(generator);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_same_bytes_everywhere),
		cmocka_unit_test(test_bodies_are_callbacks),
		cmocka_unit_test(test_shape_of_real_callbacks),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_is_believable),
		cmocka_unit_test(test_names_and_money),
		cmocka_unit_test(test_redelivery),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_few_and_many_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
